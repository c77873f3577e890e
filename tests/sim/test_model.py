# SPDX-License-Identifier: Apache-2.0
"""The Model of the bench: beats, answers and sentences, from vectors made by hand."""

import random

import numpy as np
import pytest

from synfab.decoders import UnionFindSpec
from synfab.sim.bench.model import Model
from synfab.sim.bench.vectors import Answer
from synfab.sim.vectors import write_vectors

SPEC = UnionFindSpec(
    num_detectors=5,
    num_observables=2,
    edges=((0, -1), (0, 3), (1, 2), (2, 4)),
    weights=(1, 1, 1, 1),
    edge_observables=(3, 0, 2, 1),
    rounds=((0, 3), (1, 2, 4)),
    weight_bits=1,
)
LAST = 1 << 3
# Shots as detection events, detector 0 in bit 0.
SHOTS = {"detector 3": 0b01000, "detectors 1 and 4": 0b10010, "none": 0, "all": 0b11111}
SHOT = dict(zip(SHOTS, range(len(SHOTS)), strict=True))


def model(tmp_path, *, corrections: bool = False, weights: np.ndarray | None = None) -> Model:
    detections = np.array([[events] for events in SHOTS.values()], np.uint8)
    return Model(write_vectors(tmp_path, SPEC, detections, corrections=corrections, weights=weights))


@pytest.mark.parametrize(
    ("shot", "beats"),
    [
        ("detector 3", [0b10, 0b000 | LAST]),
        ("detectors 1 and 4", [0b00, 0b101 | LAST]),
        ("none", [0, LAST]),
        ("all", [0b11, 0b111 | LAST]),
    ],
)
def test_beats(tmp_path, shot, beats):
    assert model(tmp_path).beats(SHOT[shot]) == beats


def test_short_beats_end_with_the_last_event(tmp_path):
    short = [model(tmp_path).short_beats(shot) for shot in range(4)]
    assert short == [[0b10 | LAST], [0b00, 0b101 | LAST], [LAST], [0b11, 0b111 | LAST]]


def test_long_beats_go_on_with_noise(tmp_path):
    assert model(tmp_path).long_beats(SHOT["detector 3"]) == [0b10, 0b000, 0b111, 0b111 | LAST]


def test_aborted_beats_are_some_of_the_shot_s_and_an_abort(tmp_path):
    lengths = set()
    for seed in range(20):
        *begun, last = model(tmp_path).aborted_beats(SHOT["all"], random.Random(seed))
        assert begun == [0b11, 0b111][: len(begun)]
        assert last >> 4 == 1
        lengths.add(len(begun))
    assert lengths == {0, 1}


def test_entries(tmp_path):
    """A weight of one bit, a default above it, the edge above that."""
    got = model(tmp_path, weights=np.array([[1, 0, 1, 1], [1] * 4, [0, 1, 0, 1], [1] * 4], np.uint8))
    entries = [got.entries(shot) for shot in range(4)]
    assert entries == [[1 << 2], [], [0 << 2, 2 << 2], []]
    assert got.erasures(2) == entries[2]
    assert got.default_entries(2) == []
    assert got.restoring_entries(2) == [0 << 2 | 0b11, 2 << 2 | 0b11]
    for seed in range(10):
        shuffled = got.shuffled_entries(2, random.Random(seed))
        assert {entry >> 2: entry & 0b11 for entry in shuffled} == {0: 0, 2: 0}
    assert got.describe(0) == "round 0: [3]\n  weights by edge: {1: 0}"
    assert model(tmp_path).entries(0) == []


def test_answers_are_the_reference_s(tmp_path):
    got = model(tmp_path, corrections=True)
    assert got.shots == 4
    # Detector 3 goes through edges 1 and 0; 1 and 4 meet through edges 2 and 3.
    assert got.answer(SHOT["detector 3"]) == Answer(observables=3, corrections=0b0011)
    assert got.answer(SHOT["detectors 1 and 4"]) == Answer(observables=3, corrections=0b1100)
    assert got.answer(SHOT["none"]) == Answer(observables=0, corrections=0)


def test_answer_from_payload(tmp_path):
    assert model(tmp_path, corrections=True).answer_from_payload(0b1100_11) == Answer(3, 0b1100)
    assert model(tmp_path).answer_from_payload(0b10) == Answer(2, None)


def test_description_names_the_rounds(tmp_path):
    described = [model(tmp_path).describe(shot) for shot in range(4)]
    assert described == ["round 0: [3]", "round 1: [1, 4]", "none", "round 0: [0, 3], round 1: [1, 2, 4]"]
