# SPDX-License-Identifier: Apache-2.0
"""The plot of logical error rates with their confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from synfab.report import notation, svg
from synfab.report.figures import Accuracy
from synfab.report.headline import accuracy_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One more than the colours, so that the pair of colour and marker repeats late.
_MARKERS = "osD^vPX"


def accuracy_plot(records: Sequence[Accuracy], *, name: str) -> str:
    """Return logical error rates on a logarithmic axis with their confidence intervals.

    Against the physical error rate if there are several, else against the distance if there are several,
    else one column a record. A record without errors is an arrow down from the upper end of its interval.
    """
    words = "; ".join(
        f"{accuracy_label(record)} ({record.source}): {notation.rate(record.logical_error_rate)} "
        f"({notation.rate(record.interval_low)} to {notation.rate(record.interval_high)})"
        for record in records
    )
    return svg.drawing(
        partial(_draw, records=records, by=_abscissa(records)),
        name=name,
        size=(svg.WIDTH, 3.4),
        title="Logical error rates with confidence intervals",
        description=f"{words}.",
    )


def _abscissa(records: Sequence[Accuracy]) -> str | None:
    """Return the field that the plot runs along, or None for columns."""
    for field in ("p", "distance"):
        values = {getattr(record, field) for record in records}
        if len(values) > 1 and None not in values and 0 not in values:
            return field
    return None


def _draw(figure: Figure, *, records: Sequence[Accuracy], by: str | None) -> None:
    axes = figure.add_subplot()
    axes.set_yscale("log")
    series: dict[str, list[tuple[float, Accuracy]]] = {}
    for column, record in enumerate(records):
        place = float(column if by is None else getattr(record, by))
        key = str(column) if by is None else _series_label(record, by=by)
        series.setdefault(key, []).append((place, record))
    for number, (words, points) in enumerate(series.items()):
        points.sort(key=lambda point: point[0])
        _draw_series(axes, points, words=words, number=number, joined=by is not None)
    if by == "p":
        axes.set_xscale("log")
        svg.decade_ticks(axes.xaxis)
        axes.set_xlabel("physical error rate p")
    elif by == "distance":
        axes.set_xticks(sorted({record.distance for record in records if record.distance is not None}))
        axes.set_xlabel("distance")
    else:
        labels = [f"{svg.label(accuracy_label(record))}\n{svg.label(record.source)}" for record in records]
        axes.set_xticks(range(len(records)), labels)
        axes.set_xlim(-0.5, len(records) - 0.5)
    axes.set_ylim(*_decades(records))
    svg.decade_ticks(axes.yaxis)
    axes.grid(axis="y")
    axes.set_ylabel("logical errors a shot")
    if by is not None:
        figure.legend(loc="outside right upper")


def _decades(records: Sequence[Accuracy]) -> tuple[float, float]:
    """Return the decades that hold every point and interval, at least one."""
    ends = [record.interval_low if record.errors else 0.4 * record.interval_high for record in records]
    ends += [record.interval_high for record in records]
    ends = [end for end in ends if end > 0] or [1.0]
    bottom, top = math.floor(math.log10(min(ends))), math.ceil(math.log10(max(ends)))
    return 10.0**bottom, 10.0 ** max(top, bottom + 1)


def _series_label(record: Accuracy, *, by: str) -> str:
    words = record.decoder if by == "distance" else accuracy_label(record.model_copy(update={"p": None}))
    return f"{svg.label(words)} ({record.stage})"


def _draw_series(
    axes: Axes, points: Sequence[tuple[float, Accuracy]], *, words: str, number: int, joined: bool
) -> None:
    colour = svg.SERIES[number % len(svg.SERIES)]
    style = {"color": colour, "linewidth": 1.2, "capsize": 4.0}
    seen = [(place, record) for place, record in points if record.errors]
    unseen = [(place, record) for place, record in points if not record.errors]
    if seen:
        axes.errorbar(
            [place for place, _ in seen],
            [record.logical_error_rate for _, record in seen],
            yerr=[
                [record.logical_error_rate - record.interval_low for _, record in seen],
                [record.interval_high - record.logical_error_rate for _, record in seen],
            ],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=5,
            linestyle="-" if joined else "none",
            label=words,
            **style,
        )
    if unseen:
        axes.errorbar(
            [place for place, _ in unseen],
            [record.interval_high for _, record in unseen],
            yerr=[[0.6 * record.interval_high for _, record in unseen], [0.0] * len(unseen)],
            uplims=True,
            marker="_",
            markersize=9,
            linestyle="none",
            label=None if seen else words,
            **style,
        )
