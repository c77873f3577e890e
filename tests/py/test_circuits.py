# SPDX-License-Identifier: Apache-2.0
"""Memory circuits: what they declare, and that they protect as much as they claim."""

import pickle
from collections import Counter
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pymatching
import pytest
import stim

from synfab.circuits import Extraction, Layout, Memory, NoiseStrengths, rotated, toric, xzzx
from synfab.errors import InputError

CODES = ("rotated_surface", "unrotated_surface", "repetition", "toric", "xzzx")
NOISES = ("circuit", "phenomenological", "code_capacity")
CODE_BASES = [(code, basis) for code in CODES for basis in ("X", "Z") if (code, basis) != ("repetition", "X")]


def memory(**changes) -> Memory:
    return replace(Memory(code="rotated_surface", distance=3, p=0.003), **changes)


def checks(code: str, distance: int) -> int:
    """Checks of both kinds together, from the literature."""
    return {
        "rotated_surface": distance**2 - 1,
        "xzzx": distance**2 - 1,
        "unrotated_surface": 2 * distance * (distance - 1),
        "repetition": distance - 1,
        "toric": 2 * distance**2,
    }[code]


def ref_num_detectors(code: str, distance: int, rounds: int, noise: str) -> int:
    if noise == "code_capacity":
        return checks(code, distance) // (1 if code == "repetition" else 2)
    if code == "repetition":
        return checks(code, distance) * (rounds + 1)
    return checks(code, distance) * rounds


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("distance", [3, 5])
@pytest.mark.parametrize(("code", "basis"), CODE_BASES)
def test_every_memory(code, basis, distance, noise):
    problem = Memory(code=code, basis=basis, distance=distance, noise=noise, p=0.003)
    rounds = 1 if noise == "code_capacity" else distance
    assert problem.rounds == rounds
    circuit = problem.circuit()
    # Without allow_gauge_detectors Stim refuses detectors and observables that are not deterministic.
    dem = problem.dem()

    assert circuit.num_observables == dem.num_observables == (2 if code == "toric" else 1)
    assert circuit.num_detectors == dem.num_detectors
    assert circuit.num_detectors == ref_num_detectors(code, distance, rounds, noise)

    coordinates = circuit.get_detector_coordinates()
    times = [coordinates[k][-1] for k in range(circuit.num_detectors)]
    assert {len(place) for place in coordinates.values()} == {2 if code == "repetition" else 3}
    assert len(set(map(tuple, coordinates.values()))) == circuit.num_detectors
    assert times == sorted(times)
    assert set(times) == set(range(1 if noise == "code_capacity" else rounds + 1))

    for instruction in dem.flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            for component in instruction.target_groups():
                assert 1 <= sum(target.is_relative_detector_id() for target in component) <= 2

    assert len(circuit.shortest_graphlike_error()) == distance


@pytest.mark.parametrize("code", ["toric", "xzzx"])
@pytest.mark.parametrize("distance", [2, 4])
def test_even_distances(code, distance):
    assert len(memory(code=code, distance=distance).circuit().shortest_graphlike_error()) == distance


def failures(problem: Memory, shots: int) -> int:
    circuit = problem.circuit()
    detections, flips = circuit.compile_detector_sampler(seed=5).sample(shots, separate_observables=True)
    predictions = pymatching.Matching.from_detector_error_model(problem.dem()).decode_batch(detections)
    return int(np.any(predictions != flips, axis=1).sum())


@pytest.mark.parametrize(("code", "basis"), CODE_BASES)
@pytest.mark.parametrize(("noise", "p"), [("circuit", 0.003), ("phenomenological", 0.015), ("code_capacity", 0.04)])
def test_matching_fails_less_at_a_larger_distance(code, basis, noise, p):
    at_3, at_5 = (
        failures(Memory(code=code, basis=basis, distance=distance, noise=noise, p=p), 50_000) for distance in (3, 5)
    )
    assert at_3 >= 30
    assert at_5 < 0.75 * at_3


@pytest.mark.parametrize("rounds", [1, 2, 3, 7])
@pytest.mark.parametrize("code", CODES)
def test_rounds(code, rounds):
    problem = memory(code=code, rounds=rounds)
    assert problem.dem().num_detectors == ref_num_detectors(code, 3, rounds, "circuit")


def test_rounds_by_default():
    assert memory(rounds=None).rounds == 3
    assert memory(rounds=None, noise="code_capacity").rounds == 1


def test_pickles_and_is_frozen():
    problem = memory(code="xzzx")
    assert pickle.loads(pickle.dumps(problem)) == problem
    assert pickle.loads(pickle.dumps(problem)).circuit() == problem.circuit()
    with pytest.raises(FrozenInstanceError):
        problem.p = 0.1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("code", CODES)
def test_strongest_noise_is_a_probability(code, noise):
    assert memory(code=code, noise=noise, rounds=None, p=0.5).dem().num_errors


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"code": "color"},
            "code must be one of 'rotated_surface', 'unrotated_surface', 'repetition', 'toric', 'xzzx', not 'color'",
        ),
        ({"distance": 1}, "distance must be an integer of at least 2, not 1"),
        ({"distance": 3.0}, "distance must be an integer of at least 2, not 3.0"),
        ({"distance": True}, "distance must be an integer of at least 2, not True"),
        ({"rounds": 0}, "rounds must be an integer of at least 1, not 0"),
        (
            {"rounds": 2, "noise": "code_capacity"},
            "rounds must be 1 with code_capacity noise, whose measurements are perfect, not 2: leave it out, or "
            "choose phenomenological noise",
        ),
        ({"basis": "Y"}, "basis must be one of 'X', 'Z', not 'Y'"),
        (
            {"basis": "X", "code": "repetition"},
            "basis must be 'Z' for the repetition code, which protects that basis alone, not 'X': choose 'Z' or a "
            "surface code",
        ),
        ({"noise": "biased"}, "noise must be one of 'circuit', 'phenomenological', 'code_capacity', not 'biased'"),
        ({"p": 0}, "p must be a probability above 0 and at most 0.5, not 0"),
        ({"p": 0.6}, "p must be a probability above 0 and at most 0.5, not 0.6"),
        ({"p": float("nan")}, "p must be a probability above 0 and at most 0.5, not nan"),
        ({"p": "0.1"}, "p must be a probability above 0 and at most 0.5, not '0.1'"),
    ],
)
def test_bad_parameters(changes, sentence):
    with pytest.raises(InputError) as caught:
        memory(**changes)
    assert str(caught.value) == sentence


LAYOUTS = [(rotated, 3), (rotated, 4), (rotated, 5), (xzzx, 3), (xzzx, 4), (toric, 3), (toric, 4)]


def operator(layout: Layout, kind, support) -> stim.PauliString:
    index = {position: k for k, position in enumerate(layout.data)}
    string = stim.PauliString(len(layout.data))
    for position in support:
        string[index[position]] = layout.pauli(kind, position)
    return string


@pytest.mark.parametrize(("code", "distance"), LAYOUTS)
def test_layout_is_a_stabilizer_code(code, distance):
    layout = code(distance)
    stabilizers = [operator(layout, check.kind, check.support) for check in layout.checks]
    logicals = {b: [operator(layout, b, s) for s in layout.observables[b]] for b in ("X", "Z")}
    assert all(a.commutes(b) for a in stabilizers for b in stabilizers)
    assert all(a.commutes(b) for a in stabilizers for b in logicals["X"] + logicals["Z"])
    for i, x in enumerate(logicals["X"]):
        for j, z in enumerate(logicals["Z"]):
            assert x.commutes(z) == (i != j)


@pytest.mark.parametrize(("code", "distance"), LAYOUTS)
def test_schedule_touches_a_qubit_once_a_layer(code, distance):
    layout = code(distance)
    for step in range(4):
        touched = Counter(check.steps[step] for check in layout.checks)
        del touched[None]
        assert set(touched.values()) == {1}


def test_xzzx_checks_read_xzzx():
    layout = xzzx(5)
    for check in layout.checks:
        if len(check.support) == 4:
            corners = sorted(check.support, key=lambda position: (position[1], position[0]))
            assert [layout.pauli(check.kind, corner) for corner in corners] == ["X", "Z", "Z", "X"]


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("noise", ["circuit", "phenomenological"])
def test_own_extraction_agrees_with_stim_on_the_rotated_code(basis, noise):
    """The generator behind toric and xzzx, given the layout of Stim's own code, makes Stim's error model."""
    problem = memory(distance=5, basis=basis, noise=noise, rounds=4)
    strengths = NoiseStrengths.of(noise, problem.p)
    own = Extraction(layout=rotated(5), basis=basis, strengths=strengths).memory(4)
    assert errors_by_place(own) == errors_by_place(problem.circuit())


def errors_by_place(circuit: stim.Circuit) -> dict[tuple, float]:
    """The probability of each error, named by its detectors' coordinates and its observables."""
    coordinates = circuit.get_detector_coordinates()
    errors = {}
    for instruction in circuit.detector_error_model().flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            targets = [target for target in instruction.targets_copy() if isinstance(target, stim.DemTarget)]
            places = sorted(tuple(coordinates[t.val]) for t in targets if t.is_relative_detector_id())
            flips = tuple(t.val for t in targets if t.is_logical_observable_id())
            errors[tuple(places), flips] = instruction.args_copy()[0]
    return errors
