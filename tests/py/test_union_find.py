# SPDX-License-Identifier: Apache-2.0
"""The union-find reference against theory and brute force, and what its interface promises."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pymatching
import pytest
import stim
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.circuits import Memory
from synfab.circuits.layout import Basis
from synfab.circuits.memory import Code
from synfab.circuits.strengths import NoiseModel
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph, Edge

BOUNDARY = -1

Bits = npt.NDArray[np.uint8]


def spec_of(memory: Memory, *, unit: bool = False, weight_bits: int = 4) -> UnionFindSpec:
    graph = DecodingGraph.from_dem(memory.dem())
    return UnionFindSpec.compile(graph, weights="unit" if unit else "log_likelihood", weight_bits=weight_bits)


def compiled(text: str, *, weight_bits: int = 4) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(text)), weight_bits=weight_bits)


def matrices(spec: UnionFindSpec) -> tuple[Bits, Bits]:
    """Return which detectors, and which observables, each edge flips: (edges, detectors), (edges, observables)."""
    detectors = np.zeros((len(spec.edges), spec.num_detectors), np.uint8)
    for edge, ends in enumerate(spec.edges):
        detectors[edge, [end for end in ends if end != BOUNDARY]] = 1
    observables = [[mask >> o & 1 for o in range(spec.num_observables)] for mask in spec.edge_observables]
    return detectors, np.array(observables, np.uint8).reshape(len(spec.edges), spec.num_observables)


def sampled(memory: Memory, shots: int) -> tuple[Bits, Bits]:
    sampler = memory.circuit().compile_detector_sampler(seed=11)
    detections, observables = sampler.sample(shots, separate_observables=True)
    return np.asarray(detections).astype(np.uint8), np.asarray(observables).astype(np.uint8)


class TestAgainstBruteForce:
    @pytest.mark.parametrize("basis", ["X", "Z"])
    @pytest.mark.parametrize("unit", [True, False], ids=["unit", "weighted"])
    def test_every_syndrome_of_d3_code_capacity(self, basis: Basis, unit: bool) -> None:
        """Each correction is valid; where it is heavier than the lightest, it has more than one edge."""
        memory = Memory(code="rotated_surface", distance=3, basis=basis, noise="code_capacity", p=0.1)
        spec = spec_of(memory, unit=unit)
        flips, _ = matrices(spec)
        lightest: dict[tuple[int, ...], int] = {}
        for subset in itertools.product((0, 1), repeat=len(spec.edges)):
            syndrome = tuple((np.array(subset) @ flips % 2).tolist())
            lightest[syndrome] = min(lightest.get(syndrome, 99), sum(subset))
        assert len(lightest) == 2**spec.num_detectors == 16
        corrections = spec.decode_to_edges(np.array(list(lightest), np.uint8))
        assert np.array_equal(corrections @ flips % 2, list(lightest))
        for edges, fewest in zip(corrections.sum(axis=1), lightest.values(), strict=True):
            assert edges == fewest if fewest <= 1 else edges <= 3

    @pytest.mark.parametrize("basis", ["X", "Z"])
    @pytest.mark.parametrize("noise", ["code_capacity", "phenomenological", "circuit"])
    @pytest.mark.parametrize("code", ["rotated_surface", "unrotated_surface", "toric", "xzzx"])
    @pytest.mark.parametrize("unit", [True, False], ids=["unit", "weighted"])
    def test_every_single_error_of_d3(self, code: Code, noise: NoiseModel, basis: Basis, unit: bool) -> None:
        spec = spec_of(Memory(code=code, distance=3, basis=basis, noise=noise, p=0.003), unit=unit)
        detections, observables = matrices(spec)
        assert observables.any()
        assert np.array_equal(spec.decode_batch(detections), observables)

    @pytest.mark.parametrize("noise", ["phenomenological", "circuit"])
    @pytest.mark.parametrize("code", ["rotated_surface", "unrotated_surface", "repetition", "xzzx"])
    def test_every_pair_of_errors_of_d5(self, code: Code, noise: NoiseModel) -> None:
        """Union-find with unit weights corrects (d - 1) / 2 errors: Delfosse and Nickerson, theorem 1."""
        spec = spec_of(Memory(code=code, distance=5, noise=noise, p=0.003), unit=True)
        detections, observables = matrices(spec)
        first, second = np.triu_indices(len(spec.edges), 1)
        packed = np.packbits(detections, axis=1, bitorder="little")
        predictions = spec.decode_batch(packed[first] ^ packed[second], bit_packed_shots=True)
        assert np.array_equal(predictions, observables[first] ^ observables[second])

    def test_random_triples_of_errors_of_d7(self) -> None:
        spec = spec_of(Memory(code="toric", distance=7, rounds=3, noise="phenomenological", p=0.003), unit=True)
        detections, observables = matrices(spec)
        triples = np.random.default_rng(3).integers(0, len(spec.edges), (3, 50_000))
        predictions = spec.decode_batch(np.bitwise_xor.reduce(detections[triples], axis=0))
        assert np.array_equal(predictions, np.bitwise_xor.reduce(observables[triples], axis=0))


KINDS: list[tuple[Code, Basis]] = [
    ("rotated_surface", "Z"),
    ("rotated_surface", "X"),
    ("unrotated_surface", "X"),
    ("repetition", "Z"),
    ("toric", "Z"),
    ("xzzx", "X"),
]
NOISES: list[NoiseModel] = ["phenomenological", "circuit"]
MEMORIES = [
    Memory(code=code, distance=distance, basis=basis, noise=noise, p=0.01)
    for code, basis in KINDS
    for noise in NOISES
    for distance in (2, 3, 5)
]


@pytest.mark.parametrize("unit", [True, False], ids=["unit", "weighted"])
@pytest.mark.parametrize("memory", MEMORIES, ids=lambda m: f"{m.code}-{m.basis}-{m.noise}-d{m.distance}")
def test_edges_reproduce_every_syndrome_and_prediction(memory: Memory, unit: bool) -> None:
    spec = spec_of(memory, unit=unit)
    flips, observables = matrices(spec)
    detections, _ = sampled(memory, 2000)
    corrections = spec.decode_to_edges(detections)
    assert corrections.any()
    assert np.array_equal(corrections @ flips % 2, detections)
    assert np.array_equal(corrections @ observables % 2, spec.decode_batch(detections))


def test_edges_come_of_the_clusters() -> None:
    """A flipped edge is full, and full edges lie within one cluster."""
    memory = Memory(code="rotated_surface", distance=5, p=0.02)
    spec = spec_of(memory)
    detections, _ = sampled(memory, 500)
    labels, growth = spec.clusters(detections)
    full = growth == np.array(spec.weights)
    assert (full | (spec.decode_to_edges(detections) == 0)).all()
    assert (growth >= 0).all()
    assert (growth <= np.array(spec.weights)).all()
    for edge, (u, v) in enumerate(spec.edges):
        if v != BOUNDARY:
            assert (labels[full[:, edge], u] == labels[full[:, edge], v]).all()


def test_a_shot_leaves_nothing_behind() -> None:
    memory = Memory(code="toric", distance=3, p=0.03)
    spec = spec_of(memory)
    detections, _ = sampled(memory, 300)
    alone = np.concatenate([spec.decode_batch(shot[np.newaxis]) for shot in detections])
    assert np.array_equal(spec.decode_batch(detections), alone)
    assert np.array_equal(spec.decode_batch(detections[::-1]), alone[::-1])
    assert np.array_equal([spec.decode(shot) for shot in detections], alone)


class TestProbabilityAboveOneHalf:
    def test_what_is_likely_is_taken_as_given(self) -> None:
        spec = compiled("error(0.9) D0 D1 L0\nerror(0.1) D0 L1\nerror(0.1) D1")
        # No event: the likely error must have been undone by the other two.
        assert spec.flipped_edges == (1,)
        assert spec.detection_flips == (0, 1)
        assert spec.decode_batch(np.array([[1, 1], [0, 1], [0, 0]], np.uint8)).tolist() == [[1, 0], [1, 1], [0, 0]]
        assert spec.decode_to_edges(np.array([[1, 1], [0, 1]], np.uint8)).tolist() == [[0, 1, 0], [1, 1, 0]]

    def test_undetectable_errors_flip_the_prediction(self) -> None:
        spec = compiled("error(0.9) L0\nerror(0.8) L0 L1\nerror(0.4) L2\nerror(0.1) D0 L1")
        assert spec.undetectable_flips == 0b10
        assert spec.decode_batch(np.array([[0], [1]], np.uint8)).tolist() == [[0, 1, 0], [0, 0, 0]]

    def test_one_half_is_not_above(self) -> None:
        assert compiled("error(0.5) D0 L0\nerror(0.5) L0").observable_flips == 0

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None, derandomize=True)
    def test_same_as_decoding_the_complement(self, seed: int) -> None:
        """Errors with 1 - p instead of p, in a model of its own; the shots and predictions flipped by hand."""
        random = np.random.default_rng(seed)
        chosen = {}
        for _ in range(8):
            detectors = tuple(sorted(random.choice(5, random.integers(1, 3), replace=False).tolist()))
            chosen[detectors, int(random.integers(0, 4))] = float(random.choice([0.05, 0.1, 0.2, 0.4]))
        likely = [key for key in chosen if random.random() < 0.4]
        shots = random.integers(0, 2, (20, 5)).astype(np.uint8)

        def model(flip: bool) -> UnionFindSpec:
            lines = ["detector D4", "logical_observable L1"]
            for (detectors, mask), p in chosen.items():
                targets = [f"D{d}" for d in detectors] + [f"L{o}" for o in range(2) if mask >> o & 1]
                p = 1 - p if flip and (detectors, mask) in likely else p
                lines.append(f"error({p}) {' '.join(targets)}")
            return compiled("\n".join(lines))

        detection_flips, observable_flips = np.zeros(5, np.uint8), np.zeros(2, np.uint8)
        for detectors, mask in likely:
            detection_flips[list(detectors)] ^= 1
            observable_flips ^= np.array([mask & 1, mask >> 1], np.uint8)
        edge_flips = np.array([(e.detectors, e.observables) in likely for e in graph_edges(chosen)], np.uint8)
        plain, flipped = model(False), model(True)
        assert plain.weights == flipped.weights
        expected = plain.decode_batch(shots ^ detection_flips) ^ observable_flips
        assert np.array_equal(flipped.decode_batch(shots), expected)
        edges = plain.decode_to_edges(shots ^ detection_flips) ^ edge_flips
        assert np.array_equal(flipped.decode_to_edges(shots), edges)

    def test_same_as_pymatching_on_a_chain(self) -> None:
        """On a chain every syndrome has two explanations, and union-find finds the likelier unless they tie."""
        circuit = stim.Circuit(
            "X_ERROR(0.9) 0\nX_ERROR(0.2) 1\nX_ERROR(0.85) 2\nX_ERROR(0.15) 3\nX_ERROR(0.88) 4\nM 0 1 2 3 4\n"
            + "\n".join(f"DETECTOR rec[{k - 5}] rec[{k - 4}]" for k in range(4))
            + "\nOBSERVABLE_INCLUDE(0) rec[-1]"
        )
        dem = circuit.detector_error_model(decompose_errors=True)
        spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weight_bits=8)
        shots = np.array(list(itertools.product((0, 1), repeat=4)), np.uint8)
        matching = pymatching.Matching.from_detector_error_model(dem)
        assert spec.flipped_edges
        assert np.array_equal(spec.decode_batch(shots), matching.decode_batch(shots))


def graph_edges(chosen: dict[tuple[tuple[int, ...], int], float]) -> list[Any]:
    return [Edge(detectors, mask, chosen[detectors, mask]) for detectors, mask in sorted(chosen)]


class TestSmallGraphs:
    def test_no_detectors(self) -> None:
        spec = compiled("error(0.1) L0\nerror(0.9) L2")
        assert spec.decode_batch(np.zeros((3, 0), np.uint8)).tolist() == [[0, 0, 1]] * 3
        assert spec.decode_batch(np.zeros((3, 0), np.uint8), bit_packed_shots=True).shape == (3, 3)
        assert spec.decode_to_edges(np.zeros((3, 0), np.uint8)).shape == (3, 0)

    def test_nothing_at_all(self) -> None:
        spec = compiled("")
        assert spec.decode_batch(np.zeros((2, 0), np.uint8)).shape == (2, 0)
        assert spec.decode_batch(np.zeros((2, 0), np.uint8), bit_packed_predictions=True).shape == (2, 0)

    def test_no_observables(self) -> None:
        spec = compiled("error(0.1) D0")
        assert spec.decode_batch(np.ones((2, 1), np.uint8)).shape == (2, 0)
        assert spec.decode_to_edges(np.ones((2, 1), np.uint8)).tolist() == [[1], [1]]

    def test_a_detector_without_errors_that_fires_is_left_alone(self) -> None:
        spec = compiled("error(0.1) D0 L0\ndetector D2")
        assert spec.decode_batch(np.array([[0, 1, 1], [1, 0, 1]], np.uint8)).tolist() == [[0], [1]]
        assert spec.reaches_boundary == (True, False, False)

    def test_an_odd_part_without_boundary_leaves_one_event(self) -> None:
        spec = compiled("error(0.1) D0 D1 L0\nerror(0.1) D1 D2 L1\nerror(0.1) D3")
        assert spec.decode_to_edges(np.array([[0, 0, 1, 0]], np.uint8)).tolist() == [[0, 1, 0]]
        labels, _ = spec.clusters(np.array([[0, 0, 1, 0]], np.uint8))
        assert labels.tolist() == [[0, 0, 0, 3]]
        assert spec.reaches_boundary == (False, False, False, True)

    def test_64_observables(self) -> None:
        spec = compiled("error(0.1) D0 L63 L0\nerror(0.2) D1 L62")
        prediction = spec.decode_batch(np.array([[1, 0], [1, 1]], np.uint8))
        assert prediction.shape == (2, 64)
        assert [np.flatnonzero(row).tolist() for row in prediction] == [[0, 63], [0, 62, 63]]

    def test_the_widest_weights(self) -> None:
        spec = UnionFindSpec(
            num_detectors=2,
            num_observables=2,
            edges=((0, 1), (0, -1), (1, -1)),
            weights=(2**16 - 1, 2**15, 2**15 - 1),
            edge_observables=(0, 1, 2),
            rounds=((0, 1),),
            weight_bits=16,
        )
        # Two steps of 32768 fill the edge between them one step too late for the boundary of detector 1.
        assert spec.decode_batch(np.array([[1, 1], [1, 0], [0, 1]], np.uint8)).tolist() == [[1, 1], [1, 0], [0, 1]]
