# SPDX-License-Identifier: Apache-2.0
"""Reads the text of Vivado's ``report_utilization`` (UG906), for UltraScale+ and Versal."""

import re
from dataclasses import dataclass

ROWS = {
    "lut": ("CLB LUTs",),
    "ff": ("CLB Registers", "Registers"),
    "carry": ("CARRY8", "LOOKAHEAD8"),
    "bram36": ("Block RAM Tile",),
    "uram": ("URAM",),
    "dsp": ("DSPs", "DSP Slices"),
}
"""Rows of the report by figure: as UltraScale+ writes them, then as Versal does where that differs."""

_VERSION = re.compile(r"Vivado v\.(\S+)")


@dataclass(frozen=True, kw_only=True)
class Utilization:
    """What a design uses, as the report says it; ``bram36`` in tiles, of which a RAMB18 takes half."""

    version: str
    design: str
    part: str
    lut: int
    ff: int
    carry: int
    bram36: float
    uram: int
    dsp: int


def parse_utilization(text: str) -> Utilization:
    """Return the figures of a report.

    Raises
    ------
    ValueError
        If a line is missing or not a number; the message names the line.
    """
    tool = _header(text, "Tool Version")
    version = _VERSION.match(tool)
    if version is None:
        raise ValueError(f"'Tool Version : Vivado v.', not {tool!r}")
    used = {figure: _used(text, names) for figure, names in ROWS.items()}
    tiles = used["bram36"]
    counts = {figure: int(count) for figure, count in used.items() if figure != "bram36"}
    if (2 * tiles) % 1 or any(counts[figure] != used[figure] for figure in counts):
        raise ValueError("whole numbers, or halves in the row 'Block RAM Tile'")
    return Utilization(
        version=version[1],
        design=_header(text, "Design"),
        part=_header(text, "Device"),
        bram36=tiles,
        lut=counts["lut"],
        ff=counts["ff"],
        carry=counts["carry"],
        uram=counts["uram"],
        dsp=counts["dsp"],
    )


def _header(text: str, label: str) -> str:
    match = re.search(rf"^\| {label} *: *(.*\S) *$", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"the line {label!r}")
    return match[1]


def _used(text: str, names: tuple[str, ...]) -> float:
    # After synthesis a row may carry a star: "the final count can be lower after optimisation".
    alternatives = "|".join(map(re.escape, names))
    match = re.search(rf"^\| (?:{alternatives})\*? *\| *(\d+(?:\.\d+)?) *\|.*\| *$", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"the row {' or '.join(map(repr, names))}")
    return float(match[1])
