# SPDX-License-Identifier: Apache-2.0
"""The integer reference of a net: against a literal sum, against torch, as a stream, and at the ends of its ranges."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.errors import InputError
from synfab.predecoder.integers import Convolution, LogitStream, PredecoderSpec


def layer(
    rng: np.random.Generator, inputs: int, outputs: int, *, kernel=(3, 3, 3), weight_bits=4, max_shift=0, **others
) -> Convolution:
    largest = 1 << (weight_bits - 1)
    return Convolution(
        weights=rng.integers(-largest, largest, (outputs, inputs, *kernel)),
        weight_bits=weight_bits,
        bias=rng.integers(-20, 20, outputs),
        shift=rng.integers(0, max_shift + 1, outputs),
        **others,
    )


@st.composite
def specs(draw: st.DrawFn) -> PredecoderSpec:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    channels = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(2, 4)))]
    widths = [draw(st.integers(1, 2)), *(draw(st.integers(1, 5)) for _ in channels[2:]), None]
    sides = st.sampled_from([1, 3, 5])
    layers = tuple(
        layer(
            rng,
            inputs,
            outputs,
            kernel=(draw(sides), draw(sides), draw(sides)),
            weight_bits=draw(st.integers(1, 8)),
            max_shift=6 if after else 0,
            input_bits=before,
            activation_bits=after,
        )
        for (inputs, outputs), (before, after) in zip(
            itertools.pairwise(channels), itertools.pairwise(widths), strict=True
        )
    )
    return PredecoderSpec(layout="supercell", layers=layers, logit_fraction_bits=3)


def literal(spec: PredecoderSpec, planes: np.ndarray) -> np.ndarray:
    """The sums as the docstring has them, site by site and tap by tap, in Python's integers."""
    values = planes.astype(object)
    for each in spec.layers:
        shots, _, *sides = values.shape
        out = np.zeros((shots, each.num_outputs, *sides), object)
        centre = [side // 2 for side in each.kernel]
        for shot, o, *site in itertools.product(range(shots), range(each.num_outputs), *map(range, sides)):
            total = int(each.bias[o])
            for i, *tap in itertools.product(range(each.num_inputs), *map(range, each.kernel)):
                at = [s + t - c for s, t, c in zip(site, tap, centre, strict=True)]
                if all(0 <= a < side for a, side in zip(at, sides, strict=True)):
                    total += int(each.weights[(o, i, *tap)]) * values[(shot, i, *at)]
            if each.activation_bits is not None:
                total = sum(total - int(each.bias[o]) >= bound for bound in each.thresholds[o].tolist())
            out[(shot, o, *site)] = total
        values = out
    return values.astype(np.int64)


@given(spec=specs(), seed=st.integers(0, 100))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_volume_is_the_literal_sum(spec, seed):
    planes = np.random.default_rng(seed).integers(0, 1 << spec.input_bits, (2, spec.num_inputs, 3, 2, 3))
    assert np.array_equal(spec.logits(planes), literal(spec, planes))


def test_layer_without_inputs_gives_its_bias():
    """What is left of a first layer when its constants are folded, and it has none."""
    rng = np.random.default_rng(0)
    spec = PredecoderSpec(layout="supercell", layers=(layer(rng, 0, 2),), logit_fraction_bits=3)
    planes = np.zeros((2, 0, 3, 2, 3), np.int64)
    assert np.array_equal(spec.logits(planes), literal(spec, planes))
    assert spec.logits(planes).any()


@given(spec=specs(), seed=st.integers(0, 100), rounds=st.integers(1, 7))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_stream_gives_the_logits_of_the_volume(spec, seed, rounds):
    """Also for volumes shorter than what the net sees, and for one volume after the other."""
    stream = LogitStream(spec, rows=3, columns=2)
    for volume in range(2):
        rng = np.random.default_rng([seed, volume])
        planes = rng.integers(0, 1 << spec.input_bits, (spec.num_inputs, rounds, 3, 2))
        pushed = [stream.push(planes[:, r]) for r in range(rounds)]
        assert [logits is None for logits in pushed] == [r < spec.look_ahead for r in range(rounds)]
        streamed = [logits for logits in pushed if logits is not None] + stream.finish()
        assert np.array_equal(np.stack(streamed, axis=1), spec.logits(planes[np.newaxis])[0])


def test_volume_is_torch_s_convolution():
    rng = np.random.default_rng(1)
    spec = PredecoderSpec(
        layout="supercell",
        layers=(
            layer(rng, 8, 16, activation_bits=4, max_shift=5),
            layer(rng, 16, 12, input_bits=4, weight_bits=8),
        ),
        logit_fraction_bits=4,
    )
    planes = rng.integers(0, 2, (200, 8, 7, 4, 4))
    values = torch.tensor(planes, dtype=torch.float64)
    for each in spec.layers:
        sums = torch.nn.functional.conv3d(
            values, torch.tensor(each.weights, dtype=torch.float64), torch.tensor(each.bias).double(), padding="same"
        )
        values = sums
        if each.activation_bits:
            values = torch.clamp(
                torch.floor(sums / torch.tensor(1 << each.shift)[:, None, None, None]),
                0,
                (1 << each.activation_bits) - 1,
            )
    assert np.array_equal(spec.logits(planes), values.numpy().astype(np.int64))


@pytest.mark.parametrize("weight_bits", [1, 2, 8])
@pytest.mark.parametrize("input_bits", [1, 4, 8])
def test_no_sum_leaves_its_range_and_some_reach_the_ends(weight_bits, input_bits):
    """The inputs that are the worst for an output take it to the very end of the range that was proved."""
    rng = np.random.default_rng([weight_bits, input_bits])
    each = layer(rng, 3, 5, weight_bits=weight_bits, input_bits=input_bits)
    most = (1 << input_bits) - 1
    reached = []
    for sign, o in itertools.product((1, -1), range(5)):
        worst = np.where(sign * each.weights[o] > 0, most, 0)
        sums = (each.weights.astype(np.int64) * worst).sum(axis=(1, 2, 3, 4)) + each.bias
        reached += sums.tolist()
    low, high = each.sum_range
    assert (min(0, *reached), max(0, *reached)) == (low, high)
    bits = each.accumulator_bits
    assert -(1 << (bits - 1)) <= low <= high < 1 << (bits - 1)
    assert low < -(1 << (bits - 2)) or high >= 1 << (bits - 2)


def test_sums_beyond_what_single_precision_holds_are_exact():
    weights = np.full((1, 1, 3, 3, 3), 127)
    each = Convolution(weights=weights, weight_bits=8, bias=np.array([1]), shift=np.array([0]), input_bits=16)
    spec = PredecoderSpec(
        layout="grid",
        layers=(
            Convolution(
                weights=np.ones((1, 1, 1, 1, 1), int),
                weight_bits=2,
                bias=np.array([65534]),
                shift=np.array([0]),
                activation_bits=16,
            ),
            each,
        ),
        logit_fraction_bits=0,
    )
    logits = spec.logits(np.ones((1, 1, 3, 3, 3), int))
    assert logits[0, 0, 1, 1, 1] == 27 * 127 * 65535 + 1


def test_spec_survives_a_file(tmp_path):
    rng = np.random.default_rng(4)
    layers = (layer(rng, 2, 3, activation_bits=2, max_shift=3), layer(rng, 3, 1, input_bits=2))
    spec = PredecoderSpec(layout="grid", layers=layers, logit_fraction_bits=2)
    path = spec.save(tmp_path / "net.json")
    again = PredecoderSpec.load(path)
    assert again.sha256 == spec.sha256
    planes = rng.integers(0, 2, (3, 2, 4, 3, 3))
    assert np.array_equal(again.logits(planes), spec.logits(planes))
    assert spec.num_parameters == 2 * 3 * 27 + 3 + 3 * 27 + 1
    assert spec.look_ahead == 2
    changed = json.loads(path.read_text())
    changed["layers"][0]["bias"][0] += 1
    path.write_text(json.dumps(changed))
    assert PredecoderSpec.load(path).sha256 != spec.sha256


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "must hold a whole pre-decoder spec, not one without"),
        ('{"format": "synfab.predecoder/0"}', "must have the format 'synfab.predecoder/1', not 'synfab.predecoder/0'"),
        ('{"format": "synfab.predecoder/1", "layers": []}', "must hold a whole pre-decoder spec, not one without"),
        ("[]", "must have the format 'synfab.predecoder/1', not None"),
    ],
)
def test_torn_file_is_refused(tmp_path, text, sentence):
    path = tmp_path / "net.json"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        PredecoderSpec.load(path)


ONE = np.ones((1, 1, 1, 1, 1), int)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"weights": ONE * 0.5}, "weights of a convolution must be integers, not float64"),
        ({"weights": ONE[0]}, "five axes"),
        ({"weights": np.ones((1, 1, 2, 1, 1), int)}, "a kernel of odd sides, not the shape"),
        ({"bias": np.zeros(2, int)}, r"a number for each of the 1 outputs, not the shape \(2,\)"),
        ({"weights": ONE * 8}, r"weights must lie in -8 \.\. 7, as weight_bits is 4, not in 8 \.\. 8"),
        ({"shift": np.array([-1])}, "shift must be at least 0, not -1"),
        ({"input_bits": 0}, "at least 1 bit, not 0 and None"),
        ({"weights": ONE * 7, "input_bits": 30}, "a sum must fit 31 bits, not 34"),
    ],
)
def test_contradictory_layers_are_refused(parts, sentence):
    with pytest.raises(InputError, match=sentence):
        Convolution(**{"weights": ONE, "weight_bits": 4, "bias": np.zeros(1, int), "shift": np.zeros(1, int)} | parts)


def test_layers_that_do_not_fit_are_refused():
    rng = np.random.default_rng(2)
    first = layer(rng, 2, 3, activation_bits=2)
    for layers, sentence in (
        ((), "at least one layer, not none"),
        ((first, layer(rng, 3, 1, input_bits=3)), "layer 1 must take the 2 bits that layer 0 hands on, not 3"),
        ((first, layer(rng, 4, 1, input_bits=2)), "layer 1 must take the 3 channels of layer 0, not 4"),
        ((first,), "the last layer must hand on sums, not activations of 2 bits"),
    ):
        with pytest.raises(InputError, match=sentence):
            PredecoderSpec(layout="grid", layers=layers, logit_fraction_bits=0)
