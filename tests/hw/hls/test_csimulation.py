# SPDX-License-Identifier: Apache-2.0
"""hls4ml's C simulation against the integer reference, logit by logit, in streams of volumes without a pause."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from synfab.boards import board
from synfab.circuits import Memory
from synfab.errors import InputError, MismatchError, MissingToolError, ToolError
from synfab.flow.cli import app
from synfab.hw.hls import CSimulation, HlsSettings, write_project
from synfab.hw.hls.volumes import memory_volumes
from synfab.predecoder.integers import Convolution, LogitStream, PredecoderSpec
from synfab.predecoder.nets import Architecture
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import write_qonnx
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet

MODELS = Path(__file__).parents[3] / "models"
PREDICTIONS = "tb_output_predictions.dat"


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def settings_of(rows: int, columns: int, **rest) -> HlsSettings:
    return HlsSettings(**{"rows": rows, "columns": columns, "clock_mhz": 300.0} | rest)


def random_volumes(spec: PredecoderSpec, rows: int, columns: int, *, rounds: int, seed: int) -> list[np.ndarray]:
    """Volumes of 1 to 12 rounds, of all densities, that have so many rounds in all."""
    rng, most = np.random.default_rng(seed), (1 << spec.input_bits) - 1
    volumes = []
    while (left := rounds - sum(volume.shape[1] for volume in volumes)) > 0:
        shape = (spec.num_inputs, min(left, int(rng.integers(1, 13))), rows, columns)
        present = rng.random(shape) < rng.choice([0.01, 0.1, 0.5, 0.9])
        volumes.append((present * rng.integers(1, most + 1, shape)).astype(np.uint8))
    return volumes


def end_volumes(spec: PredecoderSpec, rows: int, columns: int) -> list[np.ndarray]:
    """Inputs of nothing and everything, and those that drive each channel of the first layer to both ends of its sums.

    The kernel is laid around a site in the middle of the plane, and so that one is at each corner, too.
    """
    first = spec.layers[0]
    depth, most = first.kernel[0], (1 << spec.input_bits) - 1
    volumes: list[np.ndarray] = [np.full((spec.num_inputs, depth, rows, columns), one, np.uint8) for one in (0, most)]
    tiles = [-(-rows // first.kernel[1]) + 1, -(-columns // first.kernel[2]) + 1]
    for weights in first.weights:
        for worst in (weights > 0, weights < 0):
            tiled = most * np.tile(worst, (1, 1, *tiles))
            for shift in (0, 1):
                volumes.append(tiled[:, :, shift : shift + rows, shift : shift + columns].astype(np.uint8))
    return volumes


def ref_logits(spec: PredecoderSpec, volumes: list[np.ndarray]) -> list[np.ndarray]:
    return [spec.logits(volume[np.newaxis])[0] for volume in volumes]


def assert_equal(simulation: CSimulation, volumes: list[np.ndarray]) -> None:
    got, wanted = simulation.logits(volumes), ref_logits(simulation.spec, volumes)
    assert [each.shape for each in got] == [each.shape for each in wanted]
    assert all(np.array_equal(*pair) for pair in zip(got, wanted, strict=True))
    assert np.concatenate([each.ravel() for each in wanted]).std() > 0


def project_of_model(name: str, folder: Path, distance: int, *, rounds: int, **rest) -> tuple[CSimulation, list]:
    """A model of the zoo, and a stream of samples of memory experiments and of chance."""
    spec = PredecoderSpec.load(MODELS / name / "spec.json")
    memories = [Memory(code="rotated_surface", distance=distance, basis=basis, p=0.01) for basis in ("X", "Z")]
    sampled = [volume for memory in memories for volume in memory_volumes(spec.layout, memory, shots=40, seed=1)]
    _, _, rows, columns = sampled[0].shape
    volumes = [*sampled, *end_volumes(spec, rows, columns)]
    left = rounds - sum(volume.shape[1] for volume in volumes)
    volumes += random_volumes(spec, rows, columns, rounds=left, seed=2)
    np.random.default_rng(3).shuffle(volumes)
    assert sum(volume.shape[1] for volume in volumes) == rounds
    project = write_project(
        folder,
        spec=spec,
        qonnx=MODELS / name / "net.onnx",
        board=board("vmk180"),
        settings=settings_of(rows, columns, **rest),
        volumes=volumes[:20],
    )
    return CSimulation(project), volumes


@pytest.mark.parametrize(
    ("name", "distance", "rounds", "rest"),
    [
        ("surface-s", 5, 2500, {"reuse_factor": 4}),
        ("surface-m4", 3, 1000, {"reuse_factor": 8, "strategy": "latency"}),
        pytest.param("surface-s", 3, 5000, {"strategy": "latency"}, marks=pytest.mark.slow),
        pytest.param("surface-s", 7, 2500, {"io": "parallel"}, marks=pytest.mark.slow),
        pytest.param("surface-m4", 5, 2000, {"reuse_factor": 2}, marks=pytest.mark.slow),
        pytest.param("surface-m", 3, 2000, {"reuse_factor": 3, "io": "parallel"}, marks=pytest.mark.slow),
        pytest.param("surface-m", 5, 2000, {"reuse_factor": 2, "strategy": "latency"}, marks=pytest.mark.slow),
        pytest.param("surface-m", 7, 2000, {"reuse_factor": 216}, marks=pytest.mark.slow),
    ],
)
def test_models_of_the_zoo_over_thousands_of_rounds(tmp_path, stored_blocks, name, distance, rounds, rest):
    simulation, volumes = project_of_model(name, tmp_path, distance, rounds=rounds, **rest)
    assert_equal(simulation, volumes)
    # The end of a stream leaves what a reset leaves.
    assert_equal(simulation, volumes[7:9])
    if stored := stored_blocks.get(distance):
        got, wanted = simulation.logits(stored.planes), stored.logits(name)
        assert all(np.array_equal(*pair) for pair in zip(got, wanted, strict=True))


def quantized(
    filters: tuple[int, ...],
    kernels: tuple[int, ...],
    quantization: Quantization,
    seed: int,
    layout: LayoutName = "supercell",
) -> QuantizedNet:
    """A net of chance whose scales have settled on what passes through it."""
    torch.manual_seed(seed)
    architecture = Architecture(layout=layout, filters=filters, kernels=kernels, batch_norm=False)
    net = QuantizedNet(architecture, quantization)
    for parameter in net.convolutions.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for _ in range(20):
        net.train()((torch.rand(8, architecture.num_inputs, 4, 3, 3) < 0.3).float())
    return net.eval()


@pytest.mark.parametrize(
    ("layout", "filters", "kernels", "weight_bits", "activation_bits", "plane", "rest"),
    [
        ("supercell", (3, 5), (3, 3), (2, 3), 2, (3, 4), {"strategy": "latency", "reuse_factor": 27}),
        ("supercell", (4, 2, 3), (1, 5, 3), (5, 4, 8), 3, (4, 1), {"io": "parallel", "strategy": "latency"}),
        ("supercell", (3,), (3,), (8,), 4, (3, 3), {"reuse_factor": 8}),
        ("grid", (3, 4), (3, 1), (4, 3), 3, (3, 3), {}),
    ],
)
def test_random_quantized_nets(tmp_path, layout, filters, kernels, weight_bits, activation_bits, plane, rest):
    quantization = Quantization(weight_bits=weight_bits, activation_bits=activation_bits)
    net = quantized(filters, kernels, quantization, seed=sum(filters), layout=layout)
    spec = spec_of_net(net)
    volumes = end_volumes(spec, *plane) + random_volumes(spec, *plane, rounds=600, seed=4)
    project = write_project(
        tmp_path,
        spec=spec,
        qonnx=write_qonnx(net, tmp_path / "net.onnx", rounds=2, rows=2, columns=2),
        board=board("vu19p"),
        settings=settings_of(*plane, **rest),
        volumes=volumes[:2],
    )
    assert_equal(CSimulation(project), volumes)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Path, dict]:
    """The project of a net that compiles soon, as the command writes and tests it, and what the command tells."""
    net = quantized((2, 3), (3, 3), Quantization(weight_bits=(4, 4), activation_bits=3), seed=5)
    folder = tmp_path_factory.mktemp("small")
    spec_of_net(net).save(folder / "spec.json")
    write_qonnx(net, folder / "net.onnx", rounds=2, rows=2, columns=2)
    arguments = ["hls", str(folder), "-o", str(folder), "--distance", "3", "--p", "0.05", "--shots", "100", "--json"]
    said = CliRunner().invoke(app, [*arguments, "--seed", "1", "--test"])
    return folder / "hls", json.loads(said.stdout)


def test_command_compares_the_simulation(small):
    # A memory experiment of three rounds and the read-out, of 2x2 sites.
    _, facts = small
    assert facts["hls-csim"] == {"tool": "hls4ml", "version": "1.3.0", "rounds": 400, "equal_logits": 400 * 3 * 4}


def test_test_bench_of_the_project_gives_what_lies_beside_it(small):
    """What the vendor's C simulation runs: the program of the project, on tb_data, in the language of its Tcl."""
    folder, _ = small
    sources = ["firmware/predecoder.cpp", "predecoder_test.cpp"]
    flags = ["-std=c++0x", "-Ifirmware/ap_types", '-DWEIGHTS_DIR="firmware/weights"', "-o", "bench"]
    subprocess.run(["g++", *flags, *sources], cwd=folder, check=True, capture_output=True)
    subprocess.run(["./bench"], cwd=folder, check=True, capture_output=True)
    got, wanted = (np.loadtxt(folder / "tb_data" / name, int) for name in ("csim_results.log", PREDICTIONS))
    assert got.shape == wanted.shape == (400 + 2, 3 * 4)
    assert np.array_equal(got[2:], wanted[2:])
    assert wanted.std() > 0


def test_a_moved_project_is_simulated_and_a_difference_is_found(small, tmp_path):
    moved = shutil.copytree(small[0], tmp_path / "moved")
    simulation = CSimulation(moved)
    volumes = random_volumes(simulation.spec, 2, 2, rounds=50, seed=7)
    assert simulation.compare(volumes) == 50 * 3 * 4
    stream = LogitStream(simulation.spec, rows=2, columns=2)
    pushed = [stream.push(volumes[0][:, number]) for number in range(volumes[0].shape[1])]
    settled = [each for each in pushed if each is not None] + stream.finish()
    assert np.array_equal(simulation.logits(volumes[:1])[0], np.stack(settled, axis=1))
    first, last = simulation.spec.layers
    other = Convolution(weights=last.weights, weight_bits=4, bias=last.bias + 1, shift=last.shift, input_bits=3)
    simulation.spec = PredecoderSpec(layout="supercell", layers=(first, other), logit_fraction_bits=0)
    sentence = r"the C simulation must give the reference's logits, but volume 0 has (-?\d+) and not (-?\d+) at output"
    with pytest.raises(MismatchError, match=sentence):
        simulation.compare(volumes)
    with pytest.raises(InputError, match=r"a volume must have the shape \(8, rounds, 2, 2\), not \(8, 1, 3, 2\)"):
        simulation.logits([np.zeros((8, 1, 3, 2), int)])
    with pytest.raises(InputError, match="planes must hold 0 and 1, not numbers from 0 to 2"):
        simulation.logits([np.full((8, 1, 2, 2), 2) * np.eye(2, dtype=int)])
    with pytest.raises(InputError, match="a stream must have at least one volume, not none"):
        simulation.logits([])
    header = moved / "firmware" / "nnet_utils" / "nnet_requantize.h"
    header.write_text(header.read_text().replace("namespace nnet {", "namespace nnet { broken", 1))
    with pytest.raises(ToolError, match=r"g\+\+ must compile .*moved, but ended with .*csim\.log"):
        CSimulation(moved)
    assert "broken" in (moved / "csim.log").read_text()


def test_no_compiler_and_no_project_are_said_at_once(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"an HLS project must hold hls4ml_config\.yml, but .* does not"):
        CSimulation(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        MissingToolError, match=r"C simulation needs g\+\+, which is not on PATH; type: sudo apt install"
    ):
        CSimulation(tmp_path)
