# SPDX-License-Identifier: Apache-2.0
"""The loader: blocks of any length, with pauses on both sides."""

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from synfab.rtl.union_find.loader import Loader

ROUNDS = ((0, 3), (1, 2, 5), (4,))
LAST = 1 << 3


def ref_events(beats: list[int], flips: tuple[int, ...] = ()) -> list[int]:
    """The events of each block in a row of beats."""
    blocks, number, events = [], 0, sum(1 << detector for detector in flips)
    for beat in beats:
        if number < len(ROUNDS):
            events ^= sum((beat >> bit & 1) << detector for bit, detector in enumerate(ROUNDS[number]))
        number += 1
        if beat & LAST:
            blocks.append(events)
            number, events = 0, sum(1 << detector for detector in flips)
    return blocks


def rtl_events(beats: list[int], flips: tuple[int, ...] = (), *, paused: bool = False) -> list[int]:
    """The same from the loader; every cycle is checked: a beat passes unless it is a last one and not enabled."""
    loader: Any = Loader(ROUNDS, flips)
    draw = random.Random(7)
    blocks = []

    async def testbench(context: Any) -> None:
        waiting = list(beats)
        while waiting:
            valid, enable = (draw.random() < 0.6, draw.random() < 0.4) if paused else (True, True)
            context.set(loader.i.valid, valid)
            context.set(loader.i.payload.as_value(), waiting[0] if valid else draw.getrandbits(4))
            context.set(loader.enable, enable)
            *_, ready, start, events = await context.tick().sample(loader.i.ready, loader.start, loader.events)
            if not valid:
                assert not start
                continue
            last = waiting[0] >= LAST
            assert ready == (enable or not last)
            assert start == (enable and last)
            if start:
                blocks.append(events)
            if ready:
                waiting.pop(0)

    simulator = Simulator(loader)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return blocks


def whole_blocks(number: int) -> list[int]:
    draw = random.Random(3)
    return [draw.getrandbits(3) | (LAST if k % 3 == 2 else 0) for k in range(3 * number)]


def ragged_blocks(number: int) -> list[int]:
    """Blocks of one to seven beats, for three rounds."""
    draw = random.Random(4)
    lengths = [draw.randint(1, 7) for _ in range(number)]
    return [draw.getrandbits(3) | (LAST if k == length - 1 else 0) for length in lengths for k in range(length)]


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize("blocks", [whole_blocks, ragged_blocks])
def test_events(blocks, paused):
    beats = blocks(60)
    assert len(ref_events(beats)) == 60
    assert rtl_events(beats, paused=paused) == ref_events(beats)


def test_flips_invert_every_block_even_an_empty_one():
    beats = [LAST, *whole_blocks(10)]
    got = rtl_events(beats, (1, 4))
    assert got[0] == 0b010010
    assert got == ref_events(beats, (1, 4))


def test_layout_is_as_wide_as_the_widest_round():
    layout = Loader.layout(ROUNDS)
    assert {name: field.width for name, field in layout} == {"detections": 3, "last": 1}
