# SPDX-License-Identifier: Apache-2.0
"""The union-find reference beside PyMatching: shots a second, and logical error rates on the same shots."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from synfab.artefact import write_text
from synfab.benchmarks.accuracy import with_batch
from synfab.benchmarks.begun import begun
from synfab.benchmarks.models import BASELINE, Accuracy, ReferenceBenchmark, Speed
from synfab.benchmarks.problem import Problem, rotated_memory
from synfab.benchmarks.speed import speed

SPEED_DECODERS = (BASELINE, "synfab_w4", "synfab_unit")
ACCURACY_DECODERS = (
    BASELINE,
    "synfab_unit",
    "synfab_w2",
    "synfab_w3",
    "synfab_w4",
    "synfab_w5",
    "synfab_w6",
    "synfab_w8",
)

BATCH_SHOTS = 20_000


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured.

    Attributes
    ----------
    speed_points, accuracy_points : sequence of (int, float)
        Distance and physical error rate.
    repetition_seconds : float
        CPU time of one decoder in one repetition, roughly.
    repetitions : int
    point_seconds : float
        CPU time of an accuracy point, sampling and all decoders together.
    max_shots : int
        Of an accuracy point.
    """

    speed_points: Sequence[tuple[int, float]] = tuple(product((5, 9, 13), (0.001, 0.005)))
    accuracy_points: Sequence[tuple[int, float]] = tuple(product((3, 5, 7, 9, 11), (0.003, 0.005)))
    repetition_seconds: float = 0.3
    repetitions: int = 7
    point_seconds: float = 55.0
    max_shots: int = 2_000_000


QUICK = Extent(
    speed_points=((5, 0.001), (5, 0.005)),
    accuracy_points=((3, 0.005), (5, 0.005)),
    repetition_seconds=0.1,
    repetitions=3,
    point_seconds=2.0,
)


def run(output: Path, *, extent: Extent | None = None, show_progress: bool = True) -> ReferenceBenchmark:
    """Measure what ``output`` does not hold yet, and write it after every step, whole or not at all.

    A run that was killed goes on where it stopped: speed points that had as many repetitions stay, accuracy points
    of the same decoders go on until they have had their time. A file made by other versions of the tools is begun
    anew.

    Parameters
    ----------
    output : Path
        JSON, :class:`synfab.benchmarks.models.ReferenceBenchmark`.
    extent : Extent, optional
        By default about ten minutes on one core; :data:`QUICK` takes seconds.
    show_progress : bool
        Draw bars on the terminal.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    extent = extent or Extent()
    done = _begun(output)
    with _progress(show_progress) as progress:
        bar = progress.add_task("speed", total=len(extent.speed_points))
        for distance, p in extent.speed_points:
            others = [point for point in done.speed if (point.distance, point.p) != (distance, p)]
            stored = [point for point in done.speed if point not in others]
            if not any(point.repetitions >= extent.repetitions for point in stored):
                point = speed(
                    rotated_memory(distance, p, SPEED_DECODERS),
                    repetition_seconds=extent.repetition_seconds,
                    repetitions=extent.repetitions,
                )
                done = done.model_copy(update={"speed": tuple(sorted([*others, point], key=_order))})
                write_text(output, done.model_dump_json(indent=2) + "\n")
            progress.advance(bar)
        for distance, p in extent.accuracy_points:
            bar = progress.add_task(f"accuracy d={distance} p={p}", total=extent.point_seconds)
            done = _accurate(done, rotated_memory(distance, p, ACCURACY_DECODERS), extent, output, progress, bar)
    return done


def _progress(show: bool) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), disable=not show)


def _begun(output: Path) -> ReferenceBenchmark:
    packages = ("synfab", "stim", "pymatching", "numba", "numpy")
    tools = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    fresh = ReferenceBenchmark(problem="rotated surface code, memory Z, d rounds, circuit-level noise", tools=tools)
    return begun(output, fresh)


def _order(point: Speed | Accuracy) -> tuple[float, int]:
    return point.p, point.distance


def _accurate(
    done: ReferenceBenchmark, problem: Problem, extent: Extent, output: Path, progress: Progress, bar: TaskID
) -> ReferenceBenchmark:
    """Sample until the point has had its time or its shots, writing it after every batch."""
    key = (problem.memory.distance, problem.memory.p)
    others = [point for point in done.accuracy if (point.distance, point.p) != key]
    stored = [point for point in done.accuracy if (point.distance, point.p) == key]
    same = [point for point in stored if [record.decoder for record in point.decoders] == [*problem.decoders]]
    point = same[0] if same else None
    while point is None or (point.cpu_seconds < extent.point_seconds and point.shots < extent.max_shots):
        missing = extent.max_shots - (point.shots if point else 0)
        point = with_batch(problem, point, min(BATCH_SHOTS, missing))
        accuracy = sorted([*others, point], key=_order)
        done = done.model_copy(update={"accuracy": tuple(accuracy)})
        write_text(output, done.model_dump_json(indent=2) + "\n")
        progress.update(bar, completed=point.cpu_seconds)
    progress.update(bar, completed=extent.point_seconds)
    return done
