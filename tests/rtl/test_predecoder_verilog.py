# SPDX-License-Identifier: Apache-2.0
"""The Verilog of nets of S's shape against its reference, over a few hundred rounds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_nets import alike, beats_of, due_cycles, net, random_blocks, ref_answers

from synfab.rtl.predecoder import InputPlanes, Loaded, Predecoder
from synfab.sim.bench import run, verilator


@pytest.mark.parametrize(
    ("layout", "loaded"),
    [
        ("supercell", None),
        ("supercell", Loaded(multipliers="lut", cycles_per_beat=6)),
        ("grid", None),
        ("grid", Loaded(multipliers="dsp", cycles_per_beat=27)),
    ],
    ids=["constant", "lut", "grid", "grid-dsp"],
)
def test_verilog_gives_the_logits_of_the_reference(tmp_path, monkeypatch, layout, loaded):
    from cocotb_tools.check_results import get_results

    rng = np.random.default_rng(1)
    # Nine positions in both.
    planes = InputPlanes.of(layout, distance=5 if layout == "supercell" else 3, basis="X")
    spec = net(rng, [planes.num_inputs, 6, 12], layout=layout, weight_bits=4)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=3, loaded=loaded, instances=True)
    blocks = random_blocks(rng, planes, [*rng.integers(1, 9, 15 if loaded else 60).tolist(), 20 if loaded else 100])
    rounds = sum(events.shape[1] for events in blocks)
    plan = tmp_path / "plan.json"
    singly: dict[str, Any] = {
        "beats": [beats_of([events]) for events in blocks],
        "answers": [ref_answers(rtl, [events]) for events in blocks],
        "due": due_cycles(rtl, blocks, [rtl.cycles_per_round * number for number in range(rounds)]),
    }
    if rtl.lists:
        other = alike(rng, spec)
        singly["numbers"], singly["number_bits"] = rtl.lists.numbers(other), rtl.lists.number_bits
        singly["other_answers"] = [ref_answers(rtl, [events], other) for events in blocks]
        singly["look_ahead"] = spec.look_ahead
    plan.write_text(json.dumps(singly))
    source = tmp_path / "predecoder.v"
    source.write_text(rtl.verilog())

    for name, value in verilator.environment().items():
        monkeypatch.setenv(name, value)
    # The runner hands this path on to the simulation.
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    runner = run._runner("verilator")
    flags = [*verilator.FLAGS, "--public-depth", "1"]
    common = {"hdl_toplevel": "predecoder", "build_dir": tmp_path / "build", "timescale": ("1ns", "1ps")}
    runner.build(sources=[source], build_args=flags, log_file=tmp_path / "build.log", **common)
    environment = {"PREDECODER_PLAN": str(plan)}
    results = runner.test(test_module="predecoder_tests", test_dir=tmp_path, extra_env=environment, **common)
    # Tests that are skipped count as those that ran.
    assert get_results(results) == (4, 0)
