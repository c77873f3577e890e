# SPDX-License-Identifier: Apache-2.0
"""The main figures of a report on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from synfab.report import notation
from synfab.report.figures import Accuracy, Resources, Timing
from synfab.report.headline import (
    RESOURCE_NAMES,
    accuracy_interval,
    accuracy_label,
    accuracy_level,
    clock_basis,
    share_of,
)
from synfab.report.latency import LatencyCycles, WorstCase
from synfab.report.models import Board, Report
from synfab.report.record import Figure
from synfab.report.stages import StageLatency

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(report: Report) -> Table:
    """Return a table of the report's figures, one row a record, each with stage, tool and version."""
    from rich.table import Table
    from rich.text import Text

    # Every cell is a Text: a name with brackets is a name, not markup.
    table = Table(title=Text(f"{report.name} on {report.board.name}"), caption=Text(f"ns {clock_basis(report)}"))
    for heading in ("figure", "value", "stage · tool version"):
        table.add_column(heading, overflow="fold")
    for name, value, record in _rows(report):
        source = f"{record.source} (estimate)" if getattr(record, "is_estimate", False) else record.source
        table.add_row(Text(name), Text(value), Text(source))
    if report.verified is None:
        table.add_row(Text("verification"), Text("not verified"), Text("–"))
    return table


def _rows(report: Report) -> Iterator[tuple[str, str, Figure]]:
    for record in report.verification:
        verdict = "equal" if record.passed else f"{record.mismatches:,} mismatches"
        yield f"verification: {record.label}", f"{verdict} on {record.vectors:,} vectors", record
    for record in report.latency_cycles:
        yield f"latency in cycles: {record.label}", _latency(record, report.board), record
    for record in report.stages:
        yield f"cycles by stage: {record.name}", _stage(record, report.board), record
    for record in report.events:
        left = "" if record.share_left is None else f" ({notation.share(record.share_left)})"
        words = f"{record.after:,} of {record.before:,} left{left} in {record.shots:,} shots"
        yield f"detection events: {record.name}", words, record
    for record in report.worst_case:
        yield "worst case in cycles", _worst_case(record, report.board), record
    for record in report.resources:
        yield f"resources: {record.scope}", _resources(record, report.board), record
    for record in report.timing:
        yield f"timing: {record.scope}", _timing(record), record
    for record in report.accuracy:
        yield f"logical error rate a shot: {accuracy_label(record)}", _accuracy(record), record


def _latency(record: LatencyCycles, board: Board) -> str:
    ns = record.at_clock(clock_mhz=board.clock_mhz)
    names = {"mean": "mean", "p50": "p50", "p99": "p99", "p999": "p99.9", "max": "max"}
    return ", ".join(
        f"{name} {notation.cycles(getattr(record, key))} ({notation.nanoseconds(getattr(ns, key))} ns)"
        for key, name in names.items()
    )


def _stage(record: StageLatency, board: Board) -> str:
    ns = 1000 / board.clock_mhz
    names = {"max": "always"} if record.is_fixed else {"mean": "mean", "p99": "p99", "max": "max"}
    cycles = ", ".join(
        f"{name} {notation.cycles(getattr(record, key))} ({notation.nanoseconds(ns * getattr(record, key))} ns)"
        for key, name in names.items()
    )
    return f"{record.rounds:,} rounds ahead, {cycles}" if record.rounds else cycles


def _worst_case(record: WorstCase, board: Board) -> str:
    proved, found = (
        f"{notation.cycles(cycles)} ({notation.nanoseconds(1000 * cycles / board.clock_mhz)} ns)"
        for cycles in (record.max_cycles, record.slowest_cycles)
    )
    return f"at most {proved}, as proved; {found} for the slowest of {record.shots:,} syndromes of a search"


def _resources(record: Resources, board: Board) -> str:
    shares = board.shares(record)
    return ", ".join(
        f"{notation.amount(getattr(record, key))} {name} ({share_of(shares[key])})"
        for key, name in RESOURCE_NAMES.items()
        if key in ("lut", "ff") or getattr(record, key)
    )


def _timing(record: Timing) -> str:
    verdict = "met" if record.met else "missed"
    clock_mhz = notation.frequency(1000 / record.period_ns)
    return f"{verdict} at {clock_mhz} MHz, worst slack {notation.slack(record.wns_ns)} ns"


def _accuracy(record: Accuracy) -> str:
    rate = notation.rate(record.logical_error_rate)
    counts = f"{record.errors:,} in {record.shots:,}"
    return f"{rate} ({counts}; {accuracy_level(record)} {accuracy_interval(record)})"
