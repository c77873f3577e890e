# SPDX-License-Identifier: Apache-2.0
"""No fabric hangs, and each answers the next block rightly, whatever arrives: one test a trouble, for every design."""

import random
from typing import Any

import pytest
from amaranth import Const
from fabric_bench import Bench
from small_graphs import BOUNDARY, ring, spec_of

from synfab.rtl.union_find import Design, spatial
from synfab.rtl.union_find.control import Control

# Three rounds; some syndromes conflict, some reach the boundary late.
SPEC = spec_of(4, ring(4, (3, BOUNDARY, 3, 1)), rounds=((2, 0), (1,), (3,)))
EVERY = range(1 << SPEC.num_detectors)

DESIGNS = {
    "spatial": Design(),
    "spatial, corrections": Design(corrections=True),
    "spatial, 2 hops, corrections": Design(hops=2, corrections=True),
    "spatial, weights at run time": Design(runtime_weights=True),
    "spatial, 2 hops, weights at run time": Design(hops=2, runtime_weights=True),
    "shared, n=2": Design(micro_architecture="shared", detectors_per_element=2),
    "shared, whole, corrections": Design(micro_architecture="shared", detectors_per_element=9, corrections=True),
}


@pytest.fixture(scope="module")
def slowest() -> tuple[int, int]:
    """The syndrome that takes the longest by itself, and one of two events that is answered otherwise."""
    cycles = {}

    async def scenario(bench: Bench) -> None:
        cycles.update({events: await bench.alone(events) for events in EVERY})

    Bench(SPEC, DESIGNS["spatial, corrections"]).run(scenario)
    first, *others = sorted(EVERY, key=lambda events: -cycles[events])
    return first, next(events for events in others if events.bit_count() == 2)


def cycles_of_interest(cycles: int, *, held: bool) -> range:
    """All until the answer is offered; those from there on if it is held up."""
    return range(cycles - 2, cycles + 3) if held else range(cycles + 2)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("held", [False, True], ids=["taken", "held"])
def test_blocks_of_any_length(design, held):
    """Too short, too long, of empty rounds only; detection events in beats past the last round."""
    draw = random.Random(1)

    async def scenario(bench: Bench) -> None:
        for length in [1, 2, 3, 4, 9] * 8:
            bench.ready = not held or len(bench.due) > 1 or draw.random() < 0.6
            beats = [0] * length if draw.random() < 0.2 else [draw.randrange(4) for _ in range(length)]
            beats[-1] |= bench.last
            await bench.send(*beats)
            await bench.idle(draw.choice((0, 0, 40)))

    Bench(SPEC, DESIGNS[design]).run(scenario)


@pytest.mark.parametrize("design", DESIGNS)
def test_abort_in_every_cycle_of_a_block_that_loads(design, slowest):
    """Between its beats a spatial fabric is at work on what came."""
    parameters = DESIGNS[design]

    async def scenario(bench: Bench) -> None:
        doomed, intact = slowest
        most = await bench.alone(doomed) + 1 if parameters.micro_architecture == "spatial" else 2
        for sent in range(len(SPEC.rounds)):
            for cycles in range(most):
                if parameters.runtime_weights:
                    await bench.enter(cycles % len(SPEC.edges), 0)
                await bench.send(*bench.beats(doomed)[:sent])
                await bench.idle(cycles)
                await bench.send(bench.abort | (cycles % 2 and bench.last) | cycles % 4)
                await bench.send(*bench.beats(intact if cycles % 3 else doomed))
                await bench.drain()

    Bench(SPEC, parameters).run(scenario)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("held", [False, True], ids=["taken", "held"])
def test_abort_of_the_next_block_in_every_cycle_of_one(design, held, slowest):
    """A complete block is answered whatever happens to the next one, while it is decoded and while its answer waits."""

    async def scenario(bench: Bench) -> None:
        decoded, intact = slowest
        for cycles in cycles_of_interest(await bench.alone(decoded), held=held):
            bench.ready = not held
            await bench.send(*bench.beats(decoded))
            await bench.idle(cycles)
            await bench.send(*bench.beats(intact)[: cycles % 3], bench.abort | 3)
            await bench.send(*bench.beats(intact)[:-1])
            bench.ready = True
            await bench.send(bench.beats(intact)[-1])
            await bench.drain()

    Bench(SPEC, DESIGNS[design]).run(scenario)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("held", [False, True], ids=["taken", "held"])
def test_reset_in_every_cycle_of_a_block(design, held, slowest):
    """While it loads, is decoded, or its answer waits; with the next block behind it or not, and with its weights."""
    parameters = DESIGNS[design]

    async def scenario(bench: Bench) -> None:
        doomed, intact = slowest
        most = len(SPEC.rounds) + await bench.alone(doomed)
        for cycles in cycles_of_interest(most, held=held):
            if parameters.runtime_weights:
                await bench.enter(cycles % len(SPEC.edges), 0)
                await bench.enter((cycles + 1) % len(SPEC.edges), 7, default=True)
            bench.ready = not held
            beats = [*bench.beats(doomed), *bench.beats(intact)[: cycles % 3]]
            await bench.send(*beats[:cycles])
            await bench.idle(max(0, cycles - len(beats)))
            await bench.reset()
            bench.ready = True
            await bench.send(*bench.beats(intact if cycles % 2 else doomed))
            await bench.drain()

    Bench(SPEC, parameters).run(scenario)


@pytest.mark.parametrize("design", DESIGNS)
def test_long_stalls_on_both_sides(design, slowest):
    """Beats that come very late, and an answer that waits for very long with all that can be behind it."""

    async def scenario(bench: Bench) -> None:
        first, second = slowest
        for stall in (bench.limit, 3 * bench.limit):
            for beat in bench.beats(first):
                await bench.idle(stall)
                await bench.send(beat)
            await bench.drain()
            bench.ready = False
            await bench.send(*bench.beats(first), *bench.beats(second), *bench.beats(first)[:-1])
            await bench.idle(stall)
            assert len(bench.due) == 2
            bench.ready = True
            await bench.send(bench.beats(first)[-1])
            await bench.drain()

    Bench(SPEC, DESIGNS[design]).run(scenario)


@pytest.mark.parametrize("design", DESIGNS)
def test_anything_at_any_time(design):
    """All of these at random."""
    draw = random.Random(2)

    async def scenario(bench: Bench) -> None:
        for _ in range(400):
            bench.ready = len(bench.due) > 1 or draw.random() < 0.8
            trouble = draw.random()
            if trouble < 0.03:
                await bench.reset()
            elif trouble < 0.15:
                await bench.idle(draw.choice((1, 5, bench.limit)))
            elif trouble < 0.4 and DESIGNS[design].runtime_weights:
                default = draw.random() < 0.2
                await bench.enter(draw.randrange(len(SPEC.edges)), draw.randint(default, 7), default=default)
            else:
                ends = (0, 0, 0, bench.last, bench.last, bench.abort, bench.last | bench.abort)
                await bench.send(draw.randrange(4) | draw.choice(ends))

    Bench(SPEC, DESIGNS[design]).run(scenario)


class DeafControl(Control):
    """Never gives a block up."""

    def elaborate(self, platform: object) -> Any:
        actual, self.forget = self.forget, Const(0)
        m = super().elaborate(platform)
        self.forget = actual
        return m


class HangingControl(Control):
    """Sees clusters to grow for ever."""

    def elaborate(self, platform: object) -> Any:
        actual, self.growing = self.growing, Const(1)
        m = super().elaborate(platform)
        self.growing = actual
        return m


@pytest.mark.parametrize(
    ("control", "complaint"),
    [
        (DeafControl, "an answer must be the reference's"),
        (HangingControl, "an answer must come in time"),
    ],
)
def test_broken_control_is_noticed(control, complaint, monkeypatch):
    async def scenario(bench: Bench) -> None:
        await bench.send(3, bench.abort, *[0] * 2, bench.last)
        await bench.drain()

    monkeypatch.setattr(spatial, "Control", control)
    with pytest.raises(AssertionError, match=complaint):
        Bench(SPEC, DESIGNS["spatial"]).run(scenario)
