# SPDX-License-Identifier: Apache-2.0
"""The plots of latency and of resources; those of accuracy are in :mod:`synfab.report.rates`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from synfab.report import notation, svg
from synfab.report.figures import Resources
from synfab.report.headline import RESOURCE_NAMES
from synfab.report.latency import LatencyCycles
from synfab.report.models import Board

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_BINS = 240
# Of the logarithmic axis: below one shot, so that a single shot is still a bar.
_FLOOR = 0.6


def latency_plot(record: LatencyCycles, *, name: str, board: Board) -> str:
    """Return the histogram of a latency record, counts on a logarithmic axis, with mean, p99.9 and max."""
    return svg.drawing(
        partial(_draw_latency, record=record, board=board),
        name=name,
        size=(svg.WIDTH, 3.0),
        title=f"Latency histogram: {record.label}",
        description=(
            f"{record.shots:,} shots on a logarithmic axis against cycles; mean {notation.cycles(record.mean)}, "
            f"p99.9 {record.p999:,}, max {record.max:,} cycles; {record.source}."
        ),
    )


def _draw_latency(figure: Figure, *, record: LatencyCycles, board: Board) -> None:
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    bin_cycles, edges, counts = _bins(record.histogram)
    axes = figure.add_subplot()
    heights = [max(count, _FLOOR) for count in counts]
    axes.stairs(heights, edges, baseline=_FLOOR, fill=True, color=svg.SERIES[0], alpha=0.8)
    axes.set_yscale("log")
    axes.set_ylim(_FLOOR, max(20, 2 * max(counts)))
    for words, value, colour, style in (
        ("mean", record.mean, svg.ROLES["ink"], "-"),
        ("p99.9", record.p999, svg.SERIES[1], "--"),
        ("max", record.max, svg.ROLES["bad"], ":"),
    ):
        text = f"{words} {notation.cycles(value)}"
        axes.axvline(value, color=colour, linestyle=style, linewidth=1.6, label=text)
    svg.decade_ticks(axes.yaxis)
    margin = max(2.0, 0.03 * (edges[-1] - edges[0]))
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="y")
    axes.set_xlabel(f"cycles (one is {1000 / board.clock_mhz:.3g} ns at {notation.frequency(board.clock_mhz)} MHz)")
    axes.set_ylabel("shots" if bin_cycles == 1 else f"shots in {bin_cycles:,} cycles")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0.2)


def _bins(histogram: Sequence[tuple[int, int]]) -> tuple[int, list[float], list[int]]:
    """Return the width of a bin in cycles, the edges and the counts; one cycle a bin unless they are many."""
    first, last = histogram[0][0], histogram[-1][0]
    width = -(-(last - first + 1) // _MAX_BINS)
    counts = [0] * ((last - first) // width + 1)
    for cycles, count in histogram:
        counts[(cycles - first) // width] += count
    return width, [first - 0.5 + width * index for index in range(len(counts) + 1)], counts


def resources_plot(records: Sequence[Resources], *, name: str, board: Board) -> str | None:
    """Return the shares of the board as horizontal bars: estimates hatched, reported figures solid.

    Kinds that no record uses, and kinds that the board does not have, are left out; None if no kind is left.
    """
    kinds = [key for key in RESOURCE_NAMES if getattr(board, key) and any(getattr(r, key) for r in records)]
    if not kinds:
        return None
    shares = [[100 * getattr(record, key) / getattr(board, key) for key in kinds] for record in records]
    words = "; ".join(
        f"{_resources_label(record)}: "
        + ", ".join(f"{RESOURCE_NAMES[key]} {value:.3g} %" for key, value in zip(kinds, row, strict=True))
        for record, row in zip(records, shares, strict=True)
    )
    height = 0.9 + 0.2 * len(kinds) * max(len(records), 2) + 0.17 * len(records)
    return svg.drawing(
        partial(_draw_resources, records=records, kinds=kinds, shares=shares, board=board),
        name=name,
        size=(svg.WIDTH, height),
        title=f"Resources as a share of {board.name}",
        description=f"{words}.",
    )


def _draw_resources(
    figure: Figure,
    *,
    records: Sequence[Resources],
    kinds: Sequence[str],
    shares: Sequence[Sequence[float]],
    board: Board,
) -> None:
    axes = figure.add_subplot()
    height = 0.8 / len(records)
    for position, (record, row) in enumerate(zip(records, shares, strict=True)):
        places = [index + (position - (len(records) - 1) / 2) * height for index in range(len(kinds))]
        colour = svg.SERIES[position % len(svg.SERIES)]
        axes.barh(
            places,
            row,
            height=0.84 * height,
            label=_resources_label(record),
            edgecolor=colour,
            facecolor="none" if record.is_estimate else colour,
            hatch="////" if record.is_estimate else None,
        )
        for place, value, key in zip(places, row, kinds, strict=True):
            text = f"{notation.amount(getattr(record, key))} · {notation.share(value / 100)}"
            axes.annotate(text, (value, place), (5, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(kinds)), [RESOURCE_NAMES[key] for key in kinds])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    right = 1.25 * max(value for row in shares for value in row)
    axes.set_xlim(0, right)
    if right > 100:
        axes.axvline(100, color=svg.ROLES["bad"], linewidth=1.2)
    axes.set_xlabel(f"share of {svg.label(board.name)} in percent")
    axes.grid(axis="x")
    figure.legend(loc="outside upper right", ncols=1)


def _resources_label(record: Resources) -> str:
    return svg.label(f"{record.source}, {record.scope}") + (" (estimate)" if record.is_estimate else "")
