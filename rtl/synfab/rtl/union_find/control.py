# SPDX-License-Identifier: Apache-2.0
"""The control of a fabric: when to grow, when to flood the canonical forest, when the answer stands."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Control(wiring.Component):
    """Steps a block from its start to its answer.

    Every decision falls in a cycle in which nothing is ``changing``: what the elements show then is the settled
    state of the last step.

    Parameters
    ----------
    always_relabel : bool
        Flood the canonical forest for every block with detection events, not only upon a conflict.

    Members
    -------
    start : In(1)
        A block starts at the next clock edge, with its first growth step; only while ``idle``.
    events : In(1)
        With ``start``: the block has detection events.
    changing, growing, conflict : In(1)
        Some element has not settled; some cluster must grow; some label depends on the path.
    ready : In(1)
        The answer can be taken.
    idle : Out(1)
    grow, relabel, done : Out(1)
        What happens in this cycle: a growth step; the start of the canonical flood; the answer is taken.
    peel : Out(1)
        The canonical flood is under way.
    """

    def __init__(self, *, always_relabel: bool) -> None:
        self._always_relabel = always_relabel
        inputs = ("start", "events", "changing", "growing", "conflict", "ready")
        outputs = ("idle", "grow", "relabel", "peel", "done")
        super().__init__({name: In(1) for name in inputs} | {name: Out(1) for name in outputs})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        events = Signal()
        needs_forest = events if self._always_relabel else self.conflict
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                m.d.sync += events.eq(self.events)
                with m.If(self.start):
                    m.next = "settle"
            with m.State("settle"):
                with m.If(~self.changing):
                    with m.If(self.growing):
                        m.d.comb += self.grow.eq(1)
                    with m.Elif(needs_forest):
                        m.d.comb += self.relabel.eq(1)
                        m.next = "peel"
                    with m.Elif(self.ready):
                        m.d.comb += self.done.eq(1)
                        m.next = "idle"
            with m.State("peel"):
                m.d.comb += self.peel.eq(1)
                with m.If(~self.changing & self.ready):
                    m.d.comb += self.done.eq(1)
                    m.next = "idle"
        return m
