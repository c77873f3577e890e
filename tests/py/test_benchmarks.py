# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the reference: it measures what it says, goes on where it stopped, and its stored result reads."""

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binomtest

from synfab.benchmarks.accuracy import with_batch
from synfab.benchmarks.models import ReferenceBenchmark
from synfab.benchmarks.problem import rotated_memory
from synfab.benchmarks.reference import ACCURACY_DECODERS, QUICK, SPEED_DECODERS, Extent, run
from synfab.benchmarks.tables import accuracy_table, speed_table
from synfab.errors import InputError
from synfab.interval import wilson_interval

TINY = replace(
    QUICK,
    speed_points=((3, 0.01),),
    accuracy_points=((3, 0.01),),
    repetition_seconds=0.01,
    repetitions=2,
    point_seconds=0.0,
    max_shots=2000,
)


def test_run_and_go_on(tmp_path: Path) -> None:
    output = tmp_path / "deep" / "reference.json"
    first = run(output, extent=TINY, show_progress=False)
    assert ReferenceBenchmark.model_validate_json(output.read_text()) == first
    (speed,), (accuracy,) = first.speed, first.accuracy
    assert tuple(speed.ratio_to_pymatching) == SPEED_DECODERS
    assert speed.ratio_to_pymatching["pymatching"] == 1
    assert all(ratio > 0 for ratio in speed.ratio_to_pymatching.values())
    assert (speed.num_detectors, speed.num_edges, speed.shots >= 1000) == (24, 78, True)
    assert tuple(record.decoder for record in accuracy.decoders) == ACCURACY_DECODERS
    assert accuracy.shots == 2000

    assert run(output, extent=TINY, show_progress=False) == first
    more = run(output, extent=replace(TINY, point_seconds=60.0, max_shots=4000), show_progress=False)
    assert more.speed == first.speed
    assert more.accuracy[0].shots == 4000
    for before, after in zip(accuracy.decoders, more.accuracy[0].decoders, strict=True):
        assert before.errors < after.errors
    assert run(output, extent=replace(TINY, repetitions=3), show_progress=False).speed[0].repetitions == 3


def test_another_version_begins_anew(tmp_path: Path) -> None:
    output = tmp_path / "reference.json"
    first = run(output, extent=TINY, show_progress=False)
    old = first.model_copy(update={"tools": {**first.tools, "stim": "1.0"}})
    output.write_text(old.model_dump_json())
    again = run(output, extent=replace(TINY, speed_points=()), show_progress=False)
    assert again.tools == first.tools
    assert again.speed == ()
    assert again.accuracy[0].shots == 2000


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": "1.0.0"}', '{"schema_version": "9"}'])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    output = tmp_path / "reference.json"
    output.write_text(text)
    with pytest.raises(InputError, match=r"reference\.json must be a benchmark that synfab wrote, "):
        run(output, extent=TINY, show_progress=False)
    assert output.read_text() == text


def test_counts_pair_shot_by_shot() -> None:
    """Recount two batches by hand from the same shots, replayed."""
    problem = rotated_memory(3, 0.01, ("pymatching", "synfab_unit"))
    drawn = []

    class Replayed:
        def sample(self, count: int, *, separate_observables: bool, bit_packed: bool) -> Any:
            drawn.append(
                problem.sampler.sample(count, separate_observables=separate_observables, bit_packed=bit_packed)
            )
            return drawn[-1]

    replayed = replace(problem, sampler=Replayed())  # pyright: ignore[reportArgumentType]
    point = with_batch(replayed, with_batch(replayed, None, 3000), 2000)
    detections, observables = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    failed = {
        name: (decoder.decode_shots_bit_packed(bit_packed_detection_event_data=detections) != observables)[:, 0]
        for name, decoder in problem.decoders.items()
    }
    matching, unit = failed["pymatching"], failed["synfab_unit"]
    assert point.shots == len(detections) == 5000
    baseline, record = point.decoders
    assert baseline.errors == matching.sum()
    assert (baseline.only_this, baseline.only_pymatching, baseline.mcnemar_p) == (0, 0, 1)
    assert record.errors == unit.sum()
    assert record.only_this == (unit & ~matching).sum()
    assert record.only_pymatching == (matching & ~unit).sum()
    assert (record.interval_low, record.interval_high) == wilson_interval(record.errors, 5000)
    apart = record.only_this + record.only_pymatching
    assert record.mcnemar_p == binomtest(record.only_this, apart).pvalue < 1


class TestStored:
    STORED = Path(__file__).parents[2] / "benchmarks" / "reference.json"

    def test_covers_what_is_asked_of_it(self) -> None:
        benchmark = ReferenceBenchmark.model_validate_json(self.STORED.read_text())
        extent = Extent()
        assert {(point.distance, point.p) for point in benchmark.speed} == set(extent.speed_points)
        assert {(point.distance, point.p) for point in benchmark.accuracy} == set(extent.accuracy_points)
        assert {"stim", "pymatching", "numba"} <= set(benchmark.tools)

    def test_at_least_half_as_fast_as_pymatching(self) -> None:
        benchmark = ReferenceBenchmark.model_validate_json(self.STORED.read_text())
        assert all(ratio >= 0.5 for point in benchmark.speed for ratio in point.ratio_to_pymatching.values())

    def test_errors_are_consistent(self) -> None:
        benchmark = ReferenceBenchmark.model_validate_json(self.STORED.read_text())
        for point in benchmark.accuracy:
            baseline = point.decoders[0]
            for record in point.decoders:
                assert record.errors - baseline.errors == record.only_this - record.only_pymatching
                assert record.logical_error_rate == record.errors / point.shots
                assert (record.interval_low, record.interval_high) == wilson_interval(record.errors, point.shots)

    def test_tables(self) -> None:
        benchmark = ReferenceBenchmark.model_validate_json(self.STORED.read_text())
        console = Console(width=240, record=True, file=StringIO())
        console.print(speed_table(benchmark), accuracy_table(benchmark))
        text = console.export_text()
        assert "pymatching 2." in text
        for point in benchmark.accuracy:
            assert f"{point.shots:,}" in text
            assert all(f"{record.logical_error_rate:.2e}" in text for record in point.decoders)
        empty = benchmark.model_copy(update={"speed": (), "accuracy": ()})
        console.print(speed_table(empty), accuracy_table(empty))
