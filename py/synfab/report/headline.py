# SPDX-License-Identifier: Apache-2.0
"""The main figures of a report, as the cards at the top of its page."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from synfab.report import notation
from synfab.report.figures import Accuracy, Resources, Timing
from synfab.report.latency import LatencyCycles
from synfab.report.models import Board, Report

RESOURCE_NAMES = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "uram": "URAM", "dsp": "DSP"}


@dataclass(frozen=True, kw_only=True)
class Card:
    """One main figure: its value, the rows below it and where it comes from.

    ``state`` says whether the figure is a verdict, and which.
    """

    title: str
    value: str
    unit: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...]
    note: str = ""
    state: Literal["good", "bad", "plain"] = "plain"
    is_estimate: bool = False


def cards(report: Report) -> Iterator[Card]:
    """Yield the cards of what the report has; the verdict comes first and is never left out."""
    yield _verification(report)
    if report.latency_cycles:
        yield _latency(report, report.latency_cycles[0])
    if report.main_resources is not None:
        yield _resources(report.board, report.main_resources)
    if report.main_timing is not None:
        yield _timing(report.board, report.main_timing)
    if report.accuracy:
        yield _accuracy(report.accuracy[0])


def clock_basis(report: Report) -> str:
    """Return, as a phrase, the clock that nanoseconds assume and whether a timing report bears it out."""
    clock_mhz = report.board.clock_mhz
    stated = f"at {notation.frequency(clock_mhz)} MHz"
    timing = report.main_timing
    if timing is None or timing.is_estimate:
        return f"{stated}, a clock assumed: no timing report of a routed design yet"
    if timing.met and timing.fmax_mhz >= clock_mhz:
        return f"{stated}, which {timing.stage} meets"
    return f"{stated}, which {timing.stage} does not meet"


def accuracy_label(record: Accuracy) -> str:
    """Return the decoder with the distance and error rate that it was run at, where they are known."""
    parts = [record.decoder]
    if record.distance is not None:
        parts.append(f"d={record.distance}")
    if record.p is not None:
        parts.append(f"p={record.p:g}")
    return ", ".join(parts)


def accuracy_level(record: Accuracy) -> str:
    """Return the level of the confidence interval and its method."""
    return f"{100 * record.interval_level:g} % {record.interval_method.capitalize()}"


def accuracy_interval(record: Accuracy) -> str:
    """Return the ends of the confidence interval."""
    return f"{notation.rate(record.interval_low)} – {notation.rate(record.interval_high)}"


def _verification(report: Report) -> Card:
    if report.verified is None:
        return Card(title="Verification", value="Not verified", sources=(), state="bad")
    mismatches = sum(record.mismatches for record in report.verification)
    return Card(
        title="Verification",
        value="Equal" if report.verified else f"{mismatches:,}",
        unit="" if report.verified else "mismatch" if mismatches == 1 else "mismatches",
        rows=tuple(
            (record.stage, f"{record.mismatches:,} of {record.vectors:,} vectors differ")
            for record in report.verification
        ),
        sources=tuple(dict.fromkeys(record.source for record in report.verification)),
        state="good" if report.verified else "bad",
    )


def _latency(report: Report, record: LatencyCycles) -> Card:
    ns, bound = record.at_clock(clock_mhz=report.board.clock_mhz), report.spec.max_cycles

    def row(cycles: float, time: float) -> str:
        return f"{notation.cycles(cycles)} cycles · {notation.nanoseconds(time)} ns"

    return Card(
        title="Latency, mean",
        value=notation.cycles(record.mean),
        unit=f"cycles · {notation.nanoseconds(ns.mean)} ns",
        rows=(
            ("p99.9", row(record.p999, ns.p999)),
            ("max", row(record.max, ns.max)),
            *(() if bound is None else (("proved at most", row(bound, bound * 1000 / report.board.clock_mhz)),)),
            ("run", record.label),
        ),
        sources=(record.source,),
        note=f"ns {clock_basis(report)}",
    )


def _resources(board: Board, record: Resources) -> Card:
    shares = board.shares(record)
    fits = board.holds(record)
    used = [name for name in RESOURCE_NAMES if name != "lut" and getattr(record, name)]
    return Card(
        title=f"LUT share of {board.name}",
        value=share_of(shares["lut"]),
        unit=f"{record.lut:,} LUT",
        rows=tuple(
            (RESOURCE_NAMES[name], f"{notation.amount(getattr(record, name))} · {share_of(shares[name])}")
            for name in used
        ),
        sources=(record.source,),
        note="" if fits else "Larger than the board",
        state="plain" if fits else "bad",
        is_estimate=record.is_estimate,
    )


def share_of(value: float | None) -> str:
    """Return a share of the board, or that the board has none of the kind."""
    return "none on the board" if value is None else notation.share(value)


def _timing(board: Board, record: Timing) -> Card:
    return Card(
        title="Timing",
        value="Met" if record.met else "Missed",
        unit=f"at {notation.frequency(1000 / record.period_ns)} MHz",
        rows=(
            ("worst slack", f"{notation.slack(record.wns_ns)} ns"),
            ("clock at zero slack", f"{notation.frequency(record.fmax_mhz)} MHz"),
            ("clock asked for", f"{notation.frequency(board.clock_mhz)} MHz"),
        ),
        sources=(record.source,),
        state="good" if record.met else "bad",
        is_estimate=record.is_estimate,
    )


def _accuracy(record: Accuracy) -> Card:
    return Card(
        title="Logical error rate a shot",
        value=notation.rate(record.logical_error_rate),
        rows=(
            (accuracy_level(record), accuracy_interval(record)),
            ("errors", f"{record.errors:,} in {record.shots:,} shots"),
            ("decoder", accuracy_label(record)),
        ),
        sources=(record.source,),
    )
