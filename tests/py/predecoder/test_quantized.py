# SPDX-License-Identifier: Apache-2.0
"""The spec of a quantized net: brevitas' forward pass, QONNX' execution, and the integers, decision by decision."""

import numpy as np
import pytest
import torch

from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets import ARCHITECTURES, Architecture
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import execute_qonnx, write_qonnx
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet, power_of_two

WIDTHS = {"8-4-8/A4": (8, 4, 8, 4), "3-3-3/A3": (3, 3, 3, 3), "8-2-8/A2": (8, 2, 8, 2), "8-8-8/A8": (8, 8, 8, 8)}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def bits(shots: int, architecture: Architecture, *sides: int, seed: int, density: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(shots, architecture.num_inputs, *sides, generator=generator) < density).float()


def quantized(name: str, widths: str, *, steps: int = 8) -> QuantizedNet:
    """A net whose weights, normalization and scales have all moved from where they began."""
    torch.manual_seed(3)
    first, middle, last, activations = WIDTHS[widths]
    architecture = ARCHITECTURES[name]
    layers = len(architecture.filters)
    net = FloatNet(architecture).train()
    quantization = Quantization.of(first=first, middle=middle, last=last, activations=activations, layers=layers)
    for trained in (net, QuantizedNet.of_float(net, quantization)):
        optimizer = torch.optim.Adam(trained.parameters(), lr=0.02)
        for step in range(steps):
            planes = bits(16, architecture, 4, 3, 3, seed=step)
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
@pytest.mark.parametrize("name", ["S", "M"])
def test_spec_is_the_forward_pass(name, widths):
    net = quantized(name, widths)
    spec = spec_of_net(net)
    planes = bits(200, net.architecture, 5, 4, 4, seed=1)
    integers = spec.logits(planes.numpy().astype(np.uint8))
    assert np.array_equal(integers, logits_of(net, planes, spec))
    assert integers.std() > 0


def test_spec_is_the_forward_pass_on_a_million_sites():
    net = quantized("S", "8-4-8/A4")
    spec = spec_of_net(net)
    sites = 0
    for seed, density in enumerate((0.02, 0.1, 0.5)):
        planes = bits(1750, net.architecture, 8, 5, 5, seed=seed, density=density)
        assert np.array_equal(spec.logits(planes.numpy().astype(np.uint8)), logits_of(net, planes, spec))
        sites += planes[:, 0].numel()
    assert sites >= 1_000_000


@pytest.mark.parametrize("widths", WIDTHS)
def test_spec_is_the_forward_pass_at_the_ends(widths):
    """On all ones, all zeros, and the inputs that drive each channel of the first layer to either end of its range."""
    net = quantized("M", widths)
    spec = spec_of_net(net)
    first = spec.layers[0]
    shape = (first.num_inputs, 7, 5, 5)
    volumes = [np.zeros(shape), np.ones(shape), np.indices(shape).sum(0) % 2]
    for weights in first.weights:
        for worst in (weights > 0, weights < 0):
            tiled = np.tile(worst, (1, 3, 2, 2))[:, :7, :5, :5]
            volumes.append(tiled.astype(float))
    planes = torch.tensor(np.stack(volumes), dtype=torch.float32)
    assert np.array_equal(spec.logits(planes.numpy().astype(np.uint8)), logits_of(net, planes, spec))


def test_qonnx_is_executed_to_the_same_logits(tmp_path):
    net = quantized("M", "8-4-8/A4")
    spec = spec_of_net(net)
    path = write_qonnx(net, tmp_path / "net.onnx", rounds=5, rows=3, columns=3)
    for seed in range(20):
        planes = bits(1, net.architecture, 5, 3, 3, seed=seed).numpy().astype(np.uint8)
        logits = execute_qonnx(path, planes).astype(float) * 2.0**spec.logit_fraction_bits
        assert np.array_equal(logits, spec.logits(planes))


def test_batch_normalization_is_folded():
    """With wide weights and activations, the quantized net is near the one that it was made of."""
    torch.manual_seed(1)
    net = FloatNet(ARCHITECTURES["S"]).train()
    planes = bits(256, net.architecture, 5, 4, 4, seed=2)
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
