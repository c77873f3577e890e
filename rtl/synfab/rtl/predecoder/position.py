# SPDX-License-Identifier: Apache-2.0
"""All output channels of a layer at one position: the adder graph in pipeline stages, bias, shift and clip."""

from functools import cached_property

from amaranth import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib.wiring import In, Out

from synfab.artefact import digest
from synfab.predecoder.integers import Convolution
from synfab.rtl.element import Element
from synfab.rtl.predecoder.adder_graph import AdderGraph, Sum, Table


class Position(Element):
    """A layer's outputs at a position, a new one in every cycle; equal to :meth:`Convolution.activations` of its sums.

    Parameters
    ----------
    graph : AdderGraph
        From the inputs under the kernel to the sums without bias.
    convolution : Convolution
        The layer, for its shifts and activations.
    stages : int
        Cycles after which the sums without bias are there; at least the graph's depth.
    accumulator_bits : int
        Of a sum, a signed number.

    Attributes
    ----------
    latency_cycles : int
        From ``taps`` to ``outputs``.

    Members
    -------
    taps : In
        The graph's inputs, input 0 in the low bits.
    biases : In(num_outputs * accumulator_bits)
        Of the same position, ``stages`` cycles after ``taps``.
    outputs : Out
        Activations, or sums of ``accumulator_bits`` in the last layer; output 0 in the low bits.
    """

    def __init__(self, *, graph: AdderGraph, convolution: Convolution, stages: int, accumulator_bits: int) -> None:
        self._graph, self._convolution = graph, convolution
        self._stages, self._accumulator_bits = stages, accumulator_bits
        self.latency_cycles = stages + 1 + (convolution.activation_bits is not None)
        outputs = len(graph.outputs)
        super().__init__(
            {
                "taps": In(graph.num_inputs * graph.input_bits),
                "biases": In(outputs * accumulator_bits),
                "outputs": Out(outputs * (convolution.activation_bits or accumulator_bits)),
            }
        )

    @cached_property
    def kind(self) -> str:
        graph = self._graph
        content = digest(
            [graph.num_inputs, graph.input_bits, self._stages, self._accumulator_bits, repr(graph.nodes)],
            [repr(graph.outputs), self._convolution.shift.tolist(), self._convolution.activation_bits],
        )
        return f"position_{content[:16]}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nodes = _Nodes(m, self._graph, self.taps)
        bits, outputs = self._accumulator_bits, []
        for number, term in enumerate(self._graph.outputs):
            bias = self.biases.word_select(number, bits).as_signed()
            total = Signal(Shape(bits, signed=True), name=f"sum_{number}", reset_less=True)
            if term is None:
                m.d.sync += total.eq(bias)
            else:
                part = nodes.at(term.node, self._stages) << term.shift
                m.d.sync += total.eq(bias - part if term.minus else bias + part)
            outputs.append(self._activation(m, number, total))
        m.d.comb += self.outputs.eq(Cat(outputs))
        return m

    def _activation(self, m: Module, number: int, total: Signal) -> Signal:
        """Return what the layer hands on for a sum: the sum, or a cycle later the activation."""
        width = self._convolution.activation_bits
        if width is None:
            return total
        activation = Signal(width, name=f"activation_{number}", reset_less=True)
        most = (1 << width) - 1
        # A shift that leaves nothing but the sign is one that leaves the sign.
        level = total >> min(int(self._convolution.shift[number]), len(total) - 1)
        m.d.sync += activation.eq(Mux(total < 0, 0, Mux(level > most, most, level)))
        return activation


class _Nodes:
    """The nodes of a graph as signals; one that is needed later than it is there waits in registers."""

    def __init__(self, m: Module, graph: AdderGraph, taps: Value) -> None:
        self._m, self._graph = m, graph
        self._signals: dict[tuple[int, int], Value] = {
            (number, 0): taps.word_select(number, graph.input_bits) for number in range(graph.num_inputs)
        }
        for number, node in enumerate(graph.nodes):
            if node is not None:
                self._place(number, node)

    def at(self, number: int, stage: int) -> Value:
        """Return a node in a stage, its own or a later one."""
        if (number, stage) not in self._signals:
            before = self.at(number, stage - 1)
            later = self._signals[number, stage] = self._register(number, stage)
            self._m.d.sync += later.eq(before)
        return self._signals[number, stage]

    def _register(self, number: int, stage: int) -> Signal:
        width, signed = self._graph.width(number)
        return Signal(Shape(width, signed=signed), name=f"node_{number}_{stage}", reset_less=True)

    def _place(self, number: int, node: Sum | Table) -> None:
        m, stage = self._m, self._graph.stages[number]
        register = self._signals[number, stage] = self._register(number, stage)
        if isinstance(node, Table):
            self._look_up(register, node)
            return
        a, b = self.at(node.a, stage - 1), self.at(node.b, stage - 1)
        low, high = _split(a, node.shift)
        m.d.sync += register.eq(Cat(low, high - b if node.minus else high + b))

    def _look_up(self, register: Signal, table: Table) -> None:
        m = self._m
        with m.Switch(Cat(self.at(number, 0) for number in table.inputs)):
            for subset in range(1 << len(table.inputs)):
                with m.Case(subset):
                    m.d.sync += register.eq(sum(w for k, w in enumerate(table.weights) if subset >> k & 1))


def _split(value: Value, low_bits: int) -> tuple[Value, Value]:
    """Return the low bits of a number, and what is above them with the number's sign."""
    signed = value.shape().signed
    if low_bits < len(value):
        high = value[low_bits:]
        return value[:low_bits], high.as_signed() if signed else high
    sign = value[-1] if signed else Const(0, 1)
    low = Cat(value, sign.replicate(low_bits - len(value)))
    return low, sign.as_signed() if signed else sign
