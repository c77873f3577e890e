# SPDX-License-Identifier: Apache-2.0
"""An oracle that knows nothing of frames: labels worked out from the detector error model alone.

A mechanism of the model splits into edges of one species. An edge between detectors (k, a) and (l, b), k <= l, becomes
a shortest chain of data flips from a to b in layer k and flips of b's outcomes in rounds k .. l-1; an edge of one
detector a chain to the side of the patch that flips the observable as the edge does. For the species that no
observable counts any side will do.

What is asserted is equality in every place visible and equivalence everywhere else: the two labels differ by a sum of
generators, exactly, found by elimination over GF(2).
"""

from collections import deque
from functools import cache
from typing import get_args

import numpy as np
import pytest
import stim

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis
from synfab.predecoder.labels import Labels, LabelSampler, Schedule, bits_from_words, words_from_bits
from synfab.predecoder.labels.generators import generators
from synfab.predecoder.volume import Volume

BASES: tuple[Basis, ...] = get_args(Basis)
NOISES = {
    "circuit": {"noise": "circuit", "p": 0.01},
    "phenomenological": {"noise": "phenomenological", "p": 0.02},
    "depolarizing": {"noise": PauliNoise.depolarizing(0.01)},
    "random": {"noise": PauliNoise.random(0.01, generator=np.random.default_rng(4))},
}
BOUNDARY = -1


class Oracle:
    """Labels of the mechanisms of a circuit's detector error model."""

    def __init__(self, circuit: stim.Circuit) -> None:
        self.circuit = circuit.flattened()
        self.dem = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True).flattened()
        self.schedule = Schedule.from_circuit(circuit)
        self.volume = self.schedule.volume
        self.place = {
            int(number): tuple(index) for index, number in np.ndenumerate(self.schedule.detectors) if number >= 0
        }
        self.mechanisms = [i for i in self.dem if isinstance(i, stim.DemInstruction) and i.type == "error"]

    def label(self, mechanism: stim.DemInstruction) -> np.ndarray:
        sites = np.zeros(self.volume.num_sites, np.uint8)
        for component in mechanism.target_groups():
            targets = [target for target in component if isinstance(target, stim.DemTarget)]
            places = sorted(self.place[t.val] for t in targets if t.is_relative_detector_id())
            flips = sum(t.is_logical_observable_id() for t in targets) % 2
            assert len({species for species, _, _ in places}) == 1
            for site in self.edge(places, bool(flips)):
                sites[site] ^= 1
        return sites

    def edge(self, places: list[tuple[int, ...]], flips: bool) -> list[int]:
        species, layer, start = places[0]
        later, end = places[1][1:] if len(places) == 2 else (layer, BOUNDARY)
        counted = flips if species == self.volume.known else None
        chain = chains(self.volume, species, start)[end, counted]
        sites = [self.volume.data_site(species, layer, qubit) for qubit in chain]
        return sites + [self.volume.timelike_site(species, k, end) for k in range(layer, later)]


@cache
def chains(volume: Volume, species: int, start: int) -> dict[tuple[int, bool | None], list[int]]:
    """The data qubits of a shortest chain from a check to each other check or the boundary, by its logical parity.

    Under None the shorter of both.
    """
    checks_of: list[list[int]] = [[] for _ in range(volume.num_data)]
    for check, row in enumerate(volume.supports[species].tolist()):
        for qubit in row:
            if qubit < volume.num_data:
                checks_of[qubit].append(check)
    logical = set(volume.logical.tolist())
    found: dict[tuple[int, bool | None], list[int]] = {(start, False): []}
    queue = deque([(start, False)])
    while queue:
        here, parity = queue.popleft()
        if here == BOUNDARY:
            continue
        for qubit, checks in enumerate(checks_of):
            if here in checks:
                there = next((check for check in checks if check != here), BOUNDARY)
                state = (there, parity != (qubit in logical))
                if state not in found:
                    found[state] = [*found[here, parity], qubit]
                    queue.append(state)
    for node in {node for node, _ in found}:
        found[node, None] = min((found[node, p] for p in (False, True) if (node, p) in found), key=len)
    return found


@cache
def oracle(basis: Basis, distance: int, rounds: int, noise: str) -> Oracle:
    memory = Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, **NOISES[noise])
    return Oracle(memory.circuit())


@cache
def pivots(volume: Volume) -> dict[int, int]:
    table: dict[int, int] = {}
    for row in generators(volume, 1).tolist():
        number = sum(1 << site for site in row if site >= 0)
        reduced = remainder(number, table)
        if reduced:
            table[reduced.bit_length()] = reduced
    return table


def remainder(number: int, table: dict[int, int]) -> int:
    top = number.bit_length()
    kept = 0
    while number:
        top = number.bit_length()
        if top in table:
            number ^= table[top]
        else:
            kept |= 1 << (top - 1)
            number ^= 1 << (top - 1)
    return kept


def equivalent(one: np.ndarray, other: np.ndarray, volume: Volume) -> bool:
    number = sum(1 << int(site) for site in np.flatnonzero(one ^ other))
    return not remainder(number, pivots(volume))


def explained(oracle: Oracle, bits: np.ndarray, detections: np.ndarray, observables: np.ndarray) -> Labels:
    """The oracle's labels with the detection events of Stim: (shots, detectors) and (shots, 1) of bool."""
    numbers = oracle.schedule.detectors
    events = np.where(numbers < 0, 0, detections[:, numbers]).astype(np.uint8)
    return Labels(
        volume=oracle.volume,
        detectors=words_from_bits(events),
        sites=words_from_bits(bits.astype(np.uint8)),
        observables=words_from_bits(observables.astype(np.uint8)),
    )


CASES = [(basis, d, r, noise) for basis in BASES for d, r in ((3, 3), (3, 5), (5, 3)) for noise in NOISES]


@pytest.mark.parametrize(("basis", "distance", "rounds", "noise"), CASES)
def test_the_oracle_explains_shots_of_the_model(basis, distance, rounds, noise) -> None:
    """Shots sampled from the detector error model with the mechanisms that happened."""
    known = oracle(basis, distance, rounds, noise)
    table = np.array([known.label(mechanism) for mechanism in known.mechanisms])
    detections, observables, happened = known.dem.compile_sampler(seed=9).sample(512, return_errors=True)
    assert happened is not None
    bits = (happened.astype(np.float32) @ table.astype(np.float32)).astype(np.int64) % 2
    labels = explained(known, bits, detections, observables)
    assert labels.detectors.any()
    assert not labels.residual().any()
    assert not (labels.logical() ^ labels.observables).any()
    short = labels.canonical()
    assert not short.residual().any()
    assert not (short.logical() ^ labels.observables).any()


def faults(known: Oracle, mechanisms: list[stim.DemInstruction]) -> list[tuple[int, str]]:
    """For each mechanism a place in the circuit and the Paulis there that cause it, as Stim explains it."""
    wanted = stim.DetectorErrorModel()
    for mechanism in mechanisms:
        wanted.append(mechanism)
    found = known.circuit.explain_detector_error_model_errors(
        dem_filter=wanted, reduce_to_one_representative_error=True
    )
    by_terms = {}
    for explained_error in found:
        terms = frozenset(str(term.dem_target) for term in explained_error.dem_error_terms)
        location = explained_error.circuit_error_locations[0]
        (frame,) = location.stack_frames
        paulis = "\n".join(
            f"{'XYZ'[[t.gate_target.is_x_target, t.gate_target.is_y_target, True].index(True)]}_ERROR(1) "
            f"{t.gate_target.value}"
            for t in location.flipped_pauli_product
        )
        assert location.flipped_measurement is None
        by_terms[terms] = (frame.instruction_offset, paulis)
    return [by_terms[frozenset(terms_of(mechanism))] for mechanism in mechanisms]


def terms_of(mechanism: stim.DemInstruction) -> set[str]:
    """What a mechanism flips altogether; targets named in two components cancel."""
    flipped: set[str] = set()
    for component in mechanism.target_groups():
        for target in component:
            flipped ^= {str(target)}
    return flipped


def with_faults(known: Oracle, places: list[tuple[int, str]]) -> Labels:
    """Run the label sampler on the circuit without noise but with these certain faults, and return one word."""
    by_offset: dict[int, list[str]] = {}
    for offset, paulis in places:
        by_offset.setdefault(offset, []).append(paulis)
    circuit = stim.Circuit()
    for offset in range(len(known.circuit)):
        instruction = known.circuit[offset]
        if not stim.gate_data(instruction.name).is_noisy_gate or instruction.name in ("M", "MX", "MR"):
            circuit.append(instruction)
        for paulis in by_offset.get(offset, []):
            circuit += stim.Circuit(paulis)
    return LabelSampler(circuit=circuit, reach=0).compile(seed=0).sample(1)


@pytest.mark.parametrize(("basis", "noise"), [(basis, noise) for basis in BASES for noise in NOISES])
def test_every_mechanism_alone(basis, noise) -> None:
    """Every mechanism of distance 3: the frames of the fault that causes it are equivalent to the oracle's label."""
    known = oracle(basis, 3, 3, noise)
    volume = known.volume
    labels, frames = [], []
    for mechanism, place in zip(known.mechanisms, faults(known, known.mechanisms), strict=True):
        sampled = with_faults(known, [place])
        assert not sampled.residual().any()
        label, frame = known.label(mechanism), bits_from_words(sampled.sites)[0]
        assert equivalent(label, frame, volume)
        labels.append(label)
        frames.append(frame)
    # Equivalence is no matter of course: it fails where one flip of the label is left out.
    for label in labels:
        torn = label.copy()
        torn[label.argmax()] ^= 1
        assert not equivalent(torn, label, volume)
    # And mostly the short forms are one and the same. Stim splits a mechanism as it likes, at times into edges to both
    # sides of the patch: then the oracle's label goes right across it, which single steps do not take back.
    same = (shortened(labels, volume) == shortened(frames, volume)).all(axis=1)
    assert same.mean() > (0.99 if noise == "phenomenological" else 0.85)


def shortened(labels: list[np.ndarray], volume: Volume) -> np.ndarray:
    from synfab.predecoder.labels import canonical

    bits = np.zeros((-(-len(labels) // 64) * 64, volume.num_sites), np.uint8)
    bits[: len(labels)] = labels
    return bits_from_words(canonical(words_from_bits(bits), volume=volume))[: len(labels)]


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(("distance", "rounds", "noise"), [(3, 3, "circuit"), (5, 3, "random"), (5, 4, "depolarizing")])
def test_many_mechanisms_together(basis, distance, rounds, noise) -> None:
    """Shots of the model, their faults put into the circuit: the sampler's labels are equivalent to the oracle's."""
    known = oracle(basis, distance, rounds, noise)
    detections, observables, happened = known.dem.compile_sampler(seed=21).sample(15, return_errors=True)
    assert happened is not None
    which = sorted(set(np.flatnonzero(happened.any(axis=0)).tolist()))
    place = dict(zip(which, faults(known, [known.mechanisms[k] for k in which]), strict=True))
    for shot in range(15):
        numbers = np.flatnonzero(happened[shot]).tolist()
        sampled = with_faults(known, [place[k] for k in numbers])
        label = np.zeros(known.volume.num_sites, np.uint8)
        for k in numbers:
            label ^= known.label(known.mechanisms[k])
        assert equivalent(label, bits_from_words(sampled.sites)[0], known.volume)
        events = bits_from_words(sampled.detectors)[0]
        seen = known.schedule.detectors >= 0
        assert np.array_equal(events[seen], detections[shot][known.schedule.detectors[seen]])
        assert bits_from_words(sampled.observables)[0, 0] == observables[shot, 0]
    assert happened.sum() > 15
