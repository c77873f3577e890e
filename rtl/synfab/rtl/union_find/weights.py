# SPDX-License-Identifier: Apache-2.0
"""The weight port: from a stream of entries to the edges, and the growth steps that may fall together."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.rtl.order import any_of
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.growth import first_steps

# Rows and columns of edges are decoded first, so that one table an edge joins the two.
COLUMN_BITS = 4


class WeightPort(wiring.Component):
    """Hands each entry to its edge, and says how many growth steps fall together in a cycle.

    Until the lightest edge can be full, growth steps need no decision: which clusters are active stays. They fall in
    the start of a block, or, where edges are erased, in the first step after their clusters have settled. How many
    they are follows from the entries, of which the port remembers the lowest, and not from a look at all weights:

    - An entry can only lower the number: that of the next block if it is for this block only, else of all further
      ones.
    - A list raises it again that brings the defaults of all edges, by ascending number, whatever other entries and
      blocks come between them; it ends with the number of its lightest edge. A default out of order breaks the list.

    So no weight ever is lower than what the port takes for the lowest.

    Members
    -------
    w : In(stream.Signature(Fabric.weight_layout(spec)))
        Taken at once, but for a cycle with ``last``.
    last : In(1)
        The block that the entries are for is complete, or forgotten.
    start, grow : In(1)
        A block is started, last with all its entries; this cycle is a growth step.
    load : Out(num_edges)
        The edge takes ``value`` for the next block.
    default : Out(1)
        And for all further ones.
    value : Out(weight_bits)
    changing : Out(1)
        Some edge takes a weight.
    steps : Out(weight_bits)
        With ``start`` or ``grow``: growth steps that fall together in this cycle.
    """

    def __init__(self, spec: UnionFindSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "w": In(stream.Signature(Fabric.weight_layout(spec))),
                "last": In(1),
                "start": In(1),
                "grow": In(1),
                "load": Out(len(spec.edges)),
                "default": Out(1),
                "value": Out(spec.weight_bits),
                "changing": Out(1),
                "steps": Out(spec.weight_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        entry = self.w.payload
        changing = Signal()
        taken = self.w.valid & self.w.ready & ~(entry.default & (entry.weight == 0))
        m.d.comb += [
            self.w.ready.eq(~self.last),
            self.default.eq(entry.default),
            self.value.eq(entry.weight),
            changing.eq(self.load.any()),
            self.changing.eq(changing),
        ]
        low, high = entry.edge[:COLUMN_BITS], entry.edge[COLUMN_BITS:]
        for edge in range(len(self._spec.edges)):
            column, row = edge % (1 << COLUMN_BITS), edge >> COLUMN_BITS
            m.d.comb += self.load[edge].eq(taken & (low == column) & (high == row))
        steps = Signal(self._spec.weight_bits)
        at_boundary = any_of(self.load[edge] for edge, (_, end) in enumerate(self._spec.edges) if end < 0)
        # An edge to the boundary gains one in a step, any other two.
        m.d.comb += steps.eq(Mux(at_boundary, entry.weight, (entry.weight + 1) >> 1))
        defaults = self._default_steps(m, changing & entry.default, steps)
        block = Signal(self._spec.weight_bits)
        own = Signal()
        own_steps = Signal(self._spec.weight_bits)
        erasing = Signal()
        m.d.comb += block.eq(Mux(own, own_steps, defaults))
        with m.If(self.last):
            m.d.sync += [own.eq(0), erasing.eq(0)]
        with m.Elif(changing & (entry.weight == 0)):
            m.d.sync += erasing.eq(1)
        with m.Elif(changing & (own | ~entry.default)):
            m.d.sync += [own.eq(1), own_steps.eq(_lower(block, steps))]
        # What is left for the first step after the start.
        later = Signal(self._spec.weight_bits)
        with m.If(self.start):
            m.d.comb += self.steps.eq(Mux(erasing, 0, block))
            m.d.sync += later.eq(Mux(erasing, block, 1))
        with m.Else():
            m.d.comb += self.steps.eq(later)
            with m.If(self.grow):
                m.d.sync += later.eq(1)
        return m

    def _default_steps(self, m: Module, entered: Value, steps: Signal) -> Signal:
        """Return the growth steps of the default weights; a default is entered, with so many."""
        spec, edge = self._spec, self.w.payload.edge
        defaults = Signal(spec.weight_bits, init=first_steps(spec))
        # The list so far: the edge that follows, and the steps of its lightest one.
        following = Signal(len(edge))
        listed = Signal(spec.weight_bits)
        lowest = Signal(spec.weight_bits)
        m.d.comb += lowest.eq(Mux(edge == 0, steps, _lower(listed, steps)))
        in_order = (edge == 0) | (edge == following)
        with m.If(entered):
            m.d.sync += defaults.eq(_lower(defaults, steps))
            m.d.sync += following.eq(0)
            with m.If(in_order & (edge == len(spec.edges) - 1)):
                m.d.sync += defaults.eq(lowest)
            with m.Elif(in_order):
                m.d.sync += [following.eq(edge + 1), listed.eq(lowest)]
        return defaults


def _lower(one: Signal, other: Signal) -> Value:
    return Mux(other < one, other, one)
