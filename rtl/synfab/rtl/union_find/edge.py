# SPDX-License-Identifier: Apache-2.0
"""The elements of one edge: its growth, and what passes between its ends once it is full."""

from collections.abc import Mapping
from typing import Any

from amaranth import Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Member, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of, less_and_greater
from synfab.rtl.union_find.growth import Growth, HintedGrowth, LoadedGrowth

# Ports of an edge whose weight is loaded, or its level, handed on to its growth.
LOADED = ("steps", "load", "load_default", "value", "clear")
HINTED = ("load", "level", "clear")


class GrowingEdge(Element):
    """An edge with its growth up to a weight that is constant, hinted at or loaded; what passes is a subclass's.

    Members
    -------
    start, grow, active, full
        As of :class:`~synfab.rtl.union_find.growth.Growth`.
    steps, load, load_default, value, clear
        As of :class:`~synfab.rtl.union_find.growth.LoadedGrowth`, if ``loaded_bits``.
    load, level, clear
        As of :class:`~synfab.rtl.union_find.growth.HintedGrowth`, if ``hints``.
    """

    num_ends: int

    def __init__(
        self,
        *,
        weight: int,
        loaded_bits: int = 0,
        hints: tuple[int, ...] = (),
        first_steps: int,
        observables: int,
        num_labels: int,
        ports: Mapping[str, Member],
    ) -> None:
        """Take the weight, the width of one that is loaded or 0, or those of hints, and the ports beside growth's."""
        self._weight, self._loaded_bits, self._hints, self._first_steps = weight, loaded_bits, hints, first_steps
        self._observables, self._num_labels = observables, num_labels
        widths = {"steps": loaded_bits, "value": loaded_bits, "level": len(hints).bit_length()}
        self._loaded = LOADED if loaded_bits else HINTED if hints else ()
        loaded = {name: In(widths.get(name, 1)) for name in self._loaded}
        growth = {"start": In(1), "grow": In(1), "active": In(self.num_ends), "full": Out(1)}
        super().__init__(growth | loaded | dict(ports))

    @property
    def kind(self) -> str:
        name = "inner" if self.num_ends == 2 else "boundary"
        weight = f"l{self._loaded_bits}w{self._weight}" if self._loaded_bits else f"w{self._weight}"
        weight += "".join(f"h{hint}" for hint in self._hints)
        return f"{name}_edge_{weight}_f{self._first_steps}_o{self._observables:x}_l{self._num_labels}"

    def grown(self, m: Module) -> Value:
        """Put the growth into ``m`` and return whether the edge is full."""
        if self._loaded_bits:
            growth = LoadedGrowth(weight=self._weight, weight_bits=self._loaded_bits, num_ends=self.num_ends)
        elif self._hints:
            growth = HintedGrowth(
                weight=self._weight, hints=self._hints, num_ends=self.num_ends, first_steps=self._first_steps
            )
        else:
            growth = Growth(weight=self._weight, num_ends=self.num_ends, first_steps=self._first_steps)
        m.submodules.growth = growth
        names = ("start", "grow", "active", *self._loaded)
        m.d.comb += [getattr(growth, name).eq(getattr(self, name)) for name in names]
        m.d.comb += self.full.eq(growth.full)
        return growth.full


class InnerEdge(GrowingEdge):
    """An edge between two detectors, the ends u (bit 0, or the low half of a vector) and v.

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
    labels : In(2 * num_labels)
    next_message : In(2)
        After the hops of this cycle.
    message : Out(2)
        What each end tells the other: the parity of the events on its side; on an edge outside the tree the parity
        of its whole cluster, which is what the other side needs should the edge join the tree.
    unsettled : Out(1)
        A message that matters changes at the next clock edge.
    conflict : Out(1)
        The edge is full and its ends' labels do not differ by its observables.
    correction : Out(1)
        The odd subtree's parent edge is this one.
    """

    num_ends = 2

    def __init__(self, *, num_labels: int, **growth: Any) -> None:
        ports = message_ports(labels=In(2 * num_labels), conflict=Out(1))
        super().__init__(num_labels=num_labels, ports=ports, **growth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        full = self.grown(m)
        labels = [self.labels.word_select(end, self._num_labels) for end in range(2)]
        correction = exchange(m, self)
        m.d.comb += [
            self.conflict.eq(full & ((labels[0] ^ labels[1]) != self._observables)),
            self.correction.eq(correction),
        ]
        return m


def message_ports(**others: Member) -> dict[str, Member]:
    """Return the ports of what passes between the ends of an edge, as of :class:`InnerEdge`, with others among them."""
    return {
        "odd": In(2),
        "in_tree": In(1),
        "chosen": In(2),
        "heard": In(1),
        **{name: port for name, port in others.items() if port.flow == In},
        "next_message": In(2),
        "message": Out(2),
        "unsettled": Out(1),
        **{name: port for name, port in others.items() if port.flow == Out},
        "correction": Out(1),
    }


def exchange(m: Module, edge: Any) -> Value:
    """Connect the :func:`message_ports` of an edge but for ``correction``; return what that is."""
    message = Signal(2, reset_less=True)
    both = message[0] ^ message[1]
    # What a block leaves here does not matter: a cycle passes between a start and the first edge of a tree.
    m.d.sync += message.eq(edge.next_message)
    m.d.comb += [
        edge.message.eq(message),
        # Each end tells the parity that it hears, without what this edge told it.
        edge.unsettled.eq(edge.in_tree & edge.heard & ((both ^ edge.odd[0]) | (both ^ edge.odd[1]))),
    ]
    return any_of(edge.chosen & message)


class EdgeHop(Element):
    """What passes between the ends of an inner edge in one hop of the flood; combinational.

    Members
    -------
    full : In(1)
    tags : In(2 * tag_bits)
    labels : In(2 * num_labels)
    waiting, chosen, message, odd : In(2)
        Of each end, as of :class:`Detector` and :class:`InnerEdge`, or after the hop before.
    offer : Out(2)
        To each end: the edge is full, and the other end has the lower tag or was reached by the canonical flood.
    offered_labels : Out(2 * num_labels)
        To each end: the other end's label with this edge's observables.
    in_tree : Out(1)
    received : Out(2)
        To each end: the other end's message, if the edge belongs to the tree.
    next_message : Out(2)
    """

    clocked = False

    def __init__(self, *, observables: int, tag_bits: int, num_labels: int) -> None:
        self._observables, self._tag_bits, self._num_labels = observables, tag_bits, num_labels
        super().__init__(
            {
                "full": In(1),
                "tags": In(2 * tag_bits),
                "labels": In(2 * num_labels),
                "waiting": In(2),
                "chosen": In(2),
                "message": In(2),
                "odd": In(2),
                "offer": Out(2),
                "offered_labels": Out(2 * num_labels),
                "in_tree": Out(1),
                "received": Out(2),
                "next_message": Out(2),
            }
        )

    @property
    def kind(self) -> str:
        return f"edge_hop_o{self._observables:x}_t{self._tag_bits}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tags = [self.tags.word_select(end, self._tag_bits) for end in range(2)]
        labels = [self.labels.word_select(end, self._num_labels) for end in range(2)]
        less, greater = less_and_greater(*tags)
        in_tree = any_of(self.chosen)
        m.d.comb += self.in_tree.eq(in_tree)
        for end, lower in enumerate((greater, less)):
            other = 1 - end
            offered = self.offered_labels.word_select(end, self._num_labels)
            received = in_tree & self.message[other]
            m.d.comb += [
                # Tags are equal throughout a cluster when the canonical flood starts.
                self.offer[end].eq(self.full & (lower | (self.waiting[end] & ~self.waiting[other]))),
                offered.eq(labels[other] ^ self._observables),
                self.received[end].eq(received),
                self.next_message[end].eq(Mux(in_tree, self.odd[end] ^ self.message[other], self.odd[end])),
            ]
        return m


class BoundaryEdge(GrowingEdge):
    """An edge from a detector to the boundary.

    Members
    -------
    label : In(num_labels)
        The detector's.
    conflict : Out(1)
        The edge is full and the detector's label is not this edge's observables.
    """

    num_ends = 1

    def __init__(self, *, num_labels: int, **growth: Any) -> None:
        super().__init__(num_labels=num_labels, ports={"label": In(num_labels), "conflict": Out(1)}, **growth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        full = self.grown(m)
        m.d.comb += self.conflict.eq(full & (self.label != self._observables))
        return m
