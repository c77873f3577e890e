# SPDX-License-Identifier: Apache-2.0
"""A net in memory behind the board top: the list that a build writes, played to the two Verilog files of another."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synfab.flow.config import load_config
from synfab.flow.run import Flow
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.axi_stream import WordFormat
from synfab.sim.bench import verilator

SOURCE = Path(__file__).parents[2] / "models" / "surface-s" / "spec.json"
PLAYED = Path(__file__).parents[1] / "sim"
CONFIG = """
[code]
code = "rotated_surface"
distance = 3
rounds = 2
p = 0.02
[predecoder]
model = "{model}"
weights = "loaded"
multipliers = "lut"
cycles_per_beat = 54
[verify]
shots = 4
"""


def built(folder: Path, model: Path) -> tuple[PipelineSpec, list[int], Path]:
    """Build for a model; return its spec, its list, and where the Verilog is."""
    config = folder / f"{model.name}.toml"
    config.write_text(CONFIG.format(model=model))
    out = folder / f"out_{model.name}"
    Flow(config=load_config(config), directory=out).run(["build"])
    numbers = json.loads((out / "net_weights.json").read_text())["numbers"]
    return PipelineSpec.load(out / "spec.json"), numbers, out


def other_model(model: Path) -> Path:
    """The same with two other channels of the same net."""
    other = shutil.copytree(model, model.with_name("other"))
    content = PredecoderSpec.load(model / "spec.json").content()
    source = PredecoderSpec.load(SOURCE).content()["layers"][0]
    parts = {name: source[name][2:4] for name in ("weights", "bias", "shift")}
    content["layers"] = [content["layers"][0] | parts, *content["layers"][1:]]
    PredecoderSpec.from_content(content).save(other / "spec.json")
    return other


def planned(given: PipelineSpec, other: PipelineSpec, lists: dict[str, list[int]], path: Path) -> None:
    """Blocks under the given net, the other, the other still after lists that are none, and the given one again."""
    rng, each = np.random.default_rng(5), 12
    words = WordFormat.of(given.decoder)
    loads = [[], lists["other"], lists["short"], lists["wide"], lists["given"]]
    nets = [given, other, other, other, given]
    shots = (rng.random((each * len(nets), given.decoder.num_detectors)) < 0.2).astype(np.uint8)
    answers = np.concatenate([net.decode_batch(shots[each * k :][:each]) for k, net in enumerate(nets)])
    # Each net gives itself away.
    for part in (slice(each), slice(each, 2 * each), slice(4 * each, None)):
        assert np.any(given.decode_batch(shots[part]) != other.decode_batch(shots[part]))
    events = [int("".join(map(str, shot[::-1])), 2) for shot in shots]
    plan = {
        "packets": [words.block_words(event) for event in events],
        "entries": [[]] * len(shots),
        "answers": answers.tolist(),
        "lists": [loads[k // each] if k % each == 0 else [] for k in range(len(shots))],
        "refused": [k // each in (2, 3) for k in range(len(shots))],
    }
    path.write_text(json.dumps(plan))


@pytest.mark.slow
def test_list_of_a_build_is_loaded_through_the_board_top(tmp_path, small_model, monkeypatch):
    """The new net rules from the next block on; a list that is too short or too wide is refused and changes nothing."""
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    given, own, out = built(tmp_path, small_model)
    other, numbers, _ = built(tmp_path, other_model(small_model))
    lists = {"given": own, "other": numbers, "short": own[:-1], "wide": [*own[:-1], own[-1] + (1 << 30)]}
    plan = tmp_path / "plan.json"
    planned(given, other, {name: WordFormat.list_words(each) for name, each in lists.items()}, plan)
    assert "set weight_stream {1}\nset weight_status {1}\n" in (out / "vivado" / "settings.tcl").read_text()

    for name, value in verilator.environment().items():
        monkeypatch.setenv(name, value)
    # The runner hands this path on to the simulation.
    monkeypatch.syspath_prepend(PLAYED)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    runner = get_runner("verilator")
    common = {"hdl_toplevel": "union_find_axis", "build_dir": tmp_path / "build", "timescale": ("1ns", "1ps")}
    sources = [out / "rtl" / f"{name}.v" for name in ("union_find", "union_find_axis")]
    runner.build(sources=sources, build_args=list(verilator.FLAGS), log_file=tmp_path / "build.log", **common)
    results = runner.test(
        test_module="axi_stream_tests", test_dir=tmp_path, extra_env={"AXI_STREAM_PACKETS": str(plan)}, **common
    )
    assert get_results(results) == (3, 0)
