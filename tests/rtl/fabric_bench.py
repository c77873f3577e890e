# SPDX-License-Identifier: Apache-2.0
"""A fabric under a hand that drives it cycle by cycle, compares every answer and counts every cycle."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, cast

import numpy as np
from amaranth import ResetInserter, Signal
from amaranth.sim import Simulator

from synfab.decoders import UnionFindSpec
from synfab.rtl.simulation import Stopwatch, block_beats
from synfab.rtl.union_find import Design


@cache
def ref_answer(spec: UnionFindSpec, events: int, weights: tuple[int, ...], *, corrections: bool) -> int:
    """The reference's answer as a payload of the fabric's ``o``."""
    shot = np.array([[events >> d & 1 for d in range(spec.num_detectors)]], np.uint8)
    answer = number(spec.decode_batch(shot, weights=weights)[0])
    if corrections:
        answer |= number(spec.decode_to_edges(shot, weights=weights)[0]) << max(1, spec.num_observables)
    return answer


def number(bits: Any) -> int:
    """Bit 0 first."""
    return sum(int(bit) << k for k, bit in enumerate(bits))


class Bench:
    """A fabric and what it must answer.

    Parameters
    ----------
    spec : UnionFindSpec
    design : Design

    Attributes
    ----------
    last, abort : int
        The bits of a beat.
    ready : bool
        Whether answers are taken.
    due : list of int
        Answers of the complete blocks that are not answered yet.
    limit : int
        Cycles within which a block must be answered.
    answered, expected : int
        Blocks so far.
    """

    def __init__(self, spec: UnionFindSpec, design: Design) -> None:
        self.spec, self._design = spec, design
        self._fabric: Any = design.fabric(spec, instances=False)
        self.last, self.abort = (1 << max(map(len, spec.rounds)) + k for k in range(2))
        self.limit = self._fabric.max_cycles
        self._resetting, self._context = Signal(), cast(Any, None)
        self.ready, self.answered, self.expected = True, 0, 0
        self._forget()

    def run(self, scenario: Callable[["Bench"], Awaitable[None]]) -> None:
        """Play a scenario; in the end every block must be answered, and nothing else."""

        async def testbench(context: Any) -> None:
            self._context = context
            await scenario(self)
            self.ready = True
            await self.drain()
            await self.idle(self.limit)

        simulator = Simulator(ResetInserter(self._resetting)(self._fabric))
        simulator.add_clock(1e-6)
        simulator.add_testbench(testbench)
        simulator.run()
        assert self.answered == self.expected > 0

    def beats(self, events: int) -> list[int]:
        """The beats of a block with these detection events."""
        return block_beats(self.spec, np.array([events >> d & 1 for d in range(self.spec.num_detectors)], np.uint8))

    async def send(self, *beats: int) -> None:
        """Send beats, each as soon as it is taken."""
        for beat in beats:
            context, i, waited = self._context, self._fabric.i, 0
            context.set(i.valid, 1)
            context.set(i.payload.as_value(), beat)
            while not await self._cycle():
                # A block is decoded, and words are cleaned.
                waited += self.ready
                assert waited <= 2 * self.limit, "a beat must be taken in time"
            context.set(i.valid, 0)

    async def enter(self, edge: int, weight: int, *, default: bool = False) -> None:
        """Send an entry to the weight port."""
        context, w = self._context, self._fabric.w
        context.set(w.payload, {"weight": weight, "default": default, "edge": edge})
        context.set(w.valid, 1)
        await self._cycle()
        context.set(w.valid, 0)
        self._weights[edge] = weight
        if default:
            self._defaults[edge] = weight

    async def idle(self, cycles: int) -> None:
        """Send nothing."""
        for _ in range(cycles):
            await self._cycle()

    async def drain(self) -> None:
        """Wait until every block is answered."""
        while self.due:
            await self._cycle()

    async def alone(self, events: int) -> int:
        """Play a block alone; return its cycles from the last beat on."""
        await self.drain()
        await self.send(*self.beats(events))
        await self.drain()
        return self._stopwatch.cycles[-1]

    async def reset(self) -> None:
        """Reset for a cycle: nothing from before is answered any more."""
        self._context.set(self._resetting, 1)
        await self._cycle()
        self._context.set(self._resetting, 0)
        self.expected -= len(self.due)
        self._forget()

    def _forget(self) -> None:
        self._stopwatch, self._events, self._round = Stopwatch(), 0, 0
        self._weights, self._defaults = list(self.spec.weights), list(self.spec.weights)
        self.due: list[int] = []
        self._stood: int | None = None

    async def _cycle(self) -> bool:
        """Let a cycle pass; return whether a beat was taken."""
        context, i, o = self._context, self._fabric.i, self._fabric.o
        context.set(o.ready, self.ready)
        *_, sent, beat, valid, answer = await context.tick().sample(
            i.valid & i.ready, i.payload.as_value(), o.valid, o.payload.as_value()
        )
        assert self._stood is None or (valid and answer == self._stood), "an offered answer must stand"
        self._stood = answer if valid and not self.ready else None
        assert self.due or not valid, "no answer without a block"
        last = bool(sent and beat & self.last and not beat & self.abort)
        self._stopwatch.tick(last=last, valid=bool(valid), ready=self.ready)
        assert max([0, *self._stopwatch.cycles, *self._stopwatch.running]) <= self.limit, "an answer must come in time"
        if valid and self.ready:
            assert answer == self.due.pop(0), "an answer must be the reference's"
            self.answered += 1
        if sent:
            self._take(beat)
        return bool(sent)

    def _take(self, beat: int) -> None:
        if self._round < len(self.spec.rounds):
            self._events |= sum((beat >> k & 1) << d for k, d in enumerate(self.spec.rounds[self._round]))
        self._round += 1
        if beat & (self.last | self.abort):
            if not beat & self.abort:
                weights = tuple(self._weights)
                answer = ref_answer(self.spec, self._events, weights, corrections=self._design.corrections)
                self.due.append(answer)
                self.expected += 1
            self._events, self._round, self._weights = 0, 0, list(self._defaults)
