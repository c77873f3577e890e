# SPDX-License-Identifier: Apache-2.0
"""What is no input of a net, or no answer of one, is refused with a sentence, by nets of all kinds alike."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from synfab.errors import InputError
from synfab.predecoder.evaluation import FollowUp, Judge, Setting, no_net
from synfab.predecoder.inputs import integer_planes
from synfab.predecoder.integers import LogitStream, PredecoderSpec
from synfab.predecoder.nets import Architecture
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
from synfab.predecoder.nets.streaming import FloatStream
from synfab.predecoder.volume import Volume

FILTERS: dict[LayoutName, tuple[int, int]] = {"supercell": (3, 12), "grid": (3, 4)}


def float_net(layout: LayoutName = "supercell") -> FloatNet:
    torch.manual_seed(1)
    return FloatNet(Architecture(layout=layout, filters=FILTERS[layout], kernels=(3, 3))).eval()


def quantized_net(layout: LayoutName = "supercell") -> QuantizedNet:
    return QuantizedNet.of_float(float_net(layout), Quantization(weight_bits=(4, 4), activation_bits=4)).eval()


def spec_of(layout: LayoutName = "supercell") -> PredecoderSpec:
    return spec_of_net(quantized_net(layout))


NETS: dict[str, tuple[Callable[..., Any], np.dtype | torch.dtype]] = {
    "spec": (spec_of().logits, np.dtype(np.uint8)),
    "IntegerNet": (IntegerNet(spec_of()), np.dtype(np.float32)),
    "FloatNet": (float_net(), torch.float32),
    "QuantizedNet": (quantized_net(), torch.float32),
}
SHAPES = {
    "other planes": (2, 4, 5, 3, 3),
    "no round": (2, 8, 0, 3, 3),
    "no column": (2, 8, 5, 3, 0),
    "a shot": (8, 5, 3, 3),
}


def zeros(shape: tuple[int, ...], dtype: np.dtype | torch.dtype) -> Any:
    return torch.zeros(shape, dtype=dtype) if isinstance(dtype, torch.dtype) else np.zeros(shape, dtype)


def some(value: float, dtype: Any = np.int64) -> np.ndarray:
    """Planes of zeros but for one number."""
    planes = np.zeros((1, 8, 2, 3, 3), dtype)
    planes[0, 5, 1, 2, 0] = value
    return planes


def judged(net: Any, *, layout: Any = "supercell") -> Any:
    judge = Judge(setting=Setting(distance=3, basis="X", p=0.01), layout=layout, seed=1)
    return judge.judge(net, {"": FollowUp(decoder="pymatching")}, shots=64)


def stream() -> LogitStream:
    return LogitStream(spec_of(), rows=3, columns=3)


def float_stream() -> FloatStream:
    return FloatStream(float_net(), shots=2, rows=3, columns=3)


def volumes_sentence(shape: tuple[int, ...]) -> str:
    return (
        f"planes must have the shape (shots, 8, rounds, rows, columns), sides of at least 1, not {shape}; the net has "
        "the layout 'supercell': take planes of this one, of at least a round"
    )


BITS = "planes must hold 0 and 1, not numbers from 0 to 7; make them with integer_planes"
INTEGERS = "planes must be integers, not float32; make them with integer_planes"
HOPELESS: dict[str, tuple[Callable[[], Any], str]] = {
    **{
        f"{name}: {what}": (lambda net=net, shape=shape, dtype=dtype: net(zeros(shape, dtype)), volumes_sentence(shape))
        for name, (net, dtype) in NETS.items()
        for what, shape in SHAPES.items()
    },
    "spec: a wide number": (lambda: spec_of().logits(some(7)), BITS),
    "spec: floats": (lambda: spec_of().logits(some(1, np.float32)), INTEGERS),
    "spec: a layout that is none": (
        lambda: PredecoderSpec(layout="torus", layers=spec_of().layers, logit_fraction_bits=0),
        "layout must be one of 'supercell', 'grid', 'grid_2022', not 'torus'",
    ),
    "spec: halves": (
        lambda: spec_of("grid").logits(np.full((1, 4, 2, 3, 3), 4)),
        "planes must hold 0 to 3, not numbers from 4 to 4; make them with integer_planes",
    ),
    **{
        f"IntegerNet: {value}": (
            lambda value=value: IntegerNet(spec_of())(some(value, np.float64)),
            f"planes must hold multiples of 1 from 0 to 1, as the net has the layout 'supercell', not {value:g}; make "
            "them with input_planes",
        )
        for value in (7.0, -1.0, 0.3, float("nan"))
    },
    "IntegerNet: quarters": (
        lambda: IntegerNet(spec_of("grid"))(np.full((100, 4, 2, 3, 3), 0.25)),
        "planes must hold multiples of 0.5 from 0 to 1.5, as the net has the layout 'grid', not 0.25; make them with",
    ),
    **{
        f"{name}: integers": (
            lambda net=net: net(torch.zeros(1, 8, 2, 3, 3, dtype=torch.uint8)),
            "planes must be of torch.float32, as the net's weights, not of torch.uint8; convert them",
        )
        for name, net in (("FloatNet", float_net()), ("QuantizedNet", quantized_net()))
    },
    "LogitStream: a wide number": (lambda: stream().push(some(7)[0, :, 1]), BITS),
    "LogitStream: floats": (lambda: stream().push(some(1, np.float32)[0, :, 1]), INTEGERS),
    "LogitStream: another shape": (
        lambda: stream().push(np.zeros((8, 3, 4), int)),
        "a round must have the shape (8, 3, 3), not (8, 3, 4); take the rounds of one volume",
    ),
    "LogitStream: no row": (
        lambda: LogitStream(spec_of(), rows=0, columns=3),
        "rows must be an integer of at least 1, not 0",
    ),
    "FloatStream: another shape": (
        lambda: float_stream().push(torch.zeros(1, 8, 3, 3)),
        "a round must have the shape (2, 8, 3, 3), not (1, 8, 3, 3); take the rounds of one batch of volumes",
    ),
    "FloatStream: doubles": (
        lambda: float_stream().push(torch.zeros(2, 8, 3, 3).double()),
        "planes must be of torch.float32, as the net's weights, not of torch.float64; convert them",
    ),
    "FloatStream: no shot": (
        lambda: FloatStream(float_net(), shots=0, rows=3, columns=3),
        "shots must be an integer of at least 1, not 0",
    ),
    "integer_planes: events of another layout": (
        lambda: integer_planes(
            np.zeros((1, 4, 4, 2, 2), np.uint8), name="grid", volume=Volume(distance=3, rounds=3, basis="X")
        ),
        "events must have the shape (shots, 2, 4, 3, 3), sides of at least 1, not (1, 4, 4, 2, 2); take the events of "
        "this volume in the layout 'grid'",
    ),
    "Judge: a layout that is none": (
        lambda: judged(no_net, layout="torus"),
        "layout must be one of 'supercell', 'grid', 'grid_2022', not 'torus'",
    ),
    "Judge: a net of another layout": (
        lambda: judged(IntegerNet(spec_of("grid"))),
        "planes must have the shape (shots, 4, rounds, rows, columns), sides of at least 1, not (64, 8, 4, 2, 2); the "
        "net has the layout 'grid': take planes of this one",
    ),
    "Judge: a net of integers": (lambda: judged(spec_of().logits), INTEGERS),
    "Judge: logits of another layout": (
        lambda: judged(no_net, layout="grid"),
        "logits must have the shape (64, 4, 4, 3, 3), not (64, 12, 4, 3, 3); take a net of the layout 'grid'",
    ),
    "Judge: logits of other shots": (
        lambda: judged(lambda planes: no_net(planes)[:7]),
        "logits must have the shape (64, 12, 4, 2, 2), not (7, 12, 4, 2, 2); take a net of the layout 'supercell'",
    ),
    "Judge: no planes": (
        lambda: judged(lambda planes: planes.sum()),
        "logits must have the shape (64, 12, 4, 2, 2), not (); take a net of the layout 'supercell'",
    ),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_what_no_net_takes_or_gives_is_refused(case):
    call, sentence = HOPELESS[case]
    with pytest.raises(InputError, match="^" + re.escape(sentence)):
        call()


def test_what_nets_take_is_not_refused():
    """Smallest volumes, no shot at all, the most that inputs may be, and bits as booleans."""
    for layout in FILTERS:
        spec = spec_of(layout)
        for shape in ((0, spec.num_inputs, 1, 1, 1), (65, spec.num_inputs, 1, 1, 1)):
            planes = np.ones(shape, np.uint8) << spec.input_bits - 1
            logits = spec.logits(planes)
            assert logits.shape == (shape[0], spec.num_outputs, 1, 1, 1)
            assert np.array_equal(logits, IntegerNet(spec)(planes / (1 << spec.input_bits - 1)))
            bits: Any = planes > 0
            assert np.array_equal(spec.logits(bits), spec.logits(bits.astype(np.uint8)))
