# SPDX-License-Identifier: Apache-2.0
"""Fusion of one shot as its blocks arrive; of released blocks only a summary of their faces is kept."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from synfab.decoders.fusion.schedule import Step
from synfab.decoders.fusion.spec import FusionSpec
from synfab.decoders.union_find.checks import BOUNDARY

Growing = tuple[int, int]
"""An edge, and the end whose artificial boundary it leads to; BOUNDARY in place of it for an ordinary edge."""


@dataclass
class Tree:
    """What is left of a tree of the forest of released blocks.

    Attributes
    ----------
    parity : int
        1 if an odd number of events waits at its root.
    rooted : bool
        It ends at the boundary; nothing waits there.
    """

    parity: int
    rooted: bool


@dataclass
class Summary:
    """What is kept of all released blocks.

    Attributes
    ----------
    trees : dict of int to Tree
        By their roots, numbered as the detectors that these were.
    ends : dict of int to (int, int)
        Of each released detector with an edge to a live block: its tree, and the mask of the observables that are
        flipped on the tree's way from there to the root, or through the root to the boundary.
    """

    trees: dict[int, Tree] = field(default_factory=dict)
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Stream:
    """The semantics of :class:`FusionDecoder` on one shot, executed slowly, in the memory that live blocks need.

    It holds what is known of live detectors and of the edges at them, and the summary. That is enough: a tree is in
    one cluster with all its ends, and counts as one vertex of the forests to come.

    Attributes
    ----------
    spec : FusionSpec
    frame : int
        The logical frame, mask of observables: what is flipped when the events of released blocks go along their
        trees to the boundary, or to the roots, where they wait. Nothing that follows takes any of it back; what does
        follow goes on from the roots. After :meth:`finish` it is the prediction.
    summary : Summary
    odd : dict of int to int
        The detectors of live blocks, 1 for a detection event.
    growth : dict of Growing to int
        Of the edges at live detectors, where it is not 0.
    """

    spec: FusionSpec
    frame: int = field(init=False)
    summary: Summary = field(default_factory=Summary, init=False)
    odd: dict[int, int] = field(default_factory=dict, init=False)
    growth: dict[Growing, int] = field(default_factory=dict, init=False)
    _fused: set[tuple[int, int]] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self.frame = self.spec.whole.observable_flips

    def take(self, step: Step, events: Collection[int] = ()) -> None:
        """Execute a step of a schedule that was found to be right.

        Parameters
        ----------
        step : Step
        events : collection of int
            The detection events of the blocks that begin.
        """
        flipped = set(self.spec.whole.detection_flips)
        self.odd |= {detector: (detector in events) ^ (detector in flipped) for detector in self._within(step.begin)}
        self._fused |= set(step.fuse)
        for edge, end in [key for key in self.growth if key[1] != BOUNDARY]:
            if not self._is_open(edge):
                both = self.growth.get((edge, BOUNDARY), 0) + self.growth.pop((edge, end))
                self.growth[edge, BOUNDARY] = min(self.spec.whole.weights[edge], both)
        while increments := self._increments():
            for key, increment in increments.items():
                self.growth[key] = min(self._weight(key), self.growth.get(key, 0) + increment)
        if step.release:
            self._release(self._within(step.release))

    def finish(self) -> int:
        """Release what is left, and return the prediction: a mask of the observables."""
        self._release(set(self.odd))
        return self.frame

    def _within(self, blocks: Iterable[int]) -> set[int]:
        wanted = set(blocks)
        return {detector for detector, owner in enumerate(self.spec.owners) if owner in wanted}

    def _is_open(self, edge: int) -> bool:
        return edge in self.spec.cut_edges and self.spec.cut_edges[edge] not in self._fused

    def _weight(self, key: Growing) -> int:
        edge, end = key
        return self.spec.whole.weights[edge] if end == BOUNDARY else self.spec.artificial_weight(edge)

    def _node(self, detector: int) -> int:
        """Return a live detector itself, and the tree of a released one."""
        return detector if detector in self.odd else self.summary.ends[detector][0]

    def _increments(self) -> Counter[Growing]:
        """Return what the live detectors of active clusters add to edges that are not full."""
        found: Counter[Growing] = Counter()
        for detector in self._active():
            for edge in self.spec.whole.ports[detector]:
                key = (edge, detector if self._is_open(edge) else BOUNDARY)
                if self.growth.get(key, 0) < self._weight(key):
                    found[key] += 1
        return found

    def _full(self) -> Iterator[Growing]:
        return (key for key, growth in self.growth.items() if growth == self._weight(key))

    def _active(self) -> Iterator[int]:
        """Yield the live detectors of active clusters."""
        trees = self.summary.trees
        beside: dict[int, list[int]] = {node: [] for node in (*self.odd, *trees)}
        bounded = {root for root, tree in trees.items() if tree.rooted}
        for edge, end in self._full():
            u, v = self.spec.whole.edges[edge]
            if end != BOUNDARY or v == BOUNDARY:
                bounded.add(u if end == BOUNDARY else end)
            else:
                beside[self._node(u)].append(self._node(v))
                beside[self._node(v)].append(self._node(u))
        for cluster in _components(beside):
            parity = sum(self.odd[node] if node in self.odd else trees[node].parity for node in cluster)
            if parity % 2 and bounded.isdisjoint(cluster):
                yield from (node for node in cluster if node in self.odd)

    def _release(self, detectors: set[int]) -> None:
        """Span what is released with the trees that are there, take its events along, and keep the new summary."""
        old, ends = self.summary, self.summary.ends
        parents = self._parents(detectors)
        new = Summary()
        root_of: dict[int, tuple[int, int]] = {}
        for node, (edge, member) in parents.items():
            parity = self.odd[node] if node in self.odd else old.trees[node].parity
            if member is None:
                root_of[node] = node, self.spec.whole.edge_observables[edge] if edge is not None else 0
                rooted = edge is not None or (node in old.trees and old.trees[node].rooted)
                new.trees[node] = Tree(parity=0, rooted=rooted)
            else:
                assert edge is not None
                u, v = self.spec.whole.edges[edge]
                above = v if u == member else u
                root, label = root_of[self._node(above)]
                for end in (u, v):
                    label ^= ends[end][1] if end in ends else 0
                root_of[node] = root, label ^ self.spec.whole.edge_observables[edge]
            root, label = root_of[node]
            self.frame ^= label if parity else 0
            new.trees[root].parity ^= parity if not new.trees[root].rooted else 0
        for end, (node, label) in [*ends.items(), *((detector, (detector, 0)) for detector in detectors)]:
            root, more = root_of[node]
            new.ends[end] = root, label ^ more
        self._forget(detectors, new)

    def _parents(self, detectors: set[int]) -> "Mapping[int, tuple[int | None, int | None]]":
        """Return the forest, parents first: each node's edge, and the member that it leads from.

        A root has no member, and an edge if that leads to the boundary.
        """
        whole, trees, ends = self.spec.whole, self.summary.trees, self.summary.ends
        full = sorted(edge for edge, end in self._full() if end == BOUNDARY)
        there = detectors | ends.keys()
        inner = [edge for edge in full if there.issuperset(whole.edges[edge])]
        beside: dict[int, list[int]] = {node: [] for node in sorted(detectors | trees.keys())}
        parents: dict[int, tuple[int | None, int | None]] = {
            root: (None, None) for root, tree in trees.items() if tree.rooted
        }
        for edge in full:
            u, v = whole.edges[edge]
            if v == BOUNDARY and u in detectors and u not in parents:
                parents[u] = edge, None
        for edge in inner:
            for one, other in (whole.edges[edge], whole.edges[edge][::-1]):
                beside[self._node(one)].append(self._node(other))
        for component in _components(beside):
            if not any(node in parents for node in component):
                parents[min(component, key=lambda node: (node not in self._candidates, node))] = None, None
        layer = set(parents)
        while layer:
            following: dict[int, tuple[int | None, int | None]] = {}
            for edge in inner:
                for near, far in (whole.edges[edge], whole.edges[edge][::-1]):
                    node = self._node(far)
                    if self._node(near) in layer and node not in parents and node not in following:
                        following[node] = edge, far
            parents |= following
            layer = set(following)
        return parents

    @property
    def _candidates(self) -> set[int]:
        return set(self.spec.whole.root_candidates)

    def _forget(self, detectors: set[int], new: Summary) -> None:
        """Keep of the released detectors only those with an edge to a live one, and their trees."""
        whole = self.spec.whole
        for detector in detectors:
            del self.odd[detector]
        at_live = {edge for detector in self.odd for edge in whole.ports[detector]}
        new.ends = {end: where for end, where in new.ends.items() if at_live.intersection(whole.ports[end])}
        kept = {root for root, _ in new.ends.values()}
        new.trees = {root: tree for root, tree in new.trees.items() if root in kept}
        self.growth = {key: growth for key, growth in self.growth.items() if key[0] in at_live}
        self.summary = new


def _components(beside: Mapping[int, list[int]]) -> Iterator[list[int]]:
    """Yield the connected components of a graph."""
    seen: set[int] = set()
    for first in beside:
        if first not in seen:
            seen.add(first)
            members = [first]
            for member in members:
                new = set(beside[member]) - seen
                seen |= new
                members += new
            yield members
