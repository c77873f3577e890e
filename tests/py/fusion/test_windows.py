# SPDX-License-Identifier: Apache-2.0
"""Windows: one for everything is the global decoder, no event is left over, and a literal one decides the same."""

from dataclasses import replace

import numpy as np
import pymatching
import pytest

from synfab.benchmarks.fusion.methods import COLOURS, INNER
from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import FusionDecoder, FusionSpec, Schedule, Window, WindowDecoder, WindowPlan, inner
from synfab.dem import DecodingGraph
from synfab.errors import InputError

CHAIN = Problem(steps=4, distance=3, noise="phenomenological", p=0.03)
FIELD = Problem(columns=3, rows=2, steps=2, basis="X", distance=3, noise="circuit", p=0.008)


def detections(problem: Problem, shots: int) -> np.ndarray:
    return np.asarray(problem.compiled[0].compile_detector_sampler(seed=9).sample(shots))


def decoder(problem: Problem, order: str, buffer: int, name: str = "union-find") -> WindowDecoder:
    spec = problem.spec(weight_bits=4)
    plan = WindowPlan.coloured(spec, [COLOURS[order](block) for block in spec.blocks], buffer=buffer)
    return WindowDecoder(spec=spec, graph=problem.graph, plan=plan, inner=INNER[name])


@pytest.mark.parametrize("problem", [CHAIN, FIELD], ids=lambda p: p.name)
@pytest.mark.parametrize("name", INNER)
def test_one_window_is_the_global_decoder(problem, name):
    spec = problem.spec(weight_bits=4)
    plan = WindowPlan.coloured(spec, [0] * len(spec.blocks), buffer=0)
    assert [len(group) for group in plan.groups] == [1]
    windowed = WindowDecoder(spec=spec, graph=problem.graph, plan=plan, inner=INNER[name])
    shots = detections(problem, 300)
    found = windowed.decode_to_edges(shots)
    if name == "union-find":
        np.testing.assert_array_equal(found, spec.whole.decode_to_edges(shots))
        np.testing.assert_array_equal(windowed.decode_batch(shots), spec.whole.decode_batch(shots))
    elif name == "fusion":
        alone = FusionDecoder(spec=spec, schedule=Schedule.in_time(spec))
        np.testing.assert_array_equal(found, alone.decode_to_edges(shots))
    else:
        np.testing.assert_array_equal(found, literal(spec, problem.graph, [range(spec.whole.num_detectors)], 0, shots))


@pytest.mark.parametrize("buffer", [0, 1, 3])
@pytest.mark.parametrize("name", INNER)
@pytest.mark.parametrize("order", COLOURS)
def test_no_event_is_left_over(order, name, buffer):
    """Whatever the events are; and the predictions are those of the edges."""
    problem = CHAIN if "time" in order or order == "sliding" else FIELD
    windowed = decoder(problem, order, buffer, name)
    spec = windowed.spec
    shots = detections(problem, 60)
    shots = np.vstack([shots, np.random.default_rng(1).random((20, shots.shape[1])) < 0.3])
    flips = windowed.decode_to_edges(shots)
    left = shots.astype(np.uint8)
    observables = np.zeros((len(shots), spec.whole.num_observables), np.uint8)
    for edge, ends in enumerate(spec.whole.edges):
        for end in set(ends) - {-1}:
            left[:, end] ^= flips[:, edge]
        for bit in range(spec.whole.num_observables):
            observables[:, bit] ^= flips[:, edge] * (spec.whole.edge_observables[edge] >> bit & 1)
    assert not left.any()
    np.testing.assert_array_equal(windowed.decode_batch(shots), observables)


def literal(spec: FusionSpec, graph: DecodingGraph, windows, buffer: int, shots: np.ndarray) -> np.ndarray:
    """Decode windows one after the other, as check matrices, by PyMatching.

    Their committed flips are added to the syndrome of the next by the check matrix of the whole graph.
    """
    ends = np.array(spec.whole.edges)
    checks = np.zeros((spec.whole.num_detectors + 1, len(ends)), np.uint8)
    checks[ends[:, 0], np.arange(len(ends))] = checks[ends[:, 1], np.arange(len(ends))] = 1
    checks = checks[:-1]
    weights = np.array([np.log((1 - edge.probability) / edge.probability) for edge in graph.edges])
    flips = np.zeros((len(shots), len(ends)), np.uint8)
    committed = np.zeros(len(ends), bool)
    gone: set[int] = set()
    for commit in map(set, windows):
        view = set(commit)
        for _ in range(buffer):
            near = checks[:, checks[sorted(view)].any(axis=0)].any(axis=1)
            view |= set(np.flatnonzero(near).tolist()) - gone
        rows = sorted(view)
        columns = np.flatnonzero(~committed & checks[rows].any(axis=0))
        matching = pymatching.Matching(checks[np.ix_(rows, columns)], weights=weights[columns])
        left = (shots + flips @ checks.T) % 2
        found = np.asarray(matching.decode_batch(left[:, rows].astype(np.uint8)))
        own = np.flatnonzero(checks[np.ix_(sorted(commit), columns)].any(axis=0))
        flips[:, columns[own]] = found[:, own]
        committed[columns[own]] = True
        gone |= commit
    return flips


# In two groups the literal windows come one by one; that is the same while the buffers of a group do not touch.
@pytest.mark.parametrize(
    ("order", "times", "buffer"),
    [
        *(("sliding", [0, 1, 2, 3], buffer) for buffer in (0, 2, 6)),
        *(("two groups in time", [0, 2, 1, 3], buffer) for buffer in (0, 1)),
    ],
)
def test_literal_windows(order, times, buffer):
    """Every edge of its own probability, so that no two matchings weigh the same."""
    rng = np.random.default_rng(2)
    edges = [
        edge._replace(probability=p) for edge, p in zip(CHAIN.graph.edges, rng.uniform(0.01, 0.05, 999), strict=False)
    ]
    graph = replace(CHAIN.graph, edges=tuple(edges))
    spec = FusionSpec.compile(graph, places=CHAIN.compiled[1], weights="log_likelihood")
    plan = WindowPlan.coloured(spec, [COLOURS[order](block) for block in spec.blocks], buffer=buffer)
    windowed = WindowDecoder(spec=spec, graph=graph, plan=plan, inner=inner.matching)
    windows = [[d for d, owner in enumerate(spec.owners) if owner == block] for block in times]
    shots = detections(CHAIN, 300)
    np.testing.assert_array_equal(windowed.decode_to_edges(shots), literal(spec, graph, windows, buffer, shots))


def test_windows_reach_the_global_rate():
    """With a buffer of 2d the sliding decoder fails as often as the global one, with none clearly more often."""
    sampler = CHAIN.compiled[0].compile_detector_sampler(seed=5)
    shots, flips = sampler.sample(20_000, separate_observables=True)
    spec = CHAIN.spec(weight_bits=4)
    alone, far, none = (
        np.count_nonzero(predict(shots) != flips)
        for predict in (
            spec.whole.decode_batch,
            decoder(CHAIN, "sliding", 6).decode_batch,
            decoder(CHAIN, "sliding", 0).decode_batch,
        )
    )
    assert far < 1.03 * alone < none


def test_bad_plans_are_refused():
    spec = CHAIN.spec(weight_bits=None)
    good = WindowPlan.coloured(spec, [0, 1, 2, 3], buffer=2)

    def refused(plan: WindowPlan, sentence: str) -> None:
        with pytest.raises(InputError) as error:
            WindowDecoder(spec=spec, graph=CHAIN.graph, plan=plan, inner=inner.union_find)
        assert sentence in str(error.value)

    with pytest.raises(InputError, match="buffer must be at least 0 edges, not -1; 0 looks at nothing beyond"):
        WindowPlan.coloured(spec, [0, 1, 2, 3], buffer=-1)
    with pytest.raises(InputError, match="every block must have a colour: 4 of them, not 2"):
        WindowPlan.coloured(spec, [0, 1], buffer=1)
    refused(WindowPlan(groups=good.groups[:3]), "the windows must commit every detector, not leave out 16 of them")
    refused(WindowPlan(groups=(*good.groups, good.groups[0])), "group 4: a detector must be committed once, not again")
    together = WindowPlan.of_blocks(spec, [[{0}, {1}], [{2}], [{3}]], buffer=0)
    refused(together, "group 0: two windows of a group must not have an edge between what they commit")
    late = Window(commit=good.groups[1][0].commit, buffer=good.groups[0][0].commit)
    plan = WindowPlan(groups=(good.groups[0], (late,), *good.groups[2:]))
    refused(plan, "group 1: a buffer must not hold what is committed, not detector ")
    with pytest.raises(InputError, match="the graph must be the spec's, with "):
        WindowDecoder(spec=spec, graph=FIELD.graph, plan=good, inner=inner.union_find)


def test_a_window_closed_all_around_is_refused():
    """Merged in a row, Z errors: the patch in the middle reaches the boundary by its neighbours only."""
    problem = Problem(columns=3, steps=3, basis="X", distance=3, noise="phenomenological", p=0.01)
    spec = problem.spec(weight_bits=None)
    plan = WindowPlan.coloured(spec, [int(block == (1, 0, 1)) for block in spec.blocks], buffer=1)
    with pytest.raises(
        InputError, match="a window must have a way to a boundary or to what comes later, not be closed"
    ):
        WindowDecoder(spec=spec, graph=problem.graph, plan=plan, inner=inner.union_find)
