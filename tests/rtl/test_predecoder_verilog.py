# SPDX-License-Identifier: Apache-2.0
"""The Verilog of nets against their references: the zoo's on stored blocks, too, and random ones of two layers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_nets import Blocks, alike, answers_of, beats_of, due_cycles, net, random_blocks, ref_answers

from synfab.predecoder.integers import PredecoderSpec
from synfab.rtl.predecoder import InputPlanes, Loaded, Predecoder
from synfab.sim.bench import run, verilator

MODELS = Path(__file__).parents[2] / "models"

Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Has cocotb play blocks to the Verilog of a net, which must give the answers to each, as payloads."""

    def played(rtl: Predecoder, blocks: Blocks, answers: list[list[int]], other: PredecoderSpec | None = None) -> None:
        from cocotb_tools.check_results import get_results

        rounds = sum(events.shape[1] for events in blocks)
        plan: dict[str, Any] = {
            "beats": [beats_of([events]) for events in blocks],
            "answers": answers,
            "due": due_cycles(rtl, blocks, [rtl.cycles_per_round * number for number in range(rounds)]),
        }
        if other:
            assert rtl.lists is not None
            plan["numbers"], plan["number_bits"] = rtl.lists.numbers(other), rtl.lists.number_bits
            plan["other_answers"] = [ref_answers(rtl, [events], other) for events in blocks]
            plan["look_ahead"] = rtl.spec.look_ahead
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        source = tmp_path / "predecoder.v"
        source.write_text(rtl.verilog())

        for name, value in verilator.environment().items():
            monkeypatch.setenv(name, value)
        # The runner hands this path on to the simulation.
        monkeypatch.syspath_prepend(Path(__file__).parent)
        monkeypatch.delenv("PYTEST_CURRENT_TEST")
        runner = run._runner("verilator")
        # To compile a net of the zoo takes far longer than to play a few thousand cycles.
        monkeypatch.setenv("MAKEFLAGS", verilator.MAKE_FLAGS.replace("-O1", "-O0"))
        flags = [*verilator.FLAGS, "--public-depth", "1"]
        common = {"hdl_toplevel": "predecoder", "build_dir": tmp_path / "build", "timescale": ("1ns", "1ps")}
        runner.build(sources=[source], build_args=flags, log_file=tmp_path / "build.log", **common)
        environment = {"PREDECODER_PLAN": str(tmp_path / "plan.json")}
        results = runner.test(test_module="predecoder_tests", test_dir=tmp_path, extra_env=environment, **common)
        # Tests that are skipped count as those that ran.
        assert get_results(results) == (4, 0)

    return played


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
def test_random_nets_give_the_logits_of_the_reference(play, layout, loaded):
    rng = np.random.default_rng(1)
    # Nine positions in both.
    planes = InputPlanes.of(layout, distance=5 if layout == "supercell" else 3, basis="X")
    spec = net(rng, [planes.num_inputs, 6, 12], layout=layout, weight_bits=4)
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=3, loaded=loaded, instances=True)
    blocks = random_blocks(rng, planes, [*rng.integers(1, 9, 15 if loaded else 60).tolist(), 20 if loaded else 100])
    answers = [ref_answers(rtl, [events]) for events in blocks]
    play(rtl, blocks, answers, alike(rng, spec) if loaded else None)


def name_of(parameter: Any) -> str:
    if isinstance(parameter, int):
        return f"d{parameter}"
    return parameter if isinstance(parameter, str) else "loaded" if parameter else "constant"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "distance", "loaded"),
    [
        *((name, distance, None) for name in ("surface-s", "surface-m4", "surface-m") for distance in (5, 7)),
        ("surface-s", 5, Loaded(multipliers="dsp", cycles_per_beat=24)),
    ],
    ids=name_of,
)
def test_nets_of_the_zoo_give_the_stored_logits(play, stored_blocks, name, distance, loaded):
    """Blocks of memory experiments whose logits are stored, and random ones; a position a cycle."""
    stored, rng = stored_blocks[distance], np.random.default_rng(distance)
    planes = InputPlanes.of(stored.layout, distance=distance, basis=stored.basis)
    spec = PredecoderSpec.load(MODELS / name / "spec.json")
    rtl = Predecoder(spec, planes=planes, positions_per_cycle=1, loaded=loaded, instances=True)
    others = random_blocks(rng, planes, [1, 2, 3, 1, 8, 4, 12, 2, 5, 1])
    answers = [answers_of(rtl, logits) for logits in stored.logits(name)]
    answers += [ref_answers(rtl, [events]) for events in others]
    play(rtl, [*stored.events, *others], answers, alike(rng, spec) if loaded else None)
