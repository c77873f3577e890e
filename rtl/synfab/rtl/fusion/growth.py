# SPDX-License-Identifier: Apache-2.0
"""Growth of edges that pass from step to step: whole ones, and those that may be cut at an artificial boundary."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Member, Out

from synfab.decoders.fusion import Stop
from synfab.rtl.element import Element


def growth_bits(weight_bits: int) -> int:
    """Return the width of a growth, which may pass its weight.

    By one where both ends grow; up to twice the weight where two sides are fused that stopped at its end.
    """
    return weight_bits + 1


def growth_ports(weight_bits: int, num_ends: int, **others: Member) -> dict[str, Member]:
    """Return the ports of any growth, as of :class:`LiveGrowth` but for ``room``, with others: inputs, then outputs."""
    width = growth_bits(weight_bits)
    return {
        "weight": In(weight_bits),
        "shift": In(1),
        "before": In(width),
        "grow": In(1),
        **{name: port for name, port in others.items() if port.flow == In},
        "active": In(num_ends),
        "growth": Out(width),
        "full": Out(1),
        **{name: port for name, port in others.items() if port.flow == Out},
    }


class LiveGrowth(Element):
    """Growth of one edge, or of one side of it, up to a weight that its face's state says.

    Members
    -------
    weight : In(weight_bits)
        0: there is no such edge.
    shift : In(1)
        The steps move on: take ``before``.
    before : In(weight_bits + 1)
        The growth of this edge a slot above.
    grow : In(1)
        This cycle is a growth step.
    active : In(num_ends)
    growth : Out(weight_bits + 1)
    full, room : Out(1)
        The edge is there, and full, or not.
    """

    def __init__(self, *, weight_bits: int, num_ends: int) -> None:
        self._weight_bits, self._num_ends = weight_bits, num_ends
        super().__init__(growth_ports(weight_bits, num_ends, room=Out(1)))

    @property
    def kind(self) -> str:
        return f"live_growth_w{self._weight_bits}_e{self._num_ends}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        growth = Signal(growth_bits(self._weight_bits))
        there, enough = self.weight.any(), growth >= self.weight
        m.d.comb += [self.growth.eq(growth), self.full.eq(there & enough), self.room.eq(there & ~enough)]
        with m.If(self.shift):
            m.d.sync += growth.eq(self.before)
        with m.Elif(self.grow & self.room):
            m.d.sync += growth.eq(growth + sum(self.active[1:], self.active[0]))
        return m


class CutGrowth(Element):
    """Growth of an edge between two blocks: of both its sides apart until they are fused, of both together after.

    Members
    -------
    weight, shift, grow, active
        As of :class:`LiveGrowth`, two ends.
    fused : In(1)
    before : In(weight_bits + 1)
        Growth of the lower side so far: of the only one that there was.
    growth : Out(weight_bits + 1)
        Of both sides together.
    full : Out(1)
        Fused, there, and full.
    side_full : Out(2)
        Not fused, and full to that side: an artificial boundary.
    room : Out(2)
        There, and not full for that end.
    touched : Out(1)
        Not fused, and to be fused would make a difference to what is full.
    """

    def __init__(self, *, weight_bits: int, stop: Stop) -> None:
        self._weight_bits = weight_bits
        self._stop: Stop = stop
        own = {"fused": In(1), "side_full": Out(2), "room": Out(2), "touched": Out(1)}
        super().__init__(growth_ports(weight_bits, 2, **own))

    @property
    def kind(self) -> str:
        return f"cut_growth_w{self._weight_bits}_{self._stop}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = growth_bits(self._weight_bits)
        sides = [Signal(width, name=f"side_{side}") for side in range(2)]
        there, end = self.weight.any(), artificial_weight(self.weight, self._stop)
        enough = self.growth >= self.weight
        ended = Cat(side >= end for side in sides)
        room = there.replicate(2) & ~Mux(self.fused, enough.replicate(2), ended)
        m.d.comb += [
            # Fused sides stop together, one past the weight at most; sides apart at half of it or at its end, so that
            # both make up twice the weight at most: no overflow.
            self.growth.eq(sides[0] + sides[1]),
            self.full.eq(there & self.fused & enough),
            self.side_full.eq((there & ~self.fused).replicate(2) & ended),
            self.room.eq(room),
            self.touched.eq(there & ~self.fused & (ended.any() | enough)),
        ]
        with m.If(self.shift):
            m.d.sync += [sides[0].eq(self.before), sides[1].eq(0)]
        with m.Elif(self.grow):
            m.d.sync += [side.eq(side + (a & r)) for side, a, r in zip(sides, self.active, room, strict=True)]
        return m


def artificial_weight(weight: Value, stop: Stop) -> Value:
    """Return where the artificial boundary lies on an edge, from either side."""
    return weight if stop == "end" else (weight + 1)[1:]
