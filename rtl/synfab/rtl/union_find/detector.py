# SPDX-License-Identifier: Apache-2.0
"""The processing element of one detector."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of, lowest_set, parity_of, selected


class Detector(Element):
    """One detector: its cluster's tag, its place in the cluster's tree, and the parity of the whole cluster.

    *Tag.* The cluster's lowest tag floods along full edges: a detector's own tag is its number plus one, the
    boundary's is 0, and a detector takes a lower tag from the lowest port that offers one. Where it came from is
    the detector's parent, so that the parents form a tree whose root owns the tag. A label (the observables on
    the path to the root) comes along with the tag.

    *Parity.* On every edge of the tree each end tells the other the parity of the detection events on its side:
    its own event and what it hears on its other tree edges. When nothing changes any more, every detector knows
    the parity of its cluster; there is no way up to a root and down again. On ports outside the tree a detector
    tells the parity of its whole cluster, which is what the other side needs if the edge joins the tree.

    *Relabelling.* The tree above depends on the order of events. For the canonical forest of
    :class:`~synfab.decoders.UnionFindSpec` all but its roots give up their tags: the next flood starts from the
    roots alone and proceeds in breadth-first layers. The message to the parent is then the parity of the subtree:
    the correction.

    Members
    -------
    index : In(tag_bits)
        Detector number plus one; constant.
    start : In(1)
        A new block: take ``event`` and forget the last one; goes before everything else.
    event : In(1)
        Detection event, valid with ``start``.
    relabel : In(1)
        Start the canonical flood.
    peel : In(1)
        Messages matter in clusters with a boundary, too.
    offer, received, full : In(num_inner)
    offered_tags : In(num_inner * tag_bits)
    offered_labels : In(num_inner * num_labels)
    boundary_full : In(num_boundary)
    tag : Out(tag_bits)
    label : Out(num_labels)
    chosen, message : Out(num_inner)
    active : Out(1)
        The cluster is odd and has no boundary; meaningful with ``start``, and while nothing changes.
    growing : Out(1)
        Active, and there may be an edge to grow.
    changing : Out(1)
        The state that the decision rests on changes at the next clock edge.
    observables : Out(num_labels)
        The label if there was a detection event, else 0.
    correction : Out(num_boundary)
    """

    def __init__(
        self,
        *,
        num_inner: int,
        boundary_observables: tuple[int, ...],
        reaches_boundary: bool,
        tag_bits: int,
        num_labels: int,
    ) -> None:
        self._num_inner, self._boundary_observables = num_inner, boundary_observables
        self._reaches_boundary = reaches_boundary
        self._tag_bits, self._num_labels = tag_bits, num_labels
        num_boundary = len(boundary_observables)
        ports = {
            "index": In(tag_bits),
            "start": In(1),
            "event": In(1),
            "relabel": In(1),
            "peel": In(1),
            "offer": In(num_inner),
            "received": In(num_inner),
            "full": In(num_inner),
            "offered_tags": In(num_inner * tag_bits),
            "offered_labels": In(num_inner * num_labels),
            "boundary_full": In(num_boundary),
            "tag": Out(tag_bits),
            "label": Out(num_labels),
            "chosen": Out(num_inner),
            "message": Out(num_inner),
            "active": Out(1),
            "growing": Out(1),
            "changing": Out(1),
            "observables": Out(num_labels),
            "correction": Out(num_boundary),
        }
        super().__init__({name: member for name, member in ports.items() if member.shape})

    @property
    def kind(self) -> str:
        boundary = "".join(f"_b{mask:x}" for mask in self._boundary_observables)
        closed = "" if self._reaches_boundary else "_closed"
        return f"detector_{self._num_inner}{boundary}{closed}_t{self._tag_bits}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        event = Signal(reset_less=True)
        tag = Signal(self._tag_bits, reset_less=True)
        label = Signal(self._num_labels, reset_less=True)
        chosen = Signal(self._num_inner, reset_less=True)
        message = Signal(self._num_inner, reset_less=True)
        m.d.comb += [self.tag.eq(tag), self.label.eq(label)]

        bounded = tag == 0
        inner, boundary, boundary_full = self._offers(bounded)
        boundary_label = selected(
            (full, Const(mask, self._num_labels))
            for full, mask in zip(boundary_full, self._boundary_observables, strict=True)
        )
        at_boundary = any_of(boundary_full)
        adopt = any_of([*inner, *boundary])

        received = self.received if self._num_inner else Const(0, 0)
        odd = event ^ parity_of(received)
        next_message = received ^ odd.replicate(self._num_inner)
        m.d.comb += [
            # With the start every detection event is an active cluster of its own.
            self.active.eq(Mux(self.start, self.event, odd & ~bounded)),
            self.changing.eq(adopt | ((message != next_message) & (self.peel | ~bounded))),
            self.observables.eq(Mux(event, label, 0)),
        ]
        m.d.comb += self.growing.eq(odd & ~bounded & (1 if self._reaches_boundary else self._has_edge_to_grow()))
        if self._num_inner:
            m.d.comb += [self.chosen.eq(chosen), self.message.eq(message)]
        if self._boundary_observables:
            m.d.comb += self.correction.eq(Cat(*boundary_full) & odd.replicate(len(boundary_full)))

        tags = [self.offered_tags.word_select(k, self._tag_bits) for k in range(self._num_inner)]
        labels = [self.offered_labels.word_select(k, self._num_labels) for k in range(self._num_inner)]
        m.d.sync += message.eq(next_message)
        with m.If(self.start):
            m.d.sync += [
                event.eq(self.event),
                tag.eq(self.index),
                label.eq(0),
                chosen.eq(0),
                message.eq(self.event.replicate(self._num_inner)),
            ]
        with m.Elif(self.relabel):
            m.d.sync += chosen.eq(0)
            with m.If(at_boundary):
                m.d.sync += [tag.eq(0), label.eq(boundary_label)]
            with m.Elif(tag == self.index):
                m.d.sync += label.eq(0)
            with m.Else():
                m.d.sync += tag.eq(-1)
        with m.Elif(adopt):
            m.d.sync += [
                tag.eq(selected(zip(inner, tags, strict=True))),
                label.eq(any_of([selected(zip(inner, labels, strict=True)), Mux(any_of(boundary), boundary_label, 0)])),
                chosen.eq(Cat(*inner)),
            ]
        return m

    def _offers(self, bounded):
        """Return which port is adopted, inner and boundary, one at most; and the lowest full boundary edge."""
        num_boundary = len(self._boundary_observables)
        boundary_full = lowest_set([self.boundary_full[k] for k in range(num_boundary)]) if num_boundary else []
        boundary = [full & ~bounded for full in boundary_full]
        blocked = any_of(boundary)
        inner = lowest_set([self.offer[k] for k in range(self._num_inner)]) if self._num_inner else []
        return [offer & ~blocked for offer in inner], boundary, boundary_full

    def _has_edge_to_grow(self):
        return ~self.full.all() if self._num_inner else Const(0, 1)
