# SPDX-License-Identifier: Apache-2.0
"""The benchmark of pre-decoders: it goes on where it was, and its counts are the judge's."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from synfab.benchmarks.predecoder import FULL, QUICK, PredecoderBenchmark, run, write_page
from synfab.benchmarks.predecoder.extent import (
    FOLLOW_UPS,
    HINTED_CORRELATED,
    HINTED_MATCHING,
    MAIN,
    NO_NET,
    OTHERS,
    RATES,
)
from synfab.errors import InputError
from synfab.predecoder.evaluation import FollowUp, GlobalDecoder, Judge, Setting
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.paired import Paired
from synfab.zoo import Zoo, default_zoo

STORED = Path(__file__).parents[3] / "benchmarks" / "predecoder.json"


def spec_of(bias: int, *, weight_bits: int = 4) -> PredecoderSpec:
    rng = np.random.default_rng(weight_bits)
    largest = 1 << (weight_bits - 1)
    hidden = Convolution(
        weights=rng.integers(-largest, largest, (5, 8, 3, 3, 3)),
        weight_bits=weight_bits,
        bias=rng.integers(-9, 9, 5),
        shift=rng.integers(0, 4, 5),
        activation_bits=3,
    )
    last = Convolution(
        weights=rng.integers(-largest, largest, (12, 5, 3, 1, 3)),
        weight_bits=weight_bits,
        bias=np.full(12, bias),
        shift=np.zeros(12, int),
        input_bits=3,
    )
    return PredecoderSpec(layout="supercell", layers=(hidden, last), logit_fraction_bits=2)


@pytest.fixture(scope="module")
def models():
    return {"certain": spec_of(-100_000), "chance": spec_of(-200)}


@pytest.fixture(scope="module")
def whole(models, tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole") / "whole.json", models, extent=QUICK, show_progress=False)


@pytest.mark.parametrize("weight_bits", [2, 8])
def test_integer_net_is_the_spec(weight_bits):
    spec = spec_of(3, weight_bits=weight_bits)
    planes = np.random.default_rng(1).integers(0, 2, (7, 8, 5, 3, 4))
    assert np.array_equal(IntegerNet(spec)(planes), spec.logits(planes))
    with pytest.raises(InputError, match="sums must stay within 16777216 for single precision"):
        IntegerNet(spec_of(1 << 25))


def test_run_goes_on_where_it_was(tmp_path, models, whole):
    half = replace(QUICK, points=[replace(point, shots=point.shots // 2) for point in QUICK.points])
    first = run(tmp_path / "parts.json", models, extent=half, show_progress=False)
    assert {one.shots for one in first.judged if one.model != NO_NET} == {1024}
    parts = run(tmp_path / "parts.json", models, extent=QUICK, show_progress=False)
    assert [one.paired for one in parts.judged] == [one.paired for one in whole.judged]
    assert {one.shots for one in whole.judged} == {2048}
    again = run(tmp_path / "parts.json", models, extent=QUICK, show_progress=False)
    assert again == parts
    # Other integers of the same name are another model; other models stay.
    other = run(tmp_path / "parts.json", {"certain": models["chance"]}, extent=QUICK, show_progress=False)
    for changed, was in zip(other.judged, whole.judged, strict=True):
        expected = next(one for one in whole.judged if (one.model, *about(one)) == (renamed(was), *about(was)))
        assert changed.paired == expected.paired


def renamed(one):
    return "chance" if one.model == "certain" else one.model


def about(one):
    return one.basis, one.follow_up, one.beside


def test_counts_are_those_of_judges(models, whole):
    certain = [one for one in whole.judged if one.model == "certain" and one.beside != "pymatching"]
    assert certain
    assert all(one.alone == one.together == one.both for one in certain)
    point = QUICK.points[0]
    judges = [
        Judge(setting=Setting(distance=5, basis="Z", p=point.p), layout="supercell", seed=seed, logit_unit=0.25)
        for seed in (0, QUICK.piece)
    ]
    hard: FollowUp = MAIN["hard"]
    spec = models["chance"]
    pieces = [
        judge.judge(lambda planes: spec.logits(planes.astype(np.uint8)), {"": hard}, shots=QUICK.piece)[""]
        for judge in judges
    ]
    (found,) = (one.paired for one in whole.judged if (one.model, one.basis, one.follow_up) == ("chance", "Z", "hard"))
    assert found == pieces[0] + pieces[1]


DECISIONS: dict[str, Callable[[FollowUp], bool]] = {
    "hard commit": lambda one: one == FollowUp(decoder=one.decoder),
    "threshold commit": lambda one: one.commit == "hard" and one.above > 0,
    "closed clusters": lambda one: one.commit == "closed" and one.above > 0,
    "hints": lambda one: bool(one.hints),
    "clean-up": lambda one: one.clean_up,
    "collapse": lambda one: one.sheet > 1,
}


@pytest.fixture(scope="module")
def measured():
    """Where each follow-up of each model was judged, (distance, noise, p): in both bases, beside all that are due."""
    stored = PredecoderBenchmark.model_validate_json(STORED.read_text())
    zoo = Zoo(directory=default_zoo())
    hashes = {name: zoo.model(name).spec.sha256 for name in zoo.names()} | {NO_NET: ""}
    rows = {
        (one.model, one.follow_up, (one.distance, one.noise, one.p), one.basis, one.beside)
        for one in stored.judged
        if one.spec_sha256 == hashes.get(one.model)
    }
    found: dict[tuple[str, str], set[tuple[int, str, float]]] = {}
    for model, name, point, *_ in rows:
        besides = {FOLLOW_UPS[name].decoder, "pymatching"}
        if {(model, name, point, basis, beside) for basis in ("X", "Z") for beside in besides} <= rows:
            found.setdefault((model, name), set()).add(point)
    return found


@pytest.mark.parametrize("decision", DECISIONS)
def test_every_decision_is_measured_in_front_of_every_decoder(decision, measured):
    names = [name for model, name in measured if model == "surface-m" and DECISIONS[decision](FOLLOW_UPS[name])]
    assert {FOLLOW_UPS[name].decoder for name in names} == set(get_args(GlobalDecoder))


def points(*distances: int, rates: tuple[float, ...] = RATES) -> set[tuple[int, str, float]]:
    return set(product(distances, ["circuit"], rates))


def test_every_follow_up_is_measured(measured):
    """Of surface-m at three distances; in front of hinted matching, which is slow, at one. The rule at four."""
    slow = {*HINTED_MATCHING, *HINTED_CORRELATED}
    for name in {name for point in FULL.points for name in point.follow_ups}:
        assert measured["surface-m", name] >= (points(5) if name in slow else points(5, 7, 9)), name
    for name in {name for point in FULL.rule for name in point.follow_ups}:
        assert measured[NO_NET, name] >= points(5, 7, 9, 13), name


def test_main_follow_ups_are_measured_of_every_model(measured):
    """At four distances and both rates of the comparison; of surface-m at the low rate, too, where errors are seen."""
    for name, model in product(MAIN, Zoo(directory=default_zoo()).names()):
        assert measured[model, name] >= points(5, 7, 9, 13), (model, name)
    assert all(measured["surface-m", name] >= points(5, 7, rates=(0.001,)) for name in MAIN)


def test_page_compares_rules_by_the_decoder_behind_them(tmp_path, models):
    rules = ("hard", "hard, sheets of 6", "hard, correlated", "hard, union-find", "hard, sheets of 6, union-find")
    point = replace(QUICK.points[0], follow_ups={name: OTHERS[name] for name in rules})
    extent = replace(QUICK, points=[point], rule=[])
    found = run(tmp_path / "rules.json", {"chance": models["chance"]}, extent=extent, show_progress=False)
    write_page(found, tmp_path / "page.md")

    def cell(name: str) -> str:
        paired = sum(
            (one.paired for one in found.judged if (one.follow_up, one.beside) == (name, "pymatching")), Paired()
        )
        return f"{paired.ratio:.2f} ± {paired.ratio_error:.2f}"

    text = (tmp_path / "page.md").read_text()
    hard, sheets, correlated, union_find, sheets_union_find = map(cell, rules)
    assert f"| 0.006 | 5 | chance | hard | {hard} | {correlated} | {union_find} |" in text
    assert f"| 0.006 | 5 | chance | hard, sheets of 6 | {sheets} |  | {sheets_union_find} |" in text


def test_page_shows_every_figure(tmp_path, whole):
    write_page(whole, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    for one in whole.judged:
        assert f"| {one.model} | {one.distance} | {one.p:g} | {one.follow_up} |" in text
    assert "| model 5 | hard | 7,134,468 | 0.006 | 0.67 |" in text
    assert (tmp_path / "figures" / "predecoder_ratio.svg").read_bytes().startswith(b"<?xml")
