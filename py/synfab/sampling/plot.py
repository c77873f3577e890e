# SPDX-License-Identifier: Apache-2.0
"""Plots of logical error rates."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from synfab.artefact import write_bytes
from synfab.errors import InputError

if TYPE_CHECKING:
    from synfab.sampling.collection import Row

_LABELS = {"p": "physical error rate p", "distance": "code distance d"}
_SUFFIXES = (".svg", ".png", ".pdf")


def plot_ler(rows: Sequence["Row"], path: Path) -> Path:
    """Plot the logical error rate a shot with its Wilson intervals, whole or not at all.

    The horizontal axis is ``p`` of the rows' metadata if it varies, else ``distance``; there is a line for each
    decoder and each value of the other. Where no shot failed only the upper end of the interval is drawn, as a
    triangle that points down.

    Parameters
    ----------
    rows : sequence of Row
    path : Path
        Ends in .svg, .png or .pdf.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    InputError
        If there are no rows, the metadata lack the axis, or ``path`` has another suffix.
    """
    if path.suffix not in _SUFFIXES:
        raise InputError(f"a plot must be written to a file that ends in {', '.join(_SUFFIXES)}, not {path.name!r}")
    axis = _axis(rows)
    import matplotlib
    from matplotlib.figure import Figure

    # A plot of the same rows is the same file.
    with matplotlib.rc_context({"svg.hashsalt": "synfab", "svg.fonttype": "path"}):
        figure = Figure(figsize=(6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for number, (label, line) in enumerate(_lines(rows, axis).items()):
            _draw(axes, line, axis, label=label, color=f"C{number % 10}")
        axes.set_yscale("log")
        if axis == "p":
            axes.set_xscale("log")
        else:
            axes.set_xticks(sorted({row.metadata[axis] for row in rows}))
        axes.set_xlabel(_LABELS[axis])
        axes.set_ylabel("logical error rate a shot (95 % Wilson)")
        axes.grid(which="both", linewidth=0.4, alpha=0.5)
        axes.legend(fontsize="small")
        picture = BytesIO()
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        figure.savefig(picture, format=path.suffix[1:], dpi=150, metadata=metadata)
    return write_bytes(path, picture.getvalue())


def _axis(rows: Sequence["Row"]) -> str:
    if not rows:
        raise InputError("a plot must have at least one row, not none; sample some shots first")
    present = [name for name in _LABELS if all(name in row.metadata for row in rows)]
    if not present:
        raise InputError("the rows of a plot must have 'p' or 'distance' in their metadata; name them in the task")
    varying = [name for name in present if len({row.metadata[name] for row in rows}) > 1]
    return (varying or present)[0]


def _lines(rows: Sequence["Row"], axis: str) -> dict[str, list["Row"]]:
    lines: dict[str, list[Row]] = {}
    for row in rows:
        others = {name: row.metadata[name] for name in _LABELS if name != axis and name in row.metadata}
        label = ", ".join([row.decoder, *(f"{'d' if name == 'distance' else name}={v}" for name, v in others.items())])
        lines.setdefault(label, []).append(row)
    return {label: sorted(line, key=lambda row: row.metadata[axis]) for label, line in lines.items()}


def _draw(axes, line: list["Row"], axis: str, *, label: str, color: str) -> None:
    seen = [row for row in line if row.errors]
    below = [row.logical_error_rate - row.interval[0] for row in seen]
    above = [row.interval[1] - row.logical_error_rate for row in seen]
    axes.errorbar(
        [row.metadata[axis] for row in seen],
        [row.logical_error_rate for row in seen],
        yerr=[below, above],
        label=label,
        color=color,
        marker="o",
        markersize=4,
        linewidth=1,
        capsize=2,
    )
    unseen = [row for row in line if not row.errors]
    axes.plot(
        [row.metadata[axis] for row in unseen],
        [row.interval[1] for row in unseen],
        linestyle="none",
        marker="v",
        fillstyle="none",
        color=color,
    )
