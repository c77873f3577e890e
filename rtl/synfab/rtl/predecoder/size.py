# SPDX-License-Identifier: Apache-2.0
"""How much logic a net will take, counted from its sums, memories and delay lines, long before any synthesis."""

from collections import Counter
from dataclasses import dataclass

from synfab.rtl.predecoder.adder_graph import AdderGraph, Sum, Table
from synfab.rtl.predecoder.layer import Layer
from synfab.rtl.predecoder.loaded import LoadedLayer
from synfab.rtl.predecoder.loaded.size import counted
from synfab.rtl.predecoder.net import Predecoder

# A shift register of LUTs holds so many bits.
SRL_BITS = 32

# What of a net is made of LUTs, a LUT each.
LUT_PARTS = ("adders", "tables", "activations", "delays", "memory")


@dataclass(frozen=True, kw_only=True)
class NetSize:
    """What a net is made of, in bits; all lanes and layers together.

    Attributes
    ----------
    adders : int
        Of sums, one bit a LUT with its carry.
    tables : int
        Outputs of tables of six inputs or fewer.
    activations : int
        Of sums that are clipped.
    registers : int
        Between stages of pipelines, and before kernels.
    delays : int
        LUTs used as shift registers, for what waits longer: rounds, rows, and nodes of graphs.
    memory : int
        LUTs used as memory, for weights that are loaded.
    dsp : int
        DSP blocks.
    """

    adders: int = 0
    tables: int = 0
    activations: int = 0
    registers: int = 0
    delays: int = 0
    memory: int = 0
    dsp: int = 0

    @classmethod
    def of(cls, net: Predecoder) -> "NetSize":
        """Count."""
        total: Counter[str] = Counter()
        for layer in net.layers:
            total += _of_layer(layer)
        return cls(**total)

    @property
    def lut(self) -> int:
        """LUTs."""
        return sum(getattr(self, part) for part in LUT_PARTS)


def _of_layer(layer: Layer | LoadedLayer) -> Counter[str]:
    found = counted(layer) if isinstance(layer, LoadedLayer) else _of_constants(layer)
    window = layer.window
    found += Counter(registers=window.tap_bits, delays=sum(bits * -(-long // SRL_BITS) for bits, long in window.lines))
    return found


def _of_constants(layer: Layer) -> Counter[str]:
    found: Counter[str] = Counter()
    for lane in range(layer.positions):
        graph = layer.graph(lane)
        found += _of_graph(graph, layer.stages)
        outputs = sum(term is not None for term in graph.outputs)
        bits = layer.accumulator_bits * len(graph.outputs)
        found += Counter(adders=layer.accumulator_bits * outputs, registers=bits)
        if width := layer.convolution.activation_bits:
            found += Counter(activations=2 * width * len(graph.outputs), registers=width * len(graph.outputs))
    return found


def _of_graph(graph: AdderGraph, stages: int) -> Counter[str]:
    """Count a graph's nodes, and how long each waits for those that need it."""
    found: Counter[str] = Counter()
    last = list(graph.stages)
    for number, node in enumerate(graph.nodes):
        if isinstance(node, Table):
            for operand in node.inputs:
                last[operand] = max(last[operand], graph.stages[number] - 1)
        elif isinstance(node, Sum):
            for operand in (node.a, node.b):
                last[operand] = max(last[operand], graph.stages[number] - 1)
    for term in filter(None, graph.outputs):
        last[term.node] = stages
    for number, node in enumerate(graph.nodes):
        width, waits = graph.width(number)[0], last[number] - graph.stages[number]
        if isinstance(node, Table):
            found += Counter(tables=width, registers=width)
        elif isinstance(node, Sum):
            found += Counter(adders=width - min(node.shift, width), registers=width)
        # Two registers are flip-flops; more are a shift register with one behind it.
        found += Counter(registers=width * min(waits, 2)) if waits < 3 else Counter(delays=width, registers=width)
    return found
