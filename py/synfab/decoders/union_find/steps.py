# SPDX-License-Identifier: Apache-2.0
"""How long clusters can grow: the parts of a graph that never meet, and the largest number of growth steps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synfab.decoders.union_find.checks import BOUNDARY

if TYPE_CHECKING:
    from synfab.decoders.union_find.spec import UnionFindSpec


@dataclass(frozen=True, kw_only=True)
class Component:
    """Detectors that edges connect, not by way of the boundary: no cluster reaches beyond.

    Attributes
    ----------
    detectors : tuple of int
        Ascending.
    bounded : bool
        Some edge leads to the boundary.
    """

    detectors: tuple[int, ...]
    bounded: bool


def components(spec: "UnionFindSpec") -> tuple[Component, ...]:
    """Return the components of a spec's graph, by their lowest detectors."""
    found, seen = [], [False] * spec.num_detectors
    for first in range(spec.num_detectors):
        if seen[first]:
            continue
        seen[first], members = True, [first]
        for detector in members:
            ends = (end for edge in spec.ports[detector] for end in spec.edges[edge] if end != BOUNDARY)
            for end in ends:
                if not seen[end]:
                    seen[end] = True
                    members.append(end)
        found.append(Component(detectors=tuple(sorted(members)), bounded=spec.reaches_boundary[first]))
    return tuple(found)


def max_growth_steps(spec: "UnionFindSpec") -> int:
    """Return a number of growth steps after which no cluster is active and has an edge to grow, whatever the shot.

    It is reached by single detection events. The *distance* of two vertices is the least sum of weights on a path.

    *A ball.* Let a cluster be active after step k. The clusters that it was made of in that step had no full edge to
    the boundary either, and one of them was odd: it was active after step k - 1, and before step k. Going back, there
    is a chain of clusters, each within the next and active, that begins with one in which there is a detection event
    e before the first step. Along a shortest path from e, the edge that begins at distance a has gained 1 in each
    step after step a, for its first end was then in the chain's cluster; so after step k the cluster holds every
    detector whose distance from e is at most k.

    *With a boundary.* If the distance of e from the boundary were k or less, the last edge on the way there would be
    full for the same reason, and the cluster not active. So a step k + 1 takes place only if the distance is at least
    k + 1, and the largest distance of a detector from the boundary is the last step.

    *Without.* An inner edge of weight w whose ends have distances a and b from e has gained k - a from one end and
    k - b from the other, or is full: it is so once 2 k >= a + b + w. The largest (a + b + w) / 2, rounded up, over all
    edges and all e of the component is the last step in which something grows.

    Distances do not decrease with weights, so weights at run time need the bound of a spec of the largest weight
    only. An erased edge has weight 0; nothing above asks for more.
    """
    # Loaded only here: a spec that decodes never needs it.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    if not spec.edges:
        return 0
    ends = np.array(spec.edges, np.int64)
    ends[ends == BOUNDARY] = spec.num_detectors
    # Only the lightest of several edges counts for a distance; a sparse array would add them.
    pairs, which = np.unique(ends, axis=0, return_inverse=True)
    lightest = np.full(len(pairs), np.inf)
    np.minimum.at(lightest, which.ravel(), np.array(spec.weights, float))
    size = spec.num_detectors + 1
    lengths = coo_array((lightest, tuple(pairs.T)), shape=(size, size)).tocsr()
    to_boundary = dijkstra(lengths, directed=False, indices=spec.num_detectors)[:-1]
    last = int(to_boundary[np.isfinite(to_boundary)].max(initial=0))
    for component in components(spec):
        if not component.bounded:
            distances = dijkstra(lengths, directed=False, indices=list(component.detectors))
            last = max(last, _last_step_without_boundary(spec, component, distances))
    return last


def _last_step_without_boundary(spec: "UnionFindSpec", component: Component, distances: npt.NDArray[np.float64]) -> int:
    """Return the last step of a component from the distances of its detectors, a row each, to all vertices."""
    edges = sorted({edge for detector in component.detectors for edge in spec.ports[detector]})
    sums = (distances[:, list(spec.edges[edge])].sum(axis=1).max() + spec.weights[edge] for edge in edges)
    return max((-(-int(total) // 2) for total in sums), default=0)
