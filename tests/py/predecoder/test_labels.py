# SPDX-License-Identifier: Apache-2.0
"""Labels explain every shot: applied as corrections they leave no detection event, and flip the observable."""

import pickle
from itertools import product
from typing import get_args

import numpy as np
import pytest
import stim

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.predecoder.labels import (
    Labels,
    LabelSampler,
    Schedule,
    bits_from_words,
    words_from_bits,
)
from synfab.predecoder.labels.words import gathered_bits
from synfab.predecoder.volume import Volume

NOISES = {
    "circuit": {"noise": "circuit", "p": 0.006},
    "phenomenological": {"noise": "phenomenological", "p": 0.02},
    "depolarizing": {"noise": PauliNoise.depolarizing(0.006)},
    "random": {"noise": PauliNoise.random(0.006, generator=np.random.default_rng(25))},
    "strong": {"noise": PauliNoise.depolarizing(0.2)},
}
SIZES = [(3, 3), (3, 2), (3, 8), (5, 5), (5, 2), (7, 7), (7, 4)]
BASES: tuple[Basis, ...] = get_args(Basis)


def experiment(basis: Basis = "Z", distance: int = 3, rounds: int = 3, noise: str = "depolarizing") -> stim.Circuit:
    return Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, **NOISES[noise]).circuit()


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(("distance", "rounds"), SIZES)
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_labels_explain_every_shot(noise, basis, distance, rounds, reach) -> None:
    labels = LabelSampler(circuit=experiment(basis, distance, rounds, noise), reach=reach).compile(seed=7).sample(9)
    assert labels.volume == Volume(distance=distance, rounds=rounds, basis=basis)
    assert labels.detectors.any()
    assert labels.observables.any()
    assert not labels.residual().any()
    assert not (labels.logical() ^ labels.observables).any()
    places = labels.data, labels.timelike, labels.detectors
    masks = labels.volume.data_mask, labels.volume.timelike_mask, labels.volume.detector_mask
    for place, mask in zip(places, masks, strict=True):
        assert not place[~mask].any()


@pytest.mark.parametrize("basis", BASES)
def test_events_are_stims_own(basis) -> None:
    """Decoded from the words by plain loops over Stim's detectors, and seen by the frame simulator a second time."""
    circuit = experiment(basis, 5, 3)
    sampler = LabelSampler(circuit=circuit, reach=0).compile(seed=3)
    labels = sampler.sample(4)
    seed = int(np.random.SeedSequence([3, 0]).generate_state(1, np.uint64)[0])
    simulator = stim.FlipSimulator(
        batch_size=256, disable_stabilizer_randomization=True, num_qubits=circuit.num_qubits, seed=seed
    )
    simulator.clear()
    simulator.do(circuit.flattened())
    flips = simulator.get_detector_flips()
    volume = labels.volume
    places = circuit.get_detector_coordinates()
    number = {(check.position, species): c for species in (0, 1) for c, check in enumerate(volume.checks[species])}
    kinds = {check.position: species for species in (0, 1) for check in volume.checks[species]}
    events = bits_from_words(labels.detectors)
    for detector in range(circuit.num_detectors):
        x, y, t = map(int, places[detector])
        species = kinds[x, y]
        assert np.array_equal(events[:, species, t, number[(x, y), species]], flips[detector])
    assert events.sum() == flips.sum()
    assert np.array_equal(bits_from_words(labels.observables)[:, 0], simulator.get_observable_flips()[0])


@pytest.mark.parametrize("noise", ["circuit", "depolarizing"])
def test_rates_are_those_of_the_plain_sampler(noise) -> None:
    """Every detector fires as often as Stim's detector sampler says: 6 sigma over 40,000 shots each."""
    circuit = experiment("X", 3, 4, noise)
    schedule = Schedule.from_circuit(circuit)
    sampler = LabelSampler(circuit=circuit).compile(seed=11)
    ours = Labels.joined([sampler.sample(125) for _ in range(5)])
    plain = np.asarray(circuit.compile_detector_sampler(seed=12).sample(ours.shots))
    counts = bits_from_words(ours.detectors).sum(axis=0, dtype=np.int64)
    shots = ours.shots
    for place in np.argwhere(schedule.detectors >= 0):
        here, there = counts[tuple(place)], plain[:, schedule.detectors[tuple(place)]].sum()
        assert abs(int(here) - int(there)) < 6 * (here + there) ** 0.5
    assert shots == 40_000


@pytest.mark.parametrize(("basis", "distance"), [*product(BASES, [3, 5])])
def test_one_flip_of_a_data_qubit(basis, distance) -> None:
    """A fault put into a perfect circuit between two rounds is one data label of its layer, and nothing else."""
    rounds = 4
    perfect = experiment(basis, distance, rounds).without_noise()
    schedule = Schedule.from_circuit(perfect)
    volume = schedule.volume
    for species, pauli in enumerate("ZX"):
        for layer in np.flatnonzero(volume.data_mask[species]).tolist():
            for qubit in range(0, volume.num_data, 2):
                labels = faulty(schedule, layer, f"{pauli}_ERROR(1) {schedule.data_qubits[qubit]}")
                expected = np.zeros(volume.num_sites, np.uint8)
                expected[volume.data_site(species, layer, qubit)] = 1
                assert np.array_equal(bits_from_words(labels.sites)[0], expected)


@pytest.mark.parametrize("basis", BASES)
def test_one_flip_of_an_outcome(basis) -> None:
    circuit = experiment(basis, 3, 3, "circuit").without_noise()
    schedule = Schedule.from_circuit(circuit)
    volume = schedule.volume
    flat = circuit.flattened()
    places = {tuple(place): qubit for qubit, place in circuit.get_final_qubit_coordinates().items()}
    measured = [k for k in range(len(flat)) if flat[k].name == "MR"]
    for species, layer in product((0, 1), range(volume.rounds)):
        for check in range(volume.num_checks):
            qubit = places[volume.checks[species][check].position]
            changed = flat[: measured[layer]] + stim.Circuit(f"X_ERROR(1) {qubit}") + flat[measured[layer] :]
            labels = LabelSampler(circuit=changed, reach=0).compile(seed=0).sample(1)
            (site,) = np.flatnonzero(bits_from_words(labels.sites)[0])
            assert site == volume.timelike_site(species, layer, check)
            assert not labels.residual().any()


def faulty(schedule: Schedule, layer: int, fault: str) -> Labels:
    """Sample the circuit with a certain fault, where the data of ``layer`` wait for their round or read-out."""
    circuit = stim.Circuit()
    for number, segment in enumerate(schedule.segments):
        start = 0
        if number == layer:
            # Behind the preparation of the data, before the first gate or the read-out.
            while segment[start].name in ("R", "RX", "QUBIT_COORDS", "TICK", "DETECTOR", "SHIFT_COORDS"):
                start += 1
            circuit += segment[:start]
            circuit += stim.Circuit(fault)
        circuit += segment[start:]
    return LabelSampler(circuit=circuit, reach=0).compile(seed=0).sample(1)


class TestSampler:
    def test_a_seed_repeats_and_calls_go_on(self) -> None:
        circuit = experiment("Z", 3, 3)
        one, same, other = (LabelSampler(circuit=circuit).compile(seed=seed) for seed in (5, 5, 6))
        first, second = one.sample(4), one.sample(4)
        assert np.array_equal(first.sites, same.sample(4).sites)
        assert np.array_equal(second.sites, same.sample(4).sites)
        assert not np.array_equal(first.sites, second.sites)
        assert not np.array_equal(first.sites, other.sample(4).sites)

    def test_sizes_may_change(self) -> None:
        sampler = LabelSampler(circuit=experiment("X", 3, 3)).compile(seed=5)
        for words in (1, 3, 1, 8):
            labels = sampler.sample(words)
            assert labels.shots == 64 * words
            assert not labels.residual().any()

    def test_changed_sizes_do_not_repeat_shots(self) -> None:
        sampler = LabelSampler(circuit=experiment("X", 5, 5)).compile(seed=5)
        pieces = [sampler.sample(words) for words in (2, 4, 2, 4)]
        shots = np.concatenate([bits_from_words(piece.sites) for piece in pieces])
        assert len(np.unique(shots, axis=0)) > 0.9 * len(shots)

    def test_it_pickles(self) -> None:
        sampler = LabelSampler(circuit=experiment())
        again = pickle.loads(pickle.dumps(sampler))
        assert np.array_equal(again.compile(seed=1).sample(1).sites, sampler.compile(seed=1).sample(1).sites)


class TestWords:
    def test_bit_order(self) -> None:
        words = np.array([[1 << 5, 0], [0, 1 << 63]], np.uint64)
        bits = bits_from_words(words)
        assert bits.shape == (128, 2)
        assert np.argwhere(bits).tolist() == [[5, 0], [127, 1]]

    def test_there_and_back(self) -> None:
        bits = np.random.default_rng(0).integers(0, 2, (192, 3, 5, 7), np.uint8)
        words = words_from_bits(bits)
        assert (words.shape, words.dtype) == ((3, 5, 7, 3), np.uint64)
        assert np.array_equal(bits_from_words(words), bits)
        assert np.array_equal(words_from_bits(bits.astype(np.bool_)), words)

    def test_gathered(self) -> None:
        words = np.random.default_rng(1).integers(0, 2**64, (70, 2), np.uint64)
        source = np.random.default_rng(2).integers(-1, 70, (9, 20))
        expected = np.where(source < 0, 0, bits_from_words(words)[:, source])
        assert np.array_equal(gathered_bits(words, source), expected)

    def test_pieces_and_their_union(self) -> None:
        labels = LabelSampler(circuit=experiment()).compile(seed=2).sample(6)
        joined = Labels.joined([labels.words(0, 2), labels.words(2, 5), labels.words(5, 6)])
        for name in ("detectors", "sites", "observables"):
            assert np.array_equal(getattr(joined, name), getattr(labels, name))


class TestBadInput:
    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"distance": 1}, "distance must be an integer of at least 3, not 1"),
            (
                {"distance": 4},
                "distance must be odd, so that both kinds of checks are equally many, not 4: choose 3 or 5",
            ),
            ({"rounds": 1}, "rounds must be an integer of at least 2, not 1"),
            ({"basis": "Y"}, "basis must be one of 'X', 'Z', not 'Y'"),
        ],
    )
    def test_volume(self, values, sentence) -> None:
        with pytest.raises(InputError) as caught:
            Volume(**{"distance": 3, "rounds": 3, "basis": "Z", **values})
        assert str(caught.value) == sentence

    @pytest.mark.parametrize(
        ("circuit", "sentence"),
        [
            (stim.Circuit("M 0"), "1 measurements of 0 ancillas and 0 data qubits"),
            (stim.Circuit("QUBIT_COORDS(1.5, 2) 0\nM 0"), "one with qubit 0 at"),
            (stim.Circuit("MXX 0 1"), "one with MXX, which measures more than one qubit at a time"),
            (Memory(code="toric", distance=3, p=0.01).circuit(), "measurements of"),
            (Memory(code="repetition", distance=3, p=0.01).circuit(), "measurements of"),
            (Memory(code="rotated_surface", distance=4, p=0.01).circuit(), "distance must be odd"),
            (Memory(code="rotated_surface", distance=3, rounds=1, p=0.01).circuit(), "rounds must be"),
            (
                stim.Circuit(str(experiment()).replace("\nM 1 2 3", "\nMR 1 2 3")),
                "one that reads its data qubits by MR",
            ),
            (stim.Circuit(str(experiment()).replace("(2, 2, 0)", "(2, 8, 0)")), "one without a detector at (2, 2, 0)"),
            (
                stim.Circuit(str(experiment()).replace("OBSERVABLE_INCLUDE(0)", "OBSERVABLE_INCLUDE(1)")),
                "one with 2 observables",
            ),
        ],
    )
    def test_circuit(self, circuit, sentence) -> None:
        with pytest.raises(InputError) as caught:
            LabelSampler(circuit=circuit).compile()
        assert sentence in str(caught.value)

    def test_detectors_that_are_not_those_of_the_rounds(self) -> None:
        """The coordinates are right, but one detector compares an outcome with a data qubit's."""
        text = str(experiment("Z", 3, 2)).splitlines()
        last = next(k for k in range(len(text) - 1, 0, -1) if text[k].startswith("DETECTOR"))
        text[last] = text[last] + " rec[-9]"
        circuit = stim.Circuit("\n".join(text))
        with pytest.raises(InputError, match="must be those of its rounds, each comparing an ancilla's outcome with"):
            LabelSampler(circuit=circuit).compile(seed=1).sample(16)

    def test_shapes(self) -> None:
        labels = LabelSampler(circuit=experiment()).compile(seed=1).sample(1)
        with pytest.raises(InputError, match="sites must be uint64 of shape"):
            labels.with_sites(labels.sites[:-1])
        with pytest.raises(InputError, match="must be of one volume to be joined"):
            Labels.joined([labels, LabelSampler(circuit=experiment("X")).compile(seed=1).sample(1)])
