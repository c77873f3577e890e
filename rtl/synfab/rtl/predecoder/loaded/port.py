# SPDX-License-Identifier: Apache-2.0
"""The port through which a net comes: numbers in a fixed order, a list of them or nothing."""

from amaranth import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.predecoder.loaded.form import ListFormat, Section


def row_signature(lists: ListFormat) -> wiring.Signature:
    """Return the signature of what goes to memories.

    ``row``: the numbers of a row, the last one highest; ``stores``: the sections that take it, in this cycle, at
    ``lane`` and ``step``; ``bank``: what is in force; ``swap``: in the next cycle it is the other one.
    """
    sections = lists.sections
    return wiring.Signature(
        {
            "row": Out(max(section.numbers for section in sections) * lists.number_bits),
            "stores": Out(len(sections)),
            "lane": Out(range(max(section.lanes for section in sections))),
            "step": Out(range(max(section.steps for section in sections))),
            "bank": Out(1),
            "swap": Out(1),
        }
    )


class WeightPort(wiring.Component):
    """Takes lists of numbers in the order of a :class:`ListFormat`, at any time, and puts each in force as a whole.

    A list goes to the bank that is not in force. When it is whole, it waits, and further numbers with it, until
    the net is ``idle``, between two blocks; then it is in force. A list that ends too early, that goes on for too long,
    or that has a number too wide for its place is *refused*: what is in force stays, numbers up to ``last`` are
    dropped, and the next one begins another list. A reset forgets a list that is not in force yet; it does not touch
    what is.

    Parameters
    ----------
    lists : ListFormat

    Members
    -------
    i : In(stream.Signature(WeightPort.layout(lists)))
        ``number``, signed; ``last`` ends the list.
    idle : In(1)
        The net holds no round of any block.
    whole : Out(1)
        A list waits until the net is idle, so no block should begin.
    refused : Out(1)
        The last list that ended or went wrong was refused.
    o : Out(row_signature(lists))
    """

    def __init__(self, lists: ListFormat) -> None:
        self._lists = lists
        super().__init__(
            {
                "i": In(stream.Signature(self.layout(lists))),
                "idle": In(1),
                "whole": Out(1),
                "refused": Out(1),
                "o": Out(row_signature(lists)),
            }
        )

    @staticmethod
    def layout(lists: ListFormat) -> data.StructLayout:
        """Return the layout of a number."""
        return data.StructLayout({"number": signed(lists.number_bits), "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat, o = self.i.payload, self.o
        taken, ends, fits, dropping, settled = Signal(), Signal(), Signal(), Signal(), Signal()
        bank = Signal(reset_less=True)
        m.d.comb += [
            self.i.ready.eq(~self.whole),
            taken.eq(self.i.valid & self.i.ready),
            # The last row is stored in the first cycle of a whole list.
            o.swap.eq(self.whole & settled & self.idle),
            o.bank.eq(bank),
        ]
        wrong = ~fits | (beat.last != ends)
        begins = Signal()
        m.d.comb += begins.eq(taken & ~dropping & (wrong | ends))
        self._count(m, taken & ~dropping & ~wrong, begins, fits, ends)
        m.d.sync += settled.eq(self.whole)
        with m.If(o.swap):
            m.d.sync += [bank.eq(~bank), self.whole.eq(0)]
        with m.If(taken):
            m.d.sync += o.row.eq(Cat(o.row[self._lists.number_bits :], beat.number))
            with m.If(dropping):
                m.d.sync += dropping.eq(~beat.last)
            with m.Elif(wrong):
                m.d.sync += [self.refused.eq(1), dropping.eq(~beat.last)]
            with m.Elif(ends):
                m.d.sync += [self.refused.eq(0), self.whole.eq(1)]
        return m

    def _count(self, m: Module, right: Value, begins: Value, fits: Signal, ends: Signal) -> None:
        """Follow a list number by number, and say where a row goes that is complete."""
        sections, o = self._lists.sections, self.o
        # From the slowest to the fastest.
        section, step, lane, number = (
            Signal(range(max(2, most)), name=name)
            for name, most in (
                ("section", len(sections)),
                ("step", max(each.steps for each in sections)),
                ("lane", max(each.lanes for each in sections)),
                ("number", max(each.numbers for each in sections)),
            )
        )
        counters = [number, lane, step, section]
        at_end = [Signal(name=f"at_end_of_{counter.name}") for counter in counters]
        m.d.comb += [ends.eq(Cat(at_end).all()), at_end[3].eq(section == len(sections) - 1)]
        with m.Switch(section):
            for index, each in enumerate(sections):
                with m.Case(index):
                    m.d.comb += [
                        at_end[0].eq(number == each.numbers - 1),
                        at_end[1].eq(lane == each.lanes - 1),
                        at_end[2].eq(step == each.steps - 1),
                        fits.eq(self._fits(each)),
                    ]
        m.d.sync += [o.stores.eq(0), o.lane.eq(lane), o.step.eq(step)]
        with m.If(right):
            m.d.sync += o.stores.eq(at_end[0].replicate(len(o.stores)) & (1 << section))
            carry: Value = right
            for counter, end in zip(counters, at_end, strict=True):
                with m.If(carry):
                    m.d.sync += counter.eq(counter + 1)
                    with m.If(end):
                        m.d.sync += counter.eq(0)
                carry = carry & end
        with m.If(begins):
            m.d.sync += [counter.eq(0) for counter in counters]

    def _fits(self, section: Section) -> Value:
        low, high = section.range
        return (self.i.payload.number >= low) & (self.i.payload.number <= high)
