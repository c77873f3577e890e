# SPDX-License-Identifier: Apache-2.0
"""Nets in memory: the given one and those that are loaded, against their references, in Amaranth's simulator."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from typing import Any

import numpy as np
import pytest
from amaranth import ResetInserter, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import pauses
from small_nets import Blocks, alike, beats_of, due_cycles, known, net, nets, random_blocks, ref_answers

from synfab.errors import InputError
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.rtl.predecoder import InputPlanes, Loaded, Predecoder
from synfab.rtl.predecoder.loaded import ListFormat
from synfab.rtl.simulation import Exchange, Pause, Port, exchange, never

MULTIPLIERS: st.SearchStrategy[Any] = st.sampled_from(["lut", "dsp"])


@dataclass
class Load:
    """A list that is sent after so many cycles, and what became of it."""

    numbers: Sequence[int]
    after: int = 0
    pause: Pause = never
    refused: bool = False
    ended: int = -1


@dataclass
class Seen:
    """What passed at the ends of a net, and when lists ended."""

    ends: Exchange = field(default_factory=Exchange)
    cycle: int = 0


def rtl_answers(rtl: Predecoder, blocks: Blocks, loads: Sequence[Load] = (), **traffic: Any) -> Seen:
    seen, component = Seen(), rtl
    answers = sum(events.shape[1] for events in blocks) * rtl.beats
    ports: Any = component

    async def testbench(context: Any) -> None:
        i, o = Port.of(ports.i), Port.of(ports.o)
        seen.ends = await exchange(context, i, o, beats_of(blocks), answers=answers, patience=5000, **traffic)

    async def tick(context: Any) -> bool:
        *_, ready = await context.tick().sample(ports.weights.ready)
        seen.cycle += 1
        return ready

    async def loading(context: Any) -> None:
        for load in loads:
            for _ in range(load.after):
                await tick(context)
            for place, number in enumerate(load.numbers):
                for _ in range(load.pause()):
                    await tick(context)
                context.set(ports.weights.payload.number, number)
                context.set(ports.weights.payload.last, place == len(load.numbers) - 1)
                context.set(ports.weights.valid, 1)
                while not await tick(context):
                    pass
                context.set(ports.weights.valid, 0)
            load.ended, load.refused = seen.cycle - 1, bool(context.get(ports.refused))

    simulator = Simulator(rtl)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(loading)
    simulator.run()
    return seen


def assert_equal(
    rtl: Predecoder,
    blocks: Blocks,
    loads: Sequence[Load] = (),
    following: Sequence[PredecoderSpec] = (),
    **traffic: Pause,
) -> int:
    """Play blocks and lists, ``following`` being the nets of those that are not refused; return the last one in force.

    A block is answered by the net of the last list that ended before its first round was taken.
    """
    seen = rtl_answers(rtl, blocks, loads, **traffic)
    ended = [load.ended for load in loads if not load.refused]
    assert len(ended) == len(following)
    rulers, expected, begun = [rtl.spec, *following], [], 0
    number = 0
    for events in blocks:
        number = sum(cycle < seen.ends.sent[begun] for cycle in ended)
        expected += ref_answers(rtl, [events], rulers[number])
        begun += events.shape[1]
    assert known(rtl, seen.ends.received) == expected
    due = due_cycles(rtl, blocks, seen.ends.sent)
    if "output_pause" in traffic:
        assert all(offered >= cycle for offered, cycle in zip(seen.ends.offered, due, strict=True))
    else:
        assert seen.ends.offered == due
    if not traffic and not loads:
        assert set(np.diff(seen.ends.sent)) <= {rtl.cycles_per_round}
    return number


@st.composite
def loaded_nets(draw: st.DrawFn) -> tuple[Predecoder, np.random.Generator]:
    spec, planes, positions = draw(nets(most_weights=300))
    common = gcd(*(layer.weights[0].size for layer in spec.layers))
    cycles = draw(st.sampled_from([k for k in range(1, common + 1) if common % k == 0]))
    form = Loaded(multipliers=draw(MULTIPLIERS), cycles_per_beat=cycles)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=positions, loaded=form)
    return rtl, np.random.default_rng(draw(st.integers(0, 1000)))


@given(made=loaded_nets())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_given_net_at_full_speed(made):
    """Without a list: a round every so many cycles, and each beat of logits in its cycle."""
    rtl, rng = made
    blocks = random_blocks(rng, rtl.planes, rng.integers(1, 6, 3).tolist())
    assert_equal(rtl, blocks)


@given(made=loaded_nets(), longest=st.integers(1, 40), held=st.booleans())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_nets_that_are_loaded_in_between(made, longest, held):
    """Lists come at any time, with pauses; rounds, too; some lists are wrong and change nothing."""
    rtl, rng = made
    others = [alike(rng, rtl.spec) for _ in range(2)]
    first, second = (rtl.lists.numbers(other) for other in others)
    wrong = [second[:-1], [*second, 1], [1 << rtl.lists.number_bits - 1, *second[1:]], second[:1]]
    rng.shuffle(wrong)
    lists = [first, wrong[0], wrong[1], second, wrong[2]]
    loads = [Load(numbers, int(rng.integers(0, 60)), pauses(number, 3)) for number, numbers in enumerate(lists)]
    traffic = {"input_pause": pauses(longest, longest)} | ({"output_pause": pauses(1, longest)} if held else {})
    rounds = len(first) * 8 // rtl.cycles_per_round // 3 + 4
    assert_equal(rtl, random_blocks(rng, rtl.planes, [min(rounds, 9)] * 5 + [1, 2]), loads, others, **traffic)
    assert [load.refused for load in loads] == [False, True, True, False, True]


@pytest.mark.parametrize("multipliers", ["lut", "dsp"])
@pytest.mark.parametrize("bits", [1, 2, 7, 8])
def test_narrowest_and_widest(bits, multipliers):
    """Weights and activations of so many bits, of the given net and of one that is loaded."""
    rng = np.random.default_rng(bits)
    spec = net(rng, [4, 3, 3, 2], kernel=(3, 1, 1), weight_bits=bits, activation_bits=bits)
    planes = InputPlanes(layout="supercell", event_channels=3, constants=rng.integers(0, 2, (1, 3, 2, 2)))
    form = Loaded(multipliers=multipliers, cycles_per_beat=3)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=2, loaded=form)
    assert rtl.lists is not None
    other = alike(rng, spec)
    blocks = random_blocks(rng, planes, [4, 1, 2] * 4)
    assert ref_answers(rtl, blocks) != ref_answers(rtl, blocks, other)
    assert assert_equal(rtl, blocks, [Load(rtl.lists.numbers(other))], [other]) == 1


@pytest.mark.parametrize(("multipliers", "cycles"), [("lut", 1), ("dsp", 9)])
def test_no_weights_overflow(multipliers, cycles):
    """All weights and biases at one end of their range, and all inputs at the top of theirs."""
    rng = np.random.default_rng(2)
    spec = net(rng, [2, 3, 3], weight_bits=3, activation_bits=5)
    planes = InputPlanes(layout="supercell", event_channels=2, constants=np.zeros((0, 3, 3, 3)))
    rtl = Predecoder(
        spec,
        planes=planes,
        positions_per_cycle=1,
        loaded=Loaded(multipliers=multipliers, cycles_per_beat=cycles),
    )
    assert rtl.lists is not None
    ends = []
    for number in (-4, 3):
        shapes = [(layer, shape.bias_bits) for layer, shape in zip(spec.layers, rtl.lists.layers, strict=True)]
        extremes = [3, number]
        layers = [
            replace(
                layer,
                weights=np.full_like(layer.weights, weight),
                bias=np.full_like(layer.bias, (1 << bits - 1) - 1 if weight > 0 else -(1 << bits - 1)),
                shift=np.full_like(layer.shift, 0),
            )
            for (layer, bits), weight in zip(shapes, extremes, strict=True)
        ]
        ends.append(replace(spec, layers=tuple(layers)))
    blocks = [np.ones((2, 4, 3, 3), np.uint8)] * (30 if cycles == 1 else 6)
    loads = [Load(rtl.lists.numbers(end)) for end in ends]
    assert assert_equal(rtl, blocks, loads, ends) == 2


def test_reset_forgets_a_list_but_not_the_net():
    rng = np.random.default_rng(3)
    spec = net(rng, [2, 1, 2], kernel=(1, 1, 3))
    planes = InputPlanes(layout="supercell", event_channels=2, constants=np.zeros((0, 3, 1, 3)))
    rtl: Any = Predecoder(spec, planes=planes, positions_per_cycle=1, loaded=Loaded(cycles_per_beat=3))
    following = alike(rng, spec)
    (block,) = random_blocks(rng, planes, [3])
    numbers = rtl.lists.numbers(following)

    async def send(context: Any, part: Sequence[int]) -> None:
        for place, number in enumerate(part):
            context.set(rtl.weights.payload.number, number)
            context.set(rtl.weights.payload.last, place == len(numbers) - 1)
            context.set(rtl.weights.valid, 1)
            await context.tick()
        context.set(rtl.weights.valid, 0)
        await context.tick().repeat(4)

    async def testbench(context: Any) -> None:
        for part, ruler in ((numbers[:-1], spec), (numbers, following), (numbers[:5], following)):
            await send(context, part)
            context.set(resets, 1)
            await context.tick()
            context.set(resets, 0)
            got = await exchange(context, Port.of(rtl.i), Port.of(rtl.o), beats_of([block]), answers=9)
            assert got.received == ref_answers(rtl, [block], ruler)

    wrapped, resets = with_reset(rtl)
    simulator = Simulator(wrapped)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def with_reset(rtl: Predecoder) -> tuple[Any, Signal]:
    resets = Signal()
    return ResetInserter(resets)(rtl), resets


def shaped(**parts: Any) -> PredecoderSpec:
    """A net of eight planes, of two layers, which are changed so."""
    rng = np.random.default_rng(1)
    first = Convolution(
        **{
            "weights": rng.integers(-2, 2, (2, 8, 1, 3, 3)),
            "weight_bits": 2,
            "bias": np.zeros(2, int),
            "shift": np.zeros(2, int),
            "activation_bits": 3,
        }
        | parts
    )
    last = Convolution(
        weights=rng.integers(-2, 2, (1, len(first.bias), 1, 3, 3)),
        weight_bits=2,
        bias=np.zeros(1, int),
        shift=np.zeros(1, int),
        input_bits=first.activation_bits or 1,
    )
    return PredecoderSpec(layout="supercell", layers=(first, last), logit_fraction_bits=4)


LISTS = ListFormat.of(shaped(), Loaded(cycles_per_beat=3))


def test_list_has_all_numbers_in_their_order():
    spec = shaped()
    numbers = LISTS.numbers(spec)
    assert len(numbers) == LISTS.length == spec.num_parameters + 2
    first, last = spec.layers
    assert numbers[:4] == [first.weights[o, 0, 0, 0, x] for x in range(2) for o in range(2)]
    assert numbers[144:148] == [*first.bias, *first.shift]
    assert numbers[148:] == [*last.weights.ravel(), *last.bias]
    bounded = ListFormat.of(spec, Loaded(), bounds=2)
    assert bounded.numbers(spec, [5, 7])[-2:] == [5, 7]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (replace(shaped(), layout="grid"), "the net must have the layout 'supercell', not 'grid'"),
        (net(np.random.default_rng(1), [8, 1]), "the net must have 2 layers, as the hardware, not 1"),
        (
            shaped(weights=np.zeros((2, 8, 3, 3, 3), int)),
            r"kernel of layer 0 must be \(1, 3, 3\), as in the hardware, not \(3, 3, 3\); load a net of the same shape",
        ),
        (shaped(activation_bits=2), "activation_bits of layer 0 must be 3, as in the hardware, not 2"),
        (
            shaped(weights=np.full((2, 8, 1, 3, 3), 5), weight_bits=4),
            r"a weight must lie in -2 \.\. 1, the 2 bits that the hardware has for it, not be 5",
        ),
        (shaped(bias=np.array([0, 1000])), r"a bias must lie in -256 \.\. 255, .*, not be 1000"),
    ],
)
def test_nets_of_another_shape_are_refused(spec, sentence):
    with pytest.raises(InputError, match=sentence):
        LISTS.numbers(spec)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"cycles_per_beat": 7}, "every layer's kernel, 72, 18, not be 7; choose one of 1, 2, 3, 6, 9, 18"),
        ({"cycles_per_beat": 0}, "cycles_per_beat must be at least 1, not 0"),
        ({"multipliers": "ram"}, "multipliers must be 'lut' or 'dsp', not 'ram'"),
    ],
)
def test_forms_that_do_not_fit_are_refused(parts, sentence):
    with pytest.raises(InputError, match=sentence):
        ListFormat.of(shaped(), Loaded(**parts))


def test_widths_that_no_sum_can_hold_are_refused():
    """These weights are small, but others of their width would overflow what the reference computes with."""
    wide = shaped(weight_bits=24)
    with pytest.raises(
        InputError, match="sums of any 24-bit weights must fit 31 bits, not 32 as in layer 0; take narrow"
    ):
        ListFormat.of(wide, Loaded())
