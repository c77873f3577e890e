# SPDX-License-Identifier: Apache-2.0
"""Longest paths from what yosys' `sta` and `ltp` print, named the way the design names its registers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from synfab.hw.yosys.estimate import LogicPath, PathStep
from synfab.hw.yosys.netlist import CELL, CONNECT, OUTPUT, bits_of

_STA_STEP = re.compile(r"^ +(\d+) +(\S+) \((\w+)\.(\w+)->(\w+)\)$")
_STA_END = re.compile(r"^ +(\d+) (\S+) \((\w+)\.(\w+)\)$")
_STA_INPUT = re.compile(r"^ +(\d+) +(\S+(?: \[\d+\])?) \(<primary input>\)$")
_LTP_STEP = re.compile(r"^ +(\d+): (\S+(?: \[\d+\])?)(?: \(via (\S+)\))?$")
_NET = re.compile(r"^ {8,}([\\$]\S+(?: \[\d+\])?)$")
_CLOCK = re.compile(r"C|G|\w*CLK")


def name_from_id(identifier: str) -> str:
    r"""Return a readable name for one of yosys' identifiers or signals.

    ``\pe_4.w0 [1]`` is ``pe_4.w0[1]``; a cell renamed after its wire loses its type; of a name that synthesis
    made up, ``$flatten\pe_4.$abc$12$lut$3``, only the element where it sits remains: ``pe_4``, or nothing.
    """
    name = identifier.removeprefix("$flatten").replace(" [", "[").lstrip("\\")
    head, separator, tail = name.rpartition("\\")
    if separator and re.fullmatch(r"[A-Z0-9_]+", tail):
        name = head
    parts = name.replace("\\", "").split(".")
    made_up = next((i for i, part in enumerate(parts) if part.startswith("$")), len(parts))
    return ".".join(parts[:made_up])


@dataclass(frozen=True, kw_only=True)
class Registers:
    """Which sequential cell drives and takes each net: names by net, as the netlist spells the net."""

    drivers: Mapping[str, str]
    sinks: Mapping[str, str]

    @classmethod
    def from_dump(cls, text: str) -> "Registers":
        """Read `dump` of the sequential cells; a wire that a port takes whole stands under its name alone."""
        drivers: dict[str, str] = {}
        sinks: dict[str, str] = {}
        kind, name = "", ""
        for line in text.splitlines():
            if match := CELL.match(line):
                kind, name = match.groups()
            elif match := CONNECT.match(line):
                side = drivers if OUTPUT.fullmatch(match[1]) else sinks
                for net in bits_of(match[2], {}):
                    side.setdefault(net, f"{name_from_id(name)} ({kind}.{match[1]})")
        return cls(drivers=drivers, sinks=sinks)

    def start(self, net: str) -> str:
        """Return the register that drives ``net``, or the net's own name, as of an input."""
        return self._at(self.drivers, net)

    def end(self, net: str) -> str:
        """Return the register that takes ``net``, or the net's own name, as of an output."""
        return self._at(self.sinks, net)

    @staticmethod
    def _at(side: Mapping[str, str], net: str) -> str:
        wire = net.partition(" [")[0]
        return side.get(net) or side.get(wire) or name_from_id(net)


def delay_from_sta(text: str, registers: Registers) -> LogicPath | None:
    """Return the longest path that `sta` printed, in ps; None if it found none."""
    found = re.search(r"^Latest arrival time in '.*' is (\d+):$", text, re.MULTILINE)
    if not found:
        return None
    steps: list[PathStep] = []
    nets: list[str] = []
    start = end = ""
    for line in text[found.end() :].splitlines()[1:]:
        if match := _STA_STEP.match(line):
            arrival, name, kind, source, target = match.groups()
            named = PathStep(name=name_from_id(name), cell=f"{kind}.{source}->{target}", arrival=int(arrival))
            steps.insert(0, named)
            if _CLOCK.fullmatch(source):
                start = f"{named.name} ({named.cell})"
        elif match := _STA_END.match(line):
            end = f"{name_from_id(match[2])} ({match[3]}.{match[4]})"
        elif match := _NET.match(line):
            nets.append(match[1])
        elif match := _STA_INPUT.match(line):
            start = start or name_from_id(match[2])
            break
    # Data inputs have no setup time in the library, so yosys often does not name the register at the end.
    if not end and nets:
        end = registers.end(nets[0])
    return LogicPath(length=int(found[1]), start=start, end=end, steps=tuple(steps))


def levels_from_ltp(text: str, registers: Registers, cells: str) -> LogicPath | None:
    """Return the longest path that `ltp` printed, in cells; None if it found none.

    ``cells`` is a `dump` that holds the cells of the path, for their types.
    """
    found = re.search(r"^Longest topological path in .* \(length=(-?\d+)\):$", text, re.MULTILINE)
    if not found or int(found[1]) < 0:
        return None
    kinds = {name: kind for kind, name in re.findall(r"^ *cell \\?(\S+) \\?(\S+)$", cells, re.MULTILINE)}
    steps, nets = [], []
    for line in text[found.end() :].splitlines()[1:]:
        match = _LTP_STEP.match(line)
        if not match:
            break
        level, net, cell = match.groups()
        nets.append(net)
        if cell:
            kind = "LUT memory" if kinds[cell].startswith("$") else kinds[cell]
            steps.append(PathStep(name=name_from_id(cell), cell=kind, arrival=int(level)))
    start, end = registers.start(nets[0]), registers.end(nets[-1])
    if not end and steps:
        # The path ends equally long at an output that nothing takes, as beside the last carry.
        end = f"{steps[-1].name} ({steps[-1].cell})"
    return LogicPath(length=int(found[1]), start=start, end=end, steps=tuple(steps))
