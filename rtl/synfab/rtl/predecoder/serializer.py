# SPDX-License-Identifier: Apache-2.0
"""From rounds to sweeps of beats, with the empty sweeps that bring out a block's last rounds."""

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.predecoder.beats import beat_signature
from synfab.rtl.predecoder.planes import InputPlanes


class Serializer(wiring.Component):
    """Takes rounds of events and sends each as a sweep, which begins in the next cycle.

    After the last round of a block, and unless another block follows at once, empty sweeps are sent, as many as the
    net looks ahead.

    Parameters
    ----------
    planes : InputPlanes
    positions : int
        Of a beat; those of the last one beyond the plane have no events.
    look_ahead : int

    Members
    -------
    i : In(stream.Signature(Serializer.layout(planes)))
        Taken when no sweep is under way but for its last beat, and ``free``.
    free : In(1)
        A sweep may begin.
    begins : Out(1)
        A sweep begins in the next cycle.
    o : Out(beat_signature)
    """

    def __init__(self, planes: InputPlanes, *, positions: int, look_ahead: int) -> None:
        self._planes, self._positions, self._look_ahead = planes, positions, look_ahead
        self._beats = -(-planes.rows * planes.columns // positions)
        super().__init__(
            {
                "i": In(stream.Signature(self.layout(planes))),
                "free": In(1),
                "begins": Out(1),
                "o": Out(beat_signature(beats=self._beats, bits=positions * planes.event_channels)),
            }
        )

    @staticmethod
    def layout(planes: InputPlanes) -> data.StructLayout:
        """Return the layout of a round: ``events``, in C order of (channel, row, column), and ``last``."""
        return data.StructLayout({"events": planes.event_channels * planes.rows * planes.columns, "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values, index = Signal(len(self.i.payload.events), reset_less=True), Signal.like(self.o.index)
        sweep, valid = Signal.like(self.o.sweep), Signal()
        # The next round is the first of a block; so many empty sweeps are to be sent if none comes.
        first, empty = Signal(init=1), Signal(range(max(2, self._look_ahead + 1)))
        between, taken = Signal(), Signal()
        m.d.comb += [
            between.eq(~valid | (index == self._beats - 1)),
            self.i.ready.eq(between & self.free),
            taken.eq(self.i.valid & self.i.ready),
            self.begins.eq(self.i.ready & (self.i.valid | (empty != 0))),
            self.o.valid.eq(valid),
            self.o.sweep.eq(sweep),
            self.o.index.eq(index),
            self.o.values.eq(values),
        ]
        with m.If(between):
            m.d.sync += [valid.eq(self.begins), index.eq(0)]
        with m.Else():
            m.d.sync += [index.eq(index + 1), values.eq(values >> len(self.o.values))]
        with m.If(taken):
            last = self.i.payload.last
            m.d.sync += [
                values.eq(self._by_position()),
                sweep.eq(Cat(1, first, last)),
                first.eq(last),
                empty.eq(Mux(last, self._look_ahead, 0)),
            ]
        with m.Elif(self.begins):
            m.d.sync += [sweep.eq(0), empty.eq(empty - 1)]
        return m

    def _by_position(self) -> Value:
        """Return the events in the order of beats: position by position, channel 0 first."""
        area = self._planes.rows * self._planes.columns
        channels = range(self._planes.event_channels)
        return Cat(self.i.payload.events[channel * area + place] for place in range(area) for channel in channels)
