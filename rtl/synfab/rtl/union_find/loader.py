# SPDX-License-Identifier: Apache-2.0
"""From rounds to a block: collects detection events while the fabric works."""

from collections.abc import Sequence

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Loader(wiring.Component):
    """Collects the rounds of a block and hands them over, with the last beat or as they come.

    Parameters
    ----------
    rounds : sequence of sequence of int
        Detectors of each beat, bit 0 first.
    flips : sequence of int
        Detectors whose events are inverted.
    early : bool
        Start the fabric, too, with each round that brings events while no other block is being decoded, as if the
        rounds to come were empty. The last start of a block is always with all its events.

    Members
    -------
    i : In(stream.Signature(Loader.layout(rounds)))
        All beats but the last are taken at any time, the last one only while ``free``. One with ``abort`` is taken
        at any time, too.
    free : In(1)
        No complete block is being decoded.
    resting : In(1)
        What the fabric holds is not of this block; only with ``early``.
    start : Out(1)
        The fabric begins, or begins again, with ``events``.
    last : Out(1)
        The block is complete: its last start was before or is in this cycle.
    abort : Out(1)
        The block is forgotten.
    events : Out(num_detectors)
        Of the block so far, detector 0 in bit 0.
    """

    def __init__(self, rounds: Sequence[Sequence[int]], flips: Sequence[int] = (), *, early: bool = False) -> None:
        self._rounds, self._early = rounds, early
        self._num_detectors = sum(map(len, rounds))
        self._flips = sum(1 << detector for detector in flips)
        super().__init__(
            {
                "i": In(stream.Signature(self.layout(rounds))),
                "free": In(1),
                "resting": In(1),
                "start": Out(1),
                "last": Out(1),
                "abort": Out(1),
                "events": Out(self._num_detectors),
            }
        )

    @staticmethod
    def layout(rounds: Sequence[Sequence[int]]) -> data.StructLayout:
        """Return the layout of a beat: ``detections``, as wide as the largest round, ``last``, and ``abort``."""
        return data.StructLayout({"detections": max(map(len, rounds)), "last": 1, "abort": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The last value says that all rounds have come; further beats are ignored.
        beat = Signal(range(len(self._rounds) + 1))
        collected = Signal(self._num_detectors)
        events = Signal(self._num_detectors)
        taken = Signal()
        payload = self.i.payload
        m.d.comb += [
            self.i.ready.eq(self.free | ~payload.last | payload.abort),
            taken.eq(self.i.valid & self.i.ready),
            self.last.eq(taken & payload.last & ~payload.abort),
            self.abort.eq(taken & payload.abort),
            events.eq(collected),
            self.events.eq(events ^ self._flips),
        ]
        for number, detectors in enumerate(self._rounds):
            with m.If(taken & (beat == number)):
                for bit, detector in enumerate(detectors):
                    m.d.comb += events[detector].eq(payload.detections[bit])
        if self._early:
            # Rounds that came while another block was decoded wait for the first start.
            waiting, brings_events = beat != 0, payload.detections.any() & (beat != len(self._rounds))
            m.d.comb += self.start.eq(
                self.free & ~self.abort & ((taken & (self.resting | brings_events)) | (self.resting & waiting))
            )
        else:
            m.d.comb += self.start.eq(self.last)
        with m.If(self.last | self.abort):
            m.d.sync += [beat.eq(0), collected.eq(0)]
        with m.Elif(taken):
            m.d.sync += collected.eq(events)
            with m.If(beat != len(self._rounds)):
                m.d.sync += beat.eq(beat + 1)
        return m
