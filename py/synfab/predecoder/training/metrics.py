# SPDX-License-Identifier: Apache-2.0
"""The log of a stage: what was measured at which step."""

import csv
import io
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from synfab.artefact import write_text
from synfab.predecoder.training.module import DENSITY_REDUCTION, LOSS, RATIO

FILE = "metrics.csv"
_COLUMNS = (DENSITY_REDUCTION, "epoch", RATIO, LOSS, "step")


class Metrics(Logger):
    """Writes ``metrics.csv``, a row each time, and goes on with one that is there.

    Lightning's own logger deletes what a run before has written.

    Parameters
    ----------
    directory : Path
    start : int
        Steps that runs before have made. Rows of later ones, of which nothing else is left, come again and are dropped.
    """

    def __init__(self, directory: Path, *, start: int) -> None:
        super().__init__()
        self._path = directory / FILE
        self._begin(start)

    @property
    def name(self) -> str:
        """None: there is one in a directory."""
        return ""

    @property
    def version(self) -> str:
        """None, as well."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row, which is on disk at once."""
        with self._path.open("a", newline="") as file:
            _writer(file).writerow(metrics | {"step": step})

    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        """Write nothing: checkpoints have the config."""

    @rank_zero_only
    def _begin(self, start: int) -> None:
        # A line without an end is torn.
        lines = self._path.read_text().rpartition("\n")[0].splitlines() if self._path.exists() else []
        text = io.StringIO()
        writer = _writer(text)
        writer.writeheader()
        writer.writerows(row for row in csv.DictReader(lines) if int(row["step"]) < start)
        write_text(self._path, text.getvalue())


def _writer(file: Any) -> csv.DictWriter:
    return csv.DictWriter(file, _COLUMNS, lineterminator="\n")
