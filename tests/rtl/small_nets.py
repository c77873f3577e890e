# SPDX-License-Identifier: Apache-2.0
"""Random nets for the tests of the pre-decoder's RTL, and what they must answer, as payloads."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS, LayoutName
from synfab.rtl.predecoder import InputPlanes, Predecoder
from synfab.rtl.predecoder.beats import folds

Blocks = Sequence[npt.NDArray[np.uint8]]
"""Events of blocks, each (event_channels, rounds, rows, columns)."""


def convolution(
    rng: np.random.Generator, inputs: int, outputs: int, *, kernel=(3, 3, 3), weight_bits: int = 8, **others
) -> Convolution:
    """A layer of random weights whose activations use their range, but for some channels that overflow it."""
    largest = 1 << (weight_bits - 1)
    weights = rng.integers(-largest, largest, (outputs, inputs, *kernel))
    bias = rng.integers(-2 * largest, 4 * largest, outputs)
    shift = np.zeros(outputs, int)
    if activation_bits := others.get("activation_bits"):
        most = (1 << others.get("input_bits", 1)) - 1
        spread = most * np.sqrt((weights.astype(float) ** 2).sum(axis=(1, 2, 3, 4)) / 2 + 1)
        shift = np.maximum(0, np.log2(spread).astype(int) + 1 - activation_bits + rng.integers(-1, 2, outputs))
    return Convolution(weights=weights, weight_bits=weight_bits, bias=bias, shift=shift, **others)


def net(
    rng: np.random.Generator,
    channels: Sequence[int],
    *,
    layout: LayoutName = "supercell",
    activation_bits: int = 4,
    **others,
) -> PredecoderSpec:
    """A net with so many channels before, between and after its layers."""
    layers = []
    for number, (inputs, outputs) in enumerate(pairwise(channels)):
        before = activation_bits if number else INPUT_FRACTION_BITS[layout] + 1
        after = activation_bits if number < len(channels) - 2 else None
        layers.append(convolution(rng, inputs, outputs, input_bits=before, activation_bits=after, **others))
    return PredecoderSpec(layout=layout, layers=tuple(layers), logit_fraction_bits=4)


@st.composite
def nets(draw: st.DrawFn, most_weights: int = 3000) -> tuple[PredecoderSpec, InputPlanes, int]:
    """A net of all widths, planes, and positions a cycle; small enough for Amaranth's simulator.

    Of the weights of all positions of a beat there are no more than ``most_weights``, if a single one has not more.
    """
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    events, constants = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    # What an event is, and the largest constant: those of all layouts, and others.
    event, most = draw(st.sampled_from([(1, 1), (2, 2), (1, 5), (3, 1)]))
    planes = InputPlanes(
        layout="supercell",
        event_channels=events,
        constants=rng.integers(0, most + 1, (constants, 3, rows, columns)),
        event=event,
    )
    channels = [planes.num_inputs, *draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))]
    widths = [planes.input_bits, *(draw(st.integers(1, 8)) for _ in channels[2:]), None]
    sides = st.sampled_from([1, 3])
    layers = tuple(
        convolution(
            rng,
            inputs,
            outputs,
            kernel=(draw(sides), draw(sides), draw(sides)),
            weight_bits=draw(st.integers(1, 8)),
            input_bits=before,
            activation_bits=after,
        )
        for (inputs, outputs), (before, after) in zip(pairwise(channels), pairwise(widths), strict=True)
    )
    spec = PredecoderSpec(layout="supercell", layers=layers, logit_fraction_bits=4)
    weights = sum(layer.weights.size for layer in layers)
    choices = [k for k in folds(rows * columns) if k == 1 or k * weights < most_weights]
    return spec, planes, draw(st.sampled_from(choices))


def alike(rng: np.random.Generator, spec: PredecoderSpec) -> PredecoderSpec:
    """Another net of the same shape: the same numbers in other places."""
    layers = tuple(
        replace(
            layer,
            weights=rng.permuted(layer.weights, axis=None),
            bias=rng.permutation(layer.bias),
            shift=rng.permutation(layer.shift),
        )
        for layer in spec.layers
    )
    return replace(spec, layers=layers)


def random_blocks(rng: np.random.Generator, planes: InputPlanes, rounds: Sequence[int]) -> Blocks:
    """Blocks of so many rounds, sparse ones and dense ones."""
    sides = planes.rows, planes.columns
    return [
        (rng.random((planes.event_channels, number, *sides)) < rng.choice([0.1, 0.5, 0.9])).astype(np.uint8)
        for number in rounds
    ]


def beats_of(blocks: Blocks) -> list[int]:
    """The payload of each round."""
    beats = []
    for events in blocks:
        for number in range(events.shape[1]):
            bits = events[:, number].ravel().tolist()
            last = number == events.shape[1] - 1
            beats.append(sum(bit << k for k, bit in enumerate([*bits, last])))
    return beats


def ref_answers(rtl: Predecoder, blocks: Blocks, spec: PredecoderSpec | None = None) -> list[int]:
    """The payload of each beat of logits, from the reference of the hardware's net or of another one."""
    inputs = [rtl.planes.block(events)[np.newaxis] for events in blocks]
    return [beat for planes in inputs for beat in answers_of(rtl, (spec or rtl.spec).logits(planes)[0])]


def answers_of(rtl: Predecoder, logits: npt.NDArray[np.integer]) -> list[int]:
    """The payload of each beat of a block's logits, (num_outputs, rounds, rows, columns)."""
    bits, rounds = rtl.logit_bits, logits.shape[1]
    # (rounds, positions, outputs), and 0 for the positions beyond the plane.
    places = np.moveaxis(logits, 0, -1).reshape(rounds, -1, rtl.spec.num_outputs)
    beyond = rtl.beats * rtl.positions_per_cycle - places.shape[1]
    numbers = np.pad(places, [(0, 0), (0, beyond), (0, 0)]).reshape(rounds * rtl.beats, -1)
    beats = [sum((v & (1 << bits) - 1) << bits * k for k, v in enumerate(row)) for row in numbers.tolist()]
    return [*beats[:-1], beats[-1] | 1 << bits * numbers.shape[1]]


def known(rtl: Predecoder, answers: Sequence[int]) -> list[int]:
    """The payloads of beats of logits, 0 for the positions beyond the plane."""
    inside = rtl.planes.rows * rtl.planes.columns - (rtl.beats - 1) * rtl.positions_per_cycle
    position = rtl.spec.num_outputs * rtl.logit_bits
    mask = 1 << rtl.positions_per_cycle * position | (1 << inside * position) - 1
    return [answer & mask if (k + 1) % rtl.beats == 0 else answer for k, answer in enumerate(answers)]


def due_cycles(rtl: Predecoder, blocks: Blocks, sent: Sequence[int]) -> list[int]:
    """The cycle in which each beat of logits is offered to a reader that never waits, from those of the rounds."""
    ends = set(np.cumsum([events.shape[1] for events in blocks]) - 1)
    ahead, each = rtl.spec.look_ahead, rtl.cycles_per_round
    sweeps, places = [], []
    for number, cycle in enumerate(sent):
        places.append(len(sweeps))
        sweeps.append(cycle)
        if number in ends:
            # Empty sweeps, until the next block begins.
            following = [*sent, np.inf][number + 1]
            sweeps += [empty for empty in range(cycle + each, cycle + each * ahead + 1, each) if empty < following]
    starts = [sweeps[place + ahead] + rtl.latency_cycles for place in places]
    return [beat for start in starts for beat in range(start, start + each, rtl.cycles_per_beat)]
