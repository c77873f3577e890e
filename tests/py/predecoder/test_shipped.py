# SPDX-License-Identifier: Apache-2.0
"""The models of the zoo: integers, brevitas and QONNX agree on a million sites, at the ends, and in all decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from synfab.predecoder.decisions import closed_cluster_commit, threshold_commit
from synfab.predecoder.evaluation import TWO_BIT_HINTS, Setting
from synfab.predecoder.inputs import integer_planes
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.integers.sums import convolved
from synfab.predecoder.labels import LabelSampler
from synfab.predecoder.labels.words import bits_from_words
from synfab.predecoder.nets.exchange import execute_qonnx, write_qonnx
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
from synfab.predecoder.pipeline import PipelineSpec
from synfab.zoo import Zoo, default_zoo

CLOSED_ABOVE = 2.5


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A model's integers, and the net that they are of."""

    spec: PredecoderSpec
    net: QuantizedNet
    folder: Path

    @property
    def unit(self) -> float:
        return 2.0**self.spec.logit_fraction_bits

    def planes(self, integers: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(integers.astype(np.float32)) / (1 << self.net.architecture.input_fraction_bits)

    def brevitas(self, integers: np.ndarray) -> np.ndarray:
        """Logits in natural units."""
        with torch.no_grad():
            return self.net(self.planes(integers)).double().numpy()

    def qonnx(self, integers: np.ndarray) -> np.ndarray:
        """Logits in natural units, shot by shot."""
        rounds, rows, columns = integers.shape[2:]
        path = self.folder / f"{rounds}_{rows}_{columns}.onnx"
        if not path.exists():
            write_qonnx(self.net, path, rounds=rounds, rows=rows, columns=columns)
        shots = self.planes(integers).numpy()
        return np.concatenate([execute_qonnx(path, shot[np.newaxis]) for shot in shots]).astype(float)


@pytest.fixture(scope="module", params=Zoo(directory=default_zoo()).names())
def shipped(request, tmp_path_factory) -> Shipped:
    torch.set_num_threads(1)
    model = Zoo(directory=default_zoo()).model(request.param)
    quantization = Quantization(weight_bits=model.stage.weight_bits, activation_bits=model.stage.activation_bits)
    net = QuantizedNet(model.architecture, quantization).eval()
    net.load_state_dict(load_file(model.directory / "net.safetensors"))
    return Shipped(spec=model.spec, net=net, folder=tmp_path_factory.mktemp(request.param))


def random_volume(spec: PredecoderSpec, *sides: int, density: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (1, spec.num_inputs, *sides)
    return ((rng.random(shape, np.float32) < density) * rng.integers(1, 1 << spec.input_bits, shape)).astype(np.uint8)


def decisions(logits: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """What follows the net: the hard commit, and the levels of hints."""
    return np.stack([logits > 0, *(np.abs(logits) >= threshold for threshold in thresholds)])


def test_a_million_sites(shipped):
    """From few events to all that there can be."""
    natural = [threshold for threshold, _ in TWO_BIT_HINTS.hints]
    thresholds = [np.ceil(threshold * shipped.unit) for threshold in natural]
    sites = 0
    for seed in range(17):
        planes = random_volume(shipped.spec, 96, 25, 25, density=(0.02, 0.5, 0.1, 0.9)[seed % 4], seed=seed)
        integers = shipped.spec.logits(planes)
        executed = shipped.qonnx(planes)
        assert np.array_equal(integers, shipped.brevitas(planes) * shipped.unit)
        assert np.array_equal(integers, executed * shipped.unit)
        assert np.array_equal(decisions(integers, thresholds), decisions(executed, natural))
        sites += integers[0, 0].size
    assert sites >= 1_000_000


def middle_sums(layers: Sequence[Convolution], values: torch.Tensor) -> torch.Tensor:
    """The last layer's sums, exact; their slopes pass through roundings, and faintly through clipping."""
    for layer in layers:
        weights, bias = torch.tensor(layer.weights).float(), torch.tensor(layer.bias).float()
        values = torch.nn.functional.conv3d(values, weights, bias)
        if layer is not layers[-1]:
            assert layer.activation_bits is not None
            scaled = values / (1 << torch.tensor(layer.shift)[:, None, None, None])
            rounded = scaled + (scaled.floor() - scaled).detach()
            clipped = rounded.clamp(0, (1 << layer.activation_bits) - 1)
            values = clipped + 0.02 * (scaled - scaled.detach())
    return values[:, :, 0, 0, 0]


def climbed(layers: Sequence[Convolution], *, steps: int = 64) -> np.ndarray:
    """Inputs that take the sum of each output of the last layer far up, then far down, at the site in their middle.

    The first move goes by the signs of the slopes at random inputs; after it, inputs whose slope promises a gain go to
    their other end by chance, fewer and fewer. The best are kept.

    Returns
    -------
    uint8 (2 * outputs, inputs, side, side, side)
        As large as what an output sees.
    """
    outputs, first = layers[-1].num_outputs, layers[0]
    side = 1 + sum(layer.kernel[0] - 1 for layer in layers)
    generator, most = torch.Generator().manual_seed(1), (1 << first.input_bits) - 1
    number, channel = torch.arange(2 * outputs), torch.arange(outputs).repeat(2)
    sign = torch.tensor([1.0, -1.0]).repeat_interleave(outputs)

    bits = torch.randint(0, 2, (2 * outputs, first.num_inputs, side, side, side), generator=generator).float()
    best, reached = bits, torch.full((2 * outputs,), -torch.inf)
    for step in range(steps):
        values = (most * bits).requires_grad_()
        sums = sign * middle_sums(layers, values)[number, channel]
        (slopes,) = torch.autograd.grad(sums.sum(), values)
        sums = sums.detach()
        best = torch.where((sums > reached)[:, None, None, None, None], bits, best)
        reached = sums.maximum(reached)
        share = max(0.02, 0.7 ** max(0, step - 1))
        moved = (slopes * (1 - 2 * bits) > 0) & (torch.rand(bits.shape, generator=generator) < share)
        bits = torch.where(moved, 1 - bits, bits)
    return (most * best).numpy().astype(np.uint8)


def channel_ends(layer: Convolution) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest sum of each output that its weights prove."""
    flat, most = layer.weights.reshape(layer.num_outputs, -1).astype(np.int64), (1 << layer.input_bits) - 1
    low, high = (layer.bias + most * part.sum(axis=1) for part in (np.minimum(flat, 0), np.maximum(flat, 0)))
    assert (min(0, *low), max(0, *high)) == layer.sum_range
    return low, high


def sums_of(spec: PredecoderSpec, planes: np.ndarray) -> list[np.ndarray]:
    """The sums of each layer, (shots, rounds, rows, columns, outputs)."""
    found, sites = [], np.moveaxis(planes, 1, -1)
    for layer in spec.layers:
        found.append(convolved(layer, sites))
        sites = layer.activations(found[-1])
    return found


def brevitas_sums(shipped: Shipped, planes: np.ndarray) -> list[np.ndarray]:
    found: list[np.ndarray] = []

    def take(_: Any, __: Any, out: Any) -> None:
        found.append(np.moveaxis((out.value / out.scale).detach().double().numpy(), 1, -1))

    hooks = [convolution.register_forward_hook(take) for convolution in shipped.net.convolutions]
    shipped.brevitas(planes)
    for hook in hooks:
        hook.remove()
    return found


def test_inputs_that_drive_every_layer_s_sums(shipped):
    """One long volume, in which each sum of each layer goes far up and far down somewhere.

    Sums of the first layer reach the ends that are proved; those of the others pass all that random inputs make.
    """
    layers = shipped.spec.layers
    driven = [climbed(layers[:depth]) for depth in range(1, len(layers) + 1)]
    side = driven[-1].shape[-1]
    margins = [(side - volumes.shape[-1]) // 2 for volumes in driven]
    padded = [np.pad(v, [(0, 0)] * 2 + [(m, m)] * 3) for v, m in zip(driven, margins, strict=True)]
    planes = np.concatenate(np.concatenate(padded), axis=1)[np.newaxis]
    middles = side // 2 + side * np.arange(planes.shape[2] // side)
    firsts = np.cumsum([0, *(len(volumes) for volumes in driven)])

    chance = [random_volume(shipped.spec, *planes.shape[2:], density=p, seed=3) for p in (0.02, 0.1, 0.5, 0.9)]
    random = [np.concatenate(sums) for sums in zip(*(sums_of(shipped.spec, one) for one in chance), strict=True)]
    sums = sums_of(shipped.spec, planes)
    for depth, (layer, found, first) in enumerate(zip(layers, sums, firsts, strict=False)):
        numbers = np.arange(layer.num_outputs)
        reached = found[0, middles[first : first + 2 * len(numbers)], side // 2, side // 2]
        high, low = reached[numbers, numbers], reached[len(numbers) + numbers, numbers]
        ends, usual = channel_ends(layer), random[depth].reshape(-1, len(numbers))
        if depth == 0:
            assert np.array_equal((low, high), ends)
        else:
            assert (low < usual.min(axis=0)).all()
            assert (high > usual.max(axis=0)).all()
        assert (found.min(axis=(0, 1, 2, 3)) >= ends[0]).all()
        assert (found.max(axis=(0, 1, 2, 3)) <= ends[1]).all()

    for integers, floats in zip(sums, brevitas_sums(shipped, planes), strict=True):
        assert np.array_equal(integers, floats)
    logits = shipped.spec.logits(planes)
    assert np.array_equal(logits, IntegerNet(shipped.spec)(shipped.planes(planes).numpy()))
    assert np.array_equal(logits, shipped.brevitas(planes) * shipped.unit)
    assert np.array_equal(logits, shipped.qonnx(planes) * shipped.unit)


def test_every_layer_alone_reaches_its_ends(shipped):
    """Activations that no input may make, but that accumulators are proved for, in brevitas and in integers."""
    net: Any = shipped.net
    for number, layer in enumerate(shipped.spec.layers):
        most = (1 << layer.input_bits) - 1
        worst = most * np.concatenate([layer.weights < 0, layer.weights > 0]).astype(np.int64)
        sums = convolved(layer, np.moveaxis(worst, 1, -1))
        centre = sums[:, *(side // 2 for side in layer.kernel)]
        numbers = np.arange(layer.num_outputs)
        reached = centre[numbers, numbers], centre[len(numbers) + numbers, numbers]
        assert np.array_equal(reached, channel_ends(layer))
        with torch.no_grad():
            if number:
                before = net.activations[number - 1]
                values = before(torch.from_numpy(worst).float() * before.act_quant.scale())
            else:
                values = net.bits(shipped.planes(worst))
            out = net.convolutions[number](values)
        assert np.array_equal(sums, np.moveaxis((out.value / out.scale).double().numpy(), 1, -1))


@pytest.mark.parametrize("basis", ["X", "Z"])
def test_commits_and_hints_of_each_edge(shipped, basis):
    """Of natural logits and thresholds, as brevitas and QONNX give them, and of the integers of the pipeline."""
    setting = Setting(distance=5, basis=basis, p=0.006)
    spec = PipelineSpec.compile(shipped.spec, setting.circuit)
    labels = LabelSampler(circuit=setting.circuit, reach=0).compile(seed=2).sample(words=8)
    events = bits_from_words(labels.detectors).reshape(labels.shots, -1).astype(np.bool_)
    planes = integer_planes(spec.layout.batch(labels).events, name=shipped.net.architecture.layout, volume=spec.volume)
    assert spec.hints is not None
    thresholds = tuple(threshold for threshold, _ in TWO_BIT_HINTS.hints)
    hints, integers = replace(spec.hints, thresholds=thresholds), spec.site_logits(events)
    levels = spec.hints.edge_levels(integers)
    closed_above = int(np.floor(CLOSED_ABOVE * shipped.unit))
    closed = closed_cluster_commit(integers, events, effect=spec.effect, above=closed_above)
    assert set(np.unique(levels)) == {0, 1, 2, 3}
    assert 0 < closed.sum() < threshold_commit(integers).sum()
    for of, shots in ((shipped.brevitas, len(events)), (shipped.qonnx, 64)):
        logits = spec.layout.site_values(of(planes[:shots]), volume=spec.volume, missing=-np.inf)
        assert np.array_equal(threshold_commit(logits), threshold_commit(integers[:shots]))
        commit = closed_cluster_commit(logits, events[:shots], effect=spec.effect, above=CLOSED_ABOVE)
        assert np.array_equal(commit, closed[:shots])
        assert np.array_equal(hints.edge_levels(logits), levels[:shots])
        wanted = spec.hints.edge_weights(integers[:shots], spec.decoder.weights)
        assert np.array_equal(hints.edge_weights(logits, spec.decoder.weights), wanted)
