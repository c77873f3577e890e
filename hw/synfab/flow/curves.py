# SPDX-License-Identifier: Apache-2.0
"""Curves of a training run."""

import csv
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from synfab.artefact import write_bytes
from synfab.predecoder.training.module import RATIO
from synfab.report.drawing import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = "metrics.csv"

Curve = list[tuple[int, float]]


def write_curves(directory: Path) -> Path:
    """Draw loss and ratio of logical errors of all stages in ``directory`` against their steps, as ``curves.svg``."""
    stages = {path.parent.name: path for path in sorted(directory.glob(f"*/{METRICS}"))}
    curves = {
        f"{stage}, {name}": curve
        for stage, path in stages.items()
        for name, curve in (("loss", _means(_column(path, "loss"))), ("ratio", _column(path, RATIO)))
    }
    return write_bytes(directory / "curves.svg", drawing("Training", partial(_draw, curves=curves)))


def _column(path: Path, name: str) -> Curve:
    with path.open(newline="") as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file) if row.get(name)]


def _means(curve: Curve, *, points: int = 100) -> Curve:
    """Return the means of parts: batches are of unlike size and error rate, so their losses scatter."""
    each = max(1, len(curve) // points)
    parts = [curve[first : first + each] for first in range(0, len(curve), each)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _draw(axes: "Axes", *, curves: dict[str, Curve]) -> None:
    for number, (name, curve) in enumerate(curves.items()):
        if curve:
            axes.plot(
                *zip(*curve, strict=True), "o-" if name.endswith("ratio") else "-", color=f"C{number}", label=name
            )
    axes.set_yscale("log")
    axes.set_xlabel("step of the stage")
    axes.set_ylabel("loss; logical errors over those without the net")
