# SPDX-License-Identifier: Apache-2.0
"""What pre-decoders cost: the count beside yosys, the file that is gone on with, the page."""

import re
from pathlib import Path

import pytest

from synfab.errors import InputError
from synfab.flow.benchmarks import predecoder_cost
from synfab.flow.benchmarks.pipeline_loop import LoopPoint
from synfab.flow.benchmarks.predecoder_cost import CostBenchmark, CostExtent, NetPoint, run
from synfab.flow.benchmarks.predecoder_cost_page import families, page, write_cost_page
from synfab.hw import yosys
from synfab.predecoder.integers import PredecoderSpec
from synfab.sim.loop import RtlDecoder

ROOT = Path(__file__).parents[2]
LOOP = LoopPoint(model="small", distance=3, p=0.01, positions_per_cycle=4, shots=500)
CONSTANT = (NetPoint("small", 3),)
WEIGHTS = ("constants", "weights in memory and lut", "weights in memory and dsp")
LOADED = (NetPoint("small", 3, 1, "lut", 27), NetPoint("small", 3, 1, "dsp", 27))
NARROW = CostExtent(distances=(5,), folds=(), synthesized=(*CONSTANT, *LOADED), parts=(LOOP,), loops=(LOOP,))


@pytest.fixture(scope="module")
def measured(tmp_path_factory, small_spec) -> Path:
    path = tmp_path_factory.mktemp("cost") / "cost.json"
    run(path, {"small": small_spec}, extent=NARROW)
    return path


def test_count_is_near_what_yosys_finds(measured):
    """The page states the error; here it must not be out of all proportion."""
    done = CostBenchmark.model_validate_json(measured.read_text())
    found = [cost for cost in done.costs if cost.synthesized]
    assert [(cost.distance, cost.multipliers) for cost in found] == [(3, None), (3, "dsp"), (3, "lut")]
    for cost in found:
        assert cost.synthesized is not None
        assert cost.synthesized.dsp == cost.dsp
        assert cost.synthesized.bram36 == 0
        assert 0.7 < cost.lut / cost.synthesized.lut < 1.4
        assert 0.7 < cost.registers / cost.synthesized.ff < 1.4


def test_folding_costs_logic_and_saves_cycles(measured):
    done = CostBenchmark.model_validate_json(measured.read_text())
    at_five = [cost for cost in done.costs if cost.distance == 5]
    one, two, row, plane = (cost for cost in at_five if cost.multipliers is None)
    assert [cost.cycles_per_round for cost in (one, two, row, plane)] == [9, 5, 3, 1]
    assert one.lut < two.lut < row.lut < 3 * one.lut < plane.lut < 9 * one.lut
    assert plane.round_cycles < row.round_cycles < two.round_cycles < one.round_cycles
    for cost in at_five:
        if cost.multipliers:
            assert cost.cycles_per_round <= 300 < 2 * cost.cycles_per_round
            assert (cost.dsp == 0) == (cost.multipliers == "lut")


def test_net_of_another_layout_is_counted(tmp_path, grid_model):
    spec = PredecoderSpec.load(grid_model / "spec.json")
    extent = CostExtent(distances=(3,), folds=(), synthesized=(), parts=(), loops=())
    done = run(tmp_path / "cost.json", {"grid": spec}, extent=extent)
    one, two, row, plane, *loaded = done.costs
    assert [cost.cycles_per_round for cost in (one, two, row, plane)] == [9, 5, 3, 1]
    assert one.lut < two.lut < row.lut < plane.lut
    assert sorted((cost.multipliers, cost.dsp > 0) for cost in loaded) == [("dsp", True), ("lut", False)]


def test_what_comes_after_the_net_is_synthesized(measured):
    decisions, residual = CostBenchmark.model_validate_json(measured.read_text()).parts
    assert (decisions.part, residual.part) == ("decisions", "residual")
    assert min(decisions.synthesized.lut, residual.synthesized.lut, residual.synthesized.ff) > 0


def test_rtl_in_the_loop_has_the_errors_of_the_software(measured):
    (found,) = CostBenchmark.model_validate_json(measured.read_text()).loops
    assert found.mismatches == 0
    assert found.errors == found.errors_of_spec > 0
    assert sum(found.histogram.values()) == found.shots == 500
    assert found.cycles_to_fabric < found.mean <= max(found.histogram) <= found.max_cycles
    assert found.mean_interval < found.mean


def test_nothing_is_synthesized_twice(measured, small_spec, monkeypatch):
    before = measured.read_text()

    def refused(*_, **__):
        raise AssertionError

    monkeypatch.setattr(yosys, "estimate", refused)
    monkeypatch.setattr(RtlDecoder, "play", refused)
    run(measured, {"small": small_spec}, extent=NARROW)
    assert measured.read_text() == before
    # What is not asked for is kept.
    run(
        measured,
        {"small": small_spec},
        extent=CostExtent(distances=(5,), folds=(), synthesized=(), parts=(), loops=()),
    )
    assert measured.read_text() == before
    (measured.parent / "other.json").write_text("{}")
    with pytest.raises(InputError, match="must be a benchmark that synfab wrote"):
        run(measured.parent / "other.json", {}, extent=NARROW)


def test_page_has_every_net(measured, tmp_path):
    done = CostBenchmark.model_validate_json(measured.read_text())
    write_cost_page(done, tmp_path / "cost.md")
    text = (tmp_path / "cost.md").read_text()
    assert len(re.findall(r"^\| small \|", text, re.MULTILINE)) == (5 + 4) + 3 + 2 + 1
    assert "Over the 3 nets that were synthesized, the count errs by: LUT from" in text
    for cost in done.costs:
        assert f"{cost.lut:,}" in text
    assert "Synthesized were small with constants, small with weights in memory and dsp, small with weights in " in text
    assert "No net was synthesized of" not in text


def test_page_says_which_rows_extrapolate():
    """Every kind of net with counted rows has a synthesized one, or the page says that it has none."""
    done = CostBenchmark.model_validate_json((ROOT / "benchmarks" / "predecoder_cost.json").read_text())
    text, (found, others) = page(done), families(done)
    assert (ROOT / "docs" / "predecoder_cost.md").read_text() == text
    assert {f"surface-s with {weights}" for weights in WEIGHTS} <= set(found)
    assert set(found) | set(others) == {
        f"surface-{kind} with {weights}" for kind in ("s", "m", "m4") for weights in WEIGHTS
    }
    stated = re.search(r"\*\*No net was synthesized of (.*?)\*\*: all their rows extrapolate", text)
    assert (stated[1].split(", ") if stated else []) == others
    # Ours beside others, in their units.
    assert re.search(
        r"^\| surface-m \| VU19P, 2 positions .* \| 13x13, 13 rounds \| 1.50 \| 0.08 \|", text, re.MULTILINE
    )


def test_stored_costs_are_of_the_models_in_the_zoo():
    done = CostBenchmark.model_validate_json((ROOT / "benchmarks" / "predecoder_cost.json").read_text())
    hashes = {cost.model: cost.spec_sha256 for cost in done.costs}
    assert set(hashes) == {"surface-s", "surface-m", "surface-m4"}
    for name, sha256 in hashes.items():
        assert PredecoderSpec.load(ROOT / "models" / name / "spec.json").sha256 == sha256
    assert any(cost.synthesized for cost in done.costs)
    assert all(one.mismatches == 0 and one.errors == one.errors_of_spec for one in done.loops)
    assert predecoder_cost.FULL.distances[-1] == 21
