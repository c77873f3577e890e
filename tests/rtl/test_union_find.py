# SPDX-License-Identifier: Apache-2.0
"""The fabric against its reference, bit for bit: every syndrome of small graphs, and random graphs and traffic."""

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth import Const
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import DESIGNS, GRAPHS, Shots, every_syndrome, pauses, specs

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.rtl.simulation import Pause, Port, block_beats, exchange, played
from synfab.rtl.union_find import Design, UnionFind, spatial
from synfab.rtl.union_find.control import Control


def assert_equal(
    spec: UnionFindSpec, shots: Shots, *, corrections: bool, design: Design = DESIGNS["spatial"], **traffic: Pause
) -> npt.NDArray[np.int64]:
    """Play shots; the answers must be the reference's, and in time. Return the latencies."""
    got = played(spec, shots, design=replace(design, corrections=corrections), **traffic)
    assert (got.cycles - got.held).max() <= got.max_cycles
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
    traffic = {"input_pause": pauses(seed, 3), "output_pause": pauses(seed + 1, 60)} if paused else {}
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
