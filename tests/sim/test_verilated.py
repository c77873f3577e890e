# SPDX-License-Identifier: Apache-2.0
"""The RTL as a compiled library answers as the reference does."""

import pickle

import numpy as np
import pytest

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import MissingToolError, ToolError
from synfab.rtl.union_find import UnionFind
from synfab.sim.verilated import VerilatedDecoder

PROBLEMS = {
    "phenomenological block, unit": (PhenomenologicalBlock(distance=3, p=0.03).dem(), "unit", False),
    "rotated circuit-level, weighted, corrections": (
        Memory(code="rotated_surface", distance=3, p=0.01).dem(),
        "log_likelihood",
        True,
    ),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("verilated")


def decoder_for(dem, weights, corrections, cache) -> VerilatedDecoder:
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights=weights)
    verilog = UnionFind(spec, corrections=corrections, instances=True).verilog()
    return VerilatedDecoder(spec=spec, verilog=verilog, corrections=corrections, cache=cache)


@pytest.mark.parametrize("name", PROBLEMS)
def test_rtl_equals_reference(name, cache):
    dem, weights, corrections = PROBLEMS[name]
    decoder = decoder_for(dem, weights, corrections, cache)
    spec = decoder.spec
    sampled = dem.compile_sampler(seed=11).sample(6000, bit_packed=True)[0]
    # Syndromes that no error rate of interest would show: every detector fires with probability 1/2.
    dense = np.random.default_rng(5).integers(0, 2, (2000, spec.num_detectors), np.uint8)
    detections = np.concatenate([sampled, np.packbits(dense, axis=1, bitorder="little")])
    played = decoder.play(detections)
    assert np.array_equal(played.predictions, spec.decode_batch(detections, bit_packed_shots=True))
    if corrections:
        assert played.corrections is not None
        assert np.array_equal(played.corrections, spec.decode_to_edges(detections, bit_packed_shots=True))
    else:
        assert played.corrections is None
    empty = ~detections.any(axis=1)
    assert empty.any()
    assert set(played.cycles[empty]) == {2}
    assert played.cycles[~empty].min() > 2


def test_library_is_built_once_and_the_decoder_pickles(cache):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    first = decoder.build()
    built_at = first.stat().st_mtime_ns
    again = pickle.loads(pickle.dumps(decoder))
    shot = np.zeros((1, 2), np.uint8)
    assert again.play(shot).cycles.tolist() == [2]
    assert again.build() == first
    assert first.stat().st_mtime_ns == built_at


def test_silent_decoder_is_named_with_its_detection_events(cache, monkeypatch):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    deaf = decoder.verilog.replace("o__valid <= ", "o__valid <= 1'h0 & ", 1)
    assert deaf != decoder.verilog
    monkeypatch.setattr("synfab.sim.verilated.decoder.PATIENCE_CYCLES", 100)
    silent = VerilatedDecoder(spec=decoder.spec, verilog=deaf, cache=cache)
    with pytest.raises(ToolError, match=r"must answer within 100 cycles, not fall silent on .* \[0, 3\]"):
        silent.play(np.array([[0b1001, 0]], np.uint8))


def test_verilog_that_does_not_compile_is_a_sentence(cache):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    broken = VerilatedDecoder(spec=decoder.spec, verilog="module union_find(", cache=cache)
    with pytest.raises(ToolError, match="verilator must compile the decoder, but it failed"):
        broken.build()


def test_missing_compiler_says_how_to_install(cache, tmp_path, monkeypatch):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"apt-get install g\+\+ make"):
        decoder.build()
