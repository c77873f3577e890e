# SPDX-License-Identifier: Apache-2.0
"""Blocks of the length that they should have: empty rounds for those that do not come, none for those too many."""

from collections.abc import Sequence
from enum import IntEnum

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.union_find.loader import Loader


class Step(IntEnum):
    """Rounds pass; empty rounds follow a block that ended early; a block is too long."""

    PASS = 0
    PAD = 1
    HOLD = 2


class Framing(wiring.Component):
    """Makes every block whole, for a net that takes its last round for the read-out.

    A round passes in the cycle in which it comes. After a block that ends early its empty rounds follow. Of one that is
    too long the last round of a whole block waits until the end comes, and what is between is dropped. A block that is
    aborted ends with that beat.

    Parameters
    ----------
    rounds : sequence of sequence of int
        Detectors of each round.

    Members
    -------
    i : In(stream.Signature(Loader.layout(rounds)))
    o : Out(stream.Signature(Loader.layout(rounds)))
    """

    def __init__(self, rounds: Sequence[Sequence[int]]) -> None:
        self._last = len(rounds) - 1
        beat = stream.Signature(Loader.layout(rounds))
        super().__init__({"i": In(beat), "o": Out(beat)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        step, number, held = Signal(Step), Signal(range(self._last + 1)), Signal.like(self.i.payload.detections)
        i, o, beat = self.i, self.o, self.i.payload
        ends, is_last, passed = beat.last | beat.abort, number == self._last, Signal()
        m.d.comb += [o.payload.detections.eq(beat.detections), passed.eq(o.valid & o.ready)]
        with m.Switch(step):
            with m.Case(Step.PASS):
                too_long = is_last & ~ends
                m.d.comb += [
                    o.valid.eq(i.valid & ~too_long),
                    i.ready.eq(o.ready | too_long),
                    o.payload.last.eq(beat.last & is_last),
                    o.payload.abort.eq(beat.abort),
                ]
                with m.If(passed):
                    m.d.sync += number.eq(number + 1)
                    with m.If(is_last | beat.abort):
                        m.d.sync += number.eq(0)
                    with m.Elif(beat.last):
                        m.d.sync += step.eq(Step.PAD)
                with m.Elif(i.valid & too_long):
                    m.d.sync += [held.eq(beat.detections), step.eq(Step.HOLD)]
            with m.Case(Step.PAD):
                m.d.comb += [o.valid.eq(1), o.payload.detections.eq(0), o.payload.last.eq(is_last)]
                with m.If(passed):
                    m.d.sync += number.eq(number + 1)
                    with m.If(is_last):
                        m.d.sync += [number.eq(0), step.eq(Step.PASS)]
            with m.Case(Step.HOLD):
                m.d.comb += [
                    o.valid.eq(i.valid & ends),
                    i.ready.eq(o.ready | ~ends),
                    o.payload.detections.eq(held),
                    o.payload.last.eq(beat.last & ~beat.abort),
                    o.payload.abort.eq(beat.abort),
                ]
                with m.If(passed):
                    m.d.sync += [number.eq(0), step.eq(Step.PASS)]
        return m
