# SPDX-License-Identifier: Apache-2.0
"""The net as QONNX of one round: two-dimensional convolutions of windows of rounds, in integers.

Beside QONNX' own nodes it has three of the domain ``synfab.rounds``, which :mod:`synfab.hw.hls.extension` builds:

- ``RoundWindow(planes, last)``: the last ``depth`` rounds side by side as channels, oldest first. Those that are not
  of the volume of the middle one are 0.
- ``RoundDelay(last)``: the flag ``last`` of the round ``delay`` calls before; 1 if there is none.
- ``Requantize(sums)``: ``clip(sums >> shift, 0, 2**bits - 1)``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from synfab.predecoder.integers import Convolution, PredecoderSpec

DOMAIN = "synfab.rounds"
CHANNELS_LAST = "qonnx.custom_op.channels_last"
QUANT = "qonnx.custom_op.general"
OPSETS = {"": 20, QUANT: 2, CHANNELS_LAST: 1, DOMAIN: 1}

# In alphabetical order: hls4ml keeps the shapes of a project's inputs under their names, sorted.
PLANES, LAST, LOGITS = "planes", "planes_last", "logits"


def plane_weights(layer: Convolution) -> npt.NDArray[np.integer]:
    """Return a layer's weights for windows of rounds: (outputs, rows, columns, the inputs of each round)."""
    apart = np.moveaxis(layer.weights, (3, 4, 2, 1), (1, 2, 3, 4))
    return apart.reshape(*apart.shape[:3], -1)


class _Builder:
    """Builds the model of a round layer by layer; see :func:`round_model`."""

    def __init__(self, *, rows: int, columns: int) -> None:
        self._plane = (1, rows, columns)
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {}

    def input(self, name: str, *shape: int) -> str:
        """Declare an input of the model."""
        self.shapes[name] = shape
        return name

    def layer(self, number: int, layer: Convolution, planes: str, last: str, outputs: str) -> None:
        """Add a convolution of the window of ``planes``, and its activation if it has one."""
        name = f"conv{number}"
        rounds, kernel_rows, kernel_columns = layer.kernel
        window = planes
        if rounds > 1:
            window = f"window{number}"
            channels = rounds * layer.num_inputs
            self._node("RoundWindow", [planes, last], window, (*self._plane, channels), DOMAIN, depth=rounds)
        operands = [
            window,
            self._constant(f"{name}_weight", plane_weights(layer), layer.weight_bits),
            self._constant(f"{name}_bias", layer.bias, layer.accumulator_bits),
        ]
        sums = outputs if layer.activation_bits is None else f"sums{number}"
        shape = (*self._plane, layer.num_outputs)
        pads = [kernel_rows // 2, kernel_columns // 2] * 2
        sides = {"kernel_shape": [kernel_rows, kernel_columns], "pads": pads}
        rest = {"strides": [1, 1], "dilations": [1, 1], "group": 1}
        self._node("Conv", operands, sums, shape, CHANNELS_LAST, **sides, **rest, name=name)
        if layer.activation_bits is not None:
            # Shifting by more than the width leaves the sign, as shifting by all other bits does.
            shift = np.minimum(layer.shift, layer.accumulator_bits - 1).tolist()
            self._node("Requantize", [sums], outputs, shape, DOMAIN, bits=layer.activation_bits, shift=shift)

    def delay(self, number: int, last: str, rounds: int) -> str:
        """Add what takes a flag through a layer; return the flag's name after it."""
        if rounds == 0:
            return last
        self._node("RoundDelay", [last], f"last{number}", (1, 1), DOMAIN, delay=rounds)
        return f"last{number}"

    def _constant(self, name: str, values: npt.NDArray[np.integer], bits: int) -> str:
        """Add integers as QONNX has them: a tensor through a quantizer of scale 1."""
        self._tensor(f"{name}_values", values.astype(np.float32))
        for part, number in (("scale", 1), ("zero", 0), ("bits", bits)):
            self._tensor(f"{name}_{part}", np.array([number], np.float32))
        parts = [f"{name}_{part}" for part in ("values", "scale", "zero", "bits")]
        attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
        self._node("Quant", parts, name, values.shape, QUANT, **attributes)
        return name

    def _tensor(self, name: str, values: npt.NDArray) -> None:
        self.constants.append(numpy_helper.from_array(values, name))
        self.shapes[name] = values.shape

    def _node(
        self, kind: str, inputs: list[str], output: str, shape: tuple[int, ...], domain: str, **attributes: Any
    ) -> None:
        name = attributes.pop("name", output)
        self.nodes.append(helper.make_node(kind, inputs, [output], name=name, domain=domain, **attributes))
        self.shapes[output] = shape


def round_model(spec: PredecoderSpec, *, rows: int, columns: int) -> ModelProto:
    """Return the model that takes a round and gives the logits of the round ``spec.look_ahead`` before.

    Inputs
    ------
    planes : (1, rows, columns, num_inputs), of ``spec.input_bits``
    planes_last : (1, 1), 1 for the last round of a volume

    Outputs
    -------
    logits : (1, rows, columns, num_outputs), integers in the spec's unit
    """
    model = _Builder(rows=rows, columns=columns)
    model.input(PLANES, 1, rows, columns, spec.num_inputs)
    model.input(LAST, 1, 1)
    planes, last = PLANES, LAST
    for number, layer in enumerate(spec.layers):
        final = number + 1 == len(spec.layers)
        outputs = LOGITS if final else f"activations{number}"
        model.layer(number, layer, planes, last, outputs)
        if not final:
            last = model.delay(number, last, layer.look_ahead)
        planes = outputs
    return _whole(model)


def _whole(model: _Builder) -> ModelProto:
    values: dict[str, ValueInfoProto] = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in model.shapes.items()
    }
    inner = [info for name, info in values.items() if name not in (PLANES, LAST, LOGITS)]
    graph = helper.make_graph(
        model.nodes,
        "round",
        inputs=[values[PLANES], values[LAST]],
        outputs=[values[LOGITS]],
        initializer=model.constants,
        value_info=inner,
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, producer_name="synfab")
