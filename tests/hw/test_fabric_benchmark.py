# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the fabric: what it writes, what it keeps, what it refuses."""

import pytest

from synfab.errors import InputError
from synfab.flow.benchmarks import fabric
from synfab.flow.benchmarks.extent import QUICK
from synfab.flow.benchmarks.models import FabricBenchmark


def test_quick_benchmark_measures_once(tmp_path, monkeypatch):
    path = tmp_path / "union_find.json"
    done = fabric.run(path, extent=QUICK)
    assert FabricBenchmark.model_validate_json(path.read_text()) == done
    (point,) = done.cycles
    assert point.mismatches == 0
    assert sum(count for _, count in point.histogram) == point.shots == 2000
    assert point.histogram[0][0] == 2
    assert point.mean == pytest.approx(sum(cycles * count for cycles, count in point.histogram) / 2000)
    assert point.helios_mean
    assert point.mean < point.helios_mean
    (area,) = done.area
    assert area.way == "flat"
    assert area.helios_lut
    assert area.lut < area.helios_lut / 2
    assert area.longest_path_ps
    assert area.helios_ps
    # What is there is not measured again: without a simulator the file stays as it is.
    before = path.read_bytes()
    monkeypatch.setenv("PATH", "")
    assert fabric.run(path, extent=QUICK) == done
    assert path.read_bytes() == before


def test_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"precious": 1}')
    with pytest.raises(InputError, match="must be a benchmark that synfab wrote"):
        fabric.run(path, extent=QUICK)
    assert path.read_text() == '{"precious": 1}'
