# SPDX-License-Identifier: Apache-2.0
"""The loader: blocks of any length, with pauses on both sides."""

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from synfab.rtl.union_find.loader import Loader

ROUNDS = ((0, 3), (1, 2, 5), (4,))
LAST = 1 << 3
ABORT = 1 << 4


def ref_events(beats: list[int], flips: tuple[int, ...] = ()) -> list[int]:
    """The events of each block in a row of beats."""
    blocks, number, events = [], 0, sum(1 << detector for detector in flips)
    for beat in beats:
        if number < len(ROUNDS):
            events ^= sum((beat >> bit & 1) << detector for bit, detector in enumerate(ROUNDS[number]))
        number += 1
        if beat & (LAST | ABORT):
            if not beat & ABORT:
                blocks.append(events)
            number, events = 0, sum(1 << detector for detector in flips)
    return blocks


def rtl_events(
    beats: list[int], flips: tuple[int, ...] = (), *, paused: bool = False, early: bool = False
) -> list[int]:
    """The same from the loader: the events of each block's last start.

    Every cycle is checked: a beat passes unless it is a last one and no fabric is free for it.
    """
    loader: Any = Loader(ROUNDS, flips, early=early)
    draw = random.Random(7)
    blocks = []

    async def testbench(context: Any) -> None:
        waiting, started, free = list(beats), None, True
        while waiting:
            valid, done = (draw.random() < 0.6, draw.random() < 0.2) if paused else (True, True)
            context.set(loader.i.valid, valid)
            context.set(loader.i.payload.as_value(), waiting[0] if valid else draw.getrandbits(5))
            context.set(loader.free, free)
            context.set(loader.resting, started is None)
            outputs = (loader.i.ready, loader.start, loader.last, loader.abort, loader.events)
            *_, ready, start, last, abort, events = await context.tick().sample(*outputs)
            taken = waiting[0] if valid and ready else 0
            assert ready or not valid or (not free and waiting[0] & LAST and not waiting[0] & ABORT)
            assert last == (taken & (LAST | ABORT) == LAST)
            assert abort == bool(taken & ABORT)
            assert not start or (free and (early or last))
            if start:
                started = events
            if last:
                assert started is not None
                blocks.append(started)
                free = False
            if last or abort:
                started = None
            if valid and ready:
                waiting.pop(0)
            free |= done

    simulator = Simulator(loader)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return blocks


def whole_blocks(number: int) -> list[int]:
    draw = random.Random(3)
    return [draw.getrandbits(3) | (LAST if k % 3 == 2 else 0) for k in range(3 * number)]


def ragged_blocks(number: int) -> list[int]:
    """Blocks of one to seven beats, for three rounds; every fourth is aborted, with its last beat or before."""
    draw = random.Random(4)
    lengths = [draw.randint(1, 7) for _ in range(number)]
    ends = [LAST if k % 4 else draw.choice((ABORT, ABORT | LAST)) for k in range(number)]
    return [
        draw.choice((0, draw.getrandbits(3))) | (end if k == length - 1 else 0)
        for length, end in zip(lengths, ends, strict=True)
        for k in range(length)
    ]


@pytest.mark.parametrize("early", [False, True], ids=["whole", "early"])
@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize(("blocks", "answered"), [(whole_blocks, 60), (ragged_blocks, 45)])
def test_events(blocks, answered, paused, early):
    beats = blocks(60)
    assert len(ref_events(beats)) == answered
    assert rtl_events(beats, paused=paused, early=early) == ref_events(beats)


def test_flips_invert_every_block_even_an_empty_one():
    beats = [LAST, *whole_blocks(10)]
    got = rtl_events(beats, (1, 4))
    assert got[0] == 0b010010
    assert got == ref_events(beats, (1, 4))


def test_layout_is_as_wide_as_the_widest_round():
    layout = Loader.layout(ROUNDS)
    assert {name: field.width for name, field in layout} == {"detections": 3, "last": 1, "abort": 1}
