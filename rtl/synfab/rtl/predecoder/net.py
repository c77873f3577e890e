# SPDX-License-Identifier: Apache-2.0
"""The net of a pre-decoder: rounds of events in, rounds of logits out."""

import numpy as np
from amaranth import Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.rtl.element import Placement
from synfab.rtl.predecoder.layer import Layer
from synfab.rtl.predecoder.planes import InputPlanes
from synfab.rtl.predecoder.serializer import Serializer


class Predecoder(wiring.Component):
    """A streaming net with its weights in the logic, folded in space.

    Takes the detection events of a round and answers with the logits of the round ``spec.look_ahead`` before; the last
    ones of a block come when it has ended. Equal, logit by logit, to :class:`LogitStream` and
    :meth:`PredecoderSpec.logits` of ``planes.block(events)``.

    A round's positions pass through all layers a beat after the other, and each layer has arithmetic for the positions
    of one beat. Nothing is held up on the way: a round is taken when there is room for all logits that it settles. So
    the latency is fixed, and ``ready`` of the input does not depend on that of the output in the same cycle. Blocks may
    follow one another without a gap, and rounds at any time.

    Parameters
    ----------
    spec : PredecoderSpec
    planes : InputPlanes
    positions_per_cycle : int
        Of a beat; divides the positions of a plane. All of them: a round a cycle.
    instances : bool
        Emit one Verilog module for all positions that are alike (see :class:`~synfab.rtl.element.Placement`); False for
        Amaranth's simulator.

    Attributes
    ----------
    layers : list of Layer
    cycles_per_round : int
        Beats of a round, and cycles between two of them at full speed.
    latency_cycles : int
        From the transfer of a round to the first offer of the logits of the round ``spec.look_ahead`` before, their
        first beat, unless logits before them wait. The other beats follow without a gap; so do, each
        ``cycles_per_round`` later, the rounds that are left at the end of a block.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        ``events``: of a round, (channel, row, column) in C order, the first in bit 0; ``last`` ends the block.
    o : Out(stream.Signature(StructLayout))
        ``logits``: of ``positions_per_cycle`` positions, row by row, ``num_outputs`` signed numbers each; ``last`` ends
        the block.

    Raises
    ------
    InputError
        If the planes are not those of the net, or ``positions_per_cycle`` does not divide their positions.
    """

    def __init__(
        self, spec: PredecoderSpec, *, planes: InputPlanes, positions_per_cycle: int, instances: bool = False
    ) -> None:
        _check(spec, planes, positions_per_cycle)
        self.spec, self.planes, self.positions_per_cycle = spec, planes, positions_per_cycle
        self.placement = Placement(instances=instances)
        area = planes.rows * planes.columns
        self.cycles_per_round = area // positions_per_cycle
        self._serializer = Serializer(planes, positions=positions_per_cycle, look_ahead=spec.look_ahead)
        events, biases = planes.folded(spec)
        self.layers = []
        for number, layer in enumerate(spec.layers):
            counts = layer.look_ahead + 2
            self.layers.append(
                Layer(
                    layer if number else events,
                    rows=planes.rows,
                    columns=planes.columns,
                    positions=positions_per_cycle,
                    biases=np.broadcast_to(layer.bias, (area, counts, counts, layer.num_outputs)) if number else biases,
                    accumulator_bits=layer.accumulator_bits,
                    placement=self.placement,
                )
            )
        # A cycle each to take the round in and to put the logits into the queue.
        self.latency_cycles = 2 + sum(layer.latency_cycles for layer in self.layers)
        super().__init__(
            {
                "i": In(stream.Signature(Serializer.layout(planes))),
                "o": Out(stream.Signature(self.layout(spec, positions_per_cycle=positions_per_cycle))),
            }
        )

    @staticmethod
    def layout(spec: PredecoderSpec, *, positions_per_cycle: int) -> data.StructLayout:
        """Return the layout of a beat of logits."""
        position = data.ArrayLayout(signed(spec.layers[-1].accumulator_bits), spec.num_outputs)
        return data.StructLayout({"logits": data.ArrayLayout(position, positions_per_cycle), "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.serializer = serializer = self._serializer
        wiring.connect(m, wiring.flipped(self.i), serializer.i)
        beats = serializer.o
        for number, layer in enumerate(self.layers):
            m.submodules[f"layer_{number}"] = layer
            wiring.connect(m, beats, layer.i)
            beats = layer.o

        # As many sweeps as begin before the first of them has been read, and its room given back a cycle later.
        sweeps = -(-(self.latency_cycles + 1) // self.cycles_per_round) + 1
        payload = self.o.payload.as_value()
        m.submodules.queue = queue = SyncFIFO(width=len(payload) + 1, depth=sweeps * self.cycles_per_round)
        ends = beats.valid & (beats.index == self.cycles_per_round - 1)
        m.d.comb += [
            queue.w_en.eq(beats.valid & beats.sweep.present),
            queue.w_data.eq(Cat(beats.values, ends & beats.sweep.last, ends)),
            payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        under_way, read, dropped = Signal(range(sweeps + 1)), Signal(), Signal()
        m.d.sync += [
            read.eq(self.o.valid & self.o.ready & queue.r_data[-1]),
            dropped.eq(ends & ~beats.sweep.present),
            under_way.eq(under_way + serializer.begins - read - dropped),
        ]
        m.d.comb += serializer.free.eq(under_way != sweeps)
        return m

    def verilog(self, name: str = "predecoder") -> str:
        """Return the design as Verilog with the top module ``name``; see :meth:`Placement.verilog`."""
        return self.placement.verilog(self, name)


def _check(spec: PredecoderSpec, planes: InputPlanes, positions_per_cycle: int) -> None:
    if spec.layout != planes.layout:
        raise InputError(
            f"the planes must be those of the layout {spec.layout!r}, as the net's, not of {planes.layout!r}"
        )
    if spec.num_inputs != planes.num_inputs:
        raise InputError(
            f"the net must take {planes.num_inputs} planes, {planes.event_channels} of events and "
            f"{len(planes.constants)} constant ones, not {spec.num_inputs}; take planes of its own layout"
        )
    area = planes.rows * planes.columns
    if positions_per_cycle not in (divisors := [k for k in range(1, area + 1) if area % k == 0]):
        raise InputError(
            f"positions_per_cycle must divide the {area} positions of a plane, not {positions_per_cycle!r}; choose one "
            f"of {', '.join(map(str, divisors))}"
        )
