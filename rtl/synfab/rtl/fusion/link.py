# SPDX-License-Identifier: Apache-2.0
"""What passes between the ends of a full edge: parities, and with them the correction."""

from amaranth import Module, Signal
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of


class Link(Element):
    """The messages of an edge between two detectors, as of :class:`~synfab.rtl.union_find.edge.InnerEdge`.

    Members
    -------
    odd : In(2)
        Of each end.
    in_tree : In(1)
        One end is the other's parent.
    chosen : In(2)
        This edge leads to the end's parent.
    heard : In(1)
        The messages on this edge matter.
    next_message : In(2)
        After the hops of this cycle.
    message : Out(2)
    unsettled : Out(1)
        A message that matters changes at the next clock edge.
    correction : Out(1)
        The odd subtree's parent edge is this one.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "odd": In(2),
                "in_tree": In(1),
                "chosen": In(2),
                "heard": In(1),
                "next_message": In(2),
                "message": Out(2),
                "unsettled": Out(1),
                "correction": Out(1),
            }
        )

    @property
    def kind(self) -> str:
        return "link"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        message = Signal(2, reset_less=True)
        both = message[0] ^ message[1]
        m.d.sync += message.eq(self.next_message)
        m.d.comb += [
            self.message.eq(message),
            # Each end tells the parity that it hears, without what this edge told it.
            self.unsettled.eq(self.in_tree & self.heard & ((both ^ self.odd[0]) | (both ^ self.odd[1]))),
            self.correction.eq(any_of(self.chosen & message)),
        ]
        return m
