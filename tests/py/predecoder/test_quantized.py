# SPDX-License-Identifier: Apache-2.0
"""The spec of a quantized net: brevitas' forward pass, QONNX' execution, and the integers, decision by decision."""

import numpy as np
import pytest
import torch

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.predecoder.inputs import input_planes, integer_planes, plane_layout
from synfab.predecoder.integers import LogitStream, PredecoderSpec
from synfab.predecoder.labels import LabelSampler
from synfab.predecoder.nets import ARCHITECTURES, Architecture
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import execute_qonnx, write_qonnx
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet, power_of_two

WIDTHS = {"8-4-8/A4": (8, 4, 8, 4), "3-3-3/A3": (3, 3, 3, 3), "8-2-8/A2": (8, 2, 8, 2), "8-8-8/A8": (8, 8, 8, 8)}
NETS = ARCHITECTURES | {
    "grid": Architecture(layout="grid", filters=(6, 5, 4), kernels=(3, 1, 3)),
    "grid_2022": Architecture(layout="grid_2022", filters=(6, 5, 2), kernels=(3, 3, 1)),
    "model_1 with relu": ARCHITECTURES["model_1"].model_copy(update={"activation": "relu"}),
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def inputs(shots: int, architecture: Architecture, *sides: int, seed: int, density: float = 0.1) -> torch.Tensor:
    """Bits, or as many halves as ones where inputs are halves."""
    generator, one = torch.Generator().manual_seed(seed), 1 << architecture.input_fraction_bits
    shape = (shots, architecture.num_inputs, *sides)
    present = torch.rand(shape, generator=generator) < density
    return present * torch.randint(1, one + 1, shape, generator=generator) / one


def integers_of(planes: torch.Tensor, architecture: Architecture) -> np.ndarray:
    return (planes.numpy() * (1 << architecture.input_fraction_bits)).astype(np.uint8)


def quantized(name: str, widths: str, *, steps: int = 8) -> QuantizedNet:
    """A net whose weights, normalization and scales have all moved from where they began."""
    torch.manual_seed(3)
    first, middle, last, activations = WIDTHS[widths]
    architecture = NETS[name]
    layers = len(architecture.filters)
    net = FloatNet(architecture).train()
    quantization = Quantization.of(first=first, middle=middle, last=last, activations=activations, layers=layers)
    for trained in (net, QuantizedNet.of_float(net, quantization)):
        optimizer = torch.optim.Adam(trained.parameters(), lr=0.02)
        for step in range(steps):
            planes = inputs(16, architecture, 4, 3, 3, seed=step)
            target = planes[:, :1].expand(-1, architecture.num_outputs, -1, -1, -1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(trained(planes), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net = trained
    assert isinstance(net, QuantizedNet)
    return net.eval()


def logits_of(net: QuantizedNet, planes: torch.Tensor, spec: PredecoderSpec) -> np.ndarray:
    """The net's own logits in the spec's unit."""
    with torch.no_grad():
        return net(planes).double().numpy() * 2.0**spec.logit_fraction_bits


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("name", ["S", "M", "grid", "grid_2022"])
def test_spec_is_the_forward_pass(name, widths):
    net = quantized(name, widths)
    spec = spec_of_net(net)
    planes = inputs(200, net.architecture, 5, 4, 4, seed=1)
    integers = spec.logits(integers_of(planes, net.architecture))
    assert np.array_equal(integers, logits_of(net, planes, spec))
    assert integers.std() > 0


@pytest.mark.parametrize("name", ["S", "grid", "grid_2022", "model_1 with relu", "six_layers"])
def test_all_forms_agree_on_planes_of_a_memory_experiment(tmp_path, name):
    """Brevitas, QONNX and torch's integers of training's planes; the spec of integers, whole and as a stream."""
    net = quantized(name, "8-4-8/A4")
    spec, layout = spec_of_net(net), net.architecture.layout
    circuit = Memory(code="rotated_surface", distance=3, rounds=4, basis="X", p=0.02).circuit()
    labels = LabelSampler(circuit=circuit, reach=0).compile(seed=1).sample(words=1)
    events = plane_layout(layout, 3).batch(labels).events
    planes = input_planes(events, name=layout, volume=labels.volume)
    given = integer_planes(events, name=layout, volume=labels.volume)
    assert np.array_equal(given, integers_of(torch.from_numpy(planes), net.architecture))
    logits = spec.logits(given)
    assert logits.std() > 0
    assert np.array_equal(logits, logits_of(net, torch.from_numpy(planes), spec))
    assert np.array_equal(logits, IntegerNet(spec)(planes))
    _, _, rounds, rows, columns = planes.shape
    path = write_qonnx(net, tmp_path / "net.onnx", rounds=rounds, rows=rows, columns=columns)
    for shot in range(2):
        assert np.array_equal(logits[shot], execute_qonnx(path, planes[[shot]])[0] * 2.0**spec.logit_fraction_bits)
        stream = LogitStream(spec, rows=rows, columns=columns)
        pushed = [stream.push(given[shot, :, number]) for number in range(rounds)]
        streamed = [one for one in pushed if one is not None] + stream.finish()
        assert np.array_equal(logits[shot], np.stack(streamed, axis=1))


@pytest.mark.parametrize(
    ("name", "widths"), [*(("M", widths) for widths in WIDTHS), ("grid", "8-8-8/A8"), ("grid_2022", "3-3-3/A3")]
)
def test_spec_is_brevitas_and_qonnx_at_the_ends(tmp_path, name, widths):
    """On the widest inputs, all zeros, and those that drive each channel of the first layer to an end of its range."""
    net = quantized(name, widths)
    spec = spec_of_net(net)
    first, most = spec.layers[0], (1 << spec.input_bits) - 1
    shape = (first.num_inputs, 7, 5, 5)
    volumes = [np.zeros(shape), np.ones(shape), np.indices(shape).sum(0) % 2]
    for weights in first.weights:
        for worst in (weights > 0, weights < 0):
            tiled = np.tile(worst, (1, 3, 2, 2))[:, :7, :5, :5]
            volumes.append(tiled.astype(float))
    given = most * np.stack(volumes).astype(np.uint8)
    planes = torch.tensor(given / (1 << net.architecture.input_fraction_bits), dtype=torch.float32)
    integers = spec.logits(given)
    assert np.array_equal(integers, logits_of(net, planes, spec))
    path = write_qonnx(net, tmp_path / "net.onnx", rounds=7, rows=5, columns=5)
    for volume, logits in zip(planes.split(1), integers, strict=True):
        executed = execute_qonnx(path, volume.numpy())[0]
        assert np.array_equal(executed * 2.0**spec.logit_fraction_bits, logits)


def test_batch_normalization_is_folded():
    """With wide weights and activations, the quantized net is near the one that it was made of."""
    torch.manual_seed(1)
    net = FloatNet(ARCHITECTURES["S"]).train()
    planes = inputs(256, net.architecture, 5, 4, 4, seed=2)
    for _ in range(50):
        net(planes)
    net.eval()
    fine = QuantizedNet.of_float(net, Quantization(weight_bits=(8, 8), activation_bits=8)).train()
    for _ in range(400):
        fine(planes)
    with torch.no_grad():
        wanted, got = net(planes), fine.eval()(planes)
    assert (wanted - got).abs().mean() < 0.05 * wanted.std()


@pytest.mark.parametrize(
    ("name", "weight_bits", "sentence"),
    [
        ("model_6", (4,) * 8, "a plain stack with relu, not one with residual blocks or gelu"),
        ("model_1", (4,) * 4, "a plain stack with relu, not one with residual blocks or gelu"),
        ("M", (4, 4), "weight_bits must be as many as layers, 3, not 2"),
    ],
)
def test_nets_without_integers_are_refused(name, weight_bits, sentence):
    with pytest.raises(InputError, match=sentence):
        QuantizedNet(ARCHITECTURES[name], Quantization(weight_bits=weight_bits, activation_bits=4))


def test_scale_that_is_no_power_of_two_is_refused():
    assert power_of_two(torch.tensor([0.5, 4.0])) == [-1, 2]
    with pytest.raises(InputError, match=r"a scale must be a power of two, not 0\.75"):
        power_of_two(torch.tensor(0.75))
