# SPDX-License-Identifier: Apache-2.0
"""From rounds to a block: collects the detection events of the next block while the fabric works on this one."""

from collections.abc import Sequence

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Loader(wiring.Component):
    """Collects the rounds of a block and hands the whole over with its last beat.

    Parameters
    ----------
    rounds : sequence of sequence of int
        Detectors of each beat, bit 0 first.
    flips : sequence of int
        Detectors whose events are inverted.

    Members
    -------
    i : In(stream.Signature(Loader.layout(rounds)))
        All beats but the last are taken at any time, the last one only while ``enable``.
    enable : In(1)
        A block may start.
    start : Out(1)
        The last beat passes in this cycle.
    events : Out(num_detectors)
        Of the whole block, detector 0 in bit 0; valid with ``start``.
    """

    def __init__(self, rounds: Sequence[Sequence[int]], flips: Sequence[int] = ()) -> None:
        self._rounds = rounds
        self._num_detectors = sum(map(len, rounds))
        self._flips = sum(1 << detector for detector in flips)
        super().__init__(
            {
                "i": In(stream.Signature(self.layout(rounds))),
                "enable": In(1),
                "start": Out(1),
                "events": Out(self._num_detectors),
            }
        )

    @staticmethod
    def layout(rounds: Sequence[Sequence[int]]) -> data.StructLayout:
        """Return the layout of a beat: ``detections``, as wide as the largest round, and ``last``."""
        return data.StructLayout({"detections": max(map(len, rounds)), "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The last value says that all rounds have come; further beats are ignored.
        beat = Signal(range(len(self._rounds) + 1))
        collected = Signal(self._num_detectors)
        events = Signal(self._num_detectors)
        taken = Signal()
        m.d.comb += [
            self.i.ready.eq(self.enable | ~self.i.payload.last),
            taken.eq(self.i.valid & self.i.ready),
            self.start.eq(taken & self.i.payload.last),
            events.eq(collected),
            self.events.eq(events ^ self._flips),
        ]
        for number, detectors in enumerate(self._rounds):
            with m.If(beat == number):
                for bit, detector in enumerate(detectors):
                    m.d.comb += events[detector].eq(self.i.payload.detections[bit])
        with m.If(self.start):
            m.d.sync += [beat.eq(0), collected.eq(0)]
        with m.Elif(taken):
            m.d.sync += collected.eq(events)
            with m.If(beat != len(self._rounds)):
                m.d.sync += beat.eq(beat + 1)
        return m
