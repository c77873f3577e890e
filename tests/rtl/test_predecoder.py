# SPDX-License-Identifier: Apache-2.0
"""The streaming net against its reference, logit by logit and cycle by cycle, in Amaranth's simulator."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import pauses
from small_nets import Blocks, beats_of, due_cycles, known, net, nets, random_blocks, ref_answers

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.predecoder.inputs import integer_planes, plane_layout
from synfab.predecoder.integers import LogitStream, PredecoderSpec
from synfab.predecoder.labels import LabelSampler
from synfab.rtl.predecoder import InputPlanes, Predecoder
from synfab.rtl.simulation import Exchange, Pause, Port, exchange


def rtl_answers(rtl: Any, blocks: Blocks, **traffic: Any) -> Exchange:
    seen: list[Exchange] = []
    answers = sum(events.shape[1] for events in blocks) * rtl.beats

    async def testbench(context: Any) -> None:
        seen.append(
            await exchange(context, Port.of(rtl.i), Port.of(rtl.o), beats_of(blocks), answers=answers, **traffic)
        )

    simulator = Simulator(rtl)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen[0]


def assert_equal(rtl: Predecoder, blocks: Blocks, **traffic: Pause) -> Exchange:
    """Play blocks; the logits must be the reference's, and never too early; nor too late, unless they were held up."""
    got = rtl_answers(rtl, blocks, **traffic)
    assert known(rtl, got.received) == ref_answers(rtl, blocks)
    due = due_cycles(rtl, blocks, got.sent)
    if "output_pause" in traffic:
        assert all(offered >= cycle for offered, cycle in zip(got.offered, due, strict=True))
    else:
        assert got.offered == due
    return got


@given(net=nets(), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_random_nets_at_full_speed(net, seed):
    """Blocks one after the other, also such that are shorter than what the net sees: a round every so many cycles."""
    spec, planes, positions = net
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=positions)
    rng = np.random.default_rng(seed)
    got = assert_equal(rtl, random_blocks(rng, planes, rng.integers(1, 7, 4).tolist()))
    assert set(np.diff(got.sent)) <= {rtl.cycles_per_round}


@given(net=nets(), seed=st.integers(0, 1000), longest=st.integers(1, 40), held=st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_random_nets_under_random_pauses(net, seed, longest, held):
    """Bubbles between rounds and blocks, longer and shorter than a sweep; and a reader that lets the queue fill."""
    spec, planes, positions = net
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=positions)
    rng = np.random.default_rng(seed)
    traffic = {"input_pause": pauses(seed, longest)} | ({"output_pause": pauses(seed + 1, longest)} if held else {})
    assert_equal(rtl, random_blocks(rng, planes, rng.integers(1, 5, 4).tolist()), **traffic)


@pytest.mark.parametrize("bits", range(1, 9))
def test_every_width(bits):
    """Weights and activations of so many bits, in three layers."""
    rng = np.random.default_rng(bits)
    spec = net(rng, [4, 3, 3, 2], kernel=(3, 1, 3), weight_bits=bits, activation_bits=bits)
    planes = InputPlanes(layout="supercell", event_channels=3, constants=rng.integers(0, 2, (1, 3, 2, 3)))
    blocks = random_blocks(rng, planes, [4, 1, 2])
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=2)
    assert len(set(ref_answers(rtl, blocks))) > 2
    assert_equal(rtl, blocks)


@pytest.mark.parametrize("positions", [1, 4, 5, 8])
def test_deep_and_wide_kernels(positions):
    """Five rounds and rows, so that more than one round of a block before is under the kernel, and rows wrap."""
    rng = np.random.default_rng(4)
    spec = net(rng, [3, 2, 2], kernel=(5, 5, 3), weight_bits=3, activation_bits=2)
    planes = InputPlanes(layout="supercell", event_channels=2, constants=rng.integers(0, 2, (1, 3, 5, 3)))
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=positions)
    assert_equal(rtl, random_blocks(rng, planes, [3, 1, 2, 6, 1]))


def test_reader_that_never_comes_stops_the_input():
    """Rounds are taken until there is no more room, and everything is there when the reader comes."""
    rng = np.random.default_rng(6)
    spec = net(rng, [2, 2], weight_bits=3)
    planes = InputPlanes(layout="supercell", event_channels=2, constants=np.zeros((0, 3, 2, 2)))
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=2)
    blocks = random_blocks(rng, planes, [30, 10])
    got = assert_equal(rtl, blocks, output_pause=iter([400, *[0] * 100]).__next__)
    taken = sum(cycle < 400 for cycle in got.sent)
    assert rtl.latency_cycles // rtl.cycles_per_round <= taken <= rtl.latency_cycles // rtl.cycles_per_round + 3


@pytest.mark.parametrize(
    ("layout", "basis"), [("supercell", "X"), ("supercell", "Z"), ("grid", "X"), ("grid", "Z"), ("grid_2022", "Z")]
)
def test_constant_planes_are_those_of_the_nets(layout, basis):
    """Samples of a memory experiment: what the nets are trained on is what the hardware sees, round by round."""
    rng = np.random.default_rng(3)
    memory = Memory(code="rotated_surface", distance=3, rounds=4, basis=basis, p=0.05)
    labels = LabelSampler(circuit=memory.circuit()).compile(seed=1).sample(words=1)
    events = plane_layout(layout, 3).batch(labels).events[:6]
    inputs = integer_planes(events, name=layout, volume=labels.volume)
    planes = InputPlanes.of(layout, distance=3, basis=basis)
    blocks = list(events)
    assert np.array_equal(np.stack([planes.block(each) for each in blocks]), inputs)
    spec = net(rng, [planes.num_inputs, 2, 4], layout=layout, weight_bits=3)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=2)
    assert_equal(rtl, blocks)
    stream = LogitStream(spec, rows=planes.rows, columns=planes.columns)
    pushed = [stream.push(inputs[0, :, number].astype(int)) for number in range(labels.volume.layers)]
    assert sum(logits is None for logits in pushed) == spec.look_ahead


@pytest.mark.parametrize(
    ("layout", "distance", "positions"),
    [("grid", 3, 9), ("grid", 5, 1), ("grid_2022", 3, 3), ("grid_2022", 5, 5)],
)
def test_layouts_of_the_papers_under_pauses(layout, distance, positions):
    rng = np.random.default_rng(7)
    planes = InputPlanes.of(layout, distance=distance, basis="X")
    spec = net(rng, [planes.num_inputs, 3, 4], layout=layout, weight_bits=4)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=positions)
    # An event is a bit on its way, and in the tables.
    assert len(rtl.i.payload.events) == 2 * distance**2
    assert rtl.layers[0].graph(0).input_bits == 1
    blocks = random_blocks(rng, planes, [4, 1, 2])
    assert_equal(rtl, blocks, input_pause=pauses(3, 30), output_pause=pauses(4, 30))


def modules(verilog: str) -> list[str]:
    return re.findall(r"^module (\\?\S+) ?\(", verilog, re.MULTILINE)


def test_emission_is_one_module_for_all_positions_that_are_alike():
    def emission(positions: int) -> str:
        spec = net(np.random.default_rng(5), [8, 1, 1], weight_bits=2, activation_bits=2)
        planes = InputPlanes.of("supercell", distance=5, basis="Z")
        return Predecoder(spec, planes=planes, positions_per_cycle=positions, instances=True).verilog()

    # A beat that is a row has a middle and two ends.
    for positions, kinds in ((1, 1), (3, 3)):
        verilog = emission(positions)
        names = modules(verilog)
        assert names[0] == "predecoder"
        assert len(names) == len(set(names))
        assert sum(name.startswith("position_") for name in names) == 2 * kinds
        assert len(re.findall(r"^  position_\w+ position_\d+ \($", verilog, re.MULTILINE)) == 2 * positions
    assert emission(positions) == verilog


@pytest.mark.usefixtures("unused")
def test_emission_needs_instances():
    planes = InputPlanes.of("supercell", distance=3, basis="Z")
    rtl = Predecoder(net(np.random.default_rng(1), [8, 1]), planes=planes, positions_per_cycle=1)
    with pytest.raises(ValueError, match=r"must place instances, not instances=False: give instances=True"):
        rtl.verilog()


def of_layout(spec: PredecoderSpec, layout: str) -> PredecoderSpec:
    return replace(spec, layout=layout)


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("positions", [4, 6, 0, -3, 18])
def test_fold_that_does_not_divide_is_refused(positions):
    """Four positions of nine take three beats, as three do."""
    planes = InputPlanes.of("supercell", distance=5, basis="Z")
    sentence = f"must divide the 9 positions of a plane, rounded up: one of 1, 2, 3, 5, 9, not {positions}; any other"
    with pytest.raises(InputError, match=sentence):
        Predecoder(net(np.random.default_rng(1), [8, 1]), planes=planes, positions_per_cycle=positions)


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (net(np.random.default_rng(1), [6, 1]), "the net must take 8 planes, 4 of events and 4 constant ones, not 6"),
        (
            of_layout(net(np.random.default_rng(1), [8, 1]), "grid"),
            "the planes must be those of the layout 'grid', as the net's, not of 'supercell'",
        ),
    ],
)
def test_planes_of_another_layout_are_refused(spec, sentence):
    with pytest.raises(InputError, match=sentence):
        Predecoder(spec, planes=InputPlanes.of("supercell", distance=5, basis="Z"), positions_per_cycle=1)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"constants": np.zeros((4, 2, 3, 3))},
            r"must have the shape \(channels, 3, rows, columns\), not \(4, 2, 3, 3\)",
        ),
        (
            {"constants": np.zeros((4, 3, 0, 3))},
            r"must have the shape \(channels, 3, rows, columns\), not \(4, 3, 0, 3\)",
        ),
        ({"constants": np.full((1, 3, 2, 2), 0.5)}, "must hold integers from 0 to 255, not 0.5; take integer_planes"),
        ({"constants": np.full((1, 3, 2, 2), 256)}, "must hold integers from 0 to 255, not 256; take integer_planes"),
        ({"event": 0}, "an event must count as an integer from 1 to 255, not 0"),
        ({"event_channels": 0}, "event_channels must be at least 1, not 0"),
    ],
)
def test_planes_of_a_wrong_shape_are_refused(parts, sentence):
    with pytest.raises(InputError, match=sentence):
        InputPlanes(**{"layout": "grid", "event_channels": 2, "constants": np.zeros((2, 3, 3, 3))} | parts)


def test_net_of_bits_is_refused_for_planes_of_halves():
    spec = of_layout(net(np.random.default_rng(1), [4, 1]), "grid")
    sentence = "the net must take inputs of 2 bits or more, as its planes have them, not of 1; take planes of its own"
    with pytest.raises(InputError, match=sentence):
        Predecoder(spec, planes=InputPlanes.of("grid", distance=3, basis="Z"), positions_per_cycle=1)
