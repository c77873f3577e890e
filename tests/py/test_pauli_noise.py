# SPDX-License-Identifier: Apache-2.0
"""The 25 probabilities: each at its place in the circuit, and the models that are special cases of them."""

import math
import pickle
from collections import Counter
from dataclasses import FrozenInstanceError, asdict, replace
from typing import NamedTuple, get_args

import numpy as np
import pytest
import stim

from synfab.circuits import Memory, PauliNoise, rotated
from synfab.circuits.layout import Basis
from synfab.circuits.pauli_noise import CX_PARAMETERS, PLACES
from synfab.errors import InputError

DISTINCT = PauliNoise(**{name: (number + 1) / 1000 for number, name in enumerate(PauliNoise.__dataclass_fields__)})
"""Every probability tells its name."""


def memory(noise, basis: Basis = "Z", distance=3, rounds=None) -> Memory:
    return Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, noise=noise)


def errors(circuit: stim.Circuit) -> dict[tuple, float]:
    """The probability of each error, by its detectors' coordinates and observables.

    Stim may name an error twice where it folds a loop: then an odd number of them is what counts.
    """
    coordinates = circuit.get_detector_coordinates()
    found: dict[tuple, float] = {}
    for instruction in circuit.detector_error_model().flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            targets = [target for target in instruction.targets_copy() if isinstance(target, stim.DemTarget)]
            places = sorted(tuple(coordinates[t.val]) for t in targets if t.is_relative_detector_id())
            flips = tuple(t.val for t in targets if t.is_logical_observable_id())
            one, other = instruction.args_copy()[0], found.get((tuple(places), flips), 0.0)
            found[tuple(places), flips] = one * (1 - other) + other * (1 - one)
    return found


def assert_same_model(one: stim.Circuit, other: stim.Circuit) -> None:
    here, there = errors(one), errors(other)
    assert here.keys() == there.keys()
    for key, probability in here.items():
        # The same channels, whose strengths are sums taken in another order: the last digits may differ.
        assert math.isclose(probability, there[key], rel_tol=1e-9), key


class Step(NamedTuple):
    """An instruction: its name, its arguments, the qubits that it touches."""

    name: str
    arguments: list[float]
    qubits: list[int]

    @classmethod
    def of(cls, instruction: stim.CircuitInstruction | stim.CircuitRepeatBlock) -> "Step":
        assert isinstance(instruction, stim.CircuitInstruction)
        qubits = [target.value for target in instruction.targets_copy()]
        return cls(instruction.name, instruction.gate_args_copy(), qubits)


def test_there_are_25() -> None:
    assert len(asdict(DISTINCT)) == 25
    assert sorted(name for place in PLACES for name in place) == sorted(asdict(DISTINCT))
    expected = tuple(f"cx_{a}{b}" for a in "ixyz" for b in "ixyz" if a + b != "ii")
    assert expected == CX_PARAMETERS


@pytest.mark.parametrize("basis", ["X", "Z"])
def test_every_probability_is_at_its_place(basis) -> None:
    """Walks the circuit as a physicist would read it; what follows or precedes each gate must be its noise."""
    noise, distance, rounds = DISTINCT, 5, 3
    circuit = memory(noise, basis, distance, rounds).circuit().flattened()
    data = {i for i, place in circuit.get_final_qubit_coordinates().items() if place[0] % 2}
    qubits = set(range(circuit.num_qubits))
    quiet = ("QUBIT_COORDS", "TICK", "DETECTOR", "OBSERVABLE_INCLUDE")
    steps = [Step.of(circuit[k]) for k in range(len(circuit)) if circuit[k].name not in quiet]
    seen: Counter[str] = Counter()
    end = Step("", [], [])
    for before, step, after, last in zip([end, *steps], steps, [*steps[1:], end], [*steps[2:], end, end], strict=False):
        if step.name in ("R", "RX"):
            strength = noise.preparation_x if step.name == "RX" else noise.preparation_z
            assert after == Step("Z_ERROR" if step.name == "RX" else "X_ERROR", [strength], step.qubits)
        elif step.name in ("M", "MX"):
            strength = noise.measurement_x if step.name == "MX" else noise.measurement_z
            assert before == Step("Z_ERROR" if step.name == "MX" else "X_ERROR", [strength], step.qubits)
        elif step.name == "CX":
            assert after == Step("PAULI_CHANNEL_2", [getattr(noise, name) for name in CX_PARAMETERS], step.qubits)
            idle = [noise.idle_gate_x, noise.idle_gate_y, noise.idle_gate_z]
            assert last == Step("PAULI_CHANNEL_1", idle, sorted(qubits - set(step.qubits)))
        elif step.name == "PAULI_CHANNEL_1" and before.name != "PAULI_CHANNEL_2":
            spam = [noise.idle_spam_x, noise.idle_spam_y, noise.idle_spam_z]
            assert step == Step("PAULI_CHANNEL_1", spam, sorted(data))
            seen["idle_spam"] += 1
        seen[step.name] += 1
    names = {"R", "RX", "M", "MX", "CX", "X_ERROR", "Z_ERROR", "PAULI_CHANNEL_1", "PAULI_CHANNEL_2", "idle_spam"}
    assert set(seen) == names
    assert (seen["CX"], seen["PAULI_CHANNEL_2"], seen["idle_spam"]) == (4 * rounds, 4 * rounds, rounds)
    assert seen["PAULI_CHANNEL_1"] == 5 * rounds
    # A preparation of each kind of ancilla a round, and that of the data; measurements likewise.
    assert seen["R"] + seen["RX"] == seen["M"] + seen["MX"] == 2 * rounds + 1
    assert seen["X_ERROR"] + seen["Z_ERROR"] == 4 * rounds + 2


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("name", PauliNoise.__dataclass_fields__)
def test_every_probability_alone_makes_errors(name, basis) -> None:
    """None is forgotten; an error of the other basis than the memory's may still be one of its data alone."""
    model = memory(PauliNoise(**{name: 0.01}), basis).dem()
    assert model.num_errors


@pytest.mark.parametrize("noise", [PauliNoise.depolarizing(0.004), PauliNoise.phenomenological(0.01)])
@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("distance", [3, 5, 7])
def test_distance(distance, basis, noise) -> None:
    circuit = memory(noise, basis, distance, 3).circuit()
    assert circuit.num_detectors == (distance**2 - 1) * 3
    assert len(circuit.shortest_graphlike_error()) == distance


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("distance", [3, 5])
def test_uniform_probabilities_are_the_model_with_one(distance, basis) -> None:
    """Section VI, written out here with Stim's depolarizing channels on a circuit of Stim's own gates."""
    p = 0.006
    assert_same_model(
        memory(PauliNoise.depolarizing(p), basis, distance).circuit(), ref_depolarizing(distance, basis, p)
    )


def ref_depolarizing(distance: int, basis: Basis, p: float) -> stim.Circuit:
    """Data wait twice with p between rounds; every round is RX/R, four layers of CX, MX/M."""
    layout = rotated(distance)
    number = {place: k for k, place in enumerate([*layout.data, *(check.position for check in layout.checks)])}
    data = [number[q] for q in layout.data]
    ancillas = {kind: [number[c.position] for c in layout.checks if c.kind == kind] for kind in get_args(Basis)}
    lines = [f"R{'X' if basis == 'X' else ''} {join(data)}", error(basis, data, 2 * p / 3)]
    checks = [c for kind in get_args(Basis) for c in layout.checks if c.kind == kind]
    for t in range(distance):
        for kind in get_args(Basis):
            lines += [f"R{'X' if kind == 'X' else ''} {join(ancillas[kind])}", error(kind, ancillas[kind], 2 * p / 3)]
        lines += [f"DEPOLARIZE1({p}) {join(data)}"] * 2
        for step in range(4):
            pairs = []
            for check in checks:
                place = check.steps[step]
                if place:
                    pair = [number[check.position], number[place]]
                    pairs += pair if check.kind == "X" else pair[::-1]
            waiting = [q for q in number.values() if q not in pairs]
            lines += [f"CX {join(pairs)}", f"DEPOLARIZE2({p}) {join(pairs)}", f"DEPOLARIZE1({p}) {join(waiting)}"]
        for kind in get_args(Basis):
            lines += [error(kind, ancillas[kind], 2 * p / 3), f"M{'X' if kind == 'X' else ''} {join(ancillas[kind])}"]
        for index, check in enumerate(checks):
            if t or check.kind == basis:
                back = f"rec[{index - 2 * len(checks)}]" if t else ""
                x, y = check.position
                lines.append(f"DETECTOR({x}, {y}, {t}) rec[{index - len(checks)}] {back}")
    lines += [error(basis, data, 2 * p / 3), f"M{'X' if basis == 'X' else ''} {join(data)}"]
    for index, check in enumerate(checks):
        if check.kind == basis:
            x, y = check.position
            records = [number[q] - len(data) for q in check.support] + [index - len(checks) - len(data)]
            lines.append(f"DETECTOR({x}, {y}, {distance}) " + " ".join(f"rec[{r}]" for r in records))
    (support,) = layout.observables[basis]
    lines.append("OBSERVABLE_INCLUDE(0) " + " ".join(f"rec[{number[q] - len(data)}]" for q in support))
    return stim.Circuit("\n".join(lines))


def join(qubits: list[int]) -> str:
    return " ".join(map(str, qubits))


def error(basis: str, qubits: list[int], p: float) -> str:
    return f"{'Z' if basis == 'X' else 'X'}_ERROR({p}) {join(qubits)}"


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("distance", [3, 5])
def test_phenomenological_noise_is_the_model_of_that_name(distance, basis) -> None:
    named = Memory(code="rotated_surface", distance=distance, basis=basis, noise="phenomenological", p=0.01)
    assert_same_model(memory(PauliNoise.phenomenological(0.01), basis, distance).circuit(), named.circuit())


class TestRandom:
    def test_it_is_around_its_base(self) -> None:
        base = PauliNoise.depolarizing(0.003)
        for seed in range(50):
            drawn = PauliNoise.random(0.003, generator=np.random.default_rng(seed))
            for place in PLACES:
                ratio = sum(getattr(drawn, name) for name in place) / sum(getattr(base, name) for name in place)
                assert 1 / 3 <= ratio <= 3
                assert all(getattr(drawn, name) > 0 for name in place)

    def test_a_seed_is_a_model(self) -> None:
        one, same, other = (PauliNoise.random(0.003, generator=np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert one == same != other

    @pytest.mark.parametrize("basis", ["X", "Z"])
    def test_its_model_can_be_matched(self, basis) -> None:
        noise = PauliNoise.random(0.003, generator=np.random.default_rng(3))
        for instruction in memory(noise, basis).dem().flattened():
            if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
                for component in instruction.target_groups():
                    assert sum(target.is_relative_detector_id() for target in component) <= 2


@pytest.mark.parametrize("p", [0.0001, 0.001, 0.0015, 0.003, 0.006, 0.1, 1 / 3, 0.5])
def test_the_strength_of_a_depolarizing_model(p) -> None:
    noise = PauliNoise.depolarizing(round(p, 12))
    assert noise.depolarizing_strength == round(p, 12)
    assert replace(noise, cx_zz=noise.cx_zz / 2).depolarizing_strength is None
    assert PauliNoise.phenomenological(p).depolarizing_strength is None


def test_pickles_and_is_frozen() -> None:
    problem = memory(DISTINCT)
    assert pickle.loads(pickle.dumps(problem)) == problem
    with pytest.raises(FrozenInstanceError):
        DISTINCT.cx_xx = 0.5  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"cx_xx": -0.1}, "cx_xx must be a probability, from 0 to 1, not -0.1"),
        ({"preparation_x": 1.5}, "preparation_x must be a probability, from 0 to 1, not 1.5"),
        ({"measurement_z": "0.1"}, "measurement_z must be a probability, from 0 to 1, not '0.1'"),
        ({"idle_gate_x": True}, "idle_gate_x must be a probability, from 0 to 1, not True"),
        ({"idle_spam_z": float("nan")}, "idle_spam_z must be a probability, from 0 to 1, not nan"),
        (
            {"idle_gate_x": 0.5, "idle_gate_y": 0.75},
            "the idle_gate_* probabilities must add up to at most 1, since one Pauli at a time happens, not to 1.25",
        ),
        ({}, "at least one probability of a PauliNoise must be above 0, not none of them"),
    ],
)
def test_bad_probabilities(values, sentence) -> None:
    with pytest.raises(InputError) as caught:
        PauliNoise(**values)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"code": "toric"},
            "code must be 'rotated_surface' with a PauliNoise, not 'toric': choose that code or a noise model by name",
        ),
        (
            {"p": 0.01},
            "p must stay away with a PauliNoise, which has 25 probabilities of its own, not 0.01: leave it out, or "
            "take PauliNoise.depolarizing(p)",
        ),
    ],
)
def test_bad_company(changes, sentence) -> None:
    with pytest.raises(InputError) as caught:
        Memory(**{"code": "rotated_surface", "distance": 3, "noise": DISTINCT, **changes})
    assert str(caught.value) == sentence


def test_fully_mixed_channels_are_what_stim_takes() -> None:
    strong = PauliNoise(idle_gate_x=1 / 3, idle_gate_y=1 / 3, idle_gate_z=1 / 3, **dict.fromkeys(CX_PARAMETERS, 1 / 16))
    names = {step.name for step in memory(strong).circuit().flattened()}
    assert {"PAULI_CHANNEL_1", "DEPOLARIZE2"} < names
