# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the fabric: what it writes, what it keeps, what it refuses."""

import pytest
from typer.testing import CliRunner

from synfab.errors import InputError
from synfab.flow.benchmarks import extent, fabric
from synfab.flow.benchmarks.extent import QUICK
from synfab.flow.benchmarks.models import FabricBenchmark
from synfab.flow.cli import app


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


@pytest.fixture
def run_nothing(monkeypatch, tmp_path):
    """The command in an empty folder, with nothing to measure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extent, "QUICK", extent.Extent(studies=()))
    return lambda *options: CliRunner().invoke(app, ["bench", "union-find", "--quick", *options])


def test_page_of_another_file_stands_beside_it(run_nothing, tmp_path):
    """So a trial does not replace the project's page."""
    assert run_nothing("-o", "trial/mine.json").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "trial").iterdir()) == ["figures", "mine.md"]
    assert not (tmp_path / "docs").exists()
    assert run_nothing("-o", "trial/mine.json", "--page", "else/where.md").exit_code == 0
    assert (tmp_path / "else" / "where.md").exists()
    assert run_nothing().exit_code == 0
    assert (tmp_path / "docs" / "union_find.md").exists()


def test_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"precious": 1}')
    with pytest.raises(InputError, match="must be a benchmark that synfab wrote"):
        fabric.run(path, extent=QUICK)
    assert path.read_text() == '{"precious": 1}'
