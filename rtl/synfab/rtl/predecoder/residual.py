# SPDX-License-Identifier: Apache-2.0
"""From rounds of decisions to what the union-find takes: residual events, levels of edges, and the frame."""

from functools import reduce
from operator import and_, or_

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.order import parity_of
from synfab.rtl.predecoder.decisions import Decisions
from synfab.rtl.predecoder.lanes import Lanes
from synfab.rtl.predecoder.places import round_orders
from synfab.rtl.union_find.loader import Loader


class Residual(wiring.Component):
    """Applies flips to detection events; combinational but for what it keeps of the rounds before.

    A data flip changes the checks of its round that hold the qubit, a measurement flip those of its round and the
    next (arXiv:2604.12841, equations 50 to 53); the last round has no measurement flips.

    Parameters
    ----------
    spec : PipelineSpec
    lanes : Lanes or None
        With hints.

    Members
    -------
    i : In(stream.Signature(Decisions.layout(spec)))
    events_i : In(stream.Signature(Residual.event_layout(spec)))
        The same rounds' events, in the decoder's order; ``abort`` if the block ends with this round and is forgotten.
    o : Out(stream.Signature(Residual.layout(spec, lanes)))
        As of a fabric; offered when both are there.
    frame : Out(1)
        With the last round: the flips of the block change the observable.
    """

    def __init__(self, spec: PipelineSpec, *, lanes: Lanes | None) -> None:
        self._spec, self._lanes = spec, lanes
        super().__init__(
            {
                "i": In(stream.Signature(Decisions.layout(spec))),
                "events_i": In(stream.Signature(self.event_layout(spec))),
                "o": Out(stream.Signature(self.layout(spec, lanes))),
                "frame": Out(1),
            }
        )

    @staticmethod
    def layout(spec: PipelineSpec, lanes: Lanes | None) -> data.StructLayout:
        """Return the layout of a beat: that of the fabric, with ``levels`` if there are lanes."""
        beat = dict(Loader.layout(spec.decoder.rounds).members)
        if lanes:
            beat["levels"] = data.ArrayLayout(lanes.hints.level_bits, lanes.hints.num_lanes)
        return data.StructLayout(beat)

    @staticmethod
    def event_layout(spec: PipelineSpec) -> data.StructLayout:
        """Return the layout of a round's events: ``detections`` and ``abort``."""
        return data.StructLayout({"detections": max(map(len, spec.decoder.rounds)), "abort": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        decided, o = self.i.payload, self.o
        both, taken = Signal(), Signal()
        m.d.comb += [
            both.eq(self.i.valid & self.events_i.valid),
            o.valid.eq(both),
            taken.eq(both & o.ready),
            self.i.ready.eq(taken),
            self.events_i.ready.eq(taken),
            o.payload.last.eq(decided.last & ~self.events_i.payload.abort),
            o.payload.abort.eq(self.events_i.payload.abort),
        ]
        first, parity = Signal(init=1), Signal()
        flips, before = decided.flips, Signal.like(decided.flips)
        known = self._spec.volume.known
        sites = self._spec.layout.data_sites[known, self._spec.volume.logical].tolist()
        logical = [flips[site] for site in sites]
        m.d.comb += self.frame.eq(parity_of([parity, *logical]))
        with m.If(taken):
            m.d.sync += [
                first.eq(decided.last),
                before.eq(Mux(decided.last, 0, flips)),
                parity.eq(self.frame & ~decided.last),
            ]
        m.d.comb += o.payload.detections.eq(self.events_i.payload.detections ^ self._syndrome(m, first, flips, before))
        if self._lanes:
            m.d.comb += [level.eq(found) for level, found in zip(o.payload.levels, self._levels(m, taken), strict=True)]
        return m

    def _syndrome(self, m: Module, first: Value, flips: Value, before: Value) -> Value:
        """Return the events that the flips make, in the order of the round's detectors."""
        volume, layout = self._spec.volume, self._spec.layout
        last = self.i.payload.last
        made: dict[tuple[int, int], Value] = {}
        for species in range(2):
            for check in range(volume.num_checks):
                qubits = volume.supports[species, check].tolist()
                data_flips = [flips[int(layout.data_sites[species, q])] for q in qubits if q < volume.num_data]
                timelike = int(layout.timelike_sites[species, check])
                outcome = [flips[timelike] & ~last, before[timelike]] if timelike < len(flips) else []
                made[species, check] = Signal(name=f"made_{species}_{check}")
                m.d.comb += made[species, check].eq(parity_of([*data_flips, *outcome]))
        return self._by_kind(first, last, made)

    def _by_kind(self, first: Value, last: Value, made: dict[tuple[int, int], Value]) -> Value:
        kinds = [Cat(made[place] for place in order) for order in round_orders(self._spec)]
        return Mux(first, kinds[0], Mux(last, kinds[2], kinds[1]))

    def _levels(self, m: Module, taken: Value) -> list[Value]:
        """Return the level of each lane."""
        assert self._lanes is not None
        decided, all_of = self.i.payload, self._spec.all_of
        sizes = [Cat(decided.sizes)]
        for age in range(1, self._lanes.oldest + 1):
            # Nothing was uncertain before the block.
            kept = Signal(len(sizes[0]), name=f"sizes_{age}", init=-1)
            with m.If(taken):
                m.d.sync += kept.eq(Mux(decided.last, Const(-1, len(kept)), sizes[-1]))
            sizes.append(kept)
        each, levels = len(decided.flips), []
        for ways in self._lanes.explanations:
            reached = []
            for bound in range(len(self._spec.thresholds)):
                within = or_ if all_of else and_
                found = [reduce(within, [sizes[age][bound * each + site] for age, site in way]) for way in ways]
                reached.append(reduce(and_, found))
            # Thresholds ascend, so what reaches one reaches those before.
            levels.append(sum(reached[1:], reached[0]))
        return levels
