# SPDX-License-Identifier: Apache-2.0
"""The two Verilog files of a board, compiled together, against the word format and the reference."""

import json
import random
from pathlib import Path

import numpy as np

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.axi_stream import AxiStreamTop, WordFormat
from synfab.rtl.union_find.design import Design
from synfab.sim.bench import verilator
from synfab.sim.vectors import sampled_weights

WORD = (1 << 64) - 1


def ref_shot(spec: UnionFindSpec, words: list[int]) -> np.ndarray:
    """The detection events in a packet of one word a round, whatever its length."""
    shot = np.zeros(spec.num_detectors, np.uint8)
    for detectors, word in zip(spec.rounds, words, strict=False):
        shot[list(detectors)] = [word >> k & 1 for k in range(len(detectors))]
    return shot


def words_of(bits: np.ndarray, count: int) -> list[int]:
    number = sum(int(bit) << k for k, bit in enumerate(bits))
    return [number >> 64 * k & WORD for k in range(count)]


def test_verilog_answers_packets_of_any_length(tmp_path, monkeypatch):
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    memory = Memory(code="repetition", distance=5, rounds=3, noise="phenomenological", p=0.1)
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()))
    words = WordFormat.of(spec, corrections=True)
    assert words.words_per_round == 1
    draw = random.Random(2)
    packets = [[draw.getrandbits(64) & draw.getrandbits(64) for _ in range(draw.randint(1, 6))] for _ in range(300)]
    shots = np.array([ref_shot(spec, packet) for packet in packets])
    weights = sampled_weights(spec, len(shots), seed=3)
    observables, edges = spec.decode_batch(shots, weights=weights), spec.decode_to_edges(shots, weights=weights)
    answers = [
        None if draw.random() < 0.2 else [*words_of(flips, 1), *words_of(flipped, words.words_per_answer - 1)]
        for flips, flipped in zip(observables, edges, strict=True)
    ]
    entries = [
        [words.entry_word(edge=int(edge), weight=int(row[edge])) for edge in np.flatnonzero(row != spec.weights)]
        for row in weights
    ]
    plan = tmp_path / "packets.json"
    plan.write_text(json.dumps({"packets": packets, "entries": entries, "answers": answers}))
    files = [tmp_path / "union_find.v", tmp_path / "union_find_axis.v"]
    design = Design(corrections=True, runtime_weights=True)
    files[0].write_text(design.fabric(spec).verilog())
    files[1].write_text(AxiStreamTop(spec, design=design).verilog())

    for name, value in verilator.environment().items():
        monkeypatch.setenv(name, value)
    # The runner hands this path on to the simulation.
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    runner = get_runner("verilator")
    common = {"hdl_toplevel": "union_find_axis", "build_dir": tmp_path / "build", "timescale": ("1ns", "1ps")}
    runner.build(sources=files, build_args=list(verilator.FLAGS), log_file=tmp_path / "build.log", **common)
    environment = {"AXI_STREAM_PACKETS": str(plan)}
    results = runner.test(test_module="axi_stream_tests", test_dir=tmp_path, extra_env=environment, **common)
    assert get_results(results) == (3, 0)
