# SPDX-License-Identifier: Apache-2.0
"""Net, decisions and fabric as one: answers, residual events and hints, against the reference."""

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stim
from amaranth.sim import Simulator
from small_graphs import pauses
from small_nets import alike, net

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.predecoder.evaluation import FollowUp
from synfab.predecoder.nets.architecture import NUM_INPUTS, LayoutName
from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.predecoder import Loaded, Pipeline
from synfab.rtl.simulation import Exchange, Port, block_beats, exchange
from synfab.sim.loop import RtlDecoder

OUTPUTS: dict[LayoutName, int] = {"supercell": 12, "grid": 4, "grid_2022": 2}


def spec_of(
    seed: int, *, distance: int = 3, rounds: int = 3, basis: Any = "Z", bounds: int = 3, **options: Any
) -> PipelineSpec:
    """A random net that flips this and that, with as many thresholds as asked for amid its logits."""
    rng = np.random.default_rng(seed)
    circuit = Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, p=0.02).circuit()
    layout = options.pop("layout", "supercell")
    outputs = options.pop("outputs", OUTPUTS[layout])
    layers = [NUM_INPUTS[layout], *(4,) * options.pop("hidden", 1), outputs]
    spec = PipelineSpec.compile(net(rng, layers, layout=layout, weight_bits=4), circuit, follow_up=FollowUp())
    logits = spec.site_logits(spec.events(shots_of(spec, 64, seed)))[:, spec.effect.has_site]
    sizes = np.unique(np.quantile(np.abs(logits), np.linspace(0.15, 0.8, bounds)).astype(int)) if bounds else []
    weights = rng.integers(1, 12, len(sizes))
    if options.get("commit") == "closed":
        options["above"] = int(np.quantile(logits[logits > 0], 0.3))
    else:
        options["above"] = max(0, int(np.quantile(logits, 0.7)))
    return replace(spec, thresholds=tuple(map(int, sizes)), weights=tuple(map(int, weights)), **options)


def shots_of(spec: PipelineSpec, number: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((number, spec.decoder.num_detectors)) < rng.choice([0.03, 0.2], (number, 1))).astype(np.uint8)


@dataclass
class Seen:
    """What passed at the ends, and the beats that went to the fabric."""

    ends: Exchange = field(default_factory=Exchange)
    beats: list[tuple[int, int, list[int]]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)


def rtl_answers(rtl: Pipeline, shots: np.ndarray, **traffic: Any) -> Seen:
    seen, component, spec = Seen(), rtl, rtl.spec
    beats = [beat for shot in shots for beat in block_beats(spec.decoder, shot)]

    async def testbench(context: Any) -> None:
        i, o = Port.of(component.i), Port.of(component.o)
        seen.ends = await exchange(context, i, o, beats, answers=len(shots), **traffic)

    async def watch(context: Any) -> None:
        i: Any = rtl.fabric.i
        cycle = 0
        while True:
            *_, passed, payload = await context.tick().sample(i.valid & i.ready, i.payload)
            if passed:
                levels = list(payload.levels) if spec.thresholds else []
                seen.beats.append((payload.detections, payload.last, levels))
                seen.begun.append(cycle)
            cycle += 1

    simulator = Simulator(rtl)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    return seen


def assert_equal(rtl: Pipeline, shots: np.ndarray, **traffic: Any) -> Seen:
    spec, decided = rtl.spec, rtl.spec.decided(shots)
    assert 0 < decided.flips.mean() < 0.5
    seen = rtl_answers(rtl, shots, **traffic)
    assert seen.ends.received == spec.decode_batch(shots)[:, 0].tolist()
    layers = len(spec.decoder.rounds)
    assert len(seen.beats) == layers * len(shots)
    for shot in range(len(shots)):
        beats = seen.beats[shot * layers :][:layers]
        for (detections, last, _), rounds in zip(beats, spec.decoder.rounds, strict=True):
            assert [detections >> bit & 1 for bit in range(len(rounds))] == decided.left[shot, rounds].tolist()
            assert last == (rounds is spec.decoder.rounds[-1])
        if decided.weights is not None:
            hints: Any = rtl.fabric.hints
            table = (*hints.weights, 1 << spec.decoder.weight_bits)
            assert decided.weights[shot].tolist() == [
                weight if place is None else min(weight, table[beats[place[0]][2][place[1]]])
                for weight, place in zip(spec.decoder.weights, hints.lanes, strict=True)
            ]
    return seen


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize(
    ("positions", "options"),
    [
        (1, {"basis": "X", "hidden": 2}),
        (2, {"all_of": False, "rounds": 5}),
        (4, {"basis": "X", "rounds": 2, "bounds": 1}),
        (4, {"bounds": 0}),
        (4, {"outputs": 8}),
        (4, {"commit": "closed", "most_rounds": 3}),
        (2, {"commit": "closed", "basis": "X", "bounds": 0, "rounds": 4}),
        (5, {"layout": "grid", "basis": "X"}),
        (3, {"layout": "grid_2022", "commit": "closed", "most_rounds": 3}),
    ],
    ids=[
        "one-position",
        "any-of",
        "plane",
        "no-hints",
        "no-flips-of-measurements",
        "closed-few",
        "closed",
        "grid",
        "grid-2022-closed",
    ],
)
def test_answers_residual_events_and_hints(positions, options, paused):
    spec = spec_of(positions, **options)
    rtl = Pipeline(spec, positions_per_cycle=positions)
    traffic = {"input_pause": pauses(7, 30), "output_pause": pauses(8, 30)} if paused else {}
    assert_equal(rtl, shots_of(spec, 16, seed=9), **traffic)


@pytest.mark.parametrize("commit", ["hard", "closed"])
def test_latency_to_the_fabric_is_fixed(commit):
    """Blocks with long pauses before each: the last residual round comes when promised, the answer in time."""
    spec = spec_of(3, commit=commit)
    rtl = Pipeline(spec, positions_per_cycle=2)
    layers = len(spec.decoder.rounds)
    waits = iter([0, *([0] * (layers - 1) + [400]) * 100])
    seen = assert_equal(rtl, shots_of(spec, 8, seed=4), input_pause=lambda: next(waits))
    last, begun = seen.ends.sent[layers - 1 :: layers], seen.begun[layers - 1 :: layers]
    assert {after - before for before, after in zip(last, begun, strict=True)} == {rtl.cycles_to_fabric}
    assert max(after - before for before, after in zip(last, seen.ends.offered, strict=True)) <= rtl.max_cycles


def test_blocks_follow_at_the_speed_of_the_net():
    """Two blocks that the fabric has done before the next comes: a round every so many cycles, without a gap."""
    spec = spec_of(1, rounds=6)
    rtl = Pipeline(spec, positions_per_cycle=1)
    shots = np.zeros((3, spec.decoder.num_detectors), np.uint8)
    sent = rtl_answers(rtl, shots).ends.sent
    assert {later - before for before, later in pairwise(sent)} == {rtl.net.cycles_per_round}


def test_detectors_in_several_orders_are_refused():
    circuit = Memory(code="rotated_surface", distance=3, rounds=4, p=0.02).circuit().flattened()
    lines = str(circuit).splitlines()
    inner = [k for k, line in enumerate(lines) if line.startswith("DETECTOR") and ", 2)" in line]
    lines[inner[0]], lines[inner[1]] = lines[inner[1]], lines[inner[0]]
    rng = np.random.default_rng(1)
    spec = PipelineSpec.compile(net(rng, [8, 4, 12], weight_bits=4), stim.Circuit("\n".join(lines)))
    with pytest.raises(InputError, match="detectors of all inner rounds must come in one order of checks"):
        Pipeline(spec, positions_per_cycle=1)


def test_surface_code_of_distance_five():
    spec = spec_of(1, distance=5, rounds=5)
    assert_equal(Pipeline(spec, positions_per_cycle=3), shots_of(spec, 3, seed=1))


def test_closed_clusters_of_distance_five(tmp_path):
    """Verilated, over hundreds of shots; in many the gate lets groups through that take events away, in all not all."""
    spec = spec_of(1, distance=5, rounds=2, commit="closed", bounds=0)
    shots = shots_of(spec, 400, seed=1)
    decided, proposed = spec.decided(shots), replace(spec, commit="hard").decided(shots)
    assert (decided.left != shots).any(axis=1).mean() > 0.3
    assert 0 < decided.frame.mean() < 1
    assert (decided.flips <= proposed.flips).all()
    assert (decided.flips != proposed.flips).any(axis=1).all()
    rtl = Pipeline(spec, positions_per_cycle=3, instances=True)
    decoder = RtlDecoder(spec=spec.decoder, verilog=rtl.verilog(), lanes=1, cache=tmp_path)
    packed, expected = np.packbits(shots, axis=1, bitorder="little"), spec.decode_batch(shots)
    # The union-find alone answers otherwise.
    assert (spec.decoder.decode_batch(shots) != expected).any()
    for back_to_back in (False, True):
        assert np.array_equal(decoder.play(packed, back_to_back=back_to_back).predictions, expected)
    cycles = decoder.play(packed, gap_cycles=2).cycles
    assert rtl.cycles_to_fabric < cycles.min() <= cycles.max() <= rtl.max_cycles


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize("commit", ["hard", "closed"])
def test_blocks_of_every_length(commit, paused):
    """Rounds that do not come count as empty, those past the last are ignored, aborted blocks are forgotten."""
    spec = spec_of(6, commit=commit)
    rtl: Any = Pipeline(spec, positions_per_cycle=4)
    width, layers, draw = max(map(len, spec.decoder.rounds)), len(spec.decoder.rounds), random.Random(5)
    beats, kept = [], []
    for shot in shots_of(spec, 25, seed=2):
        rounds, aborted = draw.randint(1, layers + 3), draw.random() < 0.3
        events = [beat & ~(1 << width) for beat in block_beats(spec.decoder, shot)]
        block = (events + [draw.getrandbits(width) for _ in range(3)])[:rounds]
        beats += [*block[:-1], block[-1] | 1 << (width + aborted)]
        if not aborted:
            kept.append(shot.copy())
            for late in spec.decoder.rounds[rounds:]:
                kept[-1][list(late)] = 0
    seen: list[Exchange] = []
    traffic: dict[str, Any] = {"input_pause": pauses(7, 20), "output_pause": pauses(8, 20)} if paused else {}

    async def testbench(context: Any) -> None:
        seen.append(await exchange(context, Port.of(rtl.i), Port.of(rtl.o), beats, answers=len(kept), **traffic))
        *_, valid = await context.tick().sample(rtl.o.valid).repeat(2 * rtl.max_cycles)
        assert not valid

    simulator = Simulator(rtl)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen[0].received == spec.decode_batch(np.array(kept))[:, 0].tolist()


@pytest.mark.parametrize(
    ("layout", "positions", "commit"), [("supercell", 4, "hard"), ("supercell", 4, "closed"), ("grid", 3, "hard")]
)
def test_loaded_net_and_thresholds(layout, positions, commit):
    """The given net with its thresholds, and after a list, others."""
    spec = spec_of(7, commit=commit, bounds=2, rounds=2, layout=layout)
    rng = np.random.default_rng(7)
    other = replace(
        spec,
        net=alike(rng, spec.net),
        above=spec.above + 40,
        thresholds=tuple(bound + 5 for bound in spec.thresholds),
    )
    form = Loaded(multipliers="dsp", cycles_per_beat=36)
    shots = shots_of(spec, 6, seed=2)
    seen = assert_equal(Pipeline(spec, positions_per_cycle=positions, loaded=form), shots)
    rtl: Any = Pipeline(spec, positions_per_cycle=positions, loaded=form)
    last = len(spec.decoder.rounds) * np.arange(1, len(shots) + 1) - 1
    assert all(np.array(seen.begun)[last] - np.array(seen.ends.sent)[last] == rtl.cycles_to_fabric)
    answers: list[int] = []

    async def testbench(context: Any) -> None:
        numbers = rtl.numbers(other)
        for place, number in enumerate(numbers):
            context.set(rtl.weights.payload.number, number)
            context.set(rtl.weights.payload.last, place == len(numbers) - 1)
            context.set(rtl.weights.valid, 1)
            await context.tick()
        context.set(rtl.weights.valid, 0)
        beats = [beat for shot in shots for beat in block_beats(spec.decoder, shot)]
        seen = await exchange(context, Port.of(rtl.i), Port.of(rtl.o), beats, answers=len(shots))
        answers.extend(seen.received)

    simulator = Simulator(rtl)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    expected = other.decode_batch(shots)[:, 0].tolist()
    assert answers == expected
    assert (other.decided(shots).flips != spec.decided(shots).flips).any()
