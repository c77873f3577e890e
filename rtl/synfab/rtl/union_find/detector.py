# SPDX-License-Identifier: Apache-2.0
"""The elements of one detector: what it holds, and what one hop of the flood makes of it."""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of, choice_bits, chosen, lowest_choice, lowest_set, parity_of, selected


class Detector(Element):
    """One detector: its event, its cluster's tag, and its place in the cluster's tree.

    *Tag.* The cluster's lowest tag floods along full edges: each root candidate has one of its own, all other
    detectors share the highest, the boundary's is 0. The port that it came from leads to the detector's parent, so
    that the parents form a tree whose root owns the tag. A label (the observables on the path to the root) comes
    along with the tag.

    *Relabelling.* The tree depends on the order of events. For the canonical forest of
    :class:`~synfab.decoders.UnionFindSpec` all detectors but the owners of tags begin to wait, and the next flood
    proceeds in breadth-first layers, from these and, in clusters that have one, from the boundary.

    Members
    -------
    own_tag : In(tag_bits)
        Constant.
    start : In(1)
        A new block: take ``new_event`` and forget the last one; goes before everything else.
    new_event : In(1)
        Detection event, valid with ``start``.
    relabel : In(1)
        Start the canonical flood.
    boundary_full : In(num_boundary)
        Edges to the boundary.
    next_tag, next_label, next_parent, next_waiting : In
        After the hops of this cycle.
    odd : In(1)
        The cluster, as far as heard, holds an odd number of events.
    event : Out(1)
    tag : Out(tag_bits)
    label : Out(num_labels)
    parent : Out(choice_bits(num_inner))
        The choice of the port to the parent (:func:`~synfab.rtl.order.lowest_choice`); 0: none.
    waiting : Out(1)
        Not yet reached by the canonical flood.
    bounded : Out(1)
        The cluster has a full edge to the boundary.
    active : Out(1)
        The cluster is odd and has no boundary; meaningful with ``start``, and while nothing changes.
    observables : Out(num_labels)
        The label if there was a detection event, else 0.
    correction : Out(num_boundary)
    """

    def __init__(
        self, *, num_inner: int, boundary_observables: tuple[int, ...], tag_bits: int, num_labels: int
    ) -> None:
        self._num_inner, self._boundary_observables = num_inner, boundary_observables
        self._tag_bits, self._num_labels = tag_bits, num_labels
        num_boundary = len(boundary_observables)
        ports = {
            "own_tag": In(tag_bits),
            "start": In(1),
            "new_event": In(1),
            "relabel": In(1),
            "boundary_full": In(num_boundary),
            "next_tag": In(tag_bits),
            "next_label": In(num_labels),
            "next_parent": In(choice_bits(num_inner)),
            "next_waiting": In(1),
            "odd": In(1),
            "event": Out(1),
            "tag": Out(tag_bits),
            "label": Out(num_labels),
            "parent": Out(choice_bits(num_inner)),
            "waiting": Out(1),
            "bounded": Out(1),
            "active": Out(1),
            "observables": Out(num_labels),
            "correction": Out(num_boundary),
        }
        super().__init__({name: member for name, member in ports.items() if member.shape})

    @property
    def kind(self) -> str:
        boundary = "".join(f"_b{mask:x}" for mask in self._boundary_observables)
        return f"detector_{self._num_inner}{boundary}_t{self._tag_bits}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        event = Signal(reset_less=True)
        tag = Signal(self._tag_bits, reset_less=True)
        label = Signal(self._num_labels, reset_less=True)
        parent = Signal(choice_bits(self._num_inner), reset_less=True)
        waiting = Signal(reset_less=True)
        bounded = tag == 0
        boundary_full = self.boundary_full if self._boundary_observables else Const(0, 0)
        m.d.comb += [
            self.event.eq(event),
            self.tag.eq(tag),
            self.label.eq(label),
            self.waiting.eq(waiting),
            self.bounded.eq(bounded),
            # With the start every detection event is an active cluster of its own.
            self.active.eq(Mux(self.start, self.new_event, self.odd & ~bounded)),
            self.observables.eq(Mux(event, label, 0)),
        ]
        if self._num_inner:
            m.d.comb += self.parent.eq(parent)
        if self._boundary_observables:
            m.d.comb += self.correction.eq(Cat(lowest_set(boundary_full)) & self.odd.replicate(len(boundary_full)))
        m.d.sync += [tag.eq(self.next_tag), label.eq(self.next_label), waiting.eq(self.next_waiting)]
        if self._num_inner:
            m.d.sync += parent.eq(self.next_parent)
        with m.If(self.start):
            m.d.sync += [event.eq(self.new_event), tag.eq(self.own_tag), label.eq(0), parent.eq(0), waiting.eq(0)]
        with m.Elif(self.relabel):
            # Without a parent a detector owns its tag, with label 0, or has its tag from the boundary.
            m.d.sync += [waiting.eq(parent.any() | (bounded if self._boundary_observables else 0)), parent.eq(0)]
        return m


class DetectorHop(Element):
    """What a detector makes of its neighbours in one hop of the flood; combinational.

    A detector takes a lower tag from its lowest port that offers one. *Parity*: on every edge of the tree each end
    tells the other the parity of the detection events on its side, which is its own event and what it hears on its
    other tree edges; so what a detector hears with its own event is the parity of the whole cluster, once nothing
    changes any more. There is no way up to a root and down again.

    Members
    -------
    event, tag, label, parent, waiting, boundary_full : In
        As of :class:`Detector`, or after the hop before.
    offer, received : In(num_inner)
    offered_tags : In(num_inner * tag_bits)
    offered_labels : In(num_inner * num_labels)
    next_tag, next_label, next_parent, next_waiting : Out
    adopt : Out(1)
        A tag is taken.
    odd : Out(1)
    """

    clocked = False

    def __init__(
        self, *, num_inner: int, boundary_observables: tuple[int, ...], tag_bits: int, num_labels: int
    ) -> None:
        self._num_inner, self._boundary_observables = num_inner, boundary_observables
        self._tag_bits, self._num_labels = tag_bits, num_labels
        ports = {
            "event": In(1),
            "tag": In(tag_bits),
            "label": In(num_labels),
            "parent": In(choice_bits(num_inner)),
            "waiting": In(1),
            "boundary_full": In(len(boundary_observables)),
            "offer": In(num_inner),
            "received": In(num_inner),
            "offered_tags": In(num_inner * tag_bits),
            "offered_labels": In(num_inner * num_labels),
            "next_tag": Out(tag_bits),
            "next_label": Out(num_labels),
            "next_parent": Out(choice_bits(num_inner)),
            "next_waiting": Out(1),
            "adopt": Out(1),
            "odd": Out(1),
        }
        super().__init__({name: member for name, member in ports.items() if member.shape})

    @property
    def kind(self) -> str:
        boundary = "".join(f"_b{mask:x}" for mask in self._boundary_observables)
        return f"detector_hop_{self._num_inner}{boundary}_t{self._tag_bits}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.next_tag.eq(self.tag), self.next_label.eq(self.label), self.next_waiting.eq(self.waiting)]
        if self._num_inner:
            offers = list(self.offer)
            port = lowest_choice(offers)
            tags = [self.offered_tags.word_select(k, self._tag_bits) for k in range(self._num_inner)]
            labels = [self.offered_labels.word_select(k, self._num_labels) for k in range(self._num_inner)]
            m.d.comb += [
                self.odd.eq(self.event ^ parity_of(self.received)),
                self.adopt.eq(any_of(offers)),
                self.next_parent.eq(self.parent),
            ]
            with m.If(any_of(offers)):
                m.d.comb += [
                    self.next_tag.eq(chosen(port, tags)),
                    self.next_label.eq(chosen(port, labels)),
                    self.next_parent.eq(port),
                    self.next_waiting.eq(0),
                ]
        else:
            m.d.comb += self.odd.eq(self.event)
        if self._boundary_observables:
            with m.If(self.boundary_full.any() & ((self.tag != 0) | self.waiting)):
                m.d.comb += [
                    self.adopt.eq(1),
                    self.next_tag.eq(0),
                    self.next_waiting.eq(0),
                    self.next_label.eq(
                        boundary_label(self.boundary_full, self._boundary_observables, self._num_labels)
                    ),
                ]
                if self._num_inner:
                    m.d.comb += self.next_parent.eq(0)
        return m


def boundary_label(full: Value, observables: tuple[int, ...], num_labels: int) -> Value:
    """Return the observables of the lowest full edge to the boundary."""
    return selected(
        (one, Const(mask, num_labels)) for one, mask in zip(lowest_set(list(full)), observables, strict=True)
    )
