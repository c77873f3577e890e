# SPDX-License-Identifier: Apache-2.0
"""From beats of logits to rounds of decisions: comparisons with thresholds."""

from collections.abc import Sequence
from typing import Any

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.predecoder.net import Predecoder


class Decisions(wiring.Component):
    """Compares logits as they come, and collects a round.

    Parameters
    ----------
    spec : PipelineSpec
    positions_per_cycle : int
        Of a beat of logits.
    logit_bits : int
    loaded : bool
        What logits are compared with comes in; else it is the spec's.

    Members
    -------
    i : In(stream.Signature(Predecoder.layout(...)))
    bounds : In
        If ``loaded``: signed numbers in place of :meth:`bounds_of` the spec.
    o : Out(stream.Signature(Decisions.layout(spec)))
        Offered a cycle after the round's last beat; the next round comes in meanwhile only if it is taken.
    """

    def __init__(self, spec: PipelineSpec, *, positions_per_cycle: int, logit_bits: int, loaded: bool = False) -> None:
        self._spec, self._positions, self._logit_bits, self._loaded = spec, positions_per_cycle, logit_bits, loaded
        self._area = spec.layout.rows * spec.layout.cols
        self._beats = -(-self._area // positions_per_cycle)
        logits = Predecoder.layout(spec.net, positions_per_cycle=positions_per_cycle, bits=logit_bits)
        members = {"i": In(stream.Signature(logits)), "o": Out(stream.Signature(self.layout(spec)))}
        if loaded:
            members["bounds"] = In(len(self.bounds_of(spec)) * logit_bits)
        super().__init__(members)

    @staticmethod
    def bounds_of(spec: PipelineSpec) -> tuple[int, ...]:
        """Return what logits are compared with: ``above``, and the thresholds of hints."""
        return spec.above, *spec.thresholds

    @staticmethod
    def layout(spec: PipelineSpec) -> data.StructLayout:
        """Return the layout of a round of decisions, by target site.

        ``flips``: the logit is above 0, or above the hard commit's threshold. ``sure``, with the closed-cluster commit:
        it is above its threshold. ``sizes``: for each threshold of hints whether the logit's size reaches it, all
        sites of the first threshold first. ``last`` ends the block.
        """
        sites = spec.net.num_outputs * spec.layout.rows * spec.layout.cols
        return data.StructLayout(
            {
                "flips": sites,
                "sure": sites if spec.commit == "closed" else 0,
                "sizes": data.ArrayLayout(sites, len(spec.thresholds)),
                "last": 1,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, outputs = self._spec, self._spec.net.num_outputs
        tests = [self._decided(logit) for position in self.i.payload.logits for logit in position]
        width = len(tests[0])
        collected = Signal(self._beats * self._positions * outputs * width, reset_less=True)
        left, full, last = Signal(range(self._beats), init=self._beats - 1), Signal(), Signal()
        taken = Signal()
        m.d.comb += [self.i.ready.eq(~full | self.o.ready), taken.eq(self.i.valid & self.i.ready)]
        with m.If(self.o.ready):
            m.d.sync += full.eq(0)
        with m.If(taken):
            beat = Cat(tests)
            # The first beat ends in the low bits.
            shifted = Cat(collected[len(beat) :], beat) if self._beats > 1 else beat
            m.d.sync += [collected.eq(shifted), left.eq(left - 1)]
            with m.If(left == 0):
                m.d.sync += [left.eq(self._beats - 1), full.eq(1), last.eq(self.i.payload.last)]
        by_site = [
            collected[(place * outputs + channel) * width :][:width]
            for channel in range(outputs)
            for place in range(self._area)
        ]
        planes = [Cat(site[bit] for site in by_site) for bit in range(width)]
        payload = self.o.payload
        m.d.comb += [self.o.valid.eq(full), payload.flips.eq(planes.pop(0)), payload.last.eq(last)]
        if spec.commit == "closed":
            m.d.comb += payload.sure.eq(planes.pop(0))
        m.d.comb += [payload.sizes[number].eq(plane) for number, plane in enumerate(planes)]
        return m

    def _decided(self, logit: Value) -> Value:
        above, *thresholds = self._bounds()
        commit = [logit > 0, logit > above] if self._spec.commit == "closed" else [logit > above]
        return Cat(*commit, *((logit >= bound) | (logit <= -bound) for bound in thresholds))

    def _bounds(self) -> Sequence[Any]:
        bounds = self.bounds_of(self._spec)
        if not self._loaded:
            return bounds
        return [self.bounds.word_select(k, self._logit_bits).as_signed() for k in range(len(bounds))]
