# SPDX-License-Identifier: Apache-2.0
"""The same RTL 64 times side by side: every bit of the design becomes a word, a bit for each of 64 decoders.

``python -m synfab.sim.verilated.lanes DESIGN.v LANES.v``, started by :class:`~synfab.sim.verilated.VerilatedDecoder`:
yosys maps each module to gates of two inputs and flip-flops, and here every gate becomes a bitwise operation on
words. What a cycle costs is the same for 64 decoders as for one that is Verilated as it is, or less.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

LANES = 64
TOP = "union_find"
WORD = f"[{LANES - 1}:0]"

GATES: dict[str, Callable[[Mapping[str, str]], str]] = {
    "$_BUF_": lambda pin: pin["A"],
    "$_NOT_": lambda pin: f"~{pin['A']}",
    "$_AND_": lambda pin: f"{pin['A']} & {pin['B']}",
    "$_OR_": lambda pin: f"{pin['A']} | {pin['B']}",
    "$_XOR_": lambda pin: f"{pin['A']} ^ {pin['B']}",
    "$_ANDNOT_": lambda pin: f"{pin['A']} & ~{pin['B']}",
    "$_ORNOT_": lambda pin: f"{pin['A']} | ~{pin['B']}",
    "$_MUX_": lambda pin: f"({pin['S']} & {pin['B']}) | (~{pin['S']} & {pin['A']})",
}
FLIP_FLOP = "$_DFF_P_"
# Memories become flip-flops, too: every lane has an address of its own.
MAPPING = (
    *("proc", "opt -full", "memory -nomap", "memory_map", "opt -full", "techmap", "opt"),
    *(f"dfflegalize -cell {FLIP_FLOP} 01", "opt -nodffe -nosdff", "abc -g AND,OR,XOR,MUX,ANDNOT,ORNOT", "opt_clean"),
    *("flatten", "opt -nodffe -nosdff", "delete */t:$scopeinfo", "opt_clean -purge"),
)

Netlist = Mapping[str, Any]


def netlist(verilog: Path, written: Path) -> Netlist:
    """Map the design to gates and flip-flops, and return its top module as yosys writes it to JSON."""
    yosys: Any = import_module("pyosys.libyosys")
    for command in (f"read_verilog {verilog}", f"hierarchy -top {TOP}", *MAPPING, f"write_json {written}"):
        yosys.run_pass(f"tee -q {command}")
    return json.loads(written.read_text())["modules"][TOP]


def lanes_verilog(design: Netlist) -> str:
    """Return the Verilog of 64 decoders side by side.

    A port of n bits becomes one of 64 n: its bit j of lane k is the bit 64 j + k. ``clk`` and ``rst`` stay as they
    are, and are all lanes'.
    """
    ports = list(_ports(design))
    cells = list(_cells(design))
    lines = [
        f"module {TOP}({', '.join(port for port, _ in ports)});",
        *(line for _, lines in ports for line in lines),
        *(line for line, _ in cells),
        "always @(posedge clk) begin",
        *(line for _, line in cells if line),
        "end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


def _ports(design: Netlist) -> Iterator[tuple[str, list[str]]]:
    """Yield each port with the wires that it drives or is driven by."""
    for name, port in design["ports"].items():
        bits, direction = port["bits"], port["direction"]
        if name in ("clk", "rst"):
            yield f"input {name}", [f"wire {WORD} n{bits[0]} = {{{LANES}{{{name}}}}};"]
        elif direction == "input":
            slices = [f"wire {WORD} n{bit} = {name}[{LANES * j} +: {LANES}];" for j, bit in enumerate(bits)]
            yield f"input [{LANES * len(bits) - 1}:0] {name}", slices
        else:
            words = ", ".join(map(_word, reversed(bits)))
            yield f"output [{LANES * len(bits) - 1}:0] {name}", [f"assign {name} = {{{words}}};"]


def _cells(design: Netlist) -> Iterator[tuple[str, str]]:
    """Yield the declaration of each cell's output, and what happens to it at the clock edge."""
    for cell in design["cells"].values():
        pins = {name: _word(bits[0]) for name, bits in cell["connections"].items()}
        if cell["type"] == FLIP_FLOP:
            yield f"reg {WORD} {pins['Q']};", f"{pins['Q']} <= {pins['D']};"
        else:
            yield f"wire {WORD} {pins['Y']} = {GATES[cell['type']](pins)};", ""


def _word(bit: int | str) -> str:
    """Return the name of a net's word; a constant is the same in all lanes."""
    if isinstance(bit, str):
        return f"{{{LANES}{{1'b{int(bit == '1')}}}}}"
    return f"n{bit}"


def main(verilog: Path, lanes: Path) -> None:
    """Write the 64 lanes of a design."""
    lanes.write_text(lanes_verilog(netlist(verilog, lanes.with_suffix(".json"))))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
