# SPDX-License-Identifier: Apache-2.0
"""The union-find reference beside PyMatching: shots a second, and logical error rates on the same shots."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sinter
import stim
from pydantic import ValidationError
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from scipy.stats import binomtest

from synfab.artefact import write_text
from synfab.benchmarks.models import BASELINE, Accuracy, DecoderErrors, ReferenceBenchmark, Speed
from synfab.circuits import Memory
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.sampling import wilson_interval
from synfab.sinter import union_find_from_name

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

Shots = npt.NDArray[np.uint8]


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

    A run that was killed goes on where it stopped: speed points that are there stay, accuracy points go on until
    they have had their time. A file made by other versions of the tools is begun anew.

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
            if not any((point.distance, point.p) == (distance, p) for point in done.speed):
                point = _speed(_problem(distance, p, SPEED_DECODERS), extent)
                done = done.model_copy(update={"speed": (*done.speed, point)})
                write_text(output, done.model_dump_json(indent=2) + "\n")
            progress.advance(bar)
        for distance, p in extent.accuracy_points:
            bar = progress.add_task(f"accuracy d={distance} p={p}", total=extent.point_seconds)
            done = _accurate(done, _problem(distance, p, ACCURACY_DECODERS), extent, output, progress, bar)
    return done


def _progress(show: bool) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), disable=not show)


def _begun(output: Path) -> ReferenceBenchmark:
    packages = ("synfab", "stim", "pymatching", "numba", "numpy")
    tools = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    fresh = ReferenceBenchmark(problem="rotated surface code, memory Z, d rounds, circuit-level noise", tools=tools)
    if not output.exists():
        return fresh
    try:
        found = ReferenceBenchmark.model_validate_json(output.read_text())
    except ValidationError as error:
        raise InputError(
            f"{output} must be a benchmark that synfab wrote, to be gone on with; move it away or name another: "
            f"{error.error_count()} faults, first: {error.errors()[0]['msg']}"
        ) from error
    return found if found.tools == tools else fresh


@dataclass(frozen=True, kw_only=True)
class _Problem:
    memory: Memory
    num_detectors: int
    num_edges: int
    sampler: stim.CompiledDetectorSampler
    decoders: dict[str, sinter.CompiledDecoder]

    def shots(self, count: int) -> tuple[Shots, Shots]:
        """Sample bit-packed detection events and observable flips."""
        detections, observables = self.sampler.sample(count, separate_observables=True, bit_packed=True)
        return np.asarray(detections), np.asarray(observables)


def _problem(distance: int, p: float, names: Sequence[str]) -> _Problem:
    memory = Memory(code="rotated_surface", distance=distance, basis="Z", noise="circuit", p=p)
    dem = memory.dem()
    decoders = {name: sinter.BUILT_IN_DECODERS.get(name) or union_find_from_name(name) for name in names}
    return _Problem(
        memory=memory,
        num_detectors=dem.num_detectors,
        num_edges=len(DecodingGraph.from_dem(dem).edges),
        sampler=memory.circuit().compile_detector_sampler(),
        decoders={name: decoder.compile_decoder_for_dem(dem=dem) for name, decoder in decoders.items()},
    )


def _cpu_seconds(decoder: sinter.CompiledDecoder, detections: Shots) -> float:
    start = time.process_time()
    decoder.decode_shots_bit_packed(bit_packed_detection_event_data=detections)
    return max(time.process_time() - start, 1e-9)


def _speed(problem: _Problem, extent: Extent) -> Speed:
    detections, _ = problem.shots(1000)
    slowest = max(_cpu_seconds(decoder, detections) for decoder in problem.decoders.values())
    shots = max(1000, round(1000 * extent.repetition_seconds / slowest))
    detections, _ = problem.shots(shots)
    best = dict.fromkeys(problem.decoders, float("inf"))
    for _ in range(extent.repetitions):
        for name, decoder in problem.decoders.items():
            best[name] = min(best[name], _cpu_seconds(decoder, detections))
    return Speed(
        distance=problem.memory.distance,
        p=problem.memory.p,
        num_detectors=problem.num_detectors,
        num_edges=problem.num_edges,
        shots=shots,
        repetitions=extent.repetitions,
        ratio_to_pymatching={name: round(best[BASELINE] / seconds, 3) for name, seconds in best.items()},
        shots_per_second={name: round(shots / seconds) for name, seconds in best.items()},
    )


def _accurate(
    done: ReferenceBenchmark, problem: _Problem, extent: Extent, output: Path, progress: Progress, bar: TaskID
) -> ReferenceBenchmark:
    """Sample until the point has had its time or its shots, writing it after every batch."""
    key = (problem.memory.distance, problem.memory.p)
    others = [point for point in done.accuracy if (point.distance, point.p) != key]
    point = next((point for point in done.accuracy if (point.distance, point.p) == key), None)
    while point is None or (point.cpu_seconds < extent.point_seconds and point.shots < extent.max_shots):
        point = _with_batch(problem, point, min(20_000, extent.max_shots))
        accuracy = sorted([*others, point], key=lambda point: (point.p, point.distance))
        done = done.model_copy(update={"accuracy": tuple(accuracy)})
        write_text(output, done.model_dump_json(indent=2) + "\n")
        progress.update(bar, completed=point.cpu_seconds)
    progress.update(bar, completed=extent.point_seconds)
    return done


def _with_batch(problem: _Problem, point: Accuracy | None, shots: int) -> Accuracy:
    """Add a batch of shots to a point, or begin one."""
    start = time.process_time()
    detections, observables = problem.shots(shots)
    failures = {}
    for name, decoder in problem.decoders.items():
        predictions = decoder.decode_shots_bit_packed(bit_packed_detection_event_data=detections)
        failures[name] = (predictions != observables).any(axis=1)
    total = shots + (point.shots if point else 0)
    before = {record.decoder: record for record in point.decoders} if point else {}
    records = []
    for name, failed in failures.items():
        counts = np.array([failed.sum(), (failed & ~failures[BASELINE]).sum(), (failures[BASELINE] & ~failed).sum()])
        if name in before:
            counts += [before[name].errors, before[name].only_this, before[name].only_pymatching]
        records.append(_decoder_errors(name, total, *map(int, counts)))
    return Accuracy(
        distance=problem.memory.distance,
        p=problem.memory.p,
        shots=total,
        cpu_seconds=round(time.process_time() - start + (point.cpu_seconds if point else 0), 3),
        decoders=tuple(records),
    )


def _decoder_errors(name: str, shots: int, errors: int, only_this: int, only_pymatching: int) -> DecoderErrors:
    low, high = wilson_interval(errors, shots)
    apart = only_this + only_pymatching
    return DecoderErrors(
        decoder=name,
        errors=errors,
        logical_error_rate=errors / shots,
        interval_low=low,
        interval_high=high,
        only_this=only_this,
        only_pymatching=only_pymatching,
        mcnemar_p=float(binomtest(only_this, apart).pvalue) if apart else 1.0,
    )
