# SPDX-License-Identifier: Apache-2.0
"""HLS projects as they are written, what follows from them without the vendor's tool, and what is refused."""

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from synfab.boards import board
from synfab.errors import InputError, MismatchError, MissingToolError, OversizeError, SynfabError
from synfab.flow.cli import app
from synfab.hw.hls import HlsSettings, estimate, project, write_project
from synfab.hw.hls.exchanged import require_same, spec_of_qonnx
from synfab.hw.hls.settings import valid_reuse_factors
from synfab.predecoder.integers import PredecoderSpec

MODELS = Path(__file__).parents[3] / "models"
QONNX = MODELS / "surface-s" / "net.onnx"
SPEC = PredecoderSpec.load(MODELS / "surface-s" / "spec.json")


def written(folder: Path, *, spec: PredecoderSpec = SPEC, name: str = "vmk180", **rest) -> Path:
    sides, part = {"rows": 2, "columns": 2, "clock_mhz": 300.0}, rest.pop("part", None)
    return write_project(
        folder,
        spec=spec,
        qonnx=rest.pop("qonnx", QONNX),
        board=board(name),
        settings=HlsSettings(**sides | rest),
        volumes=[np.zeros((8, 2, 2, 2), int)],
        part=part,
    )


@pytest.mark.parametrize(("name", "part"), [("vmk180", "xcvm1802-vsva2197-2MP-e-S"), ("vu19p", "xcvu19p-fsva3824-2-e")])
def test_project_that_vitis_users_know(tmp_path, name, part):
    folder = written(tmp_path, name=name, reuse_factor=3)
    files = {"build_prj.tcl", "build_opt.tcl", "project.tcl", "predecoder_test.cpp", "hls4ml_config.yml", "round.onnx"}
    assert files <= {path.name for path in folder.iterdir()}
    settings = dict(re.findall(r"^set (\w+) (\S+)$", (folder / "project.tcl").read_text(), re.MULTILINE))
    assert (settings["project_name"], settings["part"], settings["clock_period"]) == (
        '"predecoder"',
        f'"{part}"',
        "3.333",
    )
    assert {path.name for path in (folder / "firmware").iterdir()} >= {"predecoder.cpp", "weights", "nnet_utils"}
    for header in ("nnet_round_window.h", "nnet_requantize.h"):
        own = Path(project.__file__).with_name(header)
        assert (folder / "firmware" / "nnet_utils" / header).read_text() == own.read_text()
    # Two rounds of 2x2 sites of 8 planes with their flag, then as many empty calls as the net looks ahead.
    lines = (folder / "tb_data" / "tb_input_features.dat").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["0", "1", "1", "1"]
    assert {len(line.split()) for line in lines} == {2 * 2 * 8 + 1}
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b".hls." not in everything


def test_types_are_those_that_the_spec_proves(tmp_path):
    text = (written(tmp_path) / "firmware" / "defines.h").read_text()
    for number, layer in enumerate(SPEC.layers):
        assert f"typedef ap_int<{layer.accumulator_bits}> conv2d_conv{number}_accum_t;" in text
        assert re.search(rf"typedef ap_fixed<{layer.weight_bits},{layer.weight_bits},.*> weight\d+_t;", text)
    assert f"typedef nnet::array<ap_uint<1>, {SPEC.num_inputs}*1> input_t;" in text
    assert f"typedef nnet::array<ap_int<{SPEC.layers[-1].accumulator_bits}>, {SPEC.num_outputs}*1> result_t;" in text


def test_a_type_too_narrow_is_found_before_anything_is_there(tmp_path, monkeypatch):
    configure = project._configure

    def narrowed(config, net, settings):
        configure(config, net, settings)
        config["LayerName"]["conv1"]["Precision"]["accum"] = f"ap_int<{net.layers[1].accumulator_bits - 1}>"

    monkeypatch.setattr(project, "_configure", narrowed)
    with pytest.raises(MismatchError, match=r"must hold -\d+ \.\. \d+ in accum_t of layer 1, not take"):
        written(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rest", "interval"), [({"reuse_factor": 4}, 4 * 4 * 4), ({"reuse_factor": 9, "io": "parallel"}, 9 * 2 * 2)]
)
def test_estimate_is_what_hls4ml_asks_for(tmp_path, rest, interval):
    guess = estimate(SPEC, HlsSettings(rows=2, columns=2, clock_mhz=250, **rest))
    assert (guess.stage, guess.tool, guess.version) == ("hls-estimate", "hls4ml", "1.3.0")
    assert guess.macs == 4 * (8 * 16 + 16 * 12) * 27
    assert (guess.interval_cycles, guess.interval_ns) == (interval, interval * 4)
    assert guess.state_bits == 2 * 4 * (8 * 1 + 16 * 4)
    # The limit as the project's own constants have it.
    text = (written(tmp_path, **rest) / "firmware" / "parameters.h").read_text()
    zeros = [int(each) for each in re.findall(r"conv2d_config \{.*?n_zeros = (\d+);", text, re.DOTALL)]
    reuse = rest["reuse_factor"]
    limits = [-(-layer.weights.size // reuse) - zero // reuse for layer, zero in zip(SPEC.layers, zeros, strict=True)]
    assert [layer.multipliers for layer in guess.layers] == limits


def test_page_has_the_largest_reuse_factors_of_a_microsecond():
    page = (MODELS.parent / "docs" / "hls.md").read_text()
    rows = re.findall(r"^\| (surface-\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert len(rows) == 6
    for name, *numbers in rows:
        distance, *shown = map(int, numbers)
        spec, side = PredecoderSpec.load(MODELS / name / "spec.json"), (distance + 1) // 2
        guesses = {
            reuse: estimate(spec, HlsSettings(rows=side, columns=side, clock_mhz=300, reuse_factor=reuse))
            for reuse in valid_reuse_factors(spec)
        }
        reuse, guess = max((reuse, guess) for reuse, guess in guesses.items() if guess.interval_ns <= 1000)
        assert shown == [reuse, guess.multipliers, guess.interval_cycles, guess.interval_ns]


def test_results_of_vitis_are_never_written_over(tmp_path):
    folder = written(tmp_path)
    written(tmp_path, reuse_factor=2)
    assert json.loads((folder / "settings.json").read_text())["reuse_factor"] == 2
    (folder / "predecoder_prj").mkdir()
    with pytest.raises(
        InputError, match=r"must not hold results of Vitis, .* not 'predecoder_prj'; move the folder away"
    ):
        written(tmp_path)
    assert json.loads((folder / "settings.json").read_text())["reuse_factor"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["hls"]


def of_layers(*changed: tuple[int, dict]) -> PredecoderSpec:
    layers = list(SPEC.layers)
    for number, parts in changed:
        layers[number] = replace(layers[number], **parts)
    return replace(SPEC, layers=tuple(layers))


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            {"reuse_factor": 5},
            r"reuse_factor must divide the inputs of a site in every layer, 216 and 432, not 5; choose one of 1, 2, 3,",
        ),
        ({"reuse_factor": 0}, "reuse_factor must be at least 1, not 0"),
        ({"clock_mhz": 0}, "clock_mhz must be positive, not 0; write it in MHz"),
        ({"strategy": "fast"}, "strategy must be 'latency' or 'resource', not 'fast'"),
        ({"io": "serial"}, "io must be 'stream' or 'parallel', not 'serial'"),
        ({"rows": 3}, r"a volume must have the shape \(8, rounds, 3, 2\), not \(8, 2, 2, 2\)"),
        (
            {"spec": of_layers((1, {"bias": SPEC.layers[1].bias + (1 << 24)}))},
            r"sums of layer 1 must stay within 16777216, .* in single precision, not reach \d+; take narrower weights",
        ),
        ({"spec": of_layers((0, {"shift": SPEC.layers[0].shift + 1}))}, "must have the shift of the spec in layer 0"),
        ({"spec": replace(SPEC, logit_fraction_bits=3)}, r"logits in units of 2\*\*-3, as the spec, not of 2\*\*-"),
        ({"qonnx": MODELS / "surface-m" / "net.onnx"}, "must have the 2 layers of the spec, not 3; take files of one"),
        ({"qonnx": MODELS / "none" / "net.onnx"}, "a model must hold its net as QONNX, but .* is not there"),
        ({"qonnx": MODELS / "surface-s" / "spec.json"}, "must be whole QONNX, not torn"),
    ],
)
def test_what_cannot_be_built_is_refused(tmp_path, parts, sentence):
    with pytest.raises(InputError, match=sentence):
        written(tmp_path, **parts)
    assert list(tmp_path.iterdir()) == []


def test_more_multipliers_than_dsp_slices_are_refused(tmp_path):
    """Only those that are no logic, on the board's own part."""
    wide = of_layers((1, {"weight_bits": 14}))
    with pytest.raises(
        OversizeError,
        match="must fit the board vmk180, which has 1,968 DSP slices, but its multipliers with products of more than "
        r"16 bits are 4,624 at reuse_factor 1; choose a larger one",
    ):
        written(tmp_path, spec=wide)
    assert list(tmp_path.iterdir()) == []
    parts: Any
    for parts in ({"reuse_factor": 3}, {"strategy": "latency"}, {"part": "xcku5p-ffvb676-2-e"}):
        # Goes on, to find that the QONNX is another's.
        with pytest.raises(InputError, match="must have the weight_bits of the spec"):
            written(tmp_path, spec=wide, **parts)


def node_of(graph: onnx.GraphProto, kind: str) -> onnx.NodeProto:
    return next(node for node in graph.node if node.op_type == kind)


def with_skip(graph: onnx.GraphProto) -> None:
    relu = node_of(graph, "Relu")
    graph.node.append(helper.make_node("Add", [relu.input[0], relu.output[0]], ["sum"]))


def with_another_activation(graph: onnx.GraphProto) -> None:
    node_of(graph, "Relu").op_type = "Elu"


def with_stride(graph: onnx.GraphProto) -> None:
    convolution = node_of(graph, "Conv")
    (strides,) = (each for each in convolution.attribute if each.name == "strides")
    strides.ints[:] = [2, 1, 1]


def with_scale(graph: onnx.GraphProto) -> None:
    (scale,) = (each for each in graph.initializer if each.name == "Quant_5_param0")
    scale.CopyFrom(numpy_helper.from_array(np.array(0.75, np.float32), scale.name))


def without_quantizer(graph: onnx.GraphProto) -> None:
    node_of(graph, "Conv").input[1] = "Quant_1_param0"


def with_rounding(graph: onnx.GraphProto) -> None:
    quantizer = graph.node[[node.op_type for node in graph.node].index("Relu") + 1]
    (mode,) = (each for each in quantizer.attribute if each.name == "rounding_mode")
    mode.s = b"ROUND"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (with_skip, "a plain stack of convolutions with rectifiers, Relu after 'Conv_0_out0', not Relu and Add"),
        (with_another_activation, "a plain stack of convolutions with rectifiers, Relu after 'Conv_0_out0', not Elu"),
        (with_stride, r"convolutions with strides \[1, 1, 1\], not \[2, 1, 1\]"),
        (with_scale, r"scales that are powers of two and no zero points, not 0\.75"),
        (without_quantizer, "quantized weights and biases at each Conv, not a convolution without them"),
        (with_rounding, "a quantizer with rounding_mode 'FLOOR', not 'ROUND'"),
    ],
)
def test_other_nets_are_refused(tmp_path, change, sentence):
    model = onnx.load(QONNX)
    change(model.graph)
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(InputError, match=rf"net\.onnx must have {sentence}.*; quantize a net as 'synfab train' does"):
        spec_of_qonnx(tmp_path / "net.onnx", layout="supercell")


@pytest.mark.parametrize("name", ["surface-s", "surface-m", "surface-m4"])
def test_qonnx_holds_the_integers_of_the_spec(name):
    spec = PredecoderSpec.load(MODELS / name / "spec.json")
    found = spec_of_qonnx(MODELS / name / "net.onnx", layout=spec.layout)
    assert found.sha256 == spec.sha256
    weights = spec.layers[1].weights.copy()
    weights[0, 0, 0, 0, 0] ^= 1
    layers = list(spec.layers)
    layers[1] = replace(layers[1], weights=weights)
    with pytest.raises(InputError, match="must have the weights of the spec in layer 1, not others; take files of one"):
        require_same(found, replace(spec, layers=tuple(layers)), path=MODELS)


def test_net_of_another_layout_is_refused():
    sentence = r"must have inputs of scale 0\.5, as the layout 'grid', not 1; quantize a net as"
    with pytest.raises(InputError, match=sentence):
        spec_of_qonnx(QONNX, layout="grid")


def test_missing_package_is_named(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "hls4ml" else find(name))
    sentence = r"the Python package hls4ml, which is not installed; type: pip install hls4ml==1\.3\.0"
    with pytest.raises(MissingToolError, match=sentence):
        written(tmp_path)
    with pytest.raises(MissingToolError, match=sentence):
        estimate(SPEC, HlsSettings(rows=2, columns=2, clock_mhz=250))


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["hls", *arguments])


@pytest.mark.parametrize("model", ["surface-s", str(MODELS / "surface-s")])
def test_command_writes_and_tells(tmp_path, model):
    said = invoke(model, "-o", str(tmp_path), "--distance", "3", "--shots", "3", "--board", "vu19p", "--json")
    facts = json.loads(said.stdout)
    assert facts["project"] == str(tmp_path / "hls")
    assert facts["settings"]["rows"] == facts["settings"]["columns"] == 2
    assert facts["hls-estimate"]["interval_cycles"] == 16
    assert 'set part "xcvu19p-fsva3824-2-e"' in (tmp_path / "hls" / "project.tcl").read_text()
    again = invoke(model, "-o", str(tmp_path), "--distance", "3", "--shots", "3", "--part", "xcku5p-ffvb676-2-e")
    assert "hls-estimate" in again.stdout
    assert 'set part "xcku5p-ffvb676-2-e"' in (tmp_path / "hls" / "project.tcl").read_text()


def refusal(*arguments: str) -> SynfabError:
    error = invoke(*arguments).exception
    assert isinstance(error, SynfabError)
    return error


def test_command_refuses_before_it_begins(tmp_path, monkeypatch):
    model, out = tmp_path / "model", str(tmp_path / "out")
    model.mkdir()
    SPEC.save(model / "spec.json")
    assert re.search(
        r"a model must hold net\.onnx, but .*model does not; 'synfab train'", str(refusal(str(model), "-o", out))
    )
    assert "a model must be one of those of" in str(refusal("surface-x", "-o", out))
    assert "board must be one of vmk180, vu19p, not 'zcu'" in str(refusal("surface-s", "-o", out, "--board", "zcu"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs g++, which is not on PATH" in str(refusal("surface-s", "-o", out, "--test"))
    assert not Path(out).exists()
