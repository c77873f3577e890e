# SPDX-License-Identifier: Apache-2.0
"""Hints: levels of confidence that come with the rounds, and lower the weights of one block."""

from dataclasses import dataclass

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.errors import InputError
from synfab.rtl.order import any_of
from synfab.rtl.union_find.loader import Loader


@dataclass(frozen=True, kw_only=True)
class Hints:
    """How a fabric takes hints: which weight a level stands for, and where each edge's level is.

    Attributes
    ----------
    weights : tuple of int
        Of each level, 1 or more; level ``len(weights)`` is silent, and leaves an edge its own weight. A hint never
        raises a weight.
    lanes : tuple of ((int, int) or None)
        For each edge the beat with which its level comes, and its number among that beat's levels; None for an edge
        that has no hints.
    num_lanes : int
        Levels of a beat.
    """

    weights: tuple[int, ...]
    lanes: tuple[tuple[int, int] | None, ...]
    num_lanes: int

    @property
    def silent(self) -> int:
        """The level that says nothing."""
        return len(self.weights)

    @property
    def level_bits(self) -> int:
        """Of a level."""
        return self.silent.bit_length()

    def lowest(self, spec: UnionFindSpec) -> UnionFindSpec:
        """Return the spec with the lowest weight that each edge may have."""
        lowest = min(self.weights)
        pairs = zip(spec.weights, self.lanes, strict=True)
        return spec.with_weights([weight if lane is None else min(weight, lowest) for weight, lane in pairs])

    def require(self, spec: UnionFindSpec) -> None:
        """Raise InputError unless these are hints for a spec's edges and beats."""
        if len(self.lanes) != len(spec.edges):
            raise InputError(f"hints must have a lane for each of {len(spec.edges)} edges, not {len(self.lanes)}")
        if not self.weights or min(self.weights) < 1:
            raise InputError(f"weights of hints must be 1 or more, one for each level, not {self.weights!r}")
        for beat, lane in filter(None, self.lanes):
            if not (0 <= beat < len(spec.rounds) and 0 <= lane < self.num_lanes):
                raise InputError(
                    f"a lane must be one of {self.num_lanes} in one of {len(spec.rounds)} beats, not {(beat, lane)}"
                )


class HintPort(wiring.Component):
    """Takes beats with levels: hands the levels to the edges at once, and the beat to the loader a cycle later.

    So a beat finds the edges with the weights of its hints. No beat is taken in the cycle in which the one before ends
    its block, for that is when the edges go back to their own weights.

    Parameters
    ----------
    spec : UnionFindSpec
    hints : Hints

    Members
    -------
    i : In(stream.Signature(HintPort.layout(spec, hints)))
    o : Out(stream.Signature(Loader.layout(spec.rounds)))
    free : In(1)
        As of the loader.
    load : Out(num_edges)
        The edge takes its level for the next block.
    levels : Out(ArrayLayout)
        Of this beat.
    changing : Out(1)
        Some edge may take a weight that is not its own.
    """

    def __init__(self, spec: UnionFindSpec, hints: Hints) -> None:
        self._spec, self._hints = spec, hints
        super().__init__(
            {
                "i": In(stream.Signature(self.layout(spec, hints))),
                "o": Out(stream.Signature(Loader.layout(spec.rounds))),
                "free": In(1),
                "load": Out(len(spec.edges)),
                "levels": Out(data.ArrayLayout(hints.level_bits, hints.num_lanes)),
                "changing": Out(1),
            }
        )

    @staticmethod
    def layout(spec: UnionFindSpec, hints: Hints) -> data.StructLayout:
        """Return the layout of a beat: that of the loader's, and ``levels``."""
        levels = data.ArrayLayout(hints.level_bits, hints.num_lanes)
        return data.StructLayout(dict(Loader.layout(spec.rounds).members) | {"levels": levels})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rounds, hints = self._spec.rounds, self._hints
        beat, taken, valid = Signal(range(len(rounds) + 1)), Signal(), Signal()
        held = Signal.like(self.o.payload)
        ends, payload = held.last | held.abort, self.i.payload
        m.d.comb += [
            # A last beat waits outside, as it does before the loader.
            self.i.ready.eq((~valid | (self.o.ready & ~ends)) & (self.free | ~payload.last | payload.abort)),
            taken.eq(self.i.valid & self.i.ready),
            self.o.valid.eq(valid),
            self.o.payload.eq(held),
            self.levels.eq(payload.levels),
        ]
        said = [level != hints.silent for level in payload.levels]
        m.d.comb += self.changing.eq(taken & (beat != len(rounds)) & any_of(said))
        for edge, place in enumerate(hints.lanes):
            if place is not None:
                m.d.comb += self.load[edge].eq(taken & (beat == place[0]))
        with m.If(self.o.ready):
            m.d.sync += valid.eq(0)
        with m.If(taken):
            m.d.sync += [valid.eq(1), *(held[name].eq(payload[name]) for name in held.shape().members)]
            with m.If(payload.last | payload.abort):
                m.d.sync += beat.eq(0)
            with m.Elif(beat != len(rounds)):
                m.d.sync += beat.eq(beat + 1)
        return m
