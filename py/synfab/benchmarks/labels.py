# SPDX-License-Identifier: Apache-2.0
"""Labelled samples for the pre-decoder beside Stim's plain detector sampler: samples a second on one core."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Literal

import stim
from pydantic import Field
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from synfab.artefact import write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.circuits import Memory, PauliNoise
from synfab.predecoder.labels import SHOTS_PER_WORD, LabelSampler
from synfab.predecoder.layouts import LAYOUTS, layout_by_name

STIM = "stim_detectors"

WORDS = 32
"""A call, for every contender: 2048 shots."""


class LabelSpeed(Record):
    """One volume, all contenders in the same run.

    The ratios hold on any machine, more or less; the samples a second are one core's of the machine that measured
    them, whatever else it did.
    """

    distance: int = Field(ge=3)
    rounds: int = Field(ge=2)
    p: float = Field(gt=0, le=0.5, description="Of the depolarizing circuit-level noise")
    repetitions: int = Field(ge=1, description="The contenders taking turns; the best counts")
    samples: int = Field(ge=1, description="A repetition")
    ratio_to_stim: Mapping[str, float] = Field(description="Speed over that of Stim's detector sampler, bit-packed")
    samples_per_second: Mapping[str, int] = Field(description="By CPU time, on one core")


class LabelsBenchmark(MeasuredBy):
    """The whole file.

    stim_detectors samples detection events and observables alone. raw: labels as they happened. canonical: with
    homological equivalence, reach 1, as words of 64 shots, all four channels. grid, supercell: canonical, unpacked to
    batches in that layout's planes.
    """

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["reference"] = "reference"
    problem: str = "rotated surface code, memory X, d rounds, depolarizing circuit-level noise (PauliNoise)"
    speed: tuple[LabelSpeed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured: points of distance and p, repetitions, and the CPU seconds of one, roughly."""

    points: Sequence[tuple[int, float]] = tuple(product((5, 7, 9, 13), (0.003, 0.006)))
    repetitions: int = 5
    repetition_seconds: float = 0.2


QUICK = Extent(points=((5, 0.006),), repetitions=2, repetition_seconds=0.02)


def run(output: Path, *, extent: Extent | None = None, show_progress: bool = True) -> LabelsBenchmark:
    """Measure the points that ``output`` does not hold yet, and write it after each, whole or not at all.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    extent = extent or Extent()
    tools = {name: version(name) for name in ("synfab", "stim", "numba", "numpy")}
    done = begun(output, LabelsBenchmark(tools={"python": platform.python_version(), **tools}))
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, disable=not show_progress) as progress:
        bar = progress.add_task("labels", total=len(extent.points))
        for distance, p in extent.points:
            there = [point for point in done.speed if (point.distance, point.p) == (distance, p)]
            if not any(point.repetitions >= extent.repetitions for point in there):
                others = [point for point in done.speed if point not in there]
                point = _measured(distance, p, extent)
                speed = tuple(sorted([*others, point], key=lambda each: (each.p, each.distance)))
                done = done.model_copy(update={"speed": speed})
                write_text(output, done.model_dump_json(indent=2) + "\n")
            progress.advance(bar)
    return done


def _measured(distance: int, p: float, extent: Extent) -> LabelSpeed:
    memory = Memory(code="rotated_surface", distance=distance, basis="X", noise=PauliNoise.depolarizing(p))
    contenders = _contenders(memory.circuit(), distance)
    # The first calls compile.
    for call in contenders.values():
        call()
    calls = max(1, round(extent.repetition_seconds / _seconds(contenders[STIM], 1)))
    seconds = dict.fromkeys(contenders, float("inf"))
    for _ in range(extent.repetitions):
        for name, call in contenders.items():
            seconds[name] = min(seconds[name], _seconds(call, calls))
    samples = calls * WORDS * SHOTS_PER_WORD
    return LabelSpeed(
        distance=distance,
        rounds=distance,
        p=p,
        repetitions=extent.repetitions,
        samples=samples,
        ratio_to_stim={name: round(seconds[STIM] / each, 3) for name, each in seconds.items()},
        samples_per_second={name: round(samples / each) for name, each in seconds.items()},
    )


def _contenders(circuit: stim.Circuit, distance: int) -> dict[str, Callable[[], object]]:
    plain = circuit.compile_detector_sampler()
    raw = LabelSampler(circuit=circuit, reach=0).compile()
    short = LabelSampler(circuit=circuit).compile()

    def in_planes(name: str) -> Callable[[], object]:
        planes = layout_by_name(name, distance)
        return lambda: planes.batch(short.sample(WORDS))

    return {
        STIM: lambda: plain.sample(WORDS * SHOTS_PER_WORD, separate_observables=True, bit_packed=True),
        "raw": lambda: raw.sample(WORDS),
        "canonical": lambda: short.sample(WORDS),
        **{name: in_planes(name) for name in LAYOUTS},
    }


def _seconds(call: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        call()
    return max(time.process_time() - start, 1e-9)
