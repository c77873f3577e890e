# SPDX-License-Identifier: Apache-2.0
"""A pre-decoder in a config: what becomes of it, and what is refused before minutes are spent."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from synfab.errors import InputError, OversizeError
from synfab.flow.accuracy import pipeline_decoder
from synfab.flow.benchmarks.predecoder_cost import CostBenchmark
from synfab.flow.build import Problem
from synfab.flow.cli import app
from synfab.flow.config import load_config
from synfab.flow.net_room import COUNT_EXCESS
from synfab.flow.run import Flow
from synfab.predecoder.pipeline import PipelineSpec
from synfab.sampling import collect, task_from_circuit
from synfab.zoo import Model
from synfab.zoo.forms import require_one_net

MODELS = Path(__file__).parents[2] / "models"
HEAD = """
[code]
code = "rotated_surface"
distance = 3
p = 0.01
[predecoder]
model = "surface-s"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_keys_become_the_spec(tmp_path):
    keys = 'commit = "closed"\nabove = 2.5\nhints = false\n[decoder]\nweight_bits = 5\n'
    spec = Problem.from_config(load_config(written(tmp_path, HEAD + keys))).pipeline
    assert spec is not None
    assert (spec.commit, spec.above, spec.thresholds) == ("closed", int(2.5 * 2**spec.net.logit_fraction_bits), ())
    assert spec.decoder.weight_bits == 5
    hinted = Problem.from_config(load_config(written(tmp_path, HEAD))).pipeline
    assert hinted is not None
    assert len(hinted.thresholds) == len(hinted.weights) == 3
    text = HEAD.replace("surface-s", str(MODELS / "surface-m"))
    other = Problem.from_config(load_config(written(tmp_path, text))).pipeline
    assert other is not None
    assert other.net.num_parameters > hinted.net.num_parameters


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + "[decoder]\nmicro_architecture = 'shared'\n", "predecoder must come before a spatial decoder"),
        (HEAD + "[decoder]\nruntime_weights = true\n", "predecoder must come before a spatial decoder"),
        (HEAD + "[verify]\nsearch_shots = 5\n", "must not come with verify.search_shots, which is 5"),
        (
            'dem = "d.dem"\n[predecoder]\nmodel = "surface-s"\n',
            r"must come with a \[code\] or a circuit, not with a dem",
        ),
        (HEAD + "above = -1.0\n", "predecoder.above"),
        (
            HEAD + "cycles_per_beat = 9\n",
            'cycles_per_beat must come with weights = "loaded", not with constant ones, which have no .*; it is 9',
        ),
        (HEAD + "multipliers = 'dsp'\n", 'predecoder.multipliers must come with weights = "loaded", not with'),
        (HEAD + "weights = 'ram'\n", "predecoder.weights must be one of 'constant', 'loaded', not 'ram'"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, text, sentence):
    (tmp_path / "d.dem").write_text("error(0.1) D0 L0")
    with pytest.raises(InputError, match=sentence):
        load_config(written(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"surface-s"', '"surface-q"', "a model must be one of those of .*, not 'surface-q'"),
        ('"rotated_surface"', '"repetition"', "must be a memory experiment of the rotated surface code"),
        ('"surface-s"\n', '"surface-s"\npositions_per_cycle = 3\n', "positions_per_cycle must divide the 4 positions"),
        (
            '"surface-s"\n',
            '"surface-s"\nweights = "loaded"\ncycles_per_beat = 10\n',
            "must divide the inputs of every layer's kernel, 216, 432, not be 10; choose one of 1, 2, 3, 4, 6",
        ),
    ],
)
def test_models_and_folds_that_do_not_fit_are_refused(tmp_path, old, new, sentence):
    config = load_config(written(tmp_path, HEAD.replace(old, new)))
    with pytest.raises(InputError, match=sentence):
        Problem.from_config(config).hardware(config)


def test_net_larger_than_its_board_is_refused_before_anything_is_emitted(tmp_path):
    text = HEAD + 'weights = "loaded"\nmultipliers = "dsp"\n'
    sentence = r"must fit the board vmk180, but by its count, .* needs 2,592 DSP \(1.32 times its 1,968, 624 too many\)"
    with pytest.raises(OversizeError, match=sentence):
        Flow(config=load_config(written(tmp_path, text)), directory=tmp_path / "out").run(["build"])
    assert not (tmp_path / "out").exists()


def test_count_is_lessened_by_what_it_was_found_too_large():
    costs = CostBenchmark.model_validate_json((MODELS.parent / "benchmarks" / "predecoder_cost.json").read_text()).costs
    both = [(cost, cost.synthesized) for cost in costs if cost.synthesized]
    assert len(both) >= 12
    for cost, found in both:
        for name, count, there in (
            ("lut", cost.lut, found.lut),
            ("ff", cost.registers, found.ff),
            ("dsp", cost.dsp, found.dsp),
        ):
            assert count <= (1 + COUNT_EXCESS[name]) * there


def test_loaded_net_takes_the_numbers_of_another_model(tmp_path):
    """Of the same shape, with its own thresholds; not those of another experiment, or for constants."""
    text = HEAD + 'weights = "loaded"\ncycles_per_beat = 72\nmultipliers = "lut"\n'
    config = load_config(written(tmp_path, text))
    problem = Problem.from_config(config)
    hardware: Any = problem.hardware(config)
    assert problem.pipeline is not None
    assert hardware.net.cycles_per_round == 4 * 72
    above = replace(problem.pipeline, above=7)
    assert hardware.numbers(above)[-4:] == [7, *problem.pipeline.thresholds]
    with pytest.raises(InputError, match="only the net, above and thresholds can be loaded: experiment, commit"):
        hardware.numbers(replace(problem.pipeline, all_of=False))
    other = Problem.from_config(load_config(written(tmp_path, text.replace("surface-s", "surface-m")))).pipeline
    with pytest.raises(InputError, match="the net must have 2 layers, as the hardware, not 3"):
        hardware.numbers(replace(problem.pipeline, net=other.net if other else None))
    constant = load_config(written(tmp_path, HEAD))
    fixed: Any = Problem.from_config(constant).hardware(constant)
    with pytest.raises(InputError, match=r"must be in memory to be loaded, not in the logic; give loaded=Loaded\(\)"):
        fixed.numbers(problem.pipeline)


def test_net_of_another_layout(tmp_path, grid_model):
    """Its three forms are one net; it has a position for each data qubit, and lists of its own shape."""
    require_one_net(Model.load(grid_model))
    head = HEAD.replace("surface-s", str(grid_model)).replace("p =", "basis = 'X'\np =")
    for keys, cycles in (("", 9), ('weights = "loaded"\ncycles_per_beat = 27\n', 9 * 27)):
        config = load_config(written(tmp_path, head + keys))
        problem = Problem.from_config(config)
        hardware: Any = problem.hardware(config)
        assert hardware.net.planes.event == 2
        assert hardware.net.cycles_per_round == cycles
    assert problem.pipeline is not None
    assert len(hardware.numbers(problem.pipeline)) == problem.pipeline.net.num_parameters + 2 + 4
    command = ["sample", str(written(tmp_path, head)), "-o", str(tmp_path / "out"), "--shots", "500", "--json"]
    rows = json.loads(CliRunner().invoke(app, command).stdout)
    assert [row["shots"] for row in rows] == [500] * 3


def test_model_for_another_basis_is_refused(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("net.safetensors", "net.onnx", "spec.json", "metadata.json"):
        shutil.copy(MODELS / "surface-s" / name, folder)
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["config"]["data"]["bases"] = ["X"]
    (folder / "metadata.json").write_text(json.dumps(metadata))
    of_x, of_z = (
        load_config(written(tmp_path, HEAD.replace("surface-s", str(folder)).replace("p =", f"basis = '{basis}'\np =")))
        for basis in ("X", "Z")
    )
    assert Problem.from_config(of_x).pipeline is not None
    with pytest.raises(InputError, match="must be trained for the basis Z, not for X alone; take another model or"):
        Problem.from_config(of_z)


def test_commands_that_know_no_net_refuse_it(tmp_path):
    path = written(tmp_path, HEAD)
    for command, sentence in (
        (["sample", str(path), "-o", str(tmp_path / "out"), "--p", "0.01"], "a sweep with a [predecoder] must be"),
        (["choose", str(path), "-o", str(tmp_path / "out"), "--fits", "0.5"], "choose is for a union-find alone"),
    ):
        result = CliRunner().invoke(app, command)
        assert isinstance(result.exception, InputError)
        assert str(result.exception).startswith(sentence)


def test_sample_has_the_net_and_the_union_find_alone(tmp_path):
    command = ["sample", str(written(tmp_path, HEAD)), "-o", str(tmp_path / "out"), "--shots", "500", "--json"]
    rows = json.loads(CliRunner().invoke(app, command).stdout)
    assert [row["decoder"].rsplit("_", 1)[0] for row in rows] == ["synfab_surface-s_w4", "synfab", "pymatching"]


def test_sinter_samples_the_pipeline(tmp_path):
    config = load_config(written(tmp_path, HEAD))
    problem = Problem.from_config(config)
    ((name, decoder),) = pipeline_decoder(config, problem).items()
    assert problem.pipeline is not None
    assert problem.circuit is not None
    (row,) = collect(
        tasks=[task_from_circuit(problem.circuit, dem=problem.dem, metadata={})],
        decoders=[name],
        custom_decoders={name: decoder},
        max_shots=3000,
    )
    assert row.shots == 3000
    assert 0 < row.errors < 300
    with pytest.raises(InputError, match="a pipeline must decode the experiment that it was made for, not another"):
        decoder.compile_decoder_for_dem(dem=load_config(written(tmp_path, HEAD.replace("0.01", "0.02"))).dem()[0])


@pytest.mark.slow
def test_rtl_in_the_loop_answers_as_the_spec(tmp_path):
    """From the config to the Verilated pipeline behind sinter: no shot differs, and every latency is counted."""
    config = written(tmp_path, HEAD)
    command = ["sample", str(config), "-o", str(tmp_path / "out"), "--decoder", "rtl", "--shots", "4000", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)
    spec = PipelineSpec.load(tmp_path / "out" / "spec.json")
    assert "differs_from_reference" not in row["custom_counts"]
    cycles = {int(name.split("=")[1]): count for name, count in row["custom_counts"].items()}
    assert sum(cycles.values()) == row["shots"] >= 4000
    assert min(cycles) > spec.net.look_ahead * 4
    assert 0 < row["errors"] < 400
