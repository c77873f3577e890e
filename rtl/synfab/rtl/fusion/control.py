# SPDX-License-Identifier: Apache-2.0
"""The control of a fusion fabric: blocks on their own, then in space, then in time, then the correction."""

from enum import IntEnum
from typing import Literal

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Phase(IntEnum):
    """What the fabric is about: nothing more; clusters; the canonical forest."""

    HOLD = 0
    SETTLE = 1
    PEEL = 2


class FusionControl(wiring.Component):
    """Steps a step of the program from its start to its answer.

    Every decision falls in a cycle in which no tag is taken and no message changes. After the answer the forest stands
    until the next step starts, and commits with it.

    Parameters
    ----------
    alone : {"block", "step"}
        What grows before it is fused with more, as of :meth:`Schedule.in_time`.

    Members
    -------
    staged : In(1)
        The states of the faces of the next step are there.
    loaded : In(1)
        All blocks' events are there.
    flooding, unsettled, growing : In(1)
        Some tag is taken; some message changes; some cluster must grow.
    touched : In(2)
        To fuse the blocks of the step (bit 0), or the step with the one before (bit 1), would make a difference.
    ready : In(1)
        The answer can be taken.
    shift : Out(1)
        The steps move on by a slot; a step starts.
    open : Out(1)
        Blocks may come.
    grow, fuse, relabel, done : Out(1)
        What happens in this cycle: a growth step; faces are fused, so that what they bounded is bounded no more; the
        start of the canonical flood; the answer is taken.
    peel : Out(1)
        The canonical flood is under way, or stands.
    together, joined : Out(1)
        The blocks of the newest step are fused; and with the step before.
    """

    def __init__(self, *, alone: Literal["block", "step"]) -> None:
        self._alone = alone
        inputs = ("staged", "loaded", "flooding", "unsettled", "growing", "ready")
        ports = {"touched": In(2)}
        outputs = ("shift", "open", "grow", "fuse", "relabel", "done", "peel", "together", "joined")
        super().__init__(ports | {name: In(1) for name in inputs} | {name: Out(1) for name in outputs})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        phase = Signal(Phase)
        together, joined = Signal(), Signal()
        changing = self.flooding | self.unsettled
        may_grow = self.loaded if self._alone == "step" else 1
        m.d.comb += [
            self.open.eq(phase == Phase.SETTLE),
            self.peel.eq(phase != Phase.SETTLE),
            self.together.eq(together),
            self.joined.eq(joined),
        ]
        with m.Switch(phase):
            with m.Case(Phase.HOLD), m.If(self.staged):
                m.d.comb += self.shift.eq(1)
                m.d.sync += [phase.eq(Phase.SETTLE), together.eq(self._alone == "step"), joined.eq(0)]
            with m.Case(Phase.SETTLE), m.If(~changing):
                with m.If(self.growing & may_grow):
                    m.d.comb += self.grow.eq(1)
                with m.Elif(self.loaded):
                    # What is not touched needs no step of its own: nothing would grow.
                    m.d.comb += self.fuse.eq(self.touched.any())
                    m.d.sync += [together.eq(1), joined.eq(~self.touched[0])]
                    with m.If(~self.fuse):
                        m.d.comb += self.relabel.eq(1)
                        m.d.sync += phase.eq(Phase.PEEL)
            with m.Case(Phase.PEEL), m.If(~changing & self.ready):
                m.d.comb += self.done.eq(1)
                m.d.sync += phase.eq(Phase.HOLD)
        return m
