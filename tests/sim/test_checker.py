# SPDX-License-Identifier: Apache-2.0
"""The Checker of the bench: what it counts, what it writes, and what it says of a failure."""

import json

import numpy as np
import pytest
import stim

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.sim.bench.checker import SHOWN, Checker
from synfab.sim.bench.model import Model
from synfab.sim.bench.vectors import Answer
from synfab.sim.vectors import write_vectors

DEM = """
error(0.1) D0 L0
error(0.1) D0 D1
error(0.1) D1
detector(0) D0
detector(1) D1
"""


@pytest.fixture
def checker(tmp_path) -> Checker:
    """Over the four syndromes, each five times."""
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(DEM)), weights="unit")
    shots = np.arange(20, dtype=np.uint8).reshape(20, 1) % 4
    return Checker(Model(write_vectors(tmp_path / "vectors", spec, shots, corrections=True)), test="play")


RIGHT = [Answer(0, 0b000), Answer(1, 0b001), Answer(0, 0b100), Answer(0, 0b010)]


def test_right_answers_are_counted(checker, tmp_path):
    assert [checker._model.answer(shot) for shot in range(4)] == RIGHT
    for shot, (started, offered) in enumerate([(3, 5), (6, 10), (9, 11), (14, 18)]):
        checker.check(shot, RIGHT[shot], started=started, offered=offered)
    path = tmp_path / "results" / "play.json"
    checker.conclude(path, simulator="hand")
    assert json.loads(path.read_text()) == {
        "test": "play",
        "simulator": "hand",
        "shots": 4,
        "mismatches": 0,
        "latency_cycles": {"2": 2, "4": 2},
        "interval_cycles": {"3": 2, "5": 1},
    }
    assert [file.name for file in path.parent.iterdir()] == ["play.json"]


def test_wrong_answer_is_explained(checker, tmp_path):
    checker.check(0, RIGHT[0], started=3, offered=5)
    checker.check(3, Answer(1, 0b010), started=6, offered=9)
    path = tmp_path / "play.json"
    with pytest.raises(AssertionError) as failure:
        checker.conclude(path)
    assert str(failure.value) == (
        "1 of 2 answers differ from the reference\n"
        "shot 3 (play)\n"
        "  detection events: round 0: [0], round 1: [1]\n"
        "  expected observables 0x0, corrections 0x2\n"
        "       got observables 0x1, corrections 0x2\n"
        "  replay with a waveform: make SHOT=3 WAVES=1 TEST=play"
    )
    assert json.loads(path.read_text())["mismatches"] == 1


def test_wrong_correction_is_a_mismatch(checker, tmp_path):
    checker.check(1, Answer(1, 0b110), started=3, offered=5)
    with pytest.raises(AssertionError, match="1 of 1 answers differ"):
        checker.conclude(tmp_path / "play.json")


def test_answer_before_the_end_of_the_block_is_a_failure(checker, tmp_path):
    checker.check(1, RIGHT[1], started=5, offered=5)
    with pytest.raises(AssertionError, match="answered in cycle 5, before its last beat passed in cycle 5"):
        checker.conclude(tmp_path / "play.json")


def test_missing_answer_is_a_failure(checker, tmp_path):
    checker.check(0, RIGHT[0], started=3, offered=5)
    checker.missing(2, "no answer within 9 cycles")
    with pytest.raises(AssertionError, match=r"^1 of 2 answers differ[^$]*shot 2 [^$]*no answer within 9 cycles"):
        checker.conclude(tmp_path / "play.json")


def test_all_failures_are_counted_and_the_first_ones_spelt_out(checker, tmp_path):
    for shot in range(20):
        checker.check(shot, Answer(1, 0b111), started=10 * shot, offered=10 * shot + 2)
    with pytest.raises(AssertionError) as failure:
        checker.conclude(tmp_path / "play.json")
    assert str(failure.value).startswith("20 of 20 answers differ")
    assert str(failure.value).count("replay") == SHOWN


def test_nothing_played_is_a_failure(checker, tmp_path):
    with pytest.raises(AssertionError, match="no shot was played; the vectors are empty"):
        checker.conclude(tmp_path / "play.json")
