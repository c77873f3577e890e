# SPDX-License-Identifier: Apache-2.0
"""The mapped netlist as text, in yosys' RTLIL: single bits of nets, and outputs that nothing takes."""

import re
from collections.abc import Iterator, Mapping

# Ports by which cells of several outputs, and all sequential ones, drive.
OUTPUT = re.compile(r"Q\d*|C?O|DO\w*|SPO|P|[ABP]COUT|CARRY(CAS)?OUT|CASC?ADEOUT\w*")
CELL = re.compile(r"^ *cell \\?(\S+) (\S+)$")
CONNECT = re.compile(r"^ *connect \\(\w+) (.+)$")
_SEVERAL_OUTPUTS = re.compile(r"CARRY\d|RAM\w+|SRLC\w+|DSP\w+")
_WIRE = re.compile(r"^  wire (?:(.*) )?([\\$]\S+)$")
_ALIAS = re.compile(r"^  connect ([\\$].+?|\{ .+? \}) (\{ .+ \}|[\\$]\S+(?: \[[\d:]+\])?)$")
_PART = re.compile(r"([\\$][^\s{}]+)(?: \[(\d+)(?::(\d+))?\])?|(\d+)'(\S+)")


def bits_of(signal: str, widths: Mapping[str, int]) -> Iterator[str]:
    r"""Yield the bits of a signal such as ``{ \a [3] \b [1:0] \c }``, highest first, as ``\a [3]``.

    A constant's bits are yielded as ``1'x``. A wire that is taken whole needs an entry in ``widths``, or counts
    as one bit; the only bit of a wire goes by the wire's name.
    """
    for wire, high, low, width, _ in _PART.findall(signal):
        if width:
            yield from ("1'x" for _ in range(int(width)))
        elif high:
            yield from (f"{wire} [{bit}]" for bit in range(int(high), int(low or high) - 1, -1))
        elif widths.get(wire, 1) == 1:
            yield wire
        else:
            yield from (f"{wire} [{bit}]" for bit in range(widths[wire] - 1, -1, -1))


def widths_of(rtlil: str) -> dict[str, int]:
    """Return the width of each wire."""
    widths = {}
    for line in rtlil.splitlines():
        if match := _WIRE.match(line):
            width = re.search(r"\bwidth (\d+)", match[1] or "")
            widths[match[2]] = int(width[1]) if width else 1
    return widths


def _taken(lines: list[str], widths: Mapping[str, int], ports: set[str]) -> set[str]:
    """Return the bits that an input of a cell or an output port takes."""
    taken = {bit for port in ports for bit in bits_of(port, widths)}
    for line in lines:
        if match := CONNECT.match(line) if line.startswith("    ") else None:
            if not OUTPUT.fullmatch(match[1]):
                taken.update(bits_of(match[2], widths))
        elif match := _ALIAS.match(line):
            # Another name of a net takes it only if it is a port.
            names = bits_of(match[1], widths)
            nets = bits_of(match[2], widths)
            taken.update(net for name, net in zip(names, nets, strict=True) if name.partition(" [")[0] in ports)
    return taken


def without_dangling_outputs(rtlil: str) -> str:
    """Return the flat netlist with each output bit that nothing takes left open.

    `sta` counts the arrival at such a bit, though no register takes it: the sums of a comparison, of which only
    the carry is wanted, or the cascade of a DSP block.
    """
    widths = widths_of(rtlil)
    lines = rtlil.splitlines()
    wires = (match for line in lines if (match := _WIRE.match(line)))
    taken = _taken(lines, widths, {match[2] for match in wires if re.search(r"\b(output|inout) \d", match[1] or "")})
    kind = ""
    for index, line in enumerate(lines):
        if match := CELL.match(line):
            kind = match[1]
        elif (match := CONNECT.match(line)) and _SEVERAL_OUTPUTS.fullmatch(kind) and OUTPUT.fullmatch(match[1]):
            bits = list(bits_of(match[2], widths))
            kept = [bit if bit in taken else "1'x" for bit in bits]
            if kept != bits:
                lines[index] = f"    connect \\{match[1]} {{ {' '.join(kept)} }}"
    return "\n".join(lines) + "\n"
