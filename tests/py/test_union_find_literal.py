# SPDX-License-Identifier: Apache-2.0
"""The compiled reference against its docstring, executed literally: one step at a time, by networkx, slowly.

Nothing here knows of union-find: clusters are the connected components of the full edges, worked out anew after
every step of growth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph

BOUNDARY = -1


@dataclass
class Answer:
    """What the semantics say of one shot."""

    growth: list[int]
    labels: list[int]
    flipped: list[int]
    observables: int


def literal(spec: UnionFindSpec, shot: list[int], weights: Sequence[int]) -> Answer:
    """Do what the docstring of UnionFindSpec says, with ``weights`` in place of the spec's."""
    events = list(shot)
    for edge in spec.flipped_edges:
        for detector in spec.edges[edge]:
            if detector != BOUNDARY:
                events[detector] ^= 1
    growth = grown(spec, events, weights)
    full = [growth[e] == weights[e] for e in range(len(spec.edges))]
    flipped = [0] * len(spec.edges)
    labels = list(range(spec.num_detectors))
    for cluster in clusters(spec, full):
        for detector in cluster:
            labels[detector] = min(cluster)
        for edge in correction(spec, full, cluster, events):
            flipped[edge] ^= 1
    for edge in spec.flipped_edges:
        flipped[edge] ^= 1
    observables = spec.undetectable_flips
    for edge, flip in enumerate(flipped):
        observables ^= spec.edge_observables[edge] * flip
    return Answer(growth=growth, labels=labels, flipped=flipped, observables=observables)


def clusters(spec: UnionFindSpec, full: list[bool]) -> Iterator[set[int]]:
    graph = nx.Graph()
    graph.add_nodes_from(range(spec.num_detectors))
    graph.add_edges_from(
        edge for edge, is_full in zip(spec.edges, full, strict=True) if is_full and BOUNDARY not in edge
    )
    return nx.connected_components(graph)


def full_boundary_edges(spec: UnionFindSpec, full: list[bool], detector: int) -> list[int]:
    return [e for e, edge in enumerate(spec.edges) if full[e] and edge == (detector, BOUNDARY)]


def grown(spec: UnionFindSpec, events: list[int], weights: Sequence[int]) -> list[int]:
    growth = [0] * len(spec.edges)
    while True:
        full = [growth[e] == weights[e] for e in range(len(spec.edges))]
        active: set[int] = set()
        for cluster in clusters(spec, full):
            odd = sum(events[detector] for detector in cluster) % 2 == 1
            if odd and not any(full_boundary_edges(spec, full, detector) for detector in cluster):
                active |= cluster
        increments = [(edge[0] in active) + (edge[1] in active) for edge in spec.edges]
        if not any(increments[e] and not full[e] for e in range(len(spec.edges))):
            return growth
        growth = [min(g + i, w) for g, i, w in zip(growth, increments, weights, strict=True)]


def root_candidates(spec: UnionFindSpec) -> set[int]:
    """Return all detectors but a greedy independent set."""
    graph = nx.Graph(edge for edge in spec.edges if BOUNDARY not in edge)
    left_out: list[int] = []
    for detector in range(spec.num_detectors):
        if detector not in graph or not any(graph.has_edge(detector, other) for other in left_out):
            left_out.append(detector)
    return set(range(spec.num_detectors)) - set(left_out)


def correction(spec: UnionFindSpec, full: list[bool], cluster: set[int], events: list[int]) -> list[int]:
    """Return the flipped edges of one cluster: its forest, then the peeling from the last layer up."""
    parent: dict[int, int | None] = {}
    for detector in cluster:
        if edges := full_boundary_edges(spec, full, detector):
            parent[detector] = min(edges)
    if not parent:
        parent[min(cluster & root_candidates(spec) or cluster)] = None
    layers = [set(parent)]
    while len(parent) < len(cluster):
        following: dict[int, int] = {}
        for e, (u, v) in enumerate(spec.edges):
            for near, far in ((u, v), (v, u)):
                if full[e] and near in layers[-1] and far in cluster and far not in parent:
                    following[far] = min(e, following.get(far, e))
        parent |= following
        layers.append(set(following))
    odd = {detector: events[detector] for detector in cluster}
    flipped = []
    for layer in reversed(layers):
        for detector in layer:
            edge = parent[detector]
            if odd[detector] and edge is not None:
                flipped.append(edge)
                for end in spec.edges[edge]:
                    if end not in (detector, BOUNDARY):
                        odd[end] ^= 1
    return flipped


def assert_literal(spec: UnionFindSpec, shots: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Compare predictions, edges, clusters and growth of every shot, bit for bit; ``weights`` have a row a shot."""
    rows = [list(spec.weights)] * len(shots) if weights is None else weights.tolist()
    answers = [literal(spec, shot.tolist(), row) for shot, row in zip(shots, rows, strict=True)]
    predictions = spec.decode_batch(shots, weights=weights)
    edges = spec.decode_to_edges(shots, weights=weights)
    labels, growth = spec.clusters(shots, weights=weights)
    for k, answer in enumerate(answers):
        assert growth[k].tolist() == answer.growth
        assert labels[k].tolist() == answer.labels
        assert edges[k].tolist() == answer.flipped
        assert predictions[k].tolist() == [answer.observables >> o & 1 for o in range(spec.num_observables)]


@st.composite
def specs(draw: st.DrawFn) -> UnionFindSpec:
    """Any multigraph: parallel edges, lone detectors, parts without boundary, observables anywhere."""
    num_detectors = draw(st.integers(1, 9))
    num_observables = draw(st.integers(0, 3))
    weight_bits = draw(st.sampled_from([1, 2, 4]))
    ends = st.integers(0, num_detectors - 1)
    boundary = st.tuples(ends, st.just(BOUNDARY))
    inner = st.tuples(ends, ends).filter(lambda pair: pair[0] < pair[1])
    kinds = [inner] * (num_detectors > 1) + [boundary] * draw(st.integers(0, 1))
    edges = draw(st.lists(st.one_of(kinds), max_size=16)) if kinds else []
    masks = st.integers(0, 2**num_observables - 1)
    count = len(edges)
    return UnionFindSpec(
        num_detectors=num_detectors,
        num_observables=num_observables,
        edges=tuple(edges),
        weights=tuple(draw(st.lists(st.integers(1, 2**weight_bits - 1), min_size=count, max_size=count))),
        edge_observables=tuple(draw(st.lists(masks, min_size=count, max_size=count))),
        flipped_edges=tuple(sorted(draw(st.sets(st.integers(0, count - 1), max_size=2)))) if count else (),
        undetectable_flips=draw(masks),
        rounds=(tuple(range(num_detectors)),),
        weight_bits=weight_bits,
    )


@given(specs(), st.data())
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_random_multigraphs(spec: UnionFindSpec, data: st.DataObject) -> None:
    bits = st.lists(st.integers(0, 1), min_size=spec.num_detectors, max_size=spec.num_detectors)
    assert_literal(spec, np.array(data.draw(st.lists(bits, min_size=1, max_size=6)), np.uint8))


@given(specs(), st.data())
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_random_weights_at_run_time(spec: UnionFindSpec, data: st.DataObject) -> None:
    """Each shot with weights of its own, a third of them erased or more."""
    bits = st.lists(st.integers(0, 1), min_size=spec.num_detectors, max_size=spec.num_detectors)
    shots = np.array(data.draw(st.lists(bits, min_size=1, max_size=6)), np.uint8)
    weight = st.one_of(st.just(0), st.integers(0, 2**spec.weight_bits - 1))
    row = st.lists(weight, min_size=len(spec.edges), max_size=len(spec.edges))
    rows = data.draw(st.lists(row, min_size=len(shots), max_size=len(shots)))
    assert_literal(spec, shots, np.array(rows, np.int64).reshape(len(shots), len(spec.edges)))


def random_multigraph(seed: int) -> UnionFindSpec:
    """Dense ties: few detectors, many edges, small weights, so that every rule of the forest has its say."""
    random = np.random.default_rng(seed)
    num_detectors, num_edges = 7, 6 + 2 * (seed % 6)
    edges = []
    for _ in range(num_edges):
        u, v = sorted(random.choice(num_detectors + (seed % 3 > 0), 2, replace=False).tolist())
        edges.append((u, v) if v < num_detectors else (u, BOUNDARY))
    return UnionFindSpec(
        num_detectors=num_detectors,
        num_observables=64,
        edges=tuple(edges),
        weights=tuple(random.integers(1, 4, num_edges).tolist()),
        # Each edge its own observable: the prediction names the edges.
        edge_observables=tuple(1 << (63 - k) for k in range(num_edges)),
        rounds=(tuple(range(num_detectors)),),
        weight_bits=2,
    )


@pytest.mark.parametrize("at_run_time", [False, True], ids=["default-weights", "weights-at-run-time"])
@pytest.mark.parametrize("seed", range(12))
def test_every_syndrome_of_a_random_multigraph(seed: int, at_run_time: bool) -> None:
    spec = random_multigraph(seed)
    shots = np.arange(2**spec.num_detectors, dtype=np.uint8)[:, np.newaxis]
    rows = np.random.default_rng(seed).integers(0, 4, (len(shots), len(spec.edges))) if at_run_time else None
    assert_literal(spec, np.unpackbits(shots, axis=1, bitorder="little", count=spec.num_detectors), rows)


CODES = [
    (Memory(code="rotated_surface", distance=3, p=0.02), 150),
    (Memory(code="rotated_surface", distance=5, basis="X", noise="phenomenological", p=0.03), 60),
    (Memory(code="unrotated_surface", distance=3, p=0.02), 80),
    (Memory(code="toric", distance=3, noise="phenomenological", p=0.03), 80),
    (Memory(code="xzzx", distance=3, basis="X", p=0.02), 80),
    (Memory(code="repetition", distance=7, rounds=4, p=0.03), 80),
    (Memory(code="rotated_surface", distance=2, p=0.05), 200),
]


@pytest.mark.parametrize("bits", ["unit", 2, 4], ids=lambda bits: f"weights-{bits}")
@pytest.mark.parametrize(("memory", "shots"), CODES, ids=lambda value: getattr(value, "code", None))
def test_codes(memory: Memory, shots: int, bits: int | str) -> None:
    graph = DecodingGraph.from_dem(memory.dem())
    if isinstance(bits, int):
        spec = UnionFindSpec.compile(graph, weight_bits=bits)
    else:
        spec = UnionFindSpec.compile(graph, weights="unit")
    detections = np.asarray(memory.circuit().compile_detector_sampler(seed=5).sample(shots))
    assert detections.any()
    assert_literal(spec, detections)
    # A tenth of the edges erased, a tenth of any weight: the code's own ties, broken in another way in every shot.
    random = np.random.default_rng(5)
    kind = random.random((shots, len(spec.edges)))
    anything = random.integers(1, 2**spec.weight_bits, kind.shape)
    assert_literal(spec, detections, np.where(kind < 0.1, 0, np.where(kind < 0.2, anything, spec.weights)))


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_syndromes_far_from_any_likely_error(density: float) -> None:
    graph = DecodingGraph.from_dem(Memory(code="rotated_surface", distance=3, rounds=5, p=0.01).dem())
    spec = UnionFindSpec.compile(graph, weight_bits=3)
    shots = np.random.default_rng(7).random((8, graph.num_detectors)) < density
    assert_literal(spec, shots)
