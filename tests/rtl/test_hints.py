# SPDX-License-Identifier: Apache-2.0
"""Hints that come with the rounds: levels lower weights of one block, as the reference's weights of a shot do."""

import random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import multigraph

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.rtl.simulation import Port, Stopwatch, block_beats, exchange
from synfab.rtl.union_find import Hints, UnionFind


def hints_for(spec: UnionFindSpec, weights: tuple[int, ...], draw: random.Random) -> Hints:
    """Lanes at random: some edges without, some that share one."""
    num_lanes = draw.randint(1, 6)
    places = [
        None if draw.random() < 0.2 else (draw.randrange(len(spec.rounds)), draw.randrange(num_lanes))
        for _ in spec.edges
    ]
    return Hints(weights=weights, lanes=tuple(places), num_lanes=num_lanes)


def blocks_for(spec: UnionFindSpec, hints: Hints, number: int, draw: random.Random) -> list[dict[str, Any]]:
    """Shots with levels for each beat; some end early or are aborted, some have beats too many."""
    blocks = []
    for _ in range(number):
        shot = np.array([draw.random() < 0.3 for _ in range(spec.num_detectors)], np.uint8)
        beats = draw.choice([len(spec.rounds)] * 4 + [draw.randint(1, len(spec.rounds)), len(spec.rounds) + 2])
        silence = draw.choice((0.0, 0.5, 1.0))
        levels = [
            [hints.silent if draw.random() < silence else draw.randint(0, hints.silent) for _ in range(hints.num_lanes)]
            for _ in range(beats)
        ]
        blocks.append({"shot": shot, "levels": levels, "aborted": draw.random() < 0.15})
    return blocks


def ref_answer(spec: UnionFindSpec, hints: Hints, block: dict[str, Any], *, corrections: bool) -> int:
    """The payload of the answer, from weights of the shot's own."""
    shot, levels = block["shot"].copy(), block["levels"]
    for late in spec.rounds[len(levels) :]:
        shot[list(late)] = 0
    table = (*hints.weights, 1 << spec.weight_bits)
    weights = [
        weight if place is None or place[0] >= len(levels) else min(weight, table[levels[place[0]][place[1]]])
        for weight, place in zip(spec.weights, hints.lanes, strict=True)
    ]
    bits = spec.decode_batch(shot[np.newaxis], weights=weights)[0].tolist() or [0]
    if corrections:
        bits += spec.decode_to_edges(shot[np.newaxis], weights=weights)[0].tolist()
    return sum(bit << k for k, bit in enumerate(bits))


def payloads(spec: UnionFindSpec, hints: Hints, block: dict[str, Any]) -> list[int]:
    """The block's beats, with its levels."""
    width = max(map(len, spec.rounds))
    events = [beat & ~(1 << width) for beat in block_beats(spec, block["shot"])]
    beats = []
    for number, levels in enumerate(block["levels"]):
        beat = events[number] if number < len(events) else 0
        ends = number == len(block["levels"]) - 1
        beat |= (ends and not block["aborted"]) << width | (ends and block["aborted"]) << (width + 1)
        for lane, level in enumerate(levels):
            beat |= level << (width + 2 + lane * hints.level_bits)
        beats.append(beat)
    return beats


def assert_equal(
    spec: UnionFindSpec, hints: Hints, blocks: list[dict[str, Any]], *, seed: int, paused: bool, **options: Any
) -> None:
    fabric: Any = UnionFind(spec, hints=hints, **options)
    draw, stopwatch = random.Random(seed), Stopwatch()
    got: list[int] = []
    corrections = options.get("corrections", False)
    expected = [ref_answer(spec, hints, block, corrections=corrections) for block in blocks if not block["aborted"]]

    def pause() -> int:
        return draw.choice((0, 0, draw.randint(0, 20))) if paused else 0

    async def send(context: Any) -> None:
        beats = [beat for block in blocks for beat in payloads(spec, hints, block)]
        found = await exchange(
            context,
            Port.of(fabric.i),
            Port.of(fabric.o),
            beats,
            answers=len(expected),
            input_pause=pause,
            output_pause=pause,
        )
        got.extend(found.received)

    async def watch(context: Any) -> None:
        while len(got) < len(expected):
            i, o = fabric.i, fabric.o
            ends = i.valid & i.ready & i.payload.last & ~i.payload.abort
            *_, last, valid, ready = await context.tick().sample(ends, o.valid, o.ready)
            stopwatch.tick(last=bool(last), valid=bool(valid), ready=bool(ready))

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(watch, background=True)
    simulator.run()
    assert got == expected
    assert max(stopwatch.cycles) <= fabric.max_cycles


@given(seed=st.integers(0, 10_000), paused=st.booleans(), corrections=st.booleans(), hops=st.sampled_from([1, 2]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_random_multigraphs(seed, paused, corrections, hops):
    draw = random.Random(seed)
    num_detectors = draw.randint(2, 6)
    cut = draw.randint(1, num_detectors - 1)
    spec = multigraph(draw, num_detectors, rounds=(tuple(range(cut)), tuple(range(cut, num_detectors))))
    hints = hints_for(spec, tuple(draw.randint(1, 5) for _ in range(draw.randint(1, 3))), draw)
    blocks = blocks_for(spec, hints, 30, draw)
    assert_equal(spec, hints, blocks, seed=seed, paused=paused, corrections=corrections, hops=hops)


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
def test_surface_code(paused):
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(Memory(code="rotated_surface", distance=3, p=0.01).dem()))
    draw = random.Random(3)
    hints = hints_for(spec, (1, 3, 6), draw)
    assert_equal(spec, hints, blocks_for(spec, hints, 25, draw), seed=5, paused=paused)


def test_empty_block_takes_one_cycle_more_with_hints():
    spec = multigraph(random.Random(1), 4)
    hints = Hints(weights=(1,), lanes=((0, 0),) * len(spec.edges), num_lanes=1)
    for fabric, cycles in ((UnionFind(spec), 2), (UnionFind(spec, hints=hints), 3)):
        last = 1 << max(map(len, spec.rounds))
        found = played_alone(fabric, last | (hints.silent << 2) * last * (fabric.hints is not None))
        assert found == cycles < fabric.max_cycles


def played_alone(fabric: Any, beat: int) -> int:
    """Play one block of one beat; return its cycles."""
    seen: list[int] = []

    async def send(context: Any) -> None:
        found = await exchange(context, Port.of(fabric.i), Port.of(fabric.o), [beat], answers=1)
        seen.append(found.offered[0] - found.sent[0])

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.run()
    return seen[0]


def test_hints_that_do_not_fit_are_refused():
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(Memory(code="repetition", distance=3, rounds=2, p=0.01).dem()))
    none = (None,) * len(spec.edges)
    with pytest.raises(InputError, match=r"hints must have a lane for each of \d+ edges, not 1"):
        UnionFind(spec, hints=Hints(weights=(1,), lanes=(None,), num_lanes=1))
    with pytest.raises(InputError, match=r"weights of hints must be 1 or more, one for each level, not \(0,\)"):
        UnionFind(spec, hints=Hints(weights=(0,), lanes=none, num_lanes=1))
    with pytest.raises(InputError, match=r"a lane must be one of 1 in one of 3 beats, not \(3, 0\)"):
        UnionFind(spec, hints=Hints(weights=(1,), lanes=((3, 0), *none[1:]), num_lanes=1))
    with pytest.raises(InputError, match="not with runtime_weights"):
        UnionFind(spec, hints=Hints(weights=(1,), lanes=none, num_lanes=1), runtime_weights=True)
