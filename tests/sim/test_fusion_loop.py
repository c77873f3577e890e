# SPDX-License-Identifier: Apache-2.0
"""The fusion fabric, Verilated: random merges and splits, hundreds of blocks, whoever comes when."""

import random
from dataclasses import replace

import numpy as np
import pytest

from synfab.benchmarks.fusion.histories import RandomHistory
from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.errors import InputError, ToolError
from synfab.rtl.fusion import FusionFabric
from synfab.sim.loop.fusion import VerilatedFusion
from synfab.surgery.history import History

FIELD = RandomHistory(columns=2, rows=2, steps=60, distance=3, p=0.01, seed=2)
ROW = RandomHistory(columns=2, steps=24, distance=3, kind="X", noise="circuit", p=0.004, seed=3)
READ = RandomHistory(columns=2, steps=3, distance=3, p=0.03, merged=1.0)


@pytest.mark.parametrize(
    ("problem", "slots", "alone", "hops", "weight_bits"),
    [
        (FIELD, 2, "block", 1, None),
        (ROW, 3, "step", 1, 3),
        (READ, 2, "block", 2, None),
    ],
    ids=[
        "four patches",
        "two patches, weighted, three steps held",
        "merged patches that are read out, two hops",
    ],
)
def test_equal_to_the_reference(problem, slots, alone, hops, weight_bits, tmp_path, monkeypatch):
    monkeypatch.setattr("synfab.sim.loop.fusion.PATIENCE_CYCLES", 1000)
    floor = problem.floor(weight_bits=weight_bits)
    history = History.of(floor, problem.pieces)
    verilog = FusionFabric(floor, slots=slots, alone=alone, hops=hops, instances=True).verilog()
    fabric = VerilatedFusion(floor=floor, slots=slots, verilog=verilog, cache=tmp_path)
    schedule = Schedule.in_time(history.spec, keep=slots - 1, alone=alone, to_the_last=True)
    decoder = FusionDecoder(spec=history.spec, schedule=schedule, release="commit")
    rng = np.random.default_rng(8)
    likely = (rng.random((20, history.spec.whole.num_detectors)) < 0.1).astype(np.uint8)
    events = np.vstack([problem.placed(history, problem.sample(3, seed=9)), likely])
    for shot, edges in zip(events, decoder.decode_to_edges(events), strict=True):
        committed = history.by_home(edges)
        # Rounds at any time, cells apart, and answers that wait.
        shape = (history.num_steps, floor.num_cells, problem.distance + 1)
        due = np.cumsum(rng.integers(0, 20, shape), axis=2) + 40 * np.arange(shape[0])[:, np.newaxis, np.newaxis]
        stalls = rng.integers(0, 60, shape[0]) * (rng.random(shape[0]) < 0.2)
        # For longer than the fabric may be silent.
        due[-1] += 2000
        stalls[-2] += 2000
        answers = []
        for played in (
            fabric.play(history, shot, due=due, stalls=stalls),
            fabric.play(history, shot),
            fabric.play(history, shot, one_by_one=True),
        ):
            assert played.committed == committed
            answers.append(played.answers)
        for step in random.Random(1).sample(range(history.num_steps), min(8, history.num_steps)):
            steps = schedule.steps_until(history.spec, step)
            flips = history.by_home(decoder.corrections_so_far(shot[np.newaxis], steps=steps)[0])
            held = {key: mask for key, mask in flips.items() if key[0] > step - slots}
            assert [one[step] for one in answers] == [held] * 3
    assert any(history.by_home(edges) for edges in decoder.decode_to_edges(events))


def test_a_fabric_that_falls_silent_is_an_error(tmp_path):
    problem = RandomHistory(steps=2, distance=3, p=0.01)
    floor = problem.floor()
    verilog = FusionFabric(floor, instances=True).verilog()
    mute = verilog.replace("    o__valid <= ", "    o__valid <= 1'h0 & ", 1)
    assert mute != verilog
    fabric = VerilatedFusion(floor=floor, slots=2, verilog=mute, cache=tmp_path)
    history = History.of(floor, problem.pieces)
    with pytest.raises(ToolError, match=r"^the RTL must answer within 100000 cycles, not fall silent in step -1$"):
        fabric.play(history, np.zeros(history.spec.whole.num_detectors, np.uint8))


def test_refusals(tmp_path):
    problem = RandomHistory(steps=2, distance=3, p=0.01)
    history = History.of(problem.floor(), problem.pieces)
    fabric = VerilatedFusion(floor=history.floor, slots=2, verilog="", cache=tmp_path)
    events = np.zeros(history.spec.whole.num_detectors, np.uint8)
    with pytest.raises(InputError, match=r"^the history must be of the floor that the fabric was made for, not of"):
        fabric.play(History.of(problem.floor(weight_bits=3), problem.pieces), events)
    with pytest.raises(InputError, match=r"^events must have the shape \(\d+,\) for this history, not \(1,\)$"):
        fabric.play(history, events[:1])
    with pytest.raises(InputError, match=r"^due must have the shape \(2, 1, 4\) for this history, not \(2, 4\)$"):
        fabric.play(history, events, due=np.zeros((2, 4), np.int64))
    with pytest.raises(InputError, match=r"^stalls must have the shape \(2,\) for this history, not \(3,\)$"):
        fabric.play(history, events, stalls=np.zeros(3, np.int64))
    wide = replace(history.floor, cells=replace(history.floor.cells, distance=11))
    with pytest.raises(InputError, match=r"^a layer must have at most 62 check positions to be played, not 72 as with"):
        replace(fabric, floor=wide)
