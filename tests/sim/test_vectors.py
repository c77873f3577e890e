# SPDX-License-Identifier: Apache-2.0
"""Stored vectors: what is written is what the reference answers, and what is read back."""

import hashlib
import json

import numpy as np
import pytest
import stim

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.sim.bench.vectors import Answer, Vectors, VectorsError
from synfab.sim.vectors import sampled_weights, write_vectors


@pytest.fixture(scope="module")
def problem() -> tuple[UnionFindSpec, np.ndarray]:
    """A spec whose records are not whole bytes, and bit-packed shots."""
    dem = Memory(code="rotated_surface", distance=3, rounds=2, p=0.03).dem()
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem))
    assert spec.num_detectors % 8 == 0
    assert len(spec.edges) % 8 != 0
    return spec, np.asarray(dem.compile_sampler(seed=1).sample(50, bit_packed=True)[0])


def number(bits: np.ndarray) -> int:
    return sum(int(bit) << k for k, bit in enumerate(bits))


@pytest.mark.parametrize("corrections", [False, True])
def test_round_trip(problem, tmp_path, corrections):
    spec, shots = problem
    written = write_vectors(tmp_path, spec, shots, corrections=corrections)
    vectors = Vectors(directory=tmp_path)
    assert written == vectors
    vectors.check()
    assert len(vectors) == 50
    assert vectors.has_corrections == corrections
    assert [tuple(detectors) for detectors in vectors.rounds] == list(spec.rounds)
    events = np.unpackbits(shots, axis=1, bitorder="little", count=spec.num_detectors)
    assert [vectors.detections(k) for k in range(50)] == [number(row) for row in events]
    observables = [number(row) for row in spec.decode_batch(events)]
    edges = [number(row) if corrections else None for row in spec.decode_to_edges(events)]
    assert [vectors.answer(k) for k in range(50)] == list(map(Answer, observables, edges))


def test_manifest_describes_the_files(problem, tmp_path):
    spec, shots = problem
    write_vectors(tmp_path, spec, shots)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["spec_sha256"] == spec.sha256
    assert (manifest["num_detectors"], manifest["num_observables"]) == (spec.num_detectors, 1)
    assert manifest["num_edges"] == len(spec.edges)
    assert set(manifest["tools"]) == {"synfab", "stim", "numpy"}
    assert set(manifest["files"]) == {"detections", "observables"}
    for entry in manifest["files"].values():
        content = (tmp_path / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == 50 * entry["bytes_per_shot"]
    assert (tmp_path / "detections.b8").read_bytes() == shots.tobytes()


@pytest.mark.parametrize("weight_bits", [4, 8, 9])
def test_weights_of_shots(problem, tmp_path, weight_bits):
    """The answers are those under the weights that are read back."""
    _, shots = problem
    dem = Memory(code="rotated_surface", distance=3, rounds=2, p=0.03).dem()
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weight_bits=weight_bits)
    weights = sampled_weights(spec, 50, seed=3)
    assert np.array_equal(weights, sampled_weights(spec, 50, seed=3))
    assert not np.array_equal(weights, sampled_weights(spec, 50, seed=4))
    vectors = write_vectors(tmp_path, spec, shots, corrections=True, weights=weights)
    vectors.check()
    assert vectors.has_weights
    overrides = [vectors.overrides(k) for k in range(50)]
    expected = [{int(e): int(row[e]) for e in np.flatnonzero(row != np.array(spec.weights))} for row in weights]
    assert overrides == expected
    assert {0, 8} <= {len(own) for own in overrides} <= set(range(9))
    assert {0, (1 << weight_bits) - 1} & {weight for own in overrides for weight in own.values()}
    edges = spec.decode_to_edges(shots, bit_packed_shots=True, weights=weights)
    assert [vectors.answer(k).corrections for k in range(50)] == [number(row) for row in edges]


def test_vectors_without_weights_have_no_overrides(problem, tmp_path):
    vectors = write_vectors(tmp_path, *problem)
    assert not vectors.has_weights
    assert vectors.overrides(0) == {}


def test_spec_without_observables_has_empty_records(tmp_path):
    dem = stim.DetectorErrorModel("error(0.1) D0\nerror(0.1) D0 D1")
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem))
    vectors = write_vectors(tmp_path, spec, np.array([[1], [3]], np.uint8))
    vectors.check()
    assert [vectors.answer(k) for k in range(2)] == [Answer(0, None)] * 2


def test_shot_out_of_range_is_refused(problem, tmp_path):
    vectors = write_vectors(tmp_path, *problem)
    for shot in (-1, 50):
        with pytest.raises(VectorsError, match=rf"^a shot must lie in 0\.\.49, not {shot}$"):
            vectors.detections(shot)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other/1"}, r"must have the format 'synfab.vectors/1', not 'other/1'; write the vectors again"),
        ({"shots": 49}, r"detections.b8 must hold 49 records of 2 bytes, not 100 bytes; write the vectors again"),
        ({"files": {}}, r"manifest.json must name files; write the vectors again"),
    ],
)
def test_manifest_that_does_not_fit_is_refused(problem, tmp_path, change, sentence):
    write_vectors(tmp_path, *problem)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(VectorsError, match=sentence):
        Vectors(directory=tmp_path).check()


def test_no_manifest_is_refused(tmp_path):
    with pytest.raises(VectorsError, match=r"manifest.json must be a manifest of vectors: .*; write the vectors again"):
        Vectors(directory=tmp_path).check()
    (tmp_path / "manifest.json").write_text("[1]")
    with pytest.raises(VectorsError, match=r"must be a manifest of vectors"):
        Vectors(directory=tmp_path).check()
