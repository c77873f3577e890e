# SPDX-License-Identifier: Apache-2.0
"""What an estimate holds, and how yosys' cell counts become one."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

# LUT sites that a LUT memory takes (UG574); a LUT of a SLICEM holds 64 bits.
LUTRAM_SITES = {
    "RAM32X1S": 1,
    "RAM64X1S": 1,
    "RAM128X1S": 2,
    "RAM256X1S": 4,
    "RAM512X1S": 8,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "RAM64X8SW": 8,
    "RAM32X16DR8": 8,
}


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One cell on a path.

    Attributes
    ----------
    name : str
        Register or element by the design's own names; empty if synthesis made the cell up outside of any.
    cell : str
        Xilinx primitive, in a delay path with its arc: ``LUT6``, ``LUT6.I3->O``.
    arrival : int
        At its output, in levels or in ps, as the path that holds it.
    """

    name: str
    cell: str
    arrival: int


@dataclass(frozen=True, kw_only=True)
class LogicPath:
    """The longest path: ``length`` in levels or ps from ``start`` to ``end``, registers or ports, with its steps."""

    length: int
    start: str
    end: str
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, kw_only=True)
class ModuleCount:
    """A module as it was mapped once: its own cells, without those of its submodules, and how often it occurs.

    The units are those of :class:`Estimate`.
    """

    name: str
    instances: int
    lut: int
    inverters: int
    lutram: int
    srl: int
    ff: int
    carry: int
    bram36: float
    uram: int
    dsp: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Resources and longest logic path of one design.

    Attributes
    ----------
    stage, tool, version : str
        What every figure here carries into a report.
    way : {"flat", "hierarchical"}
        ``flat``: dissolved before synthesis, constants folded into every element. ``hierarchical``: each
        distinct module mapped once and counted as often as it occurs; nothing is optimised across a module's
        ports, not even a constant there. Area and depth come out higher, so they bound the flat ones: measured
        on fabrics of 18 to 120 detectors, 3 to 20 per cent more LUTs, the same flip-flops, and a delay from 8
        per cent less, where the path lies within an element, to 40 per cent more, where it crosses several.
    word_bits : int
        Size before mapping: the widths of all word-level cells added up, over all instances.
    lut : int
        LUT1 to LUT6. No two share a site; sites through which the bare inputs of a carry cell pass are not
        counted. Renaming alone moves it, since abc9 maps for delay: one flat fabric of 24 detectors came to
        1,310, 1,482 and 1,690, while abc9's own delay moved by half a per cent.
    lut_by_inputs : Mapping[int, int]
        The same by number of inputs.
    inverters : int
        Inverters that stand alone, mostly at the ports of modules; not in ``lut``. A vendor's tool draws them
        into their neighbours.
    lutram, srl : int
        LUT sites used as memory, and as shift registers; not in ``lut``.
    ff : int
        Flip-flops and latches.
    carry : int
        Carry cells: CARRY4 of four bits (yosys maps to these for UltraScale+ too) or CARRY8.
    bram36 : float
        Block RAM in units of 36 Kb; a RAMB18 is one half.
    uram, dsp : int
        URAM288 and DSP48 blocks.
    cells : Mapping[str, int]
        Every primitive of the mapped design by its type, those above included.
    modules : tuple of ModuleCount
        Largest first, by LUTs of all their instances together.
    levels : LogicPath or None
        Longest path in cells between registers, memories, DSP registers and ports (`ltp`): a LUT, a carry
        cell and the read of a LUT memory are one level each. None if the design has a logic loop.
    delay : LogicPath or None
        Longest path in ps (`sta`), from a clock or an input to a register's input with its setup time.
        Relative: 7-series delays, no wires. None if the design has a logic loop or no path.
    loops : int
        Combinational loops found.
    untimed : tuple of str
        Types of cells in the design for which no delay is known; ``delay`` leaves out paths through them.
    seconds : float
        Time it took.
    """

    stage: str
    tool: str
    version: str
    family: str
    top: str
    way: Literal["flat", "hierarchical"]
    word_bits: int
    lut: int
    lut_by_inputs: Mapping[int, int]
    inverters: int
    lutram: int
    srl: int
    ff: int
    carry: int
    bram36: float
    uram: int
    dsp: int
    cells: Mapping[str, int]
    modules: tuple[ModuleCount, ...]
    levels: LogicPath | None
    delay: LogicPath | None
    loops: int
    untimed: tuple[str, ...]
    seconds: float

    @property
    def longest_path_levels(self) -> int | None:
        """Length of :attr:`levels`."""
        return self.levels.length if self.levels else None

    @property
    def longest_path_ps(self) -> int | None:
        """Length of :attr:`delay`: 7-series delays, no wires, for comparison only."""
        return self.delay.length if self.delay else None

    @property
    def lut_sites(self) -> int:
        """Sites that logic, inverters, LUT memories and shift registers need at most: what a board must offer."""
        return self.lut + self.inverters + self.lutram + self.srl

    @property
    def bound(self) -> str:
        """A sentence on what the figures bound."""
        if self.way == "flat":
            return "flat synthesis; no two LUTs are packed in a site"
        return (
            "hierarchical synthesis: each distinct module mapped once and counted as often as it occurs; "
            "an upper bound of flat synthesis, since nothing is optimised across a module's ports"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, the two path lengths and the sentence on bounds included."""
        return asdict(self) | {
            "longest_path_levels": self.longest_path_levels,
            "longest_path_ps": self.longest_path_ps,
            "lut_sites": self.lut_sites,
            "bound": self.bound,
        }


def _total(cells: Mapping[str, int], pattern: str) -> int:
    return sum(count for kind, count in cells.items() if re.fullmatch(pattern, kind))


def resources_from_cells(cells: Mapping[str, int]) -> dict[str, Any]:
    """Return the resource fields of :class:`Estimate` for a count of Xilinx primitives by type."""
    by_inputs = {inputs: cells.get(f"LUT{inputs}", 0) for inputs in range(1, 7)}
    return {
        "lut": sum(by_inputs.values()),
        "lut_by_inputs": by_inputs,
        "inverters": cells.get("INV", 0),
        "lutram": sum(sites * cells.get(kind, 0) for kind, sites in LUTRAM_SITES.items()),
        "srl": _total(cells, r"SRLC?(16|32).*"),
        "ff": _total(cells, r"(FD[RSCP]E|LD[CP]E)(_1)?"),
        "carry": _total(cells, r"CARRY[48]"),
        "bram36": _total(cells, r"RAMB36.*") + _total(cells, r"RAMB18.*") / 2,
        "uram": _total(cells, r"URAM288.*"),
        "dsp": _total(cells, r"DSP48.*|DSP58.*"),
    }


def modules_from_stat(stat: Mapping[str, Any], top: str) -> tuple[ModuleCount, ...]:
    """Return each module's own resources and its number of instances under ``top``.

    Parameters
    ----------
    stat : Mapping
        What ``stat -json`` wrote for a hierarchical design: local counts by module.
    """
    local = {
        name.removeprefix("\\"): {kind.removeprefix("\\"): n for kind, n in entry["num_cells_by_type"].items()}
        for name, entry in stat["modules"].items()
    }
    instances = dict.fromkeys(local, 0)

    def add(name: str, times: int) -> None:
        instances[name] += times
        for kind, count in local[name].items():
            if kind in local:
                add(kind, times * count)

    add(top, 1)
    counts = []
    for name, cells in local.items():
        resources = resources_from_cells(cells)
        own = {key: resources[key] for key in resources if key != "lut_by_inputs"}
        counts.append(ModuleCount(name=name, instances=instances[name], **own))
    return tuple(sorted(counts, key=lambda entry: (-entry.instances * entry.lut, entry.name)))
