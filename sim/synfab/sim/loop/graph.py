# SPDX-License-Identifier: Apache-2.0
"""The same RTL 64 times side by side, as a graph of gates whose signals are words, a bit for each of 64 decoders.

``python -m synfab.sim.loop.graph DESIGN.v TOP FOLDER``, started by :func:`synfab.sim.loop.library.build`: yosys maps
the design to conjunctions, inverters and flip-flops, and writes ``graph.aig`` in the format AIGER. ``Vdecoder.h`` has
the ports of a Verilated class, each bit a word, and evaluates the graph by ``aig.hpp``. So what has to be compiled does
not grow with the design.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

GRAPH = "graph.aig"
HEADER = "Vdecoder.h"
# Memories become flip-flops, too: every lane has an address of its own.
MAPPING = (
    *("proc", "opt -full", "memory -nomap", "memory_map", "opt -full", "techmap", "opt"),
    *("dfflegalize -cell $_DFF_P_ 01", "opt -nodffe -nosdff", "setundef -zero", "aigmap", "opt_clean"),
    *("flatten", "delete */t:$scopeinfo"),
)
COMMON = ("clk", "rst")
# Of an input or output: which it is, its number, the port, and the bit of a port of several.
SYMBOL = re.compile(r"^([io])(\d+) (.+?)(?:\[(\d+)\])?$", re.MULTILINE)

# Of each port, the number in the graph of each of its bits.
Ports = Mapping[str, list[int]]


def write_graph(verilog: Path, top: str, folder: Path) -> tuple[Ports, Ports]:
    """Map the design, write its graph, and return the inputs and the outputs."""
    yosys: Any = import_module("pyosys.libyosys")
    for command in (
        f"read_verilog {verilog}",
        f"hierarchy -top {top}",
        *MAPPING,
        f"write_aiger -zinit -symbols {folder / GRAPH}",
    ):
        yosys.run_pass(f"tee -q {command}")
    return ports((folder / GRAPH).read_bytes())


def ports(graph: bytes) -> tuple[Ports, Ports]:
    """Return the inputs and the outputs by the table of symbols, which stands behind the gates, in any order."""
    table = graph[graph.rindex(b"i0 ") :].decode()
    found: dict[str, dict[str, dict[int, int]]] = {"i": defaultdict(dict), "o": defaultdict(dict)}
    for kind, number, name, bit in SYMBOL.findall(table):
        # What a flip-flop without an initial value holds at first is an input, too: zero.
        if not name.startswith("init:"):
            found[kind][name][int(bit or 0)] = int(number)
    inputs, outputs = (
        {name: [numbers[bit] for bit in range(len(numbers))] for name, numbers in of_kind.items()}
        for of_kind in found.values()
    )
    return inputs, outputs


def header(inputs: Ports, outputs: Ports) -> str:
    """Return the class that stands in for a Verilated one: 64 lanes of each port but the clock and the reset.

    A port of one bit that is part of a handshake is a word; one of n bits is an array of n.
    """
    return "\n".join(
        [
            "#include <array>",
            '#include "aig.hpp"',
            f'asm(".pushsection .rodata\\ngraph_begins: .incbin \\"{GRAPH}\\"\\ngraph_ends: .popsection");',
            'extern "C" __attribute__((visibility("hidden"))) const char graph_begins[], graph_ends[];',
            "struct Vdecoder {",
            *(f"{_type(name, bits)} {_name(name)}{{}};" for name, bits in [*inputs.items(), *outputs.items()]),
            "void eval() {",
            "if (clk) return aig.clock();",
            *(f"aig.input({number}, {word});" for number, word in _words(inputs)),
            "aig.settle();",
            *(f"{word} = aig.output({number});" for number, word in _words(outputs)),
            "}",
            "Aig aig{{graph_begins, static_cast<size_t>(graph_ends - graph_begins)}};",
            "};",
            "",
        ]
    )


def _words(ports: Ports) -> Iterator[tuple[int, str]]:
    """Yield the number in the graph and the word of each bit."""
    for name, numbers in ports.items():
        for bit, number in enumerate(numbers):
            if name in COMMON:
                yield number, f"-uint64_t{{{name}}}"
            else:
                yield number, f"{_name(name)}[{bit}]" if _is_payload(name) else _name(name)


def _type(name: str, numbers: list[int]) -> str:
    if name in COMMON:
        return "bool"
    return f"std::array<uint64_t, {len(numbers)}>" if _is_payload(name) else "uint64_t"


def _is_payload(name: str) -> bool:
    return name.endswith("__payload")


def _name(port: str) -> str:
    """Return the name as Verilator writes it."""
    return port.replace("__", "___05F")


def main(verilog: str, top: str, folder: str) -> None:
    """Write the graph and the class."""
    (Path(folder) / HEADER).write_text(header(*write_graph(Path(verilog), top, Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
