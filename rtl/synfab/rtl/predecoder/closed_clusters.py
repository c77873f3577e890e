# SPDX-License-Identifier: Apache-2.0
"""The closed-cluster gate: lets through the flips of groups that explain all events they touch."""

from enum import IntEnum
from itertools import pairwise

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.order import any_of, parity_of
from synfab.rtl.predecoder.decisions import Decisions
from synfab.rtl.predecoder.places import event_bits, flip_places
from synfab.rtl.predecoder.residual import Residual


class Step(IntEnum):
    """What the gate is about: rounds come; events that proposed flips leave; groups; rounds go."""

    TAKE = 0
    LEAVE = 1
    SPREAD = 2
    SEND = 3


class ClosedClusters(wiring.Component):
    """Holds a block until its last round is there, and decides which flips stay; equal to
    :func:`~synfab.predecoder.decisions.closed_cluster_commit`.

    Every flip and every detector of the block is a register, and what is bad spreads from one to the other, a step a
    cycle, as often as the spec says. So a block takes ``most_rounds`` + 1 cycles between its last round and the first
    that goes on, whatever its events, and the next block waits until the last has gone. An aborted block is forgotten
    here.

    Parameters
    ----------
    spec : PipelineSpec
        With the closed-cluster commit. Blocks must be whole, or aborted.

    Members
    -------
    i, events_i : In
        Rounds of decisions, and of events in the decoder's order; taken together.
    o, events_o : Out
        The same rounds, ``flips`` being those that are committed; taken together.
    """

    def __init__(self, spec: PipelineSpec) -> None:
        self._spec = spec
        decisions = stream.Signature(Decisions.layout(spec))
        events = stream.Signature(Residual.event_layout(spec))
        super().__init__({"i": In(decisions), "events_i": In(events), "o": Out(decisions), "events_o": Out(events)})

    @staticmethod
    def cycles(spec: PipelineSpec) -> int:
        """Return by how many cycles the last round goes on later than it would have gone without the gate."""
        return 1 + (spec.most_rounds + 1) + spec.volume.layers - 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layers, step = self._spec.volume.layers, Signal(Step)
        taken, sent, number = Signal(), Signal(), Signal(range(max(layers, self._spec.most_rounds)))
        # A register a round, the newest in the highest place; rounds leave from place 0.
        rounds = [self._round(place) for place in range(layers)]
        bad = [Signal(len(decided.flips), name=f"bad_{place}") for place, (decided, _) in enumerate(rounds)]
        first, first_events = rounds[0]
        taking, sending = step == Step.TAKE, step == Step.SEND
        m.d.comb += [
            taken.eq(taking & self.i.valid & self.events_i.valid),
            self.i.ready.eq(taken),
            self.events_i.ready.eq(taken),
            self.o.valid.eq(sending),
            self.events_o.valid.eq(sending),
            sent.eq(sending & self.o.ready & self.events_o.ready),
            self.o.payload.eq(first),
            self.o.payload.flips.eq(first.flips & ~bad[0]),
            self.events_o.payload.detections.eq(first_events),
        ]
        with m.If(taken | sent):
            following = [*rounds[1:], (self.i.payload, self.events_i.payload.detections)]
            for (decided, events), (later, later_events) in zip(rounds, following, strict=True):
                m.d.sync += [decided.eq(later), events.eq(later_events)]
            m.d.sync += [now.eq(later) for now, later in pairwise(bad)]
        with m.Switch(step):
            with m.Case(Step.TAKE), m.If(taken & self.i.payload.last & ~self.events_i.payload.abort):
                m.d.sync += step.eq(Step.LEAVE)
            with m.Case(Step.LEAVE):
                m.d.sync += [step.eq(Step.SPREAD), number.eq(self._spec.most_rounds - 1)]
            with m.Case(Step.SPREAD):
                m.d.sync += number.eq(number - 1)
                with m.If(number == 0):
                    m.d.sync += [step.eq(Step.SEND), number.eq(layers - 1)]
            with m.Case(Step.SEND), m.If(sent):
                m.d.sync += number.eq(number - 1)
                with m.If(number == 0):
                    m.d.sync += step.eq(Step.TAKE)
        self._spread(m, step == Step.LEAVE, step == Step.SPREAD, rounds, bad)
        return m

    def _round(self, place: int):
        decided = Signal(Decisions.layout(self._spec), name=f"round_{place}", reset_less=True)
        return decided, Signal(len(self.events_i.payload.detections), name=f"events_{place}", reset_less=True)

    def _spread(self, m: Module, leave: Value, spread: Value, rounds: list, bad: list[Signal]) -> None:
        """Let bad flips make their detectors bad, and those their flips."""
        effect = self._spec.effect
        places, bits = flip_places(self._spec), event_bits(self._spec)
        flips = {site: rounds[layer][0].flips[target] for site, (layer, target) in places.items()}
        bad_flips = {site: bad[layer][target] for site, (layer, target) in places.items()}
        seen: dict[int, Value] = {}
        for detector, (layer, bit) in bits.items():
            sites = [site for site in effect.sites_of_detector[detector].tolist() if site in places]
            kept = Signal(name=f"kept_{detector}", reset_less=True)
            with m.If(leave):
                m.d.sync += kept.eq(parity_of([rounds[layer][1][bit], *(flips[site] for site in sites)]))
            seen[detector] = kept | any_of(bad_flips[site] for site in sites)
        for place, (decided, _) in enumerate(rounds):
            spreading = [decided.flips[k] & bad[place][k] for k in range(len(decided.flips))]
            for site, (layer, target) in places.items():
                if layer == place:
                    ends = [int(end) for end in effect.ends[site] if int(end) in seen]
                    spreading[target] = flips[site] & (bad_flips[site] | any_of(seen[end] for end in ends))
            with m.If(leave | spread):
                m.d.sync += bad[place].eq(Mux(leave, decided.flips & ~decided.sure, Cat(spreading)))
