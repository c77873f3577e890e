# SPDX-License-Identifier: Apache-2.0
"""The RTL as a compiled library answers as the reference does."""

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import stim

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError, MissingToolError, ToolError
from synfab.rtl.union_find import Design, SharedUnionFind, UnionFind
from synfab.sampling import collect, task_from_circuit
from synfab.sim.loop import CYCLES, DIFFERS, RtlDecoder, RtlSampler

Weights = Literal["log_likelihood", "unit"]

PROBLEMS: dict[str, tuple[stim.DetectorErrorModel, Weights, bool]] = {
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


def decoder_for(dem, weights: Weights, corrections: bool, cache) -> RtlDecoder:
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights=weights)
    verilog = UnionFind(spec, corrections=corrections, instances=True).verilog()
    return RtlDecoder(spec=spec, verilog=verilog, corrections=corrections, cache=cache)


@pytest.mark.parametrize("lanes", [64, 1])
@pytest.mark.parametrize("name", PROBLEMS)
def test_rtl_equals_reference(name, lanes, cache):
    dem, weights, corrections = PROBLEMS[name]
    decoder = replace(decoder_for(dem, weights, corrections, cache), lanes=lanes)
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
    # What came before the last round may be done when the last round comes.
    late = np.unpackbits(detections, axis=1, bitorder="little")[:, list(spec.rounds[-1])].any(axis=1)
    assert played.cycles[late].min() > 2
    streamed = decoder.play(detections, back_to_back=True)
    assert np.array_equal(streamed.predictions, played.predictions)
    assert len(spec.rounds) <= streamed.interval_cycles < played.interval_cycles


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("traffic", [{}, {"gap_cycles": 2}, {"back_to_back": True}], ids=["plain", "gaps", "stream"])
def test_lanes_take_the_cycles_of_the_design_as_it_is(name, traffic, cache):
    """The number of shots is no multiple of 64, so lanes end at different times."""
    dem = PROBLEMS[name][0]
    decoder = decoder_for(*PROBLEMS[name], cache)
    detections = dem.compile_sampler(seed=2).sample(777, bit_packed=True)[0]
    plain, wide = (replace(decoder, lanes=lanes).play(detections, **traffic) for lanes in (1, 64))
    assert np.array_equal(plain.predictions, wide.predictions)
    # Back to back, the first shots of a lane do not wait behind others.
    if not traffic.get("back_to_back"):
        assert np.array_equal(plain.cycles, wide.cycles)
        assert plain.interval_cycles == wide.interval_cycles
    assert decoder.play(detections[:0], **traffic).cycles.tolist() == []


def test_memories_side_by_side_take_the_cycles_of_the_design_as_it_is(cache):
    """They become flip-flops, a set for each lane."""
    dem = PROBLEMS["phenomenological block, unit"][0]
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights="unit")
    verilog = Design(micro_architecture="shared", detectors_per_element=4).fabric(spec).verilog()
    plain, wide = (RtlDecoder(spec=spec, verilog=verilog, lanes=lanes, cache=cache) for lanes in (1, 64))
    detections = dem.compile_sampler(seed=4).sample(64, bit_packed=True)[0]
    # Where in its round an element is when a shot comes depends on the shots before, so each is the first of a lane.
    one_by_one = [plain.play(shot[np.newaxis]) for shot in detections]
    together = wide.play(detections)
    assert together.cycles.max() > 2
    assert np.array_equal(together.cycles, [played.cycles[0] for played in one_by_one])
    assert np.array_equal(together.predictions, [played.predictions[0] for played in one_by_one])


@pytest.mark.parametrize("number", [2, 12])
def test_shared_elements_are_verilated_with_their_memories(number, cache):
    dem = PROBLEMS["phenomenological block, unit"][0]
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights="unit")
    design = Design(micro_architecture="shared", detectors_per_element=number)
    decoder = RtlDecoder(spec=spec, verilog=design.fabric(spec).verilog(), cache=cache)
    # All syndromes of the block: what lies in the memories from one shot must not show in the next.
    shots = np.random.default_rng(1).permutation(1 << spec.num_detectors).astype("<u2").view(np.uint8).reshape(-1, 2)
    for back_to_back in (False, True):
        played = decoder.play(shots, back_to_back=back_to_back)
        assert np.array_equal(played.predictions, spec.decode_batch(shots, bit_packed_shots=True))


@pytest.mark.parametrize(("distance", "rounds", "number"), [(4, 10, 33), (6, 12, 65), (6, 13, 70)])
def test_a_last_group_of_fewer_slots_has_no_detector_of_its_own(distance, rounds, number, cache):
    """One element, whose slots are visited in groups of two or three, does not divide into them."""
    dem = Memory(code="repetition", distance=distance, rounds=rounds, p=0.05).dem()
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights="unit")
    fabric = SharedUnionFind(spec, detectors_per_element=number, instances=True)
    assert fabric.partition.num_slots % fabric.partition.group_slots
    detections = dem.compile_sampler(seed=6).sample(20_000, bit_packed=True)[0]
    played = RtlDecoder(spec=spec, verilog=fabric.verilog(), lanes=64, cache=cache).play(detections)
    assert np.array_equal(played.predictions, spec.decode_batch(detections, bit_packed_shots=True))
    assert played.cycles.max() <= fabric.max_cycles


@pytest.mark.parametrize("lanes", [64, 1])
def test_one_library_loads_the_default_weights_of_any_error_rate(lanes, cache):
    likely, rare = (Memory(code="repetition", distance=3, p=p).dem() for p in (0.2, 0.001))
    built, loaded = (UnionFindSpec.compile(DecodingGraph.from_dem(dem)) for dem in (rare, likely))
    decoder = RtlDecoder(
        spec=loaded,
        verilog=Design(runtime_weights=True).fabric(built).verilog(),
        runtime_weights=True,
        built_weights=built.weights,
        lanes=lanes,
        cache=cache,
    )
    detections = likely.compile_sampler(seed=3).sample(1000, bit_packed=True)[0]
    predictions = decoder.play(detections).predictions
    assert np.array_equal(predictions, loaded.decode_batch(detections, bit_packed_shots=True))
    assert not np.array_equal(predictions, built.decode_batch(detections, bit_packed_shots=True))
    with pytest.raises(InputError, match="built_weights must be the spec's"):
        replace(decoder, runtime_weights=False).play(detections)


@pytest.fixture(scope="module")
def weighable(cache) -> RtlDecoder:
    """Three detectors in a row, with a weight port."""
    ways = "error(0.1) D0 L0\nerror(0.1) D0 D1\nerror(0.1) D1 D2\nerror(0.1) D2"
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(stim.DetectorErrorModel(ways)))
    verilog = Design(runtime_weights=True).fabric(spec).verilog()
    return RtlDecoder(spec=spec, verilog=verilog, runtime_weights=True, lanes=1, cache=cache)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"weights": [[16, 1, 1, 1]]}, r"the weight of edge 0 in row 0 must fit 4 bits .*, not 16; clip it"),
        ({"weights": [[1, 1, -1, 1]]}, "the weight of edge 2 in row 0 must fit 4 bits .*, not -1"),
        ({"weights": [[1, 1, 1]]}, r"must be integers of shape \(4,\) or \(1, 4\), not int64 of shape \(1, 3\)"),
        ({"weights": [[1.5, 1, 1, 1]]}, "weights must be integers of shape .*, not float64"),
        ({"weights": [[1, 1, 1, 1]] * 2}, r"or \(1, 4\), not int64 of shape \(2, 4\)"),
        ({"detections": np.zeros((1, 2), np.uint8)}, r"must be bit-packed uint8 of shape \(shots, 1\), not uint8 of"),
        ({"detections": np.zeros((1, 1), np.bool_)}, "must be bit-packed uint8 .*, not bool"),
        ({"gap_cycles": -1}, "gap_cycles must be at least 0, not -1; 0 sends a round a cycle"),
    ],
)
def test_bad_shots_and_weights_are_refused(changed, sentence, weighable):
    """A weight too wide would else be taken for a default, or for one of another edge."""
    with pytest.raises(InputError, match=sentence):
        weighable.play(**{"detections": np.zeros((1, 1), np.uint8)} | changed)


def test_weights_may_be_a_row_for_all_shots(weighable):
    decoder, spec = weighable, weighable.spec
    shots = np.arange(8, dtype=np.uint8)[:, np.newaxis]
    answers = []
    for weights in ([0, 15, 15, 1], [15, 1, 1, 0]):
        answers.append(decoder.play(shots, weights=np.array(weights)).predictions)
        assert np.array_equal(answers[-1], spec.decode_batch(shots, bit_packed_shots=True, weights=weights))
    assert not np.array_equal(*answers)


def test_library_is_built_once_and_the_decoder_pickles(cache):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    first = decoder.build()
    built_at = first.stat().st_mtime_ns
    again = pickle.loads(pickle.dumps(decoder))
    shot = np.zeros((1, 2), np.uint8)
    assert again.play(shot).cycles.tolist() == [2]
    assert again.build() == first
    assert first.stat().st_mtime_ns == built_at


def test_cache_may_be_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chain = stim.DetectorErrorModel("error(0.1) D0 L0\nerror(0.1) D0 D1")
    decoder = decoder_for(chain, "unit", False, Path("out/library"))
    assert decoder.build().is_relative_to(tmp_path)
    assert decoder.play(np.array([[0], [1]], np.uint8)).predictions.tolist() == [[0], [1]]


def test_silent_decoder_is_named_with_its_detection_events(cache, monkeypatch):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    deaf = decoder.verilog.replace("o__valid <= ", "o__valid <= 1'h0 & ", 1)
    assert deaf != decoder.verilog
    monkeypatch.setattr("synfab.sim.loop.decoder.PATIENCE_CYCLES", 100)
    silent = RtlDecoder(spec=decoder.spec, verilog=deaf, cache=cache)
    with pytest.raises(ToolError, match=r"must answer within 100 cycles, not fall silent on .* \[0, 3\]"):
        silent.play(np.array([[0b1001, 0]], np.uint8))


def test_verilog_that_does_not_compile_is_a_sentence(cache):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], cache)
    broken = RtlDecoder(spec=decoder.spec, verilog="module union_find(", cache=cache)
    with pytest.raises(ToolError, match="yosys must compile the decoder, but it failed"):
        broken.build()


def test_missing_compiler_says_how_to_install(cache, tmp_path, monkeypatch):
    decoder = decoder_for(*PROBLEMS["phenomenological block, unit"], tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"apt-get install g\+\+ make"):
        decoder.build()


def test_no_python_of_the_path_takes_part(tmp_path, monkeypatch):
    """Where there is none, as in Debian, or another one."""
    decoder = replace(decoder_for(*PROBLEMS["phenomenological block, unit"], tmp_path / "cache"), lanes=1)
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    assert decoder.build().exists()


def sampler_for(name: str, cache) -> RtlSampler:
    dem, weights, corrections = PROBLEMS[name]
    return RtlSampler(decoder=decoder_for(dem, weights, corrections, cache), weights=weights, weight_bits=4)


def test_sinter_collects_errors_and_cycles_of_the_rtl(cache):
    circuit = PhenomenologicalBlock(distance=3, p=0.03).circuit()
    sampler = sampler_for("phenomenological block, unit", cache)
    (row,) = collect(
        tasks=[task_from_circuit(circuit)], decoders=["rtl"], max_shots=5000, custom_decoders={"rtl": sampler}
    )
    cycles = {int(key.removeprefix(CYCLES)): n for key, n in row.custom_counts.items() if key.startswith(CYCLES)}
    assert sum(cycles.values()) == row.shots >= 5000
    assert min(cycles) == 2
    assert DIFFERS not in row.custom_counts
    assert 0 < row.errors < row.shots


def test_rtl_errs_exactly_where_the_reference_does(cache):
    circuit = Memory(code="rotated_surface", distance=3, p=0.01).circuit()
    sampler = sampler_for("rotated circuit-level, weighted, corrections", cache)
    task = task_from_circuit(circuit)
    compiled = sampler.compiled_sampler_for_task(task)
    # The task's own sampler draws new shots each time; this one draws shots that the reference can draw, too.
    object.__setattr__(compiled, "circuit_sampler", circuit.compile_detector_sampler(seed=3))
    stats = compiled.sample(4000)
    shots, flips = circuit.compile_detector_sampler(seed=3).sample(4000, separate_observables=True, bit_packed=True)
    predictions = sampler.decoder.spec.decode_batch(shots, bit_packed_shots=True, bit_packed_predictions=True)
    assert stats.errors == int((predictions != flips).any(axis=1).sum()) > 0


def test_rtl_of_another_problem_is_refused(cache):
    sampler = sampler_for("phenomenological block, unit", cache)
    other = task_from_circuit(Memory(code="repetition", distance=3, p=0.01).circuit())
    with pytest.raises(InputError, match="must sample the problem that it was built for"):
        sampler.compiled_sampler_for_task(other)
