# SPDX-License-Identifier: Apache-2.0
"""Growth of an edge: up to a weight that is part of the hardware, one that a hint may lower, or one that is loaded."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec


def first_steps(spec: UnionFindSpec) -> int:
    """Return how many growth steps pass before the first edge can be full, that last step included."""
    ends = (sum(end >= 0 for end in edge) for edge in spec.edges)
    return min((-(-weight // num_ends) for weight, num_ends in zip(spec.weights, ends, strict=True)), default=1)


class Growth(wiring.Component):
    """Growth of one edge: counts active ends up to the weight, which makes the edge full.

    Parameters
    ----------
    weight : int
    num_ends : int
        1 at the boundary, else 2.
    first_steps : int
        Growth steps that fall together in the start of a block; at most as many as it takes the lightest edge of
        the graph to become full.

    Members
    -------
    start : In(1)
        A new block: back to growth 0, and the first growth steps at once.
    grow : In(1)
        This cycle is a growth step.
    active : In(num_ends)
    full : Out(1)
        Registered.
    """

    def __init__(self, *, weight: int, num_ends: int, first_steps: int = 1) -> None:
        self._weight, self._first_steps = weight, first_steps
        super().__init__({"start": In(1), "grow": In(1), "active": In(num_ends), "full": Out(1)})

    def elaborate(self, platform: object) -> Module:
        # What is left to grow, less one: the edge is full below zero, so that `full` is a flip-flop of its own.
        remaining = Signal(range(max(2, self._weight)), reset_less=True)
        ends = sum(self.active[1:], self.active[0])
        return _counting(self, remaining, ends, ends * self._first_steps, self._weight)


class HintedGrowth(wiring.Component):
    """Growth of one edge up to its weight, or the lower one of a level that is loaded for the next block.

    Parameters
    ----------
    weight : int
    hints : tuple of int
        The weight of each level; the next level is silent.
    num_ends, first_steps : int
        As of :class:`Growth`; the lightest edge is so with the lowest level.

    Members
    -------
    start, grow, active, full
        As of :class:`Growth`.
    load : In(1)
        Take ``level`` for the next block.
    level : In(range(len(hints) + 1))
    clear : In(1)
        The next block has started for the last time: back to silence.
    """

    def __init__(self, *, weight: int, hints: tuple[int, ...], num_ends: int, first_steps: int = 1) -> None:
        self._weight, self._hints, self._first_steps = weight, hints, first_steps
        super().__init__(
            {
                "start": In(1),
                "grow": In(1),
                "active": In(num_ends),
                "load": In(1),
                "level": In(range(len(hints) + 1)),
                "clear": In(1),
                "full": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        level = Signal(range(len(self._hints) + 1), init=len(self._hints))
        weight = Signal(range(self._weight + 1))
        remaining = Signal(range(max(2, self._weight)), reset_less=True)
        ends = sum(self.active[1:], self.active[0])
        m = _counting(self, remaining, ends, ends * self._first_steps, weight)
        with m.Switch(level):
            for number, hint in enumerate(self._hints):
                with m.Case(number):
                    m.d.comb += weight.eq(min(hint, self._weight))
            with m.Default():
                m.d.comb += weight.eq(self._weight)
        with m.If(self.load):
            m.d.sync += level.eq(self.level)
        with m.Elif(self.clear):
            m.d.sync += level.eq(len(self._hints))
        return m


class LoadedGrowth(wiring.Component):
    """Growth of one edge up to a weight that is loaded: the default one, or one for the next block only.

    Weight 0 makes the edge full from the start.

    Parameters
    ----------
    weight : int
        The default weight after a reset.
    weight_bits, num_ends : int

    Members
    -------
    start, grow, active, full
        As of :class:`Growth`.
    steps : In(weight_bits)
        With ``start`` or ``grow``: growth steps that fall together in this cycle; at most as many as it takes the
        lightest edge to become full.
    load : In(1)
        Take ``value`` as the weight in the next block.
    load_default : In(1)
        With ``load``: and in all further blocks.
    value : In(weight_bits)
    clear : In(1)
        The next block has started for the last time: back to the default weight.
    """

    def __init__(self, *, weight: int, weight_bits: int, num_ends: int) -> None:
        self._weight, self._weight_bits = weight, weight_bits
        super().__init__(
            {
                "start": In(1),
                "grow": In(1),
                "active": In(num_ends),
                "steps": In(weight_bits),
                "load": In(1),
                "load_default": In(1),
                "value": In(weight_bits),
                "clear": In(1),
                "full": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        default = Signal(self._weight_bits, init=self._weight)
        weight = Signal(self._weight_bits, init=self._weight)
        remaining = Signal(self._weight_bits, reset_less=True)
        full = Signal(reset_less=True)
        m.d.comb += self.full.eq(full)
        ends = [Mux(active, self.steps, 0) for active in self.active]
        # A start and a step share the subtraction.
        left = Mux(self.start, weight, remaining) - sum(ends[1:], ends[0])
        with m.If(self.start | self.grow):
            m.d.sync += [full.eq((full & ~self.start) | (left <= 0)), remaining.eq(left)]
        with m.If(self.load):
            m.d.sync += weight.eq(self.value)
            with m.If(self.load_default):
                m.d.sync += default.eq(self.value)
        with m.Elif(self.clear):
            m.d.sync += weight.eq(default)
        return m


def _counting(
    growth: Growth | HintedGrowth, remaining: Signal, ends: Value, first: Value, weight: Value | int
) -> Module:
    m = Module()
    full = Signal(reset_less=True)
    m.d.comb += growth.full.eq(full)
    with m.If(growth.start):
        m.d.sync += [full.eq(first >= weight), remaining.eq(weight - 1 - first)]
    with m.Elif(growth.grow):
        m.d.sync += [full.eq(full | (ends > remaining)), remaining.eq(remaining - ends)]
    return m
