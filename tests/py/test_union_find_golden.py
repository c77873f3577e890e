# SPDX-License-Identifier: Apache-2.0
"""Stored vectors, checked again by the reference of today, and stored shots decoded beside PyMatching."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pymatching
import pytest
import stim

from synfab.artefact import file_digest
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph, read_dem

GOLDEN = Path(__file__).parents[1] / "golden"
FOLDERS = sorted(path.parent.name for path in GOLDEN.glob("*/manifest.json"))
VECTORS = [name for name in FOLDERS if (GOLDEN / name / "spec.json").exists()]


def manifest(name: str) -> dict[str, Any]:
    return json.loads((GOLDEN / name / "manifest.json").read_text())


def shots(data: bytes, count: int, bits: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(count, (bits + 7) // 8)


def model(name: str) -> stim.DetectorErrorModel:
    if (GOLDEN / name / "model.dem").exists():
        return read_dem(GOLDEN / name / "model.dem")
    return stim.Circuit.from_file(GOLDEN / name / "circuit.stim").detector_error_model(decompose_errors=True)


def test_the_vectors_are_there() -> None:
    assert {"awkward_w3", "repetition_d3_unit", "rotated_d3_w4", "rotated_d5_w4"} <= set(VECTORS)


@pytest.mark.parametrize("name", FOLDERS)
def test_files_are_those_of_the_manifest(name: str) -> None:
    stored = manifest(name)
    assert stored["format"] == "synfab.golden/1"
    assert {file: file_digest(GOLDEN / name / file) for file in stored["files"]} == stored["files"]


@pytest.mark.parametrize("name", VECTORS)
def test_the_problem_still_compiles_to_the_spec(name: str) -> None:
    spec = UnionFindSpec.load(GOLDEN / name / "spec.json")
    assert spec.sha256 == manifest(name)["spec_sha256"]
    weights = "unit" if name.endswith("_unit") else "log_likelihood"
    graph = DecodingGraph.from_dem(model(name))
    assert UnionFindSpec.compile(graph, weights=weights, weight_bits=spec.weight_bits) == spec


@pytest.mark.parametrize("name", VECTORS)
def test_the_answers_are_still_the_same(name: str) -> None:
    spec = UnionFindSpec.load(GOLDEN / name / "spec.json")
    stored = manifest(name)
    count = stored["num_shots"]
    assert (stored["num_detectors"], stored["num_observables"]) == (spec.num_detectors, spec.num_observables)
    detections = shots((GOLDEN / name / "detections.b8").read_bytes(), count, spec.num_detectors)
    observables = shots((GOLDEN / name / "observables.b8").read_bytes(), count, spec.num_observables)
    edges = shots((GOLDEN / name / "edges.b8").read_bytes(), count, len(spec.edges))
    assert observables.any()
    assert edges.any()
    predictions = spec.decode_batch(detections, bit_packed_shots=True, bit_packed_predictions=True)
    assert np.array_equal(predictions, observables)
    corrections = spec.decode_to_edges(detections, bit_packed_shots=True)
    assert np.array_equal(np.packbits(corrections, axis=1, bitorder="little"), edges)


def test_logical_errors_within_the_known_gap_to_matching() -> None:
    """On 12,000 stored shots at d=5, p=0.008, circuit-level.

    Failures of union-find are exact. Those of matching may move with the ties that its version breaks; the gaps to
    it are those of the benchmark: a few percent with weights, about a third without.
    """
    name = "accuracy_rotated_d5"
    stored, folder = manifest(name), GOLDEN / name
    count = stored["num_shots"]
    detections = shots(lzma.decompress((folder / "detections.b8.xz").read_bytes()), count, stored["num_detectors"])
    actual = shots(lzma.decompress((folder / "observables.b8.xz").read_bytes()), count, stored["num_observables"])
    dem = model(name)
    graph = DecodingGraph.from_dem(dem)
    decoders: dict[str, Any] = {f"w{bits}": UnionFindSpec.compile(graph, weight_bits=bits) for bits in (3, 4, 8)}
    decoders["unit"] = UnionFindSpec.compile(graph, weights="unit")
    decoders["matching"] = pymatching.Matching.from_detector_error_model(dem)
    errors = {}
    for decoder, decoding in decoders.items():
        predicted = decoding.decode_batch(detections, bit_packed_shots=True, bit_packed_predictions=True)
        errors[decoder] = int((predicted != actual).any(axis=1).sum())
    matching = errors.pop("matching")
    assert errors == {"w3": 688, "w4": 643, "w8": 624, "unit": 785}
    assert matching == pytest.approx(599, abs=12)
    assert matching < errors["w4"] < 1.15 * matching
    assert 1.15 * matching < errors["unit"] < 1.5 * matching
