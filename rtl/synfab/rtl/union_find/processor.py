# SPDX-License-Identifier: Apache-2.0
"""The processing element that several detectors share."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of, less_and_greater, lowest_set, parity_of, selected
from synfab.rtl.union_find.lookup import chosen_by, tabulated


def word_layout(*, tag_bits: int, num_labels: int, port_bits: int, weight_bits: int) -> data.StructLayout:
    """Return what a detector shows to its neighbours.

    ``tag``
        Its cluster's: the number of the root plus one; 0 at the boundary; all ones while the canonical flood has not
        reached it.
    ``label``
        Observables on its way to the root.
    ``parent``
        Port of the edge to its parent; all ones: none.
    ``below``
        Parity of the detection events in its subtree.
    ``odd``
        Parity of its whole cluster, 0 at the boundary. In the canonical flood: the layer it is in, modulo 2.
    ``radius``
        The growth steps in which its cluster was active. An edge is full if the radii of its ends add up to its
        weight.
    """
    return data.StructLayout(
        {"tag": tag_bits, "label": num_labels, "parent": port_bits, "below": 1, "odd": 1, "radius": weight_bits}
    )


def carry_of_sum(widths: Sequence[int]) -> Callable[[int], int]:
    """Return the carry of a sum as a function of the terms side by side; the first gives the width of the sum."""

    def function(number: int) -> int:
        total = 0
        for width in widths:
            total += number & (1 << width) - 1
            number >>= width
        return total >> widths[0]

    return function


class Processor(Element):
    """A processing element that visits a detector a cycle and keeps the state of all of them in memories.

    A visit takes two cycles. In the first the memories are read: the visited detector's word, and for other elements
    the words that they want to see. In the second the detector's new word is worked out and written. A visit that
    begins in between sees the old word.

    *Clusters.* A detector takes a lower tag from a neighbour across a full edge, with the label, and makes the edge
    its parent. So parents form a tree whose root owns the tag.

    *Parity.* ``below`` is the parity of the detector's event and of ``below`` of its children, which are those
    neighbours whose parent is the edge between. At the root it is the parity of the cluster, which comes down again
    from parent to child as ``odd``.

    *Growth.* In a growth step an active detector's radius grows. No edge has a state of its own: its growth is the
    sum of the radii of its ends, or its weight if that is less.

    *Layers.* In the canonical flood a detector waits for neighbours that were reached in an earlier pass.

    Members
    -------
    slot : In
        Detector to be visited next cycle.
    view_slots : In
        What the views but the first are to show next cycle.
    visit : In(1)
        A visit is in its second cycle.
    visited : In
        Its detector.
    load, grow, relabel, flood, layer, peel : In(1)
        What the visit is for: to begin anew with ``event``, and with the growth step in which every detection event
        is a cluster of its own; a growth step; roots keep their tags and others drop them; the canonical flood, with
        the layer modulo 2; the parity at the boundary matters, too.
    event : In(1)
        The visited detector has a detection event in this block; 0 while words are cleaned.
    index, deficits, observables, present, far_ports, ascending : In
        Constants of the visited detector: number plus one; of each port, the inner ones first, ``2**weight_bits``
        less the weight, the observables, and whether there is an edge; the port at the other end of the inner ones;
        of each pair of inner ports, whether the first has the lower edge.
    neighbours : In
        Words of the neighbours at the inner ports.
    words : Out
        The words that the views show, the visited detector's first.
    grown : Out(1)
        It must be visited again: another that grew at the same time may not have been seen.
    changed : Out(1)
        The visited detector has news for neighbours across full edges.
    adopted : Out(1)
        It took another tag.
    active : Out(1)
        Its cluster must grow, as it looks now.
    conflict : Out(1)
        A full edge where labels do not fit.
    observables_change : Out
        What its new label changes in the sum of the labels of all detection events.
    corrections : Out
        The ports of which the edge is flipped, as far as this end decides.
    """

    def __init__(
        self,
        *,
        num_inner: int,
        num_boundary: int,
        num_views: int,
        depth: int,
        weight_bits: int,
        tag_bits: int,
        num_labels: int,
        port_bits: int,
        reaches_boundary: bool,
        ram_style: str,
    ) -> None:
        self._num_inner, self._num_boundary, self._num_views = num_inner, num_boundary, num_views
        self._depth, self._weight_bits, self._num_labels = depth, weight_bits, num_labels
        self._tag_bits, self._port_bits = tag_bits, port_bits
        self._reaches_boundary, self._ram_style = reaches_boundary, ram_style
        self.layout = word_layout(
            tag_bits=tag_bits, num_labels=num_labels, port_bits=port_bits, weight_bits=weight_bits
        )
        num_ports, address_bits = num_inner + num_boundary, (depth - 1).bit_length()
        flags = ("visit", "load", "grow", "relabel", "flood", "layer", "peel", "event")
        ports = {
            "slot": In(address_bits),
            "view_slots": In(address_bits * (num_views - 1)),
            "visited": In(address_bits),
            **{flag: In(1) for flag in flags},
            "index": In(tag_bits),
            "deficits": In(num_ports * weight_bits),
            "observables": In(num_ports * num_labels),
            "present": In(num_ports),
            "far_ports": In(num_inner * port_bits),
            "ascending": In(num_inner * (num_inner - 1) // 2),
            "neighbours": In(num_inner * self.layout.size),
            "words": Out(num_views * self.layout.size),
            **{flag: Out(1) for flag in ("grown", "changed", "adopted", "active", "conflict")},
            "observables_change": Out(num_labels),
            "corrections": Out(num_ports),
        }
        super().__init__({name: member for name, member in ports.items() if member.shape})

    @property
    def kind(self) -> str:
        return (
            f"processor_{self._num_inner}_b{self._num_boundary}_v{self._num_views}_d{self._depth}_w{self._weight_bits}"
            f"_t{self._tag_bits}_l{self._num_labels}_p{self._port_bits}{'' if self._reaches_boundary else '_closed'}"
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        own, new = Signal(self.layout), Signal(self.layout)
        self._memory(m, own, new)
        neighbours = self._words(self.neighbours) if self._num_inner else []
        grows = self.grow & own.odd
        last = (1 << self._weight_bits) - 1
        grown = tabulated(m, own.radius, lambda radius: min(radius + 1, last), self._weight_bits)
        radius = Signal(self._weight_bits)
        m.d.comb += radius.eq(Mux(self.load, self.event, Mux(grows, grown, own.radius)))
        full = self._full(m, radius, neighbours)
        inner, boundary = list(full[: self._num_inner]), lowest_set(list(full[self._num_inner :]))

        bounded, root, at_boundary, drops, adopts = Signal(), Signal(), Signal(), Signal(), Signal()
        offers, taken = Signal(self._num_inner), Signal(self._num_inner)
        m.d.comb += [
            bounded.eq(own.tag == 0),
            root.eq(own.parent == self._no_parent),
            at_boundary.eq(any_of(boundary)),
            drops.eq(at_boundary & ~bounded),
            adopts.eq(offers.any() & ~drops),
            taken.eq(Cat(self._lowest(offers)) & (~drops).replicate(self._num_inner)),
            offers.eq(
                Cat(
                    is_full & less_and_greater(word.tag, own.tag)[0] & ~(self.flood & (word.odd == self.layer))
                    for is_full, word in zip(inner, neighbours, strict=True)
                )
            ),
        ]
        below, odd = Signal(), Signal()
        children = [
            is_full & word.below & (word.parent == self._far_port(port))
            for port, (is_full, word) in enumerate(zip(inner, neighbours, strict=True))
        ]
        parent_odd = chosen_by(own.parent, [word.odd for word in neighbours])
        m.d.comb += [
            below.eq(parity_of([self.event, *children])),
            # With a new tag it is settled at the next visit, by the new parent.
            odd.eq(~adopts & ~drops & Mux(root, below & ~bounded, parent_odd if neighbours else 0)),
        ]

        boundary_label = selected(
            (is_first, self._observables(self._num_inner + k)) for k, is_first in enumerate(boundary)
        )
        labels = [word.label ^ self._observables(port) for port, word in enumerate(neighbours)]
        m.d.comb += new.eq(own)
        with m.If(self.load):
            m.d.comb += [new.tag.eq(self.index), new.label.eq(0), new.parent.eq(self._no_parent)]
            m.d.comb += [new.below.eq(self.event), new.odd.eq(self.event)]
        with m.Elif(self.relabel):
            m.d.comb += [new.odd.eq(1), new.parent.eq(self._no_parent)]
            with m.If(at_boundary):
                m.d.comb += [new.tag.eq(0), new.label.eq(boundary_label)]
            with m.Elif(root):
                m.d.comb += new.label.eq(0)
            with m.Else():
                m.d.comb += new.tag.eq(-1)
        with m.Else():
            m.d.comb += [new.below.eq(below), new.odd.eq(Mux(self.flood, Mux(adopts, self.layer, own.odd), odd))]
            with m.If(adopts | drops):
                m.d.comb += [
                    new.tag.eq(selected((takes, word.tag) for takes, word in zip(taken, neighbours, strict=True))),
                    new.label.eq(any_of([selected(zip(taken, labels, strict=True)), Mux(drops, boundary_label, 0)])),
                    new.parent.eq(
                        any_of(
                            [
                                drops.replicate(self._port_bits),
                                *(takes.replicate(self._port_bits) & port for port, takes in enumerate(taken)),
                            ]
                        )
                    ),
                ]
        m.d.comb += new.radius.eq(radius)

        parities = (below != own.below) | (new.odd != own.odd)
        to_grow = (
            Const(1)
            if self._reaches_boundary
            else any_of(~is_full & self.present[port] for port, is_full in enumerate(full))
        )
        m.d.comb += [
            self.grown.eq(grows | (self.load & self.event)),
            self.changed.eq((self.grown | adopts | drops | (parities & (self.peel | ~bounded))) & any_of(inner)),
            self.adopted.eq(adopts),
            self.active.eq(new.odd & to_grow),
            self.conflict.eq(any_of(self._conflicts(own, neighbours, full))),
            self.observables_change.eq(Mux(self.event, own.label ^ new.label, 0)),
        ]
        if len(full):
            parents = [own.parent == port for port in range(self._num_inner)]
            flipped = [*parents, *(is_first & root for is_first in boundary)]
            m.d.comb += self.corrections.eq(Cat(flipped) & own.below.replicate(len(full)))
        return m

    @property
    def _no_parent(self) -> int:
        return (1 << self._port_bits) - 1

    def _memory(self, m: Module, own: data.View, new: data.View) -> None:
        """Place the memory of words."""
        m.submodules.words = memory = Memory(
            shape=self.layout.size, depth=self._depth, init=[], attrs={"ram_style": self._ram_style}
        )
        write: Any = memory.write_port()
        m.d.comb += [write.addr.eq(self.visited), write.data.eq(new), write.en.eq(self.visit)]
        for view in range(self._num_views):
            read: Any = memory.read_port()
            address = self.view_slots.word_select(view - 1, len(self.slot)) if view else self.slot
            m.d.comb += [read.addr.eq(address), self.words.word_select(view, self.layout.size).eq(read.data)]
        m.d.comb += own.eq(self.words[: self.layout.size])

    def _words(self, words: Value) -> list[data.View]:
        size = self.layout.size
        return [data.View(self.layout, words.word_select(k, size)) for k in range(len(words) // size)]

    def _observables(self, port: int) -> Value:
        return self.observables.word_select(port, self._num_labels)

    def _far_port(self, port: int) -> Value:
        return self.far_ports.word_select(port, self._port_bits)

    def _lowest(self, offers: Sequence[Value]) -> list[Value]:
        """Return which of the offers comes with the lowest edge."""
        blockers: list[list[Value]] = [[] for _ in offers]
        for pair, (j, k) in enumerate(combinations(range(self._num_inner), 2)):
            blockers[k].append(offers[j] & self.ascending[pair])
            blockers[j].append(offers[k] & ~self.ascending[pair])
        return [offer & ~any_of(others) for offer, others in zip(offers, blockers, strict=True)]

    def _full(self, m: Module, own_radius: Value, neighbours: Sequence[data.View]) -> Signal:
        """Return which ports have a full edge: where the radii and the deficit carry out of their sum."""
        full = Signal(self._num_inner + self._num_boundary)
        radii = [word.radius for word in neighbours] + [Const(0, self._weight_bits)] * self._num_boundary
        for port, radius in enumerate(radii):
            deficit = self.deficits.word_select(port, self._weight_bits)
            # Two bits of each a table; the sum of three numbers carries 0, 1 or 2.
            carry = Const(0, 2)
            for low in range(0, self._weight_bits, 2):
                terms = [term[low : min(low + 2, self._weight_bits)] for term in (own_radius, radius, deficit)]
                widths = [len(term) for term in (*terms, carry)]
                carry = tabulated(m, Cat(terms, carry), carry_of_sum(widths), 2)
            m.d.comb += full[port].eq(self.present[port] & carry.any())
        return full

    def _conflicts(self, own: data.View, neighbours: Sequence[data.View], full: Sequence[Value]) -> list[Value]:
        others = [word.label for word in neighbours] + [Const(0, self._num_labels)] * self._num_boundary
        return [
            is_full & ((own.label ^ label) != self._observables(port))
            for port, (is_full, label) in enumerate(zip(full, others, strict=True))
        ]
