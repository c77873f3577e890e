# SPDX-License-Identifier: Apache-2.0
"""A layer whose weights are loaded: a window, a memory, and lanes that take the inputs under the kernel in steps."""

from typing import Any

from amaranth import Cat, EnableInserter, Module, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In

from synfab.predecoder.integers import Convolution
from synfab.rtl.element import Placement
from synfab.rtl.predecoder.beats import follow, packed
from synfab.rtl.predecoder.loaded.form import ListFormat, Loaded
from synfab.rtl.predecoder.loaded.lane import Lane, is_low, is_paired
from synfab.rtl.predecoder.loaded.port import row_signature
from synfab.rtl.predecoder.loaded.registers import banked, row_numbers
from synfab.rtl.predecoder.loaded.total import TapTotal, Total, tree_cycles
from synfab.rtl.predecoder.window import Window


class LoadedLayer(wiring.Component):
    """A convolution, and its activations, of a stream of beats; equal to the reference's.

    A beat stands for ``form.cycles_per_beat`` cycles, from one in which ``phase`` is 0. In each of them a row of the
    memory has the weights of a part of the inputs under the kernel, for all outputs; all positions of a beat share it.
    The memory holds two nets, of which one is in force. Its first content, and that of the registers of biases and
    shifts, is the given layer.

    Parameters
    ----------
    convolution : Convolution
    rows, columns : int
        Of a plane.
    positions : int
        Of a beat.
    form : Loaded
    lists : ListFormat
    number : int
        Of the layer.
    placement : Placement

    Attributes
    ----------
    shape : LayerShape
    window : Window
    latency_beats : int
        From a beat to the one that leaves, of an earlier sweep.

    Members
    -------
    i, o : In(beat_signature), Out(beat_signature)
        As of :class:`~synfab.rtl.predecoder.layer.Layer`, each beat for as many cycles.
    phase : In
        Counts the cycles of a beat.
    load : In(row_signature(lists))
    """

    def __init__(
        self,
        convolution: Convolution,
        *,
        rows: int,
        columns: int,
        positions: int,
        form: Loaded,
        lists: ListFormat,
        number: int,
        placement: Placement,
    ) -> None:
        self._convolution, self.positions, self.form, self._placement = convolution, positions, form, placement
        self.shape = shape = lists.layers[number]
        self._lists = lists
        self._first_section = sum(len(layer.sections) for layer in lists.layers[:number])
        self.window = Window(convolution, rows=rows, columns=columns, positions=positions)
        # From the first step to the output, in cycles; the beat goes on as soon as the next layer would take it.
        ready = shape.cycles - 1 + Lane.latency(shape) + Total.latency(shape)
        self._beats_behind = ready // shape.cycles
        self.latency_beats = self.window.latency_cycles + self._beats_behind
        output_bits = shape.outputs * (shape.activation_bits or shape.accumulator_bits)
        super().__init__(
            {
                **self.window.layer_members(output_bits=output_bits),
                "phase": In(range(max(2, shape.cycles))),
                "load": In(row_signature(lists)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tick = self.phase == self.shape.cycles - 1
        m.submodules.window = EnableInserter(tick)(self.window)
        wiring.connect(m, wiring.flipped(self.i), self.window.i)
        rows, constants = self._memory(m), self._constants(m)
        outputs = [self._position(m, position, rows, constants) for position in range(self.positions)]
        m.d.comb += self.o.values.eq(Cat(outputs))
        follow(m, self.o, self.window.o, self._beats_behind, when=tick)
        return m

    def _numbers(self, bits: int) -> Value:
        return row_numbers(self.load.row, self._lists, self.shape.outputs, bits)

    def _memory(self, m: Module) -> list[Value]:
        """Return the weights of each lane in this step."""
        shape, load = self.shape, self.load
        width, step_bits = shape.outputs * shape.weight_bits, (shape.cycles - 1).bit_length()
        weights, *_ = shape.numbers(self._convolution)
        each = len(weights) // shape.cycles
        content = [packed(weights[k * each :][:each], shape.weight_bits) for k in range(shape.cycles)]
        m.submodules.memory = memory = Memory(
            shape=width * shape.lanes, depth=2 << step_bits, init=content, attrs={"ram_style": "distributed"}
        )
        read: Any = memory.read_port(domain="comb")
        write: Any = memory.write_port(granularity=width)
        m.d.comb += [
            read.addr.eq(Cat(self.phase[:step_bits], load.bank)),
            write.addr.eq(Cat(load.step[:step_bits], ~load.bank)),
            write.data.eq(self._numbers(shape.weight_bits).replicate(shape.lanes)),
            write.en.eq(load.stores[self._first_section].replicate(shape.lanes) & (1 << load.lane)),
        ]
        return [read.data.word_select(lane, width) for lane in range(shape.lanes)]

    def _constants(self, m: Module) -> list[list[Value]]:
        """Return the bias and, before an activation, the shift of each output."""
        found, sections = [], list(self.shape.sections)
        parts = self.shape.numbers(self._convolution)
        for number, name in zip(range(1, len(sections)), ("biases", "shifts"), strict=False):
            bits = sections[number].bits
            first = packed(parts[number], bits)
            row = banked(m, self.load, self._first_section + number, self._numbers(bits), first, name)
            found.append([row.word_select(output, bits) for output in range(self.shape.outputs)])
        return found

    def _position(self, m: Module, position: int, rows: list[Value], constants: list[list[Value]]) -> Value:
        """Place the lanes of a position, and the sums of their products; return its outputs."""
        shape, form = self.shape, self.form
        bits, inputs = shape.input_bits, len(self.window.o.values) // self.positions
        taps = self.window.o.values.word_select(position, inputs)
        lanes = []
        for lane, row in enumerate(rows):
            own = Cat(taps.word_select(step * shape.lanes + lane, bits) for step in range(shape.cycles))
            ports = {"taps": own, "row": row} | ({"step": self.phase} if shape.cycles > 1 else {})
            parameters = {"shape": shape, "multipliers": form.multipliers}
            lanes.append(self._placement.place(m, Lane, parameters, f"lane_{position}_{lane}", ports))
        extra: dict[str, Value] = {}
        if is_paired(shape, form.multipliers):
            parts = {"taps": Cat(lane["tap"] for lane in lanes)}
            sums = self._placement.place(m, TapTotal, {"shape": shape}, f"taps_{position}", parts)
            extra["taps"] = sums["sum"]
        # The phases of a beat in which sums arrive.
        first = Lane.latency(shape) + tree_cycles(shape.lanes)
        done = first + (shape.activation_bits is not None)
        outputs = []
        for output in range(shape.outputs):
            low = is_low(shape, form.multipliers, output)
            products = Cat(lane["products"].word_select(output, shape.product_bits) for lane in lanes)
            ports = {"products": products, "first": self._in_phase(first), "done": self._in_phase(done)}
            ports |= {name: part[output] for name, part in zip(("bias", "shift"), constants, strict=False)}
            name = f"total_{position}_{output}"
            parameters = {"shape": shape, "low": low}
            placed = self._placement.place(m, Total, parameters, name, ports | (extra if low else {}))
            outputs.append(placed["output"])
        return Cat(outputs)

    def _in_phase(self, cycle: int) -> Value:
        return self.phase == cycle % self.shape.cycles
