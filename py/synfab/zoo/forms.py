# SPDX-License-Identifier: Apache-2.0
"""The three forms of a model are the same net: seen by computing them, once, before it enters a zoo."""

import numpy as np

from synfab.errors import InputError
from synfab.zoo.contents import QONNX, SPEC, WEIGHTS
from synfab.zoo.model import Model


def require_one_net(model: Model) -> None:
    """Make the spec of the weights anew, and let QONNX and the spec decide the same volume.

    Raises
    ------
    InputError
        If they are not the same net.
    """
    _require_spec_of_weights(model)
    _require_spec_of_qonnx(model)


def _require_spec_of_weights(model: Model) -> None:
    from safetensors.torch import load_file

    from synfab.predecoder.nets.conversion import spec_of_net
    from synfab.predecoder.nets.quantized import Quantization, QuantizedNet

    stage = model.stage
    quantization = Quantization(weight_bits=stage.weight_bits, activation_bits=stage.activation_bits)
    net = QuantizedNet(model.architecture, quantization)
    try:
        net.load_state_dict(load_file(model.directory / WEIGHTS))
    # torch names every tensor that is missing or too many, a line each.
    except RuntimeError as error:
        raise InputError(
            f"{model.directory / WEIGHTS} must have the tensors of a net {model.architecture_name} with "
            f"{model.widths}: {' '.join(str(error).split())}"
        ) from error
    if spec_of_net(net).sha256 != model.spec.sha256:
        raise InputError(
            f"{model.directory / SPEC} must hold the integers of {WEIGHTS}, not others; take files of one training"
        )


def _require_spec_of_qonnx(model: Model) -> None:
    import onnx
    from google.protobuf.message import DecodeError

    from synfab.predecoder.nets.exchange import execute_qonnx

    path, spec = model.directory / QONNX, model.spec
    try:
        (given,) = onnx.load(path).graph.input
        shape = tuple(side.dim_value for side in given.type.tensor_type.shape.dim)
    except (DecodeError, ValueError) as error:
        raise InputError(f"{path} must be whole QONNX with one input, not torn ({error}); train anew") from error
    if shape[:2] != (1, spec.num_inputs):
        raise InputError(f"{path} must take one shot of {spec.num_inputs} planes, not the shape {shape}")
    one = 1 << model.architecture.input_fraction_bits
    planes = np.random.default_rng(0).integers(0, one + 1, shape, np.uint8)
    if not np.array_equal(execute_qonnx(path, planes / one) * 2.0**spec.logit_fraction_bits, spec.logits(planes)):
        raise InputError(f"{path} must give the logits of {SPEC}, not others; take files of one training")
