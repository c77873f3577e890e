# SPDX-License-Identifier: Apache-2.0
"""Weights that shots bring with them: the same answers as from the spec, erasures against brute force, bad input."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import stim

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError

BOUNDARY = -1

Bits = npt.NDArray[np.uint8]


def compiled(text: str, *, weight_bits: int = 4) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(text)), weight_bits=weight_bits)


def spec_of(memory: Memory, *, weight_bits: int = 4) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()), weight_bits=weight_bits)


def sampled(memory: Memory, shots: int) -> Bits:
    return np.asarray(memory.circuit().compile_detector_sampler(seed=3).sample(shots)).astype(np.uint8)


def answers(spec: UnionFindSpec, shots: Bits, **weights: Any) -> list[npt.NDArray]:
    """Everything that the reference says of the shots."""
    return [
        spec.decode_batch(shots, **weights),
        spec.decode_to_edges(shots, **weights),
        *spec.clusters(shots, **weights),
    ]


def assert_same(left: list[npt.NDArray], right: list[npt.NDArray]) -> None:
    assert all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


class TestSameAsTheSpec:
    MEMORY = Memory(code="rotated_surface", distance=5, p=0.02)
    SHOTS = sampled(MEMORY, 300)

    def test_its_own_weights(self) -> None:
        spec = spec_of(self.MEMORY)
        expected = answers(spec, self.SHOTS)
        assert expected[0].any()
        assert_same(answers(spec, self.SHOTS, weights=spec.weights), expected)
        assert_same(answers(spec, self.SHOTS, weights=[spec.weights] * len(self.SHOTS)), expected)

    def test_weights_of_another_spec(self) -> None:
        spec = spec_of(self.MEMORY)
        drifted = np.random.default_rng(1).integers(1, 16, len(spec.edges))
        other = spec.with_weights(drifted)
        assert other.weights == tuple(drifted.tolist())
        assert other.sha256 != spec.sha256
        expected = answers(other, self.SHOTS)
        assert not np.array_equal(expected[1], spec.decode_to_edges(self.SHOTS))
        assert_same(answers(spec, self.SHOTS, weights=drifted), expected)
        assert_same(answers(other, self.SHOTS, weights=spec.weights), answers(spec, self.SHOTS))
        assert other.with_weights(list(spec.weights)) == spec
        # What a shot brought is gone with it.
        assert_same(answers(other, self.SHOTS), expected)

    def test_each_shot_its_own(self) -> None:
        spec = spec_of(self.MEMORY)
        rows = np.random.default_rng(2).integers(0, 16, (len(self.SHOTS), len(spec.edges)))
        together = answers(spec, self.SHOTS, weights=rows)
        alone = [
            answers(spec, shot[np.newaxis], weights=row[np.newaxis]) for shot, row in zip(self.SHOTS, rows, strict=True)
        ]
        assert_same(together, [np.concatenate(parts) for parts in zip(*alone, strict=True)])
        decoded = [spec.decode(shot, weights=row) for shot, row in zip(self.SHOTS, rows, strict=True)]
        assert np.array_equal(together[0], decoded)

    def test_packed_shots(self) -> None:
        spec = spec_of(self.MEMORY)
        rows = np.random.default_rng(4).integers(0, 16, (len(self.SHOTS), len(spec.edges)))
        packed = np.packbits(self.SHOTS, axis=1, bitorder="little")
        predictions, edges, *_ = answers(spec, self.SHOTS, weights=rows)
        assert np.array_equal(spec.decode_batch(packed, bit_packed_shots=True, weights=rows), predictions)
        assert np.array_equal(spec.decode_to_edges(packed, bit_packed_shots=True, weights=rows), edges)

    @pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
    def test_any_integers_in_any_memory_order(self, dtype: type[np.integer]) -> None:
        spec = spec_of(self.MEMORY)
        rows = np.random.default_rng(5).integers(0, 16, (len(self.SHOTS), len(spec.edges))).astype(dtype)
        expected = answers(spec, self.SHOTS, weights=rows)
        for array in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2]):
            array.flags.writeable = False
            assert_same(answers(spec, self.SHOTS, weights=array), expected)

    def test_the_widest(self) -> None:
        spec = compiled("error(0.1) D0 D1 L0\nerror(0.2) D0 L1\nerror(0.3) D1", weight_bits=16)
        shots = np.array([[1, 0], [1, 1]], np.uint8)
        rows = np.array([[2**16 - 1, 2**16 - 1, 0], [2**16 - 1, 2**16 - 2, 2**16 - 1]])
        assert spec.edges == ((0, -1), (0, 1), (1, -1))
        # First both edges of detector 0 fill in the last of 65535 steps, and it takes its own way out. Then the inner
        # edge fills from both ends, long before the other two.
        assert spec.clusters(shots, weights=rows)[1].tolist() == [
            [2**16 - 1, 2**16 - 1, 0],
            [2**15 - 1, 2**16 - 2, 2**15 - 1],
        ]
        assert spec.decode_batch(shots, weights=rows).tolist() == [[0, 1], [1, 0]]

    def test_nothing_to_weigh(self) -> None:
        empty = compiled("detector D1\nerror(0.9) L0")
        shots = np.array([[0, 1]], np.uint8)
        for weights in ((), empty.weights, np.zeros((1, 0), np.uint8), np.zeros(0, np.int64)):
            assert_same(answers(empty, shots, weights=weights), answers(empty, shots))
        spec = compiled("error(0.1) D0 L0")
        none = np.zeros((0, 1), np.uint8)
        for weights in ([1], np.zeros((0, 1), np.uint8)):
            assert_same(answers(spec, none, weights=weights), answers(spec, none))


class TestErasedEdges:
    # e0 = (0, boundary), e1 = (0, 1), e2 = (1, 2), e3 = (2, boundary)
    CHAIN = compiled("error(0.1) D0 L0\nerror(0.1) D0 D1 L1\nerror(0.1) D1 D2 L2\nerror(0.1) D2 L3")

    def test_full_at_growth_0_before_the_first_step(self) -> None:
        weights = [2, 0, 2, 2]
        labels, growth = self.CHAIN.clusters(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]], np.uint8), weights=weights)
        assert labels.tolist() == [[0, 0, 2], [0, 0, 0], [0, 0, 2]]
        # The second cluster grows from both its detectors at once.
        assert growth.tolist() == [[0, 0, 0, 0], [2, 0, 2, 0], [0, 0, 0, 0]]

    def test_an_erased_edge_to_the_boundary_lets_its_cluster_rest(self) -> None:
        shots = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.uint8)
        _, growth = self.CHAIN.clusters(shots, weights=[0, 0, 2, 2])
        assert growth.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 2, 2]]
        edges = self.CHAIN.decode_to_edges(shots, weights=[0, 0, 2, 2])
        assert edges.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]]

    def test_everything_erased(self) -> None:
        shots = np.unpackbits(np.arange(8, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little", count=3)
        labels, growth = self.CHAIN.clusters(shots, weights=np.zeros(4, np.uint8))
        assert not labels.any()
        assert not growth.any()
        flips, _ = matrices(self.CHAIN)
        assert np.array_equal(self.CHAIN.decode_to_edges(shots, weights=np.zeros(4, np.uint8)) @ flips % 2, shots)

    def test_the_weight_of_a_likely_error_is_that_of_its_complement(self) -> None:
        """Erased or not, the error counts as given; the two ways to explain nothing are weighed against each other."""
        spec = compiled("error(0.9) D0 L0\nerror(0.1) D0 L1")
        assert spec.flipped_edges == (0,)
        shots = np.array([[0], [1]], np.uint8)
        assert spec.decode_to_edges(shots, weights=[0, 3]).tolist() == [[0, 0], [1, 0]]
        assert spec.decode_to_edges(shots, weights=[3, 0]).tolist() == [[1, 1], [1, 0]]
        assert spec.decode_batch(shots, weights=[3, 0]).tolist() == [[1, 1], [1, 0]]


def matrices(spec: UnionFindSpec) -> tuple[Bits, npt.NDArray[np.uint64]]:
    """Return which detectors each edge flips, (edges, detectors), and its mask of observables, (edges,)."""
    flips = np.zeros((len(spec.edges), spec.num_detectors), np.uint8)
    for edge, ends in enumerate(spec.edges):
        flips[edge, [end for end in ends if end != BOUNDARY]] = 1
    return flips, np.array(spec.edge_observables, np.uint64)


def consequences(spec: UnionFindSpec, erased: npt.NDArray[np.intp]) -> dict[tuple[int, ...], set[int]]:
    """Return each syndrome of errors within the erased edges, and the observables of all of these errors."""
    flips, masks = matrices(spec)
    subsets = np.arange(2 ** len(erased))[:, np.newaxis] >> np.arange(len(erased)) & 1
    syndromes = subsets @ flips[erased] % 2
    observables = np.bitwise_xor.reduce(np.where(subsets, masks[erased], 0), axis=1, dtype=np.uint64)
    found: dict[tuple[int, ...], set[int]] = {}
    for syndrome, mask in zip(map(tuple, syndromes.tolist()), observables.tolist(), strict=True):
        found.setdefault(syndrome, set()).add(mask)
    return found


def assert_erasure_decoded(spec: UnionFindSpec, erased: Bits) -> tuple[int, int]:
    """Decode every syndrome of errors within the erasure; return how many leave no choice, and how many do."""
    found = consequences(spec, np.flatnonzero(erased))
    shots = np.array(list(found), np.uint8)
    weights = spec.shot_weights(erasures=np.tile(erased.astype(bool), (len(shots), 1)))
    predictions, edges, _, growth = answers(spec, shots, weights=weights)
    flips, _ = matrices(spec)
    assert np.array_equal(edges @ flips % 2, shots)
    assert not edges[:, erased == 0].any()
    assert not growth.any()
    masks = predictions @ (1 << np.arange(spec.num_observables))
    assert all(mask in possible for mask, possible in zip(masks.tolist(), found.values(), strict=True))
    certain = sum(len(possible) == 1 for possible in found.values())
    return certain, len(found) - certain


def random_graph(seed: int) -> UnionFindSpec:
    """A multigraph of 8 detectors and 14 edges, half of the graphs without a boundary."""
    random = np.random.default_rng(seed)
    lines = ["detector D7", "logical_observable L2"]
    for _ in range(14):
        ends = sorted(random.choice(8 + seed % 2, 2, replace=False).tolist())
        targets = [f"D{d}" for d in ends if d < 8] + [f"L{o}" for o in range(3) if random.random() < 0.2]
        lines.append(f"error({random.choice([0.02, 0.1, 0.3])}) {' '.join(targets)}")
    return compiled("\n".join(lines))


def erasures(spec: UnionFindSpec, count: int, largest: int) -> Iterator[Bits]:
    random = np.random.default_rng(len(spec.edges))
    for _ in range(count):
        erased = np.zeros(len(spec.edges), np.uint8)
        erased[random.choice(len(erased), random.integers(1, largest + 1), replace=False)] = 1
        yield erased


class TestErasuresAgainstBruteForce:
    """Peeling is exact on the erasure channel: Delfosse and Zémor, arXiv:1703.01517, theorem 1."""

    @pytest.mark.parametrize("basis", ["X", "Z"])
    def test_every_erasure_of_d3_code_capacity(self, basis: Any) -> None:
        spec = spec_of(Memory(code="rotated_surface", distance=3, basis=basis, noise="code_capacity", p=0.1))
        patterns = np.arange(2 ** len(spec.edges))[:, np.newaxis] >> np.arange(len(spec.edges)) & 1
        counts = [assert_erasure_decoded(spec, erased.astype(np.uint8)) for erased in patterns]
        certain, open_ones = np.sum(counts, axis=0).tolist()
        # Fewer than d erased edges never leave a choice.
        assert all(not count[1] for count, erased in zip(counts, patterns, strict=True) if erased.sum() < 3)
        assert certain > 0
        assert open_ones > 0

    def test_erasures_of_the_repetition_code(self) -> None:
        spec = spec_of(Memory(code="repetition", distance=3, rounds=3, noise="phenomenological", p=0.05))
        counts = [assert_erasure_decoded(spec, erased) for erased in erasures(spec, 150, 11)]
        assert np.sum(counts, axis=0).min() > 0

    @pytest.mark.parametrize("seed", range(8))
    def test_erasures_of_random_multigraphs(self, seed: int) -> None:
        spec = random_graph(seed)
        counts = [assert_erasure_decoded(spec, erased) for erased in erasures(spec, 60, 10)]
        assert np.sum(counts, axis=0).min() > 0


class TestShotWeights:
    SPEC = compiled("error(0.1) D0\nerror(0.01) D0 D1\nerror(0.001) D1", weight_bits=4)

    def test_overrides(self) -> None:
        rows = self.SPEC.shot_weights(overrides=[[], [(2, 0), (0, 15)], [(1, 3), (1, np.int64(4))]])
        assert rows.dtype == np.uint8
        assert rows.tolist() == [[5, 10, 15], [15, 10, 0], [5, 4, 15]]

    def test_erasures(self) -> None:
        rows = self.SPEC.shot_weights(erasures=[[False, False, True], [True, True, False]])
        assert rows.tolist() == [[5, 10, 0], [0, 0, 15]]

    def test_an_erasure_counts_whatever_the_override(self) -> None:
        rows = self.SPEC.shot_weights(overrides=[[(0, 7), (1, 7)]], erasures=np.array([[True, False, False]]))
        assert rows.tolist() == [[0, 7, 15]]

    def test_no_shots(self) -> None:
        assert self.SPEC.shot_weights(overrides=[]).shape == (0, 3)
        assert self.SPEC.shot_weights(erasures=np.zeros((0, 3), bool)).shape == (0, 3)

    @pytest.mark.parametrize(("weight_bits", "dtype"), [(8, np.uint8), (9, np.uint16), (16, np.uint16)])
    def test_the_smallest_type(self, weight_bits: int, dtype: type[np.integer]) -> None:
        spec = compiled("error(0.1) D0\nerror(0.001) D1", weight_bits=weight_bits)
        rows = spec.shot_weights(overrides=[[(0, 2**weight_bits - 1)]])
        assert rows.dtype == dtype
        assert rows.tolist() == [[2**weight_bits - 1] * 2]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({}, "shot_weights must be given overrides or erasures, not neither; give an empty list a shot"),
            (
                {"overrides": [[]], "erasures": np.zeros((2, 3), bool)},
                "overrides and erasures must be of the same shots, not of 1 and 2; give an empty list for a shot "
                "without overrides",
            ),
            *(
                (
                    {"overrides": [[], [pair]]},
                    "an override must be an edge (0..2) and its weight (0..15, 0 for an erased edge), not "
                    f"{pair!r} in shot 1; number edges as the spec does",
                )
                for pair in [(3, 1), (-1, 1), (0, 16), (0, -1), (0, 1.5), (0,), 0, "01"]
            ),
            *(
                (
                    {"erasures": flags},
                    f"erasures must be bool of shape (shots, 3), not {came}; set True at the erased edges of each shot",
                )
                for flags, came in [
                    (np.zeros((1, 3), np.uint8), "uint8 of shape (1, 3)"),
                    (np.zeros(3, bool), "bool of shape (3,)"),
                    (np.zeros((1, 4), bool), "bool of shape (1, 4)"),
                ]
            ),
            (
                {"erasures": [[True], [True, False, True]]},
                "erasures must be an array, not rows of unequal length; give every row all edges",
            ),
        ],
    )
    def test_bad_input(self, arguments: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError) as caught:
            self.SPEC.shot_weights(**arguments)
        assert str(caught.value) == sentence


class TestBadWeights:
    SPEC = TestShotWeights.SPEC
    SHOTS = np.zeros((4, 2), np.uint8)

    @pytest.mark.parametrize(
        ("weights", "came"),
        [
            ([1, 2], "int64 of shape (2,)"),
            (np.ones((3, 3), np.uint8), "uint8 of shape (3, 3)"),
            (np.ones((1, 3), np.uint8), "uint8 of shape (1, 3)"),
            (np.ones((4, 3, 1), np.uint8), "uint8 of shape (4, 3, 1)"),
            (7, "int64 of shape ()"),
            ([1.0, 2.0, 3.0], "float64 of shape (3,)"),
            (np.ones((4, 3), bool), "bool of shape (4, 3)"),
            ([1, 2, 2**70], "object of shape (3,)"),
            (["1", "2", "3"], "<U1 of shape (3,)"),
        ],
    )
    def test_wrong_shape_or_type(self, weights: Any, came: str) -> None:
        for decode in (self.SPEC.decode_batch, self.SPEC.decode_to_edges, self.SPEC.clusters):
            with pytest.raises(InputError) as caught:
                decode(self.SHOTS, weights=weights)
            assert str(caught.value) == (
                f"weights must be integers of shape (3,) or (4, 3), not {came}; UnionFindSpec.shot_weights builds "
                "them from overrides and erasures"
            )

    def test_rows_of_unequal_length(self) -> None:
        with pytest.raises(InputError) as caught:
            self.SPEC.decode(self.SHOTS[0], weights=[[1, 2], [1]])
        assert str(caught.value) == "weights must be an array, not rows of unequal length; give every row all edges"

    @pytest.mark.parametrize(("weight", "dtype"), [(16, np.uint8), (-1, np.int8), (2**63 + 5, np.uint64)])
    def test_a_weight_out_of_range(self, weight: int, dtype: type[np.integer]) -> None:
        rows = np.ones((4, 3), dtype)
        rows[2, 1] = weight
        with pytest.raises(InputError) as caught:
            self.SPEC.decode_batch(self.SHOTS, weights=rows)
        assert str(caught.value) == (
            f"the weight of edge 1 in row 2 must fit 4 bits (0..15, 0 for an erased edge), not {weight}; clip it, or "
            "raise weight_bits of the spec"
        )

    @pytest.mark.parametrize("weights", [[1, 2], [[1, 2, 3]], [1.0, 2.0, 3.0], [True, True, True]])
    def test_other_defaults_of_wrong_shape_or_type(self, weights: Any) -> None:
        array = np.array(weights)
        with pytest.raises(InputError) as caught:
            self.SPEC.with_weights(weights)
        assert str(caught.value) == (
            f"weights must be integers of shape (3,), not {array.dtype} of shape {array.shape}; give one an edge, "
            "quantized"
        )

    @pytest.mark.parametrize("weight", [0, 16])
    def test_other_defaults_are_checked_as_the_first_ones(self, weight: int) -> None:
        with pytest.raises(InputError) as caught:
            self.SPEC.with_weights([1, 2, weight])
        assert str(caught.value) == (
            f"the weight of edge 2 must be an integer that fits 4 bits (1..15), not {weight}; raise weight_bits or "
            "scale the weights"
        )
