# SPDX-License-Identifier: Apache-2.0
"""The fabric against its reference, bit for bit: every syndrome of small graphs, and random graphs and traffic."""

import itertools
import random
import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth import Const, ResetInserter, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.rtl.simulation import Pause, Port, block_beats, exchange, played
from synfab.rtl.union_find import Design, UnionFind, spatial
from synfab.rtl.union_find.control import Control

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
    "shared, n=2": Design(micro_architecture="shared", detectors_per_element=2),
    "shared, whole": Design(micro_architecture="shared", detectors_per_element=9),
}


def assert_equal(
    spec: UnionFindSpec, shots: Shots, *, corrections: bool, design: Design = DESIGNS["spatial"], **traffic: Pause
) -> npt.NDArray[np.int64]:
    """Play shots; the answers must be the reference's. Return the latencies."""
    got = played(spec, shots, design=replace(design, corrections=corrections), **traffic)
    assert np.array_equal(got.observables, spec.decode_batch(shots))
    if corrections:
        assert got.corrections is not None
        assert np.array_equal(got.corrections, spec.decode_to_edges(shots))
    return got.cycles


@pytest.mark.parametrize("corrections", [False, True], ids=["observables", "corrections"])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_syndrome(name, design, corrections):
    spec = GRAPHS[name]()
    shots = every_syndrome(spec)
    # The spatial fabric of one hop plays them all, the others a sample of the many.
    if design != "spatial":
        shots = np.random.default_rng(1).permutation(shots)[: 12 if "shared" in design else 32]
    cycles = assert_equal(spec, shots, corrections=corrections, design=DESIGNS[design])
    without_events = np.array([sorted(np.flatnonzero(shot)) == list(spec.detection_flips) for shot in shots])
    assert cycles[without_events].max(initial=0) <= 3
    assert cycles.min() >= 2
    if design == "spatial":
        assert set(cycles[without_events]) == {2}


@pytest.mark.parametrize("corrections", [False, True], ids=["observables", "corrections"])
@pytest.mark.parametrize("design", ["spatial", "spatial, 2 hops", "shared, n=2"])
@pytest.mark.parametrize("name", ["repetition", "ring with a boundary", "two observables", "rounds out of order"])
def test_syndromes_under_random_pauses(name, design, corrections):
    spec = GRAPHS[name]()
    shots = np.random.default_rng(2).permutation(every_syndrome(spec))
    shots = shots if design == "spatial" else shots[:24]
    traffic = {"input_pause": pauses(1, 3), "output_pause": pauses(2, 20)}
    assert_equal(spec, shots, corrections=corrections, design=DESIGNS[design], **traffic)


class ControlWithoutRelabelling(Control):
    """A control that is blind to conflicts of labels."""

    def elaborate(self, platform: object) -> Any:
        conflict, self.conflict = self.conflict, Const(0)
        m = super().elaborate(platform)
        self.conflict = conflict
        return m


@pytest.mark.parametrize("name", ["ring", "unlike ways to two boundaries"])
def test_canonical_forest_is_needed(name, monkeypatch):
    """Some syndromes above are answered by the second flood alone: without it the answers differ."""
    spec = GRAPHS[name]()
    monkeypatch.setattr(spatial, "Control", ControlWithoutRelabelling)
    shots = every_syndrome(spec)
    assert not np.array_equal(played(spec, shots).observables, spec.decode_batch(shots))


def test_odd_cluster_without_a_boundary_is_answered():
    """No error explains such a syndrome; the decoder stops when the cluster has nothing left to grow."""
    spec = GRAPHS["no boundary"]()
    shots = np.array([[1, 0, 0, 0, 0], [1, 1, 1, 0, 1], [0, 0, 1, 1, 0]], np.uint8)
    _, growth = spec.clusters(shots)
    assert [list(row) for row in growth == spec.weights] == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    assert_equal(spec, shots, corrections=True)


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


@given(
    spec=specs(),
    design=st.sampled_from(list(DESIGNS.values())),
    corrections=st.booleans(),
    seed=st.integers(0, 1000),
    paused=st.booleans(),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_random_multigraphs(spec, design, corrections, seed, paused):
    shots = np.random.default_rng(seed).permutation(every_syndrome(spec))[:24]
    traffic = {"input_pause": pauses(seed, 3), "output_pause": pauses(seed + 1, 12)} if paused else {}
    assert_equal(spec, shots, corrections=corrections, design=design, **traffic)


@pytest.mark.parametrize("weights", ["unit", "log_likelihood"])
def test_samples_of_the_surface_code_under_circuit_level_noise(weights):
    """The submodule form on a real graph; the instance form plays many more shots in tests/sim."""
    problem = Memory(code="rotated_surface", distance=3, rounds=2, p=0.02)
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(problem.dem()), weights=weights)
    shots = problem.circuit().compile_detector_sampler(seed=3).sample(40)
    assert_equal(spec, np.asarray(shots, np.uint8), corrections=True)


def beats_taken(spec: UnionFindSpec, cycles: int) -> int:
    """Beats that a fabric takes while no answer is taken from it."""
    fabric: Any = UnionFind(spec)
    beats = itertools.cycle(block_beats(spec, np.zeros(spec.num_detectors, np.uint8)))
    taken = 0

    async def testbench(context: Any) -> None:
        nonlocal taken
        context.set(fabric.i.valid, 1)
        beat = next(beats)
        for _ in range(cycles):
            context.set(fabric.i.payload.as_value(), beat)
            *_, ready = await context.tick().sample(fabric.i.ready)
            if ready:
                taken += 1
                beat = next(beats)

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return taken


def test_answer_waits_without_holding_up_decoding_and_loading():
    """One block is answered, one decoded, and one loaded up to its last beat."""
    spec = GRAPHS["repetition"]()
    assert len(spec.rounds) == 3
    assert beats_taken(spec, cycles=100) == 3 + 3 + 2


def test_full_speed_traffic_has_the_same_latencies_as_single_blocks():
    spec = GRAPHS["rotated code capacity"]()
    shots = every_syndrome(spec)
    singly = [int(played(spec, shot[np.newaxis]).cycles[0]) for shot in shots]
    assert played(spec, shots).cycles.tolist() == singly


def test_reset_in_mid_block_leaves_no_trace():
    spec = GRAPHS["repetition"]()
    shots = every_syndrome(spec)
    expected = spec.decode_batch(shots)
    fabric = UnionFind(spec)
    reset = Signal()
    got = []

    async def testbench(context: Any) -> None:
        i, o = Port.of(fabric.i), Port.of(fabric.o)
        for number, shot in enumerate(shots):
            await exchange(context, i, o, [7, 7, 15][: 1 + number % 3], answers=0)
            await context.tick().repeat(1 + number // 3 % 5)
            context.set(reset, 1)
            await context.tick()
            context.set(reset, 0)
            got.append((await exchange(context, i, o, block_beats(spec, shot), answers=1)).received)

    simulator = Simulator(ResetInserter(reset)(fabric))
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert got == [[int(prediction[0])] for prediction in expected]


def modules(verilog: str) -> list[str]:
    return re.findall(r"^module (\\?\S+) ?\(", verilog, re.MULTILINE)


def block(distance: int) -> UnionFindSpec:
    return UnionFindSpec.compile(
        DecodingGraph.from_dem(PhenomenologicalBlock(distance=distance, p=0.001).dem()), weights="unit"
    )


def test_emission_is_one_module_a_kind():
    """A larger block is made of the same modules, apart from the width of their tags, and more instances."""
    kinds = {}
    for distance in (5, 7):
        spec = block(distance)
        verilog = UnionFind(spec, instances=True).verilog()
        names = modules(verilog)
        assert len(names) == len(set(names))
        kinds[distance] = {re.sub(r"_t\d+_", "_", name) for name in names}
        top = verilog[: verilog.index("endmodule")]
        assert len(re.findall(r"^  \w+ detector_\d+ \($", top, re.MULTILINE)) == spec.num_detectors
        assert len(re.findall(r"^  \w+ edge_\d+ \($", top, re.MULTILINE)) == len(spec.edges)
    assert kinds[5] == kinds[7]


def test_emission_is_the_same_for_equal_specs():
    fabric = UnionFind(GRAPHS["rotated code capacity"](), corrections=True, instances=True)
    first = fabric.verilog("decoder")
    assert modules(first)[0] == "decoder"
    assert fabric.verilog("decoder") == first
    assert UnionFind(GRAPHS["rotated code capacity"](), corrections=True, instances=True).verilog("decoder") == first


@pytest.mark.usefixtures("unused")
def test_emission_needs_instances():
    with pytest.raises(ValueError, match=r"must place instances, not instances=False: give instances=True"):
        UnionFind(GRAPHS["ring"]()).verilog()


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"hops": 0}, "hops must be at least 1 a cycle, not 0"),
        ({"micro_architecture": "shared", "hops": 2}, "hops must be 1 for the shared micro-architecture, not 2"),
        (
            {"micro_architecture": "shared", "detectors_per_element": 0},
            "detectors_per_element must be at least 1, not 0",
        ),
        ({"detectors_per_element": 4}, "detectors_per_element must be 1 for the spatial micro-architecture, not 4"),
        ({"micro_architecture": "shared", "runtime_weights": True}, "runtime_weights must be false for the shared"),
        ({"micro_architecture": "systolic"}, "micro_architecture must be 'spatial' or 'shared', not 'systolic'"),
    ],
)
def test_contradictory_designs_are_refused(parameters, sentence):
    with pytest.raises(InputError, match=sentence):
        Design(**parameters).fabric(GRAPHS["ring"]())


@pytest.mark.usefixtures("unused")
def test_spec_without_detectors_is_refused():
    spec = UnionFindSpec(
        num_detectors=0, num_observables=1, edges=(), weights=(), edge_observables=(), rounds=(), weight_bits=1
    )
    with pytest.raises(InputError, match="must have at least one detector, not a spec without any"):
        UnionFind(spec)


def test_silent_component_is_a_timeout():
    """The player itself does not wait for ever."""
    fabric: Any = UnionFind(GRAPHS["one detector"]())
    seen = []

    async def testbench(context: Any) -> None:
        with pytest.raises(TimeoutError, match="no transfer within 50 cycles, after 0 answers"):
            await exchange(context, Port.of(fabric.i), Port.of(fabric.o), [0], answers=1, patience=50)
        seen.append(True)

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen == [True]
