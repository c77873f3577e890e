# SPDX-License-Identifier: Apache-2.0
"""Lists of weights behind the board top: words in, and what the decoder's port makes of them."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth import Const, Elaboratable, Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from small_nets import net

from synfab.rtl.axi_stream import NUMBER_WORD, NumberReader, WordFormat
from synfab.rtl.predecoder.loaded import ListFormat, Loaded, WeightPort

LISTS = ListFormat.of(net(np.random.default_rng(3), [2, 1, 2], kernel=(1, 1, 3)), Loaded(cycles_per_beat=3))
LAST = 1 << 32


class Ends(Elaboratable):
    """A reader before a port whose net is always idle."""

    def __init__(self) -> None:
        self.reader: Any = NumberReader(LISTS)
        self.port: Any = WeightPort(LISTS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.reader, m.submodules.port = self.reader, self.port
        wiring.connect(m, self.reader.o, self.port.i)
        m.d.comb += self.port.idle.eq(Const(1))
        return m


def ref_taken(numbers: list[int]) -> bool:
    """Whether a list is whole and has no number too wide for its place."""
    ranges = [section.range for section in LISTS.sections for _ in range(section.length)]
    return len(numbers) == len(ranges) and all(
        low <= number <= high for number, (low, high) in zip(numbers, ranges, strict=True)
    )


def random_lists(draw: random.Random, count: int) -> list[list[int]]:
    """Right ones, and some that are cut, go on, or have numbers of up to 32 bits, the last one among them."""
    found = []
    for kind in draw.choices(range(5), k=count):
        numbers = [draw.randint(*section.range) for section in LISTS.sections for _ in range(section.length)]
        if kind == 1:
            numbers = numbers[: draw.randrange(1, len(numbers))]
        elif kind == 2:
            numbers += numbers[: draw.randrange(1, 5)]
        elif kind > 2:
            place = len(numbers) - 1 if kind == 3 else draw.randrange(len(numbers))
            # Cut to the port's width, it would fit.
            numbers[place] += draw.choice((-1, 1)) << draw.randrange(LISTS.number_bits, 31)
        if draw.random() < 0.2:
            numbers[draw.randrange(len(numbers))] = draw.randrange(-1 << 31, 1 << 31)
        found.append(numbers)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_list_with_a_number_too_wide_is_refused_and_the_next_is_unharmed(seed):
    draw = random.Random(seed)
    lists, ends, taken, refused = random_lists(draw, 80), Ends(), [], []

    async def swaps(context: Any) -> None:
        count = 0
        while True:
            *_, swap = await context.tick().sample(ends.port.o.swap)
            count += swap
            taken[:] = [count]

    async def send(context: Any) -> None:
        for numbers in lists:
            for word in WordFormat.list_words(numbers):
                # What is above the last bit is ignored.
                context.set(ends.reader.i.payload, NUMBER_WORD.from_bits(word | draw.getrandbits(31) << 33))
                context.set(ends.reader.i.valid, 1)
                await context.tick().until(ends.reader.i.ready)
                context.set(ends.reader.i.valid, 0)
                if draw.random() < 0.2:
                    await context.tick().repeat(draw.randint(1, 3))
            await context.tick().repeat(4)
            refused.append(bool(context.get(ends.port.refused)))

    simulator = Simulator(ends)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(swaps, background=True)
    simulator.run()
    expected = [ref_taken(numbers) for numbers in lists]
    assert 5 < sum(expected) < len(lists) - 30
    assert refused == [not each for each in expected]
    assert taken == [sum(expected)]


def test_words_of_a_list():
    assert WordFormat.list_words([3, -1]) == [3, LAST | 0xFFFFFFFF]
    with pytest.raises(ValueError, match="a number of a list must have 32 bits with its sign, not be 2147483648"):
        WordFormat.list_words([0, 1 << 31])
