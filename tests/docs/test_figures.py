# SPDX-License-Identifier: Apache-2.0
"""Pictures and tables of the pages are made by their scripts, from the reference and from stored measurements."""

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from synfab import report
from synfab.benchmarks.models import ReferenceBenchmark
from synfab.flow.benchmarks.models import Area, Cycles, FabricBenchmark
from synfab.flow.benchmarks.page import page, write_page

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures"


@pytest.fixture
def semantics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(FIGURES))
    return runpy.run_path(str(FIGURES / "semantics.py"))


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    return runpy.run_path(str(FIGURES / "tables.py"))


def test_pictures_come_out_the_same(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FIGURES / "semantics.py", tmp_path], check=True)
    drawn = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(drawn) == {"growth.svg", "weights.svg", "forest.svg"}
    for name, data in drawn.items():
        assert data == (FIGURES / name).read_bytes(), f"{name}: run python docs/figures/semantics.py"


@pytest.mark.parametrize("path", sorted(FIGURES.glob("*.svg")), ids=lambda path: path.stem)
def test_pictures_are_svg_that_follows_the_theme(path: Path) -> None:
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert "prefers-color-scheme: dark" in path.read_text()


def test_a_picture_that_stops_too_early_is_refused(semantics: dict[str, Any]) -> None:
    import stim

    from synfab.decoders import UnionFindSpec
    from synfab.dem import DecodingGraph

    dem = stim.DetectorErrorModel("error(0.1) D0\nerror(0.1) D0 D1\nerror(0.1) D1")
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights="unit")
    growth = semantics["Growth"](spec, frozenset({0}))
    with pytest.raises(AssertionError):
        growth.steps(1).check()
    growth.steps(1).check()


def test_the_accuracy_page_holds_the_stored_benchmark(tables: dict[str, Any]) -> None:
    benchmark = ReferenceBenchmark.model_validate_json((ROOT / "benchmarks" / "reference.json").read_text())
    page = (ROOT / "docs" / "accuracy.md").read_text()
    assert tables["accuracy_page"](page, benchmark) == page, "run python docs/figures/tables.py"


def test_the_fabric_page_holds_the_stored_benchmark(tmp_path: Path) -> None:
    stored = FabricBenchmark.model_validate_json((ROOT / "benchmarks" / "union_find.json").read_text())
    write_page(stored, tmp_path / "union_find.md")
    again = "see synfab.flow.benchmarks.page.write_page"
    assert (tmp_path / "union_find.md").read_text() == (ROOT / "docs" / "union_find.md").read_text(), again
    for drawn in (tmp_path / "figures").iterdir():
        assert drawn.read_bytes() == (FIGURES / drawn.name).read_bytes(), again


def test_a_measured_fabric_becomes_rows() -> None:
    about: dict[str, Any] = {
        "block": "phenomenological, open start",
        "weights": "unit",
        "distance": 3,
        "num_detectors": 12,
        "num_edges": 31,
        "verilog_sha256": "0" * 64,
    }
    counts: dict[str, Any] = {
        "shots": 2000,
        "mismatches": 0,
        "mean": 5.125,
        "mean_interval": 6.5,
        "p50": 5,
        "p99": 9,
        "p999": 11,
        "max": 12,
    }
    point = Cycles(**about, p=0.01, **counts, histogram=((5, 2000),), helios_mean=14.0, helios_max=45)
    area = Area(
        **about,
        way="flat",
        lut=600,
        lutram=0,
        ff=210,
        longest_path_levels=8,
        longest_path_ps=3000,
        helios_lut=1286,
        helios_levels=10,
        helios_ps=3283,
    )
    streamed = point.model_copy(update={"gap_cycles": 100, "mean": 3.5})
    two_hops = {"hops": 2, "verilog_sha256": "1" * 64}
    text = page(
        FabricBenchmark(
            tools={"verilator": "5.48.0"},
            cycles=(point, streamed, point.model_copy(update=two_hops | {"mean": 4.0})),
            area=(area, area.model_copy(update=two_hops | {"longest_path_ps": 5000})),
        )
    )
    block = "| phenomenological, open start | unit | 3 |"
    assert f"{block} 0.01 | 2,000 | 0 | 5.12 | 9 | 11 | 12 | 6.50 | 14.00 |  | 45 | 0.37 |  | 0.27 |" in text
    assert f"{block} 0.01 | 100 | 2,000 | 0 | 3.50 | 9 | 11 | 12 |" in text
    assert "| 3 | 0.01 | spatial, 1 hop | 5.12 | 8 | 3,000 | 15.38 | 0.33 |" in text
    assert "| 3 | 0.01 | spatial, 2 hops | 4.00 | 8 | 5,000 | 20.00 | 0.44 |" in text
    assert "| 3 | 0.01 | Helios | 14.00 | 10 | 3,283 | 45.96 |  |" in text
    assert f"{block} spatial, 1 hop | 12 | flat | 600 | 0 | 210 | 50.00 | 8 | 3,000 | 1,286 |  | 10 |" in text


def test_the_readme_takes_the_figures_of_a_report(tables: dict[str, Any], tmp_path: Path) -> None:
    latency = report.LatencyCycles.from_histogram(
        {2: 90, 7: 10}, stage="rtl-sim", tool="verilator", version="5.048", label="latency"
    )
    files = report.write_report(
        report.Report(
            name="small",
            problem=report.Problem(source="code", num_detectors=24, num_observables=1, num_edges=78),
            spec=report.Spec(kind="union_find", sha256="0" * 64),
            tools={"stim": "1.16.0"},
            board=report.Board(name="vmk180", part="xcvm1802", lut=9, ff=9, bram36=9, uram=9, dsp=9, clock_mhz=100.0),
            latency_cycles=[latency],
        ),
        tmp_path,
    )
    page = (ROOT / "README.md").read_text()
    filled = tables["readme"](page, files.json)
    (row,) = [line for line in filled.splitlines() if "latency in cycles" in line and "mean 2.5" in line]
    assert "rtl-sim · verilator 5.048" in row
    assert "24 detectors, 78 edges" in filled
    assert filled.split("<!-- figures:begin -->")[0] == page.split("<!-- figures:begin -->")[0]
    assert filled.split("<!-- figures:end -->")[1] == page.split("<!-- figures:end -->")[1]
