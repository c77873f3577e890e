# SPDX-License-Identifier: Apache-2.0
"""The weight port: from a stream of entries to the edges."""

from amaranth import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.rtl.union_find.fabric import Fabric

# Rows and columns of edges are decoded first, so that one table an edge joins the two.
COLUMN_BITS = 4


class WeightPort(wiring.Component):
    """Hands each entry to its edge.

    Members
    -------
    w : In(stream.Signature(Fabric.weight_layout(spec)))
        Taken at once, but for a cycle with ``last``.
    last : In(1)
        The block that the entries are for is complete, or forgotten.
    load : Out(num_edges)
        The edge takes ``value`` for the next block.
    default : Out(1)
        And for all further ones.
    value : Out(weight_bits)
    changing : Out(1)
        Some edge takes a weight.
    erasing : Out(1)
        The next block may have erased edges.
    """

    def __init__(self, spec: UnionFindSpec) -> None:
        self._num_edges = len(spec.edges)
        super().__init__(
            {
                "w": In(stream.Signature(Fabric.weight_layout(spec))),
                "last": In(1),
                "load": Out(self._num_edges),
                "default": Out(1),
                "value": Out(spec.weight_bits),
                "changing": Out(1),
                "erasing": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        erasing, taken = Signal(), Signal()
        entry = self.w.payload
        m.d.comb += [
            self.w.ready.eq(~self.last),
            taken.eq(self.w.valid & self.w.ready & ~(entry.default & (entry.weight == 0))),
            self.default.eq(entry.default),
            self.value.eq(entry.weight),
            self.changing.eq(self.load.any()),
            self.erasing.eq(erasing),
        ]
        low, high = entry.edge[:COLUMN_BITS], entry.edge[COLUMN_BITS:]
        for edge in range(self._num_edges):
            column, row = edge % (1 << COLUMN_BITS), edge >> COLUMN_BITS
            m.d.comb += self.load[edge].eq(taken & (low == column) & (high == row))
        with m.If(self.last):
            m.d.sync += erasing.eq(0)
        with m.Elif(self.load.any() & (entry.weight == 0)):
            m.d.sync += erasing.eq(1)
        return m
