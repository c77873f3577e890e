# SPDX-License-Identifier: Apache-2.0
"""What passes between the ends of a full edge: parities, and with them the correction."""

from amaranth import Module

from synfab.rtl.element import Element
from synfab.rtl.union_find.edge import exchange, message_ports


class Link(Element):
    """The messages of an edge between two detectors; members as of :class:`~synfab.rtl.union_find.edge.InnerEdge`."""

    def __init__(self) -> None:
        super().__init__(message_ports())

    @property
    def kind(self) -> str:
        return "link"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.correction.eq(exchange(m, self))
        return m
