# SPDX-License-Identifier: Apache-2.0
"""The control of a fabric: when to grow, when to flood the canonical forest, when the answer stands."""

from enum import IntEnum

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Step(IntEnum):
    """What the fabric is about: nothing; clusters; the canonical forest."""

    REST = 0
    SETTLE = 1
    PEEL = 2


class Control(wiring.Component):
    """Steps a block from its start to its answer.

    Every decision falls in a cycle in which no tag is taken and no message changes: what the elements show then is
    the settled state of the last step. A block may be started before all its events are there, and again; the
    answer is taken only when it is complete.

    Parameters
    ----------
    corrections : bool
        Flood the canonical forest for every block with detection events, not only upon a conflict, and wait until
        the messages in it have settled.

    Members
    -------
    start : In(1)
        The elements take their events at the next clock edge, with their first growth steps.
    events : In(1)
        With ``start``: there are detection events.
    last : In(1)
        The block is complete; only while ``free``.
    forget : In(1)
        What was started, or starts, and is not complete is given up.
    flooding, unsettled, growing, conflict : In(1)
        Some tag is taken; some message changes; some cluster must grow; some label depends on the path.
    ready : In(1)
        The answer can be taken.
    free : Out(1)
        No complete block is being decoded.
    resting : Out(1)
        Nothing is started.
    grow, relabel, done : Out(1)
        What happens in this cycle: a growth step; the start of the canonical flood; the answer is taken.
    peel : Out(1)
        The canonical flood is under way.
    """

    def __init__(self, *, corrections: bool) -> None:
        self._corrections = corrections
        inputs = ("start", "events", "last", "forget", "flooding", "unsettled", "growing", "conflict", "ready")
        outputs = ("free", "resting", "grow", "relabel", "peel", "done")
        super().__init__({name: In(1) for name in inputs} | {name: Out(1) for name in outputs})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(Step)
        complete, events = Signal(), Signal()
        changing = self.flooding | self.unsettled
        answer = complete & self.ready
        m.d.comb += [self.free.eq(~complete), self.resting.eq(state == Step.REST)]
        with m.Switch(state):
            with m.Case(Step.SETTLE), m.If(~changing):
                with m.If(self.growing):
                    m.d.comb += self.grow.eq(1)
                with m.Elif(events if self._corrections else self.conflict):
                    m.d.comb += self.relabel.eq(1)
                    m.d.sync += state.eq(Step.PEEL)
                with m.Else():
                    m.d.comb += self.done.eq(answer)
            with m.Case(Step.PEEL):
                m.d.comb += self.peel.eq(1)
                # Labels are there when the flood ends; corrections are the messages.
                m.d.comb += self.done.eq(~(changing if self._corrections else self.flooding) & answer)
        with m.If(self.last):
            m.d.sync += complete.eq(1)
        with m.Elif(self.done):
            m.d.sync += [complete.eq(0), state.eq(Step.REST)]
        with m.If(self.start):
            m.d.sync += [state.eq(Step.SETTLE), events.eq(self.events)]
        with m.If(self.forget & ~complete):
            m.d.sync += state.eq(Step.REST)
        return m
