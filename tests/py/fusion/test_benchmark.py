# SPDX-License-Identifier: Apache-2.0
"""The benchmark of fusion: it goes on where it was, its counts are the decoders', and the page has all of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synfab.benchmarks.fusion import QUICK, FusionBenchmark, run, write_page
from synfab.benchmarks.fusion.page import page
from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.errors import InputError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole") / "whole.json", extent=QUICK, show_progress=False)


def test_run_goes_on_where_it_was(tmp_path, whole):
    half = replace(QUICK, points=[replace(point, shots=point.shots // 2) for point in QUICK.points])
    first = run(tmp_path / "parts.json", extent=half, show_progress=False)
    assert {one.shots for one in first.compared} == {1024}
    assert run(tmp_path / "parts.json", extent=QUICK, show_progress=False) == whole
    assert run(tmp_path / "parts.json", extent=QUICK, show_progress=False) == whole
    assert {one.shots for one in whole.compared} == {2048}
    assert {one.beside for one in whole.compared} == {"union_find", "pymatching"}


def test_counts_are_those_of_the_decoders(whole):
    problem = QUICK.points[0].problem
    spec = problem.spec(weight_bits=None)
    fused = FusionDecoder(spec=replace(spec, stop="end"), schedule=Schedule.blocks_first(spec))
    alone = together = both = 0
    for seed in (0, QUICK.piece):
        sampler = problem.compiled[0].compile_detector_sampler(seed=seed)
        detections, flips = sampler.sample(QUICK.piece, separate_observables=True)
        failed, wrong = ((d.decode_batch(detections) != flips).any(axis=1) for d in (spec.whole, fused))
        alone, together = alone + failed.sum(), together + wrong.sum()
        both += np.count_nonzero(failed & wrong)
    (found,) = (one for one in whole.compared if one.method == "fusion blocks first, boundary at the end")
    assert (found.alone, found.together, found.both) == (alone, together, both)
    assert 0 < both < together != alone


def test_page_holds_the_stored_benchmark():
    stored = FusionBenchmark.model_validate_json((ROOT / "benchmarks" / "fusion.json").read_text())
    text = (ROOT / "docs" / "fusion.md").read_text()
    assert page(text, stored) == text, "run synfab bench fusion"


def test_page_shows_every_figure(tmp_path, whole):
    path = tmp_path / "page.md"
    with pytest.raises(InputError, match="the page must be a file with the markers of the tables, not "):
        write_page(whole, path)
    path.write_text("without\n")
    with pytest.raises(InputError, match="the page must have the markers <!-- fusion:begin --> and "):
        write_page(whole, path)
    marks = "".join(f"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\n" for name in ("fusion", "windows"))
    path.write_text(f"before\n{marks}after\n")
    write_page(whole, path)
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    for one in whole.compared:
        assert f"{one.paired.ratio:.3f} ± {1.96 * one.paired.ratio_error:.3f}" in text
