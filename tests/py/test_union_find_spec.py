# SPDX-License-Identifier: Apache-2.0
"""What the union-find spec promises at its border: shots in, predictions out, and a spec that is what it says."""

import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import stim

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError


def spec_of(memory: Memory) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()))


def compiled(text: str, *, weight_bits: int = 4) -> UnionFindSpec:
    return UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(text)), weight_bits=weight_bits)


def sampled(memory: Memory, shots: int) -> npt.NDArray[np.uint8]:
    return np.asarray(memory.circuit().compile_detector_sampler(seed=11).sample(shots)).astype(np.uint8)


class TestShots:
    MEMORY = Memory(code="rotated_surface", distance=4, p=0.02)

    def test_packed_equals_unpacked(self) -> None:
        spec = spec_of(self.MEMORY)
        assert spec.num_detectors % 8
        detections = sampled(self.MEMORY, 200)
        packed = np.packbits(detections, axis=1, bitorder="little")
        expected = spec.decode_batch(detections)
        assert expected.dtype == np.uint8
        assert expected.any()
        assert np.array_equal(spec.decode_batch(detections.astype(bool)), expected)
        assert np.array_equal(spec.decode_batch(packed, bit_packed_shots=True), expected)
        assert np.array_equal(
            spec.decode_batch(packed, bit_packed_shots=True, bit_packed_predictions=True),
            np.packbits(expected, axis=1, bitorder="little"),
        )
        assert np.array_equal(spec.decode_to_edges(packed, bit_packed_shots=True), spec.decode_to_edges(detections))

    def test_bits_past_the_last_detector_are_ignored(self) -> None:
        spec = spec_of(self.MEMORY)
        detections = sampled(self.MEMORY, 50)
        packed = np.packbits(detections, axis=1, bitorder="little")
        dirty = packed.copy()
        dirty[:, -1] |= 0xFF << spec.num_detectors % 8 & 0xFF
        assert not np.array_equal(dirty, packed)
        for decode in (spec.decode_batch, spec.decode_to_edges):
            assert np.array_equal(decode(dirty, bit_packed_shots=True), decode(packed, bit_packed_shots=True))

    def test_any_memory_order_is_read_and_none_is_written(self) -> None:
        spec = spec_of(self.MEMORY)
        detections = sampled(self.MEMORY, 64)
        expected = spec.decode_batch(detections)
        for array in (np.asfortranarray(detections), np.repeat(detections, 2, axis=0)[::2]):
            array.flags.writeable = False
            assert np.array_equal(spec.decode_batch(array), expected)

    def test_no_shots(self) -> None:
        spec = spec_of(self.MEMORY)
        empty = np.zeros((0, spec.num_detectors), np.uint8)
        assert spec.decode_batch(empty).shape == (0, 1)
        assert spec.decode_to_edges(empty).shape == (0, len(spec.edges))
        assert [array.shape for array in spec.clusters(empty)] == [(0, spec.num_detectors), (0, len(spec.edges))]

    @pytest.mark.parametrize(
        ("array", "packed", "sentence"),
        [
            (np.zeros((1, 3), np.uint8), False, "uint8 or bool of shape (shots, 9), not uint8 of shape (1, 3)"),
            (np.zeros(9, np.uint8), False, "uint8 or bool of shape (shots, 9), not uint8 of shape (9,)"),
            (np.zeros((1, 9), np.int64), False, "uint8 or bool of shape (shots, 9), not int64 of shape (1, 9)"),
            (np.zeros((1, 9), np.uint8), True, "bit-packed uint8 of shape (shots, 2), not uint8 of shape (1, 9)"),
            (np.zeros((1, 2), np.bool_), True, "bit-packed uint8 of shape (shots, 2), not bool of shape (1, 2)"),
        ],
    )
    def test_wrong_shape_or_type(self, array: Any, packed: bool, sentence: str) -> None:
        spec = compiled("error(0.1) D8 L0")
        for decode in (spec.decode_batch, spec.decode_to_edges):
            with pytest.raises(InputError) as caught:
                decode(array, bit_packed_shots=packed)
            assert str(caught.value) == f"detections must be {sentence}"

    def test_neither_0_nor_1(self) -> None:
        with pytest.raises(InputError) as caught:
            compiled("error(0.1) D0 L0").decode_batch(np.array([[0], [3]], np.uint8))
        assert str(caught.value) == (
            "detections that are not bit-packed must be 0 or 1, not 3; say bit_packed_shots=True if they are"
        )

    def test_threads_share_a_spec(self) -> None:
        memory = Memory(code="rotated_surface", distance=5, p=0.01)
        spec = spec_of(memory)
        detections = sampled(memory, 8000)
        expected = spec.decode_batch(detections), spec.decode_to_edges(detections)
        fresh = replace(spec)
        answers: dict[int, npt.NDArray[np.uint8]] = {}

        def decode(thread: int) -> None:
            for _ in range(3):
                answers[thread] = (fresh.decode_batch, fresh.decode_to_edges)[thread % 2](detections)

        # Daemons: tables that two threads spoil for each other can make a decoder run for ever.
        threads = [Thread(target=decode, args=(k,), daemon=True) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()
        for k, answer in answers.items():
            assert np.array_equal(answer, expected[k % 2])


class TestSpec:
    TEXT = "detector(0, 1) D0\ndetector(0, 0) D1\nerror(0.1) D0 D1 L1\nerror(0.9) D0\nerror(0.25) D1 L0\nerror(0.75) L0"

    def test_compile(self) -> None:
        spec = compiled(self.TEXT, weight_bits=3)
        assert spec.edges == ((0, -1), (0, 1), (1, -1))
        assert spec.weights == (7, 7, 4)
        assert spec.edge_observables == (0, 2, 1)
        assert spec.flipped_edges == (0,)
        assert spec.undetectable_flips == 1
        assert spec.rounds == ((1,), (0,))
        assert spec.weight_bits == 3
        assert spec.ports == ((0, 1), (1, 2))

    def test_unit_weights(self) -> None:
        spec = UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(self.TEXT)), weights="unit")
        assert (spec.weights, spec.weight_bits) == ((2, 2, 2), 2)

    def test_unknown_weights(self) -> None:
        graph = DecodingGraph.from_dem(stim.DetectorErrorModel(self.TEXT))
        with pytest.raises(InputError) as caught:
            UnionFindSpec.compile(graph, weights="equal")  # pyright: ignore[reportArgumentType]
        assert str(caught.value) == "weights must be 'log_likelihood' or 'unit', not 'equal'"

    def test_frozen_and_hashable(self) -> None:
        spec = compiled(self.TEXT)
        with pytest.raises(FrozenInstanceError):
            spec.weight_bits = 5  # pyright: ignore[reportAttributeAccessIssue]
        assert len({spec, compiled(self.TEXT)}) == 1

    def test_pickles_small_even_after_decoding(self) -> None:
        spec = spec_of(Memory(code="rotated_surface", distance=5, p=0.01))
        before = pickle.dumps(spec)
        shots = np.eye(spec.num_detectors, dtype=np.uint8)
        expected = spec.decode_batch(shots)
        assert len(pickle.dumps(spec)) == len(before)
        copy = pickle.loads(pickle.dumps(spec))
        assert copy == spec
        assert copy.sha256 == spec.sha256
        assert np.array_equal(copy.decode_batch(shots), expected)

    def test_json_round_trip(self, tmp_path: Path) -> None:
        spec = compiled(self.TEXT)
        assert UnionFindSpec.from_json(spec.to_json()) == spec
        loaded = UnionFindSpec.load(spec.save(tmp_path / "spec.json"))
        assert loaded == spec
        assert loaded.sha256 == spec.sha256

    def test_sha256_names_the_content(self) -> None:
        spec = compiled(self.TEXT)
        assert len(spec.sha256) == 64
        assert compiled(self.TEXT).sha256 == spec.sha256
        assert replace(spec, weights=(7, 7, 3)).sha256 != spec.sha256
        assert replace(spec, rounds=((0, 1),)).sha256 != spec.sha256

    @pytest.mark.parametrize(
        "text",
        ["", "[]", "3", "{}", '{"edges": 3}', '{"edges": [[0, 1, 2]], "rounds": []}', "{\"edges\": [[0, 'x']]}"],
    )
    def test_not_a_spec(self, text: str) -> None:
        with pytest.raises(InputError, match=r"^a union-find spec must be JSON that synfab wrote: "):
            UnionFindSpec.from_json(text)

    def test_json_with_a_wrong_value(self) -> None:
        text = compiled(self.TEXT, weight_bits=3).to_json()
        assert "[7, 7, 4]" in text
        with pytest.raises(InputError, match=r"^the weight of edge 2 must be an integer"):
            UnionFindSpec.from_json(text.replace("[7, 7, 4]", "[7, 7, 4.5]"))
        with pytest.raises(InputError, match=r"^a union-find spec must be JSON that synfab wrote: "):
            UnionFindSpec.from_json(text.replace('"weights"', '"wheights"'))

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"format": "x/2"}, "a union-find spec must have the format 'synfab.union_find/2', not 'x/2'"),
            (
                {"weights": (1, 2)},
                "a spec must have one weight and one observable mask an edge, not 3 edges, 2 weights, 3 masks",
            ),
            (
                {"weights": (1, 16, 2)},
                "the weight of edge 1 must be an integer that fits 4 bits (1..15), not 16; raise weight_bits or "
                "scale the weights",
            ),
            (
                {"weights": (1, 2, 0)},
                "the weight of edge 2 must be an integer that fits 4 bits (1..15), not 0; raise weight_bits or "
                "scale the weights",
            ),
            (
                {"weights": (1, 2.5, 1)},
                "the weight of edge 1 must be an integer that fits 4 bits (1..15), not 2.5; raise weight_bits or "
                "scale the weights",
            ),
            ({"weight_bits": 0}, "weight_bits of a spec must lie in 1..16, not 0"),
            ({"weight_bits": 17}, "weight_bits of a spec must lie in 1..16, not 17"),
            (
                {"edges": ((0, -1), (1, 0), (1, -1))},
                "edge 1 must join two of the 2 detectors in ascending order, or one and the boundary (-1), not (1, 0)",
            ),
            (
                {"edges": ((0, -1), (0, 1), (2, -1))},
                "edge 2 must join two of the 2 detectors in ascending order, or one and the boundary (-1), not (2, -1)",
            ),
            (
                {"edges": ((0, 0), (0, 1), (1, -1))},
                "edge 0 must join two of the 2 detectors in ascending order, or one and the boundary (-1), not (0, 0)",
            ),
            ({"edge_observables": (0, 4, 0)}, "an observable mask must fit 2 observables"),
            ({"edge_observables": (0, -1, 0)}, "an observable mask must fit 2 observables"),
            ({"undetectable_flips": 4}, "an observable mask must fit 2 observables"),
            ({"num_observables": 65}, "a spec must have 0 to 64 observables, not 65"),
            ({"num_observables": -1}, "a spec must have 0 to 64 observables, not -1"),
            ({"flipped_edges": (3,)}, "flipped_edges must be ascending indices of the 3 edges, not (3,)"),
            ({"flipped_edges": (1, 1)}, "flipped_edges must be ascending indices of the 3 edges, not (1, 1)"),
            ({"rounds": ((0,),)}, "rounds must hold each of the 2 detectors exactly once"),
            ({"rounds": ((0, 1), (1,))}, "rounds must hold each of the 2 detectors exactly once"),
        ],
    )
    def test_contradictions(self, change: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError) as caught:
            replace(compiled(self.TEXT), **change)
        assert str(caught.value) == sentence
