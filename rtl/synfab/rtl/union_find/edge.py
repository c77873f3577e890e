# SPDX-License-Identifier: Apache-2.0
"""The edge elements of the fabric: growth, and what passes between the ends of a full edge."""

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.element import Element
from synfab.rtl.order import any_of, less_and_greater


class Growth(wiring.Component):
    """Growth of one edge: counts active ends up to the weight, which makes the edge full.

    Members
    -------
    start : In(1)
        A new block: back to growth 0, and the first growth step at once.
    grow : In(1)
        This cycle is a growth step.
    active : In(num_ends)
    full : Out(1)
        Registered.
    """

    def __init__(self, *, weight: int, num_ends: int) -> None:
        self._weight = weight
        super().__init__({"start": In(1), "grow": In(1), "active": In(num_ends), "full": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # What is left to grow, less one: the edge is full below zero, so that `full` is a flip-flop of its own.
        remaining = Signal(range(max(2, self._weight)), reset_less=True)
        full = Signal(reset_less=True)
        m.d.comb += self.full.eq(full)
        step = sum(self.active[1:], self.active[0])
        before = Mux(self.start, self._weight - 1, remaining)
        with m.If(self.start | (self.grow & ~full)):
            m.d.sync += full.eq(step > before)
            with m.If(step <= before):
                m.d.sync += remaining.eq(before - step)
        return m


class InnerEdge(Element):
    """An edge between two detectors, the ends u (bit 0, or the low half of a vector) and v.

    Members
    -------
    start, grow : In(1)
    active, chosen, message : In(2)
        Of each end: it belongs to an active cluster; this edge leads to its parent; its message on this edge.
    tags : In(2 * tag_bits)
    labels : In(2 * num_labels)
    full : Out(1)
    offer : Out(2)
        To each end: the edge is full and the other end has the lower tag.
    offered_labels : Out(2 * num_labels)
        To each end: the other end's label with this edge's observables.
    received : Out(2)
        To each end: the other end's message, if the edge belongs to the tree.
    conflict : Out(1)
        The edge is full and its ends' labels do not differ by its observables.
    correction : Out(1)
        The odd subtree's parent edge is this one.
    """

    def __init__(self, *, weight: int, observables: int, tag_bits: int, num_labels: int) -> None:
        self._weight, self._observables, self._num_labels = weight, observables, num_labels
        self._tag_bits = tag_bits
        super().__init__(
            {
                "start": In(1),
                "grow": In(1),
                "active": In(2),
                "chosen": In(2),
                "message": In(2),
                "tags": In(2 * tag_bits),
                "labels": In(2 * num_labels),
                "full": Out(1),
                "offer": Out(2),
                "offered_labels": Out(2 * num_labels),
                "received": Out(2),
                "conflict": Out(1),
                "correction": Out(1),
            }
        )

    @property
    def kind(self) -> str:
        return f"inner_edge_w{self._weight}_o{self._observables:x}_t{self._tag_bits}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.growth = growth = Growth(weight=self._weight, num_ends=2)
        m.d.comb += [
            growth.start.eq(self.start),
            growth.grow.eq(self.grow),
            growth.active.eq(self.active),
            self.full.eq(growth.full),
        ]
        tags = [self.tags.word_select(end, self._tag_bits) for end in range(2)]
        labels = [self.labels.word_select(end, self._num_labels) for end in range(2)]
        u_less, v_less = less_and_greater(*tags)
        in_tree = any_of(self.chosen)
        m.d.comb += [
            self.offer[0].eq(growth.full & v_less),
            self.offer[1].eq(growth.full & u_less),
            self.received[0].eq(in_tree & self.message[1]),
            self.received[1].eq(in_tree & self.message[0]),
            self.conflict.eq(growth.full & ((labels[0] ^ labels[1]) != self._observables)),
            self.correction.eq(any_of(self.chosen & self.message)),
        ]
        for end in range(2):
            offered = self.offered_labels.word_select(end, self._num_labels)
            m.d.comb += offered.eq(labels[1 - end] ^ self._observables)
        return m


class BoundaryEdge(Element):
    """An edge from a detector to the boundary.

    Members
    -------
    start, grow, active : In(1)
    label : In(num_labels)
        The detector's.
    full : Out(1)
    conflict : Out(1)
        The edge is full and the detector's label is not this edge's observables.
    """

    def __init__(self, *, weight: int, observables: int, num_labels: int) -> None:
        self._weight, self._observables, self._num_labels = weight, observables, num_labels
        super().__init__(
            {
                "start": In(1),
                "grow": In(1),
                "active": In(1),
                "label": In(num_labels),
                "full": Out(1),
                "conflict": Out(1),
            }
        )

    @property
    def kind(self) -> str:
        return f"boundary_edge_w{self._weight}_o{self._observables:x}_l{self._num_labels}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.growth = growth = Growth(weight=self._weight, num_ends=1)
        m.d.comb += [
            growth.start.eq(self.start),
            growth.grow.eq(self.grow),
            growth.active.eq(self.active),
            self.full.eq(growth.full),
            self.conflict.eq(growth.full & (self.label != self._observables)),
        ]
        return m
