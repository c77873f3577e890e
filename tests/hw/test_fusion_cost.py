# SPDX-License-Identifier: Apache-2.0
"""What the fusion fabric costs: what the benchmark counts, and that the page has all of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from synfab.errors import InputError
from synfab.flow.benchmarks import fusion_cycles
from synfab.flow.benchmarks.fusion_area import area
from synfab.flow.benchmarks.fusion_cost_page import page, write_cost_page
from synfab.flow.benchmarks.fusion_models import FusionCost, Patches, WindowCycles
from synfab.hw import yosys

ROOT = Path(__file__).parents[2]
SECTIONS = ("fusion_cycles", "fusion_windows", "fusion_backlog", "fusion_area")
EMPTY = "".join(f"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\n" for name in SECTIONS)


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> FusionCost:
    folder = tmp_path_factory.mktemp("cost")
    # Windows would be three fabrics more to compile.
    return fusion_cycles.run(folder / "cost.json", extent=replace(fusion_cycles.QUICK, windows=()), cache=folder)


def test_rtl_commits_what_the_reference_does(measured):
    (cycles,), (backlog,) = measured.cycles, measured.backlog
    assert (cycles.mismatches, backlog.mismatches) == (0, 0)
    assert sum(cycles.histogram.values()) == cycles.blocks == 16
    assert list(backlog.mean_interval) == [10, 20]
    assert len(backlog.mean_by_tenth) == 10
    assert max(backlog.mean_by_tenth) <= backlog.max


def test_area_is_that_of_the_fabric_that_was_played(measured):
    (cycles,), (one,) = measured.cycles, measured.area
    assert one.fusion.verilog_sha256 == cycles.verilog_sha256 != one.union_find.verilog_sha256
    # Two steps of d + 1 layers of four checks each; merged, the layers between the steps are one.
    assert (one.num_detectors, one.num_merged_detectors) == (cycles.num_detectors, 28) == (32, 28)
    for found in (one.fusion, one.union_find):
        assert (found.way, found.bram36, found.dsp) == ("flat", 0, 0)
    assert one.fusion.lut > one.union_find.lut > 0
    # Each detector holds an event and a tag of five bits.
    assert one.fusion.ff > one.union_find.ff > 6 * one.num_merged_detectors


def test_nothing_is_synthesized_twice(measured, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise AssertionError

    (one,) = measured.area
    monkeypatch.setattr(yosys, "estimate", refused)
    (point,) = fusion_cycles.QUICK.area
    assert area(point, [one], tmp_path) == one
    # It counts as long as yosys and both fabrics are the same.
    other = one.union_find.model_copy(update={"verilog_sha256": "0" * 64})
    for changed in ({"yosys": "0"}, {"union_find": other}):
        with pytest.raises(AssertionError):
            area(point, [one.model_copy(update=changed)], tmp_path)


def test_page_says_of_what_there_is_nothing(measured, tmp_path):
    assert page(EMPTY, FusionCost(tools={})).count("\nNot measured.\n") == 4
    text = page(EMPTY, measured)
    assert text.count("<!-- fusion_windows:begin -->\nNot measured.\n") == text.count("Not measured.") == 1
    assert "Of the two plays of the whole program 0 differ from the reference." in text
    path = tmp_path / "page.md"
    with pytest.raises(InputError, match="the page must be a file with the markers of the tables, not "):
        write_cost_page(measured, path)
    path.write_text(EMPTY.replace("backlog", "other"))
    with pytest.raises(InputError, match="the page must have the markers <!-- fusion_backlog:begin --> and "):
        write_cost_page(measured, path)
    # Where the tables cannot stand, there is no plot either.
    assert list(tmp_path.iterdir()) == [path]
    path.write_text(EMPTY)
    write_cost_page(measured, path)
    assert path.read_text() == text
    assert (tmp_path / "figures" / "fusion_cycles.svg").exists()


def test_where_fusion_gains_on_windows(measured):
    """Two records of the same patches with buffers of one and three edges: numbers that can be worked out by hand."""
    (cycles,) = measured.cycles
    about = cycles.model_dump(include=set(Patches.model_fields))
    windows = [
        WindowCycles(
            **about,
            buffer=buffer,
            verilog_sha256=("0", "1", "2"),
            shots=4,
            mismatches=0,
            histogram=histogram,
            fusion_mean=4.0,
        )
        for buffer, histogram in ((1, {4: 3, 8: 1}), (3, {4: 2, 8: 2}))
    ]
    benchmark = measured.model_copy(
        update={
            "cycles": (cycles.model_copy(update={"histogram": {3: 10, 7: 6}}),),
            "windows": tuple(windows),
        }
    )
    text = page(EMPTY, benchmark)
    # Means of 5 and 6 cycles, 1 and 2 above the least; fusion has 1 above its own.
    assert "is 3 cycles by fusion, and 4 by windows, whose two groups both have to start and to answer: 0.75." in text
    assert "What steps take above that is 0.50 to 1.00 times as much by fusion as by windows." in text
    assert "So fusion takes 20 to 33 % fewer cycles." in text
    assert "for a single cycle, it would be 33 to 43 % (computed, not measured)." in text
    assert "The larger of two buffers costs windows 20 % more cycles." in text
    # Where nothing says what an empty step takes, nothing is said of it.
    assert "The least" not in page(EMPTY, benchmark.model_copy(update={"cycles": ()}))


def test_page_holds_the_stored_benchmark():
    stored = FusionCost.model_validate_json((ROOT / "benchmarks" / "fusion_cost.json").read_text())
    text = (ROOT / "docs" / "fusion_rtl.md").read_text()
    assert page(text, stored) == text, "run synfab bench fusion --only-cost"
    assert not any(one.mismatches for one in (*stored.cycles, *stored.windows, *stored.backlog))
