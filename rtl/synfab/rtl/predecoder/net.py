# SPDX-License-Identifier: Apache-2.0
"""The net of a pre-decoder: rounds of events in, rounds of logits out."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from amaranth import Cat, Const, EnableInserter, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.rtl.element import Placement
from synfab.rtl.predecoder.beats import beat_signature, folds, packed
from synfab.rtl.predecoder.layer import Layer
from synfab.rtl.predecoder.loaded import ListFormat, Loaded, LoadedLayer, WeightPort
from synfab.rtl.predecoder.loaded.registers import banked, row_numbers
from synfab.rtl.predecoder.planes import FIRST, INNER, LAST, InputPlanes
from synfab.rtl.predecoder.serializer import Serializer


class Predecoder(wiring.Component):
    """A streaming net, folded in space, with its weights in the logic or in memory.

    Takes the detection events of a round and answers with the logits of the round ``spec.look_ahead`` before; the last
    ones of a block come when it has ended. Equal, logit by logit, to :class:`LogitStream` and
    :meth:`PredecoderSpec.logits` of ``planes.block(events)``.

    A round's positions pass through all layers a beat after the other, and each layer has arithmetic for the positions
    of one beat. Nothing is held up on the way: a round is taken when there is room for all logits that it settles. So
    the latency is fixed, and ``ready`` of the input does not depend on that of the output in the same cycle. Blocks may
    follow one another without a gap, and rounds at any time.

    With weights in memory, another net of the same shape can be *loaded* at any time. It rules from one block to the
    next: once its list is whole, blocks wait until the last round of those before has left. A beat then stands for
    ``loaded.cycles_per_beat`` cycles, and rounds are taken in the last cycle of one, so a round may wait for as many.

    Parameters
    ----------
    spec : PredecoderSpec
    planes : InputPlanes
    positions_per_cycle : int
        Of a beat; one of :func:`folds`. All of a plane: a round a cycle.
    loaded : Loaded or None
        How weights are held in memory; None for weights in the logic.
    bounds : sequence of int
        Numbers that are loaded with a net, for those who compare its logits; these at first.
    instances : bool
        Emit one Verilog module for all positions that are alike (see :class:`~synfab.rtl.element.Placement`); False for
        Amaranth's simulator.

    Attributes
    ----------
    layers : list of Layer or of LoadedLayer
    lists : ListFormat or None
        Of the nets that can be loaded.
    logit_bits : int
        Of a logit, a signed number.
    beats : int
        Of a round.
    cycles_per_beat : int
        1 with weights in the logic.
    cycles_per_round : int
        Between two rounds at full speed: as many as the beats of a round take.
    latency_cycles : int
        From the transfer of a round to the first offer of the logits of the round ``spec.look_ahead`` before, their
        first beat, unless logits before them wait. The other beats follow, each as many cycles later as a beat takes;
        so do, each ``cycles_per_round`` later, the rounds that are left at the end of a block. If the next block begins
        before they are all settled, they come with its rounds, and wait if these pause.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        ``events``: of a round, (channel, row, column) in C order, the first in bit 0; ``last`` ends the block.
    o : Out(stream.Signature(StructLayout))
        ``logits``: of ``positions_per_cycle`` positions, row by row, ``num_outputs`` signed numbers each; in a round's
        last beat those of positions beyond the plane are anything. ``last`` ends the block.
    weights : In(stream.Signature(WeightPort.layout(lists))), refused : Out(1)
        With ``loaded``: a net as numbers, see :class:`WeightPort`; not ready while a whole one waits to rule.
    bounds : Out(len(bounds) * logit_bits)
        With ``bounds``: those that were loaded with the net that rules.

    Raises
    ------
    InputError
        If the planes are not those of the net, ``positions_per_cycle`` is not a fold of their positions, or the net is
        not one that can be held in memory as ``loaded`` says.
    """

    def __init__(
        self,
        spec: PredecoderSpec,
        *,
        planes: InputPlanes,
        positions_per_cycle: int,
        loaded: Loaded | None = None,
        bounds: Sequence[int] = (),
        instances: bool = False,
    ) -> None:
        _check(spec, planes, positions_per_cycle)
        self.spec, self.planes, self.positions_per_cycle = spec, planes, positions_per_cycle
        self.placement = Placement(instances=instances)
        self._bounds = bounds
        self.lists = ListFormat.of(spec, loaded, bounds=len(bounds)) if loaded else None
        self.logit_bits = self.lists.layers[-1].accumulator_bits if self.lists else spec.layers[-1].accumulator_bits
        self.beats = -(-planes.rows * planes.columns // positions_per_cycle)
        self._serializer = Serializer(planes, positions=positions_per_cycle, look_ahead=spec.look_ahead)
        self.cycles_per_beat = loaded.cycles_per_beat if loaded else 1
        self.layers: list[Any] = self._loaded_layers(loaded) if loaded else self._constant_layers()
        self.cycles_per_round = self.beats * self.cycles_per_beat
        # A beat to take the round in, and a cycle to put the logits into the queue.
        beats = 1 + sum(layer.latency_beats for layer in self.layers)
        self.latency_cycles = beats * self.cycles_per_beat + 1
        members = {
            "i": In(stream.Signature(Serializer.layout(planes))),
            "o": Out(
                stream.Signature(self.layout(spec, positions_per_cycle=positions_per_cycle, bits=self.logit_bits))
            ),
        }
        if self.lists:
            members |= {"weights": In(stream.Signature(WeightPort.layout(self.lists))), "refused": Out(1)}
        if bounds:
            members["bounds"] = Out(len(bounds) * self.logit_bits)
        super().__init__(members)

    def _constant_layers(self) -> list[Layer]:
        spec, planes = self.spec, self.planes
        events, biases = planes.folded(spec)
        layers = []
        for number, layer in enumerate(spec.layers):
            counts = layer.look_ahead + 2
            shape = (planes.rows * planes.columns, counts, counts, layer.num_outputs)
            layers.append(
                Layer(
                    layer if number else events,
                    rows=planes.rows,
                    columns=planes.columns,
                    positions=self.positions_per_cycle,
                    biases=np.broadcast_to(layer.bias, shape) if number else biases,
                    accumulator_bits=layer.accumulator_bits,
                    placement=self.placement,
                )
            )
        return layers

    def _loaded_layers(self, form: Loaded) -> list[LoadedLayer]:
        assert self.lists is not None
        # Sees that all numbers fit.
        self.lists.numbers(self.spec, self._bounds)
        return [
            LoadedLayer(
                layer,
                rows=self.planes.rows,
                columns=self.planes.columns,
                positions=self.positions_per_cycle,
                form=form,
                lists=self.lists,
                number=number,
                placement=self.placement,
            )
            for number, layer in enumerate(self.spec.layers)
        ]

    @staticmethod
    def layout(spec: PredecoderSpec, *, positions_per_cycle: int, bits: int) -> data.StructLayout:
        """Return the layout of a beat of logits of so many bits."""
        position = data.ArrayLayout(signed(bits), spec.num_outputs)
        return data.StructLayout({"logits": data.ArrayLayout(position, positions_per_cycle), "last": 1})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        serializer = self._serializer
        # As many sweeps as begin before the first of them has been read, and its room given back a cycle later.
        sweeps = -(-(self.latency_cycles + 1) // self.cycles_per_round) + 1
        under_way, read, dropped = Signal(range(sweeps + 1)), Signal(), Signal()
        begins: Value = serializer.begins
        if self.lists:
            tick = self._loading(m, self.lists, under_way)
            begins = begins & tick
            beats = self._with_constants(m)
        else:
            tick = None
            m.submodules.serializer = serializer
            wiring.connect(m, wiring.flipped(self.i), serializer.i)
            beats = serializer.o
        for number, layer in enumerate(self.layers):
            m.submodules[f"layer_{number}"] = layer
            wiring.connect(m, beats, layer.i)
            beats = layer.o

        payload = self.o.payload.as_value()
        m.submodules.queue = queue = SyncFIFO(width=len(payload) + 1, depth=sweeps * self.beats)
        comes = beats.valid if tick is None else beats.valid & tick
        ends = comes & (beats.index == self.beats - 1)
        m.d.comb += [
            queue.w_en.eq(comes & beats.sweep.present),
            queue.w_data.eq(Cat(beats.values, ends & beats.sweep.last, ends)),
            payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        m.d.sync += [
            read.eq(self.o.valid & self.o.ready & queue.r_data[-1]),
            dropped.eq(ends & ~beats.sweep.present),
            under_way.eq(under_way + begins - read - dropped),
        ]
        m.d.comb += serializer.free.eq(under_way != sweeps)
        return m

    def _loading(self, m: Module, lists: ListFormat, under_way: Value) -> Value:
        """Place the port and the serializer, hold up blocks for a net that waits; return the last cycle of a beat."""
        phase, tick = Signal(range(max(2, self.cycles_per_beat))), Signal()
        # The next round is the first of a block.
        boundary, held = Signal(init=1), Signal()
        m.submodules.port = port = WeightPort(lists)
        m.submodules.serializer = EnableInserter(tick)(self._serializer)
        wiring.connect(m, wiring.flipped(self.weights), port.i)
        wiring.connect(m, port.o, *(layer.load for layer in self.layers))
        i, inner = self.i, self._serializer.i
        m.d.sync += phase.eq(Mux(tick, 0, phase + 1))
        m.d.comb += [
            tick.eq(phase == self.cycles_per_beat - 1),
            *(layer.phase.eq(phase) for layer in self.layers),
            held.eq(port.whole & boundary),
            inner.payload.eq(i.payload),
            inner.valid.eq(i.valid & ~held),
            i.ready.eq(inner.ready & tick & ~held),
            port.idle.eq(boundary & (under_way == 0)),
            self.refused.eq(port.refused),
        ]
        with m.If(i.valid & i.ready):
            m.d.sync += boundary.eq(i.payload.last)
        if self._bounds:
            inward = row_numbers(port.o.row, lists, len(self._bounds), self.logit_bits)
            m.d.comb += self.bounds.eq(
                banked(m, port.o, len(lists.sections) - 1, inward, packed(self._bounds, self.logit_bits), "bounds")
            )
        return tick

    def _with_constants(self, m: Module) -> Any:
        """Return the beats of the serializer as inputs, with the constant channels behind those of events."""
        planes, positions, events = self.planes, self.positions_per_cycle, self._serializer.o
        bits = self.spec.input_bits
        channels, masks = planes.event_channels * bits, len(planes.constants) * bits
        beats: Any = beat_signature(beats=self.beats, bits=positions * (channels + masks)).create(path=("masked",))
        # Of each kind of round, position by position.
        tables = np.moveaxis(planes.constants, 0, -1).reshape(3, -1).astype(int)
        each = positions * len(planes.constants)
        constants = Signal(each * bits)
        kind = Mux(events.sweep.last, LAST, Mux(events.sweep.first, FIRST, INNER))
        with m.Switch(Cat(events.index, kind)):
            for number, beat in product(range(3), range(self.beats)):
                with m.Case(number << len(events.index) | beat):
                    m.d.comb += constants.eq(packed(tables[number, beat * each :][:each].tolist(), bits))
        # An event's bit where what it counts as has one.
        places = [planes.event >> bit & 1 for bit in range(bits)]
        scaled = Cat(event if place else Const(0, 1) for event in events.values for place in places)
        parts = ((scaled, channels), (constants, masks))
        m.d.comb += [
            beats.valid.eq(events.valid),
            beats.sweep.eq(events.sweep),
            beats.index.eq(events.index),
            beats.values.eq(Cat(part.word_select(k, width) for k in range(positions) for part, width in parts)),
        ]
        return beats

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
    if spec.input_bits < planes.input_bits:
        raise InputError(
            f"the net must take inputs of {planes.input_bits} bits or more, as its planes have them, not of "
            f"{spec.input_bits}; take planes of its own layout"
        )
    area = planes.rows * planes.columns
    if positions_per_cycle not in (choices := folds(area)):
        raise InputError(
            f"positions_per_cycle must divide the {area} positions of a plane, rounded up: one of "
            f"{', '.join(map(str, choices))}, not {positions_per_cycle!r}; any other is no faster than a smaller one"
        )
