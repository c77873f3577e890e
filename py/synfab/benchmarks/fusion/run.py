# SPDX-License-Identifier: Apache-2.0
"""Compares fusion and windows with global decoding on the same shots, in pieces that are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from synfab.artefact import write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.fusion.extent import FULL, Extent, Point
from synfab.benchmarks.fusion.methods import GlobalName, Method, Predictor, global_predictor
from synfab.benchmarks.fusion.models import Compared, FusionBenchmark
from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import FusionSpec

Key = tuple[str | int | float, ...]


def run(output: Path, *, extent: Extent = FULL, show_progress: bool = True) -> FusionBenchmark:
    """Measure each point that ``output`` does not hold with as many shots, and write it after every piece.

    A run that was killed goes on with the piece that was not done; so does one that asks for more shots.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    tools = {name: version(name) for name in ("synfab", "stim", "pymatching", "numba", "numpy")}
    done = begun(output, FusionBenchmark(tools=tools))
    known = {_key(one): one for one in done.compared}
    # Breadth first: a run that is stopped has something of every point.
    pieces = sorted(_pieces(known, extent), key=lambda piece: piece.first)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TimeRemainingColumn(), disable=not show_progress) as progress:
        bar = progress.add_task("pieces", total=len(pieces))
        for piece in pieces:
            for one in _compared(piece):
                stored = known.get(_key(one))
                # A method that is there already is not counted twice.
                if piece.first == (stored.shots if stored else 0):
                    known[_key(one)] = _sum(stored, one)
            done = done.model_copy(update={"compared": tuple(known[key] for key in sorted(known))})
            write_text(output, done.model_dump_json(indent=1) + "\n")
            problem = piece.point.problem
            progress.update(bar, advance=1, description=f"{problem.name}, d={problem.distance}")
    return done


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Some shots of a point; their seed is the number of shots before them."""

    point: Point
    first: int
    shots: int


def _pieces(known: dict[Key, Compared], extent: Extent) -> Iterator[_Piece]:
    for point in extent.points:
        keys = [_key(_record(point, method)) for method in point.methods]
        first = min(known[key].shots if key in known else 0 for key in keys)
        for start in range(first, point.shots, extent.piece):
            yield _Piece(point=point, first=start, shots=min(extent.piece, point.shots - start))


def _compared(piece: _Piece) -> list[Compared]:
    """Decode one piece."""
    point = piece.point
    sampler = point.problem.compiled[0].compile_detector_sampler(seed=piece.first)
    detections, flips = sampler.sample(piece.shots, separate_observables=True)
    alone = {}
    found = []
    for method in point.methods:
        if method.beside not in alone:
            predict = _global(method.beside, point.problem, point.weight_bits)
            alone[method.beside] = (predict(detections) != flips).any(axis=1)
        wrong = (_predictor(method, point.problem, point.weight_bits)(detections) != flips).any(axis=1)
        failed = alone[method.beside]
        counts = {"alone": failed.sum(), "together": wrong.sum(), "both": np.count_nonzero(failed & wrong)}
        update = {name: int(count) for name, count in counts.items()}
        found.append(_record(point, method).model_copy(update={"shots": piece.shots, **update}))
    return found


@lru_cache(maxsize=4)
def _spec(problem: Problem, weight_bits: int | None) -> FusionSpec:
    return problem.spec(weight_bits=weight_bits)


@lru_cache(maxsize=24)
def _predictor(method: Method, problem: Problem, weight_bits: int | None) -> Predictor:
    return method.predictor(problem, _spec(problem, weight_bits))


def _global(name: GlobalName, problem: Problem, weight_bits: int | None) -> Predictor:
    return global_predictor(name, problem, _spec(problem, weight_bits))


def _record(point: Point, method: Method) -> Compared:
    """Return a record without counts."""
    problem = point.problem
    return Compared(
        columns=problem.columns,
        rows=problem.rows,
        steps=problem.steps,
        basis=problem.basis,
        distance=problem.distance,
        noise=problem.noise,
        p=problem.p,
        weights=point.weights,
        method=method.name,
        beside=method.beside,
        shots=64,
        alone=0,
        together=0,
        both=0,
    )


def _sum(stored: Compared | None, one: Compared) -> Compared:
    if stored is None:
        return one
    counts = ("shots", "alone", "together", "both")
    return one.model_copy(update={name: getattr(stored, name) + getattr(one, name) for name in counts})


def _key(one: Compared) -> Key:
    setting = (one.noise, one.p, one.weights, one.columns, one.rows, one.steps, one.basis, one.distance)
    return (*setting, one.method, one.beside)
