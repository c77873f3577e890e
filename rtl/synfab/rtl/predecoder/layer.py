# SPDX-License-Identifier: Apache-2.0
"""A layer of a net: a window, and a position's hardware for as many positions as a beat has."""

import numpy as np
import numpy.typing as npt
from amaranth import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring

from synfab.predecoder.integers import Convolution
from synfab.rtl.element import Placement
from synfab.rtl.predecoder.adder_graph import AdderGraph
from synfab.rtl.predecoder.beats import delayed, follow, packed
from synfab.rtl.predecoder.matrix import graph_of_matrix
from synfab.rtl.predecoder.position import Position
from synfab.rtl.predecoder.window import Window

# A bias is looked up by what the window says of a beat, in two cycles.
BIAS_CYCLES = 2


class Layer(wiring.Component):
    """A convolution, and its activations, of a stream of beats; equal to the reference's.

    For each beat that comes in one leaves, ``latency_beats`` cycles later, of the sweep that came in
    ``convolution.look_ahead`` sweeps before. There is arithmetic for the positions of one beat, and all beats share it.

    Parameters
    ----------
    convolution : Convolution
    rows, columns : int
        Of a plane.
    positions : int
        Of a beat; see :class:`Window`.
    biases : ndarray of integers, (rows * columns, ages, rests, outputs)
        What the sums begin with; see :meth:`InputPlanes.folded`.
    accumulator_bits : int
        Of a sum with its bias.
    placement : Placement

    Attributes
    ----------
    window : Window
    stages : int
        From the taps of a position to its sums without bias.
    latency_beats : int
        From a beat to the one that leaves, of an earlier sweep, at a beat a cycle.

    Members
    -------
    i, o : In(beat_signature), Out(beat_signature)
        ``values``: position by position, channel 0 of the first in the low bits.
    """

    def __init__(
        self,
        convolution: Convolution,
        *,
        rows: int,
        columns: int,
        positions: int,
        biases: npt.NDArray[np.integer],
        accumulator_bits: int,
        placement: Placement,
    ) -> None:
        self.convolution, self.positions, self._biases = convolution, positions, biases
        self.accumulator_bits, self._placement = accumulator_bits, placement
        self.window = Window(convolution, rows=rows, columns=columns, positions=positions)
        self._graphs = self._graphs_by_sight()
        self.stages = max(BIAS_CYCLES, *(graph.depth for graph in self._graphs.values()))
        activation_bits = convolution.activation_bits
        self._position_cycles = self.stages + 1 + (activation_bits is not None)
        self.latency_beats = self.window.latency_cycles + self._position_cycles
        output_bits = convolution.num_outputs * (activation_bits or accumulator_bits)
        super().__init__(self.window.layer_members(output_bits=output_bits))

    def graph(self, lane: int) -> AdderGraph:
        """Return the adder graph of a position of a beat."""
        return self._graphs[self.window.seen(lane)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.window = window = self.window
        wiring.connect(m, wiring.flipped(self.i), window.i)
        taps = len(window.o.values) // self.positions
        outputs = []
        for lane in range(self.positions):
            parameters = {
                "graph": self.graph(lane),
                "convolution": self.convolution,
                "stages": self.stages,
                "accumulator_bits": self.accumulator_bits,
            }
            inputs = {"taps": window.o.values.word_select(lane, taps), "biases": self._bias(m, lane)}
            placed = self._placement.place(m, Position, parameters, f"position_{lane}", inputs)
            outputs.append(placed["outputs"])
        m.d.comb += self.o.values.eq(Cat(outputs))
        follow(m, self.o, window.o, self._position_cycles)
        return m

    def _graphs_by_sight(self) -> dict[tuple[bool, ...], AdderGraph]:
        """Return the adder graphs of positions by which places of the kernel they ever see."""
        layer = self.convolution
        graphs = {}
        for seen in dict.fromkeys(map(self.window.seen, range(self.positions))):
            weights = layer.weights * np.array(seen).reshape(layer.kernel[1:])
            graphs[seen] = graph_of_matrix(weights.reshape(layer.num_outputs, -1), input_bits=layer.input_bits)
        return graphs

    def _bias(self, m: Module, lane: int) -> Value:
        """Return what the sums of a position begin with, ``stages`` cycles after its taps."""
        tables = self._biases[lane :: self.positions]
        flat = np.ascontiguousarray(tables).reshape(len(tables), -1)
        kinds, kind_of_beat = np.unique(flat, axis=0, return_inverse=True)
        entries = kinds.reshape(-1, tables.shape[-1])
        width = len(entries[0]) * self.accumulator_bits
        if (entries == entries[0]).all():
            return Const(packed(entries[0].tolist(), self.accumulator_bits), width)
        kind = Signal(range(max(2, len(kinds))), name=f"kind_{lane}", reset_less=True)
        with m.Switch(self.window.o.index):
            for beat, number in enumerate(kind_of_beat.ravel().tolist()):
                with m.Case(beat):
                    m.d.sync += kind.eq(number)
        age, rest = (delayed(m, getattr(self.window, name), 1, f"{name}_{lane}") for name in ("age", "rest"))
        bias = Signal(width, name=f"bias_{lane}", reset_less=True)
        with m.Switch(Cat(rest, age, kind)):
            for number, entry in enumerate(entries):
                k, a, r = np.unravel_index(number, (len(kinds), *tables.shape[1:3]))
                with m.Case((int(k) << len(age) | int(a)) << len(rest) | int(r)):
                    m.d.sync += bias.eq(packed(entry.tolist(), self.accumulator_bits))
        return delayed(m, bias, self.stages - BIAS_CYCLES, f"bias_{lane}")
