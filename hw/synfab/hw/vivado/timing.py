# SPDX-License-Identifier: Apache-2.0
"""Reads the slack of a stage: ``timing.json`` of our own build, or the text of ``report_timing_summary`` (UG906)."""

import json
import re
from dataclasses import dataclass

COLUMNS = ("wns_ns", "tns_ns", "setup_failing", "setup_total", "whs_ns", "ths_ns", "hold_failing", "hold_total")
"""First columns of the design timing summary, in its order."""


@dataclass(frozen=True, kw_only=True)
class VivadoTiming:
    """Slack of a stage.

    Attributes
    ----------
    clock : str
        Clock of the worst setup path.
    period_ns : float
        Its period.
    wns_ns, whs_ns : float or None
        Worst setup and hold slack; None if nothing is timed.
    tns_ns, ths_ns : float or None
        Sums of the negative slacks.
    setup_failing, hold_failing : int
        Endpoints with negative slack.
    logic_levels : int or None
        Logic cells on the worst setup path; None if only the text report is there.
    """

    clock: str
    period_ns: float
    wns_ns: float | None
    tns_ns: float | None
    setup_failing: int
    whs_ns: float | None
    ths_ns: float | None
    hold_failing: int
    logic_levels: int | None = None

    @property
    def achieved_period_ns(self) -> float | None:
        """The period at which the setup slack would be zero."""
        return None if self.wns_ns is None else round(self.period_ns - self.wns_ns, 3)


def parse_timing_json(text: str) -> tuple[VivadoTiming, str]:
    """Return the timing and the hash of the design that it belongs to.

    Raises
    ------
    ValueError
        If the text is not JSON, lacks a key or has text for a number; the message says what it must be.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"JSON ({error})") from error
    keys = VivadoTiming.__dataclass_fields__
    if not isinstance(data, dict) or not data.keys() >= {*keys, "design"}:
        raise ValueError(f"the keys {', '.join((*keys, 'design'))}")
    wrong = [key for key in keys if key != "clock" and not isinstance(data[key], int | float | None)]
    if wrong:
        raise ValueError(f"numbers as {', '.join(wrong)}")
    return VivadoTiming(**{key: data[key] for key in keys}), data["design"]


def parse_timing_summary(text: str) -> VivadoTiming:
    """Return the timing of a text report.

    Raises
    ------
    ValueError
        If a table is missing or cut short; the message names it.
    """
    _, rows = _table(text, "Design Timing Summary")
    if not rows or len(fields := rows[0].split()) < len(COLUMNS):
        raise ValueError("a whole row in the table 'Design Timing Summary'")
    figures = dict(zip(COLUMNS, map(_number, fields), strict=False))
    periods = _periods(text)
    clock = _worst_clock(text, periods)
    return VivadoTiming(
        clock=clock,
        period_ns=periods[clock],
        wns_ns=figures["wns_ns"],
        tns_ns=figures["tns_ns"],
        setup_failing=int(figures["setup_failing"] or 0),
        whs_ns=figures["whs_ns"],
        ths_ns=figures["ths_ns"],
        hold_failing=int(figures["hold_failing"] or 0),
    )


def _number(field: str) -> float | None:
    if field == "NA":
        return None
    if not re.fullmatch(r"-?\d+(\.\d+)?", field):
        raise ValueError(f"numbers in the table 'Design Timing Summary', not {field!r}")
    return float(field)


def _section(text: str, title: str) -> str:
    """Return a section's body: from below its boxed title to the box of the next, without which it is cut short."""
    match = re.search(rf"^\| {title}\n\| -+\n-+\n(.*?)^-+\n\|", text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"the whole section '{title}'")
    return match[1]


def _table(text: str, title: str) -> tuple[str, list[str]]:
    """Return the header and the rows of a section's table; a line of dashes is between them."""
    table = re.search(r"^(.*\(ns\).*)\n[ -]+\n((?:.*\S.*\n)*)", _section(text, title), re.MULTILINE)
    if table is None:
        raise ValueError(f"the table '{title}'")
    return table[1], table[2].splitlines()


def _periods(text: str) -> dict[str, float]:
    _, rows = _table(text, "Clock Summary")
    found = [re.fullmatch(r" *(\S+) +\{[^}]*\} +(\d+\.\d+) +\d+\.\d+ *", row) for row in rows]
    if not found or None in found:
        raise ValueError("name, waveform, period and frequency of each clock in 'Clock Summary'")
    return {match[1]: float(match[2]) for match in found if match}


def _worst_clock(text: str, periods: dict[str, float]) -> str:
    if len(periods) == 1:
        return next(iter(periods))
    header, rows = _table(text, "Intra Clock Table")
    # Columns are right-aligned, and blank where a clock has no setup path.
    cells = [row[: header.index("WNS(ns)") + len("WNS(ns)")].split() for row in rows]
    timed = [(_number(cell[1]) or 0.0, cell[0]) for cell in cells if len(cell) == 2]
    if not timed:
        raise ValueError("a timed clock in 'Intra Clock Table'")
    return min(timed)[1]
