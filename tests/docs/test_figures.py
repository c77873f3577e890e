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
from synfab.flow.benchmarks.models import Area, Cycles, FabricBenchmark, Helios

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


def test_the_picture_of_cycles_is_that_of_the_stored_benchmark(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FIGURES / "cycles.py", tmp_path], check=True)
    drawn = (tmp_path / "cycles.svg").read_bytes()
    assert drawn == (FIGURES / "cycles.svg").read_bytes(), "run python docs/figures/cycles.py"
    assert drawn.count(b'class="ours"') == drawn.count(b'class="theirs"') > 1


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


def test_the_architecture_page_holds_the_stored_benchmark(tables: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    if not tables["FABRIC"].exists():
        assert page.count("Not measured yet.") == 2
        return
    benchmark = FabricBenchmark.model_validate_json(tables["FABRIC"].read_text())
    assert tables["architecture_page"](page, benchmark) == page, "run python docs/figures/tables.py"


def test_a_fabric_becomes_a_row(tables: dict[str, Any]) -> None:
    about = {
        "block": "circuit-level",
        "weights": "unit",
        "distance": 3,
        "num_detectors": 24,
        "verilog_sha256": "0" * 64,
    }
    benchmark = FabricBenchmark(
        tools={"verilator": "5.48.0"},
        cycles=(
            Cycles(
                **about,
                p=0.01,
                num_edges=78,
                shots=2000,
                mismatches=0,
                mean=5.125,
                p50=5,
                p99=9,
                p999=11,
                max=12,
                histogram=((5, 2000),),
                helios=Helios(mean_cycles=14.8),
            ),
        ),
        area=(
            Area(
                **about,
                way="flat",
                lut=2400,
                ff=600,
                lut_per_detector=100.0,
                longest_path_levels=9,
                longest_path_ps=None,
            ),
        ),
    )
    page = (ROOT / "docs" / "architecture.md").read_text()
    filled = tables["architecture_page"](page, benchmark)
    assert "| circuit-level | unit | 3 | 0.01 | 2,000 | 0 | 5.12 | 9 | 11 | 12 | 14.8 |  |" in filled
    assert "| circuit-level | unit | 3 | 24 | 2,400 | 600 | 100 | 9 |  |" in filled
    assert "Not measured yet." not in filled


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
