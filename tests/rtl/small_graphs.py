# SPDX-License-Identifier: Apache-2.0
"""Graphs small enough for every syndrome, and the designs that must decode them: what the tests of fabrics share."""

import itertools
import random
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.simulation import Pause
from synfab.rtl.union_find import Design

BOUNDARY = -1

Shots = npt.NDArray[np.uint8]


def spec_of(num_detectors: int, edges: list[tuple[int, int, int, int]], **others: Any) -> UnionFindSpec:
    """The spec of a graph of edges (detector, detector or boundary, weight, observables)."""
    ends, weights, masks = [edge[:2] for edge in edges], [edge[2] for edge in edges], [edge[3] for edge in edges]
    defaults = {"num_observables": 1, "rounds": (tuple(range(num_detectors)),), "weight_bits": 3}
    return UnionFindSpec(
        num_detectors=num_detectors,
        edges=tuple(ends),
        weights=tuple(weights),
        edge_observables=tuple(masks),
        **defaults | others,
    )


def multigraph(draw: random.Random, num_detectors: int, **others: Any) -> UnionFindSpec:
    """A random graph, parallel edges and edges to the boundary among them, of two observables."""
    pairs = [draw.sample(range(BOUNDARY, num_detectors), 2) for _ in range(draw.randint(1, 10))]
    ends = [(max(pair), BOUNDARY) if BOUNDARY in pair else (min(pair), max(pair)) for pair in pairs]
    weights, observables = ([draw.randint(low, high) for _ in ends] for low, high in ((1, 7), (0, 3)))
    edges = [(u, v, weight, mask) for (u, v), weight, mask in zip(ends, weights, observables, strict=True)]
    return spec_of(num_detectors, edges, num_observables=2, **others)


def memory(weights: Any = "log_likelihood", **parameters: Any) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(Memory(p=0.02, **parameters).dem()), weights=weights)


def ring(num_detectors: int, *more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    """A ring of edges of weight 2 of which the first flips the observable: a cycle that cannot be neutral."""
    pairs = [sorted((k, (k + 1) % num_detectors)) for k in range(num_detectors)]
    return sorted([*((u, v, 2, int(k == 0)) for k, (u, v) in enumerate(pairs)), *more])


GRAPHS = {
    "repetition": lambda: memory(code="repetition", distance=3, rounds=2, noise="phenomenological"),
    "repetition unit": lambda: memory("unit", code="repetition", distance=3, rounds=2, noise="phenomenological"),
    "repetition code capacity": lambda: memory("unit", code="repetition", distance=3, noise="code_capacity"),
    "rotated code capacity": lambda: memory("unit", code="rotated_surface", distance=3, noise="code_capacity"),
    "rotated code capacity X": lambda: memory(code="rotated_surface", distance=3, basis="X", noise="code_capacity"),
    "one detector": lambda: spec_of(1, [(0, BOUNDARY, 3, 1)]),
    "one detector without edges": lambda: spec_of(1, []),
    "isolated detectors": lambda: spec_of(4, [(0, 2, 2, 1), (2, BOUNDARY, 4, 0)]),
    "parallel edges": lambda: spec_of(
        3, [(0, BOUNDARY, 3, 0), (0, BOUNDARY, 3, 1), (0, 1, 2, 0), (0, 1, 2, 1), (1, 2, 3, 1), (1, 2, 5, 0)]
    ),
    "parallel edges without a boundary": lambda: spec_of(2, [(0, 1, 2, 1), (0, 1, 2, 0)]),
    "ring": lambda: spec_of(5, ring(5)),
    "ring with a boundary": lambda: spec_of(6, ring(6, (3, BOUNDARY, 4, 1), (5, BOUNDARY, 3, 0))),
    "no boundary": lambda: spec_of(5, [(0, 1, 1, 1), (1, 2, 3, 0), (3, 4, 2, 1)]),
    "two boundaries": lambda: spec_of(
        4, [(0, BOUNDARY, 2, 1), (0, 1, 2, 0), (1, 2, 2, 0), (2, 3, 2, 0), (3, -1, 2, 0)]
    ),
    "unlike ways to two boundaries": lambda: spec_of(
        6, [(0, 1, 4, 0), (0, 5, 2, 0), (1, 3, 1, 0), (2, 3, 1, 0), (2, 4, 1, 0), (4, BOUNDARY, 2, 1), (5, -1, 4, 0)]
    ),
    "two observables": lambda: spec_of(
        4, [(0, BOUNDARY, 1, 2), (0, 1, 2, 1), (0, 2, 1, 3), (1, 3, 2, 0), (2, 3, 3, 2)], num_observables=2
    ),
    "no observables": lambda: spec_of(3, [(0, BOUNDARY, 2, 0), (0, 1, 2, 0), (1, 2, 1, 0)], num_observables=0),
    "errors taken as given": lambda: spec_of(
        4,
        [(0, BOUNDARY, 2, 1), (0, 1, 2, 0), (1, 2, 3, 1), (2, 3, 2, 0), (3, BOUNDARY, 1, 0)],
        flipped_edges=(0, 2, 3),
        undetectable_flips=1,
    ),
    "rounds out of order": lambda: spec_of(
        5, [(0, BOUNDARY, 2, 1), (0, 3, 2, 0), (1, 2, 3, 1), (1, 3, 2, 0), (2, 4, 1, 1)], rounds=((4, 1), (0,), (3, 2))
    ),
}  # fmt: skip


def every_syndrome(spec: UnionFindSpec) -> Shots:
    return np.array(list(itertools.product((0, 1), repeat=spec.num_detectors)), np.uint8)


def pauses(seed: int, longest: int) -> Pause:
    draw = random.Random(seed)
    return lambda: draw.choice((0, draw.randint(1, longest)))


DESIGNS = {
    "spatial": Design(),
    "spatial, 2 hops": Design(hops=2),
    "spatial, 5 hops": Design(hops=5),
    "shared, n=1": Design(micro_architecture="shared"),
    "shared, n=2": Design(micro_architecture="shared", detectors_per_element=2),
    "shared, whole": Design(micro_architecture="shared", detectors_per_element=9),
}


@st.composite
def specs(draw: st.DrawFn) -> UnionFindSpec:
    """Multigraphs of up to six detectors, with everything that a spec may hold."""
    num_detectors = draw(st.integers(1, 6))
    num_observables = draw(st.integers(0, 3))
    detectors = st.integers(0, num_detectors - 1)
    masks = st.integers(0, (1 << num_observables) - 1)
    pairs = st.tuples(detectors, st.integers(BOUNDARY, num_detectors - 1)).filter(lambda pair: pair[0] != pair[1])
    ends = [
        (max(pair), BOUNDARY) if BOUNDARY in pair else (min(pair), max(pair))
        for pair in draw(st.lists(pairs, max_size=12))
    ]
    order = draw(st.permutations(range(num_detectors)))
    cuts = sorted(draw(st.sets(st.integers(1, num_detectors - 1), max_size=2))) if num_detectors > 1 else []
    bounds = [0, *cuts, num_detectors]
    return spec_of(
        num_detectors,
        [(u, v, draw(st.integers(1, 7)), draw(masks)) for u, v in ends],
        num_observables=num_observables,
        flipped_edges=tuple(sorted(draw(st.sets(st.integers(0, len(ends) - 1), max_size=2)))) if ends else (),
        undetectable_flips=draw(masks),
        rounds=tuple(tuple(order[a:b]) for a, b in itertools.pairwise(bounds)),
    )
