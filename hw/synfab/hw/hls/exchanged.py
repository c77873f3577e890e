# SPDX-License-Identifier: Apache-2.0
"""The integers of a net as its QONNX has them, in agreement with its spec."""

from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS, LayoutName

Integers = npt.NDArray[np.int64]
Exponents = npt.NDArray[np.integer]

PARTS = ("weights", "bias", "shift", "weight_bits", "activation_bits", "input_bits")


def spec_of_qonnx(path: Path, *, layout: str) -> PredecoderSpec:
    """Return the spec of a net that :func:`synfab.predecoder.nets.exchange.write_qonnx` wrote.

    Every quantizer is computed as QONNX itself does. Scales are powers of two, so a value is an integer times a unit.

    Parameters
    ----------
    path : Path
    layout : str
        Which a QONNX file does not say.

    Raises
    ------
    InputError
        If there is no such file, or it holds another kind of net: one that is no plain stack of convolutions with
        rectifiers, as a residual one, or whose numbers are not of a fixed point.
    """
    return _Reader(path).spec(layout)


def require_same(found: PredecoderSpec, spec: PredecoderSpec, *, path: Path) -> None:
    """Raise InputError unless what QONNX holds is the spec, integer by integer."""
    if len(found.layers) != len(spec.layers):
        raise InputError(
            f"{path} must have the {len(spec.layers)} layers of the spec, not {len(found.layers)}; take files of one "
            "training"
        )
    for number, (got, wanted) in enumerate(zip(found.layers, spec.layers, strict=True)):
        for part in PARTS:
            if not np.array_equal(getattr(got, part), getattr(wanted, part)):
                raise InputError(
                    f"{path} must have the {part} of the spec in layer {number}, not others; take files of one training"
                )
    if found.logit_fraction_bits != spec.logit_fraction_bits:
        raise InputError(
            f"{path} must give logits in units of 2**-{spec.logit_fraction_bits}, as the spec, not of "
            f"2**-{found.logit_fraction_bits}; take files of one training"
        )


class _Reader:
    """Follows the one path through a graph, from its input to its output."""

    def __init__(self, path: Path) -> None:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx import numpy_helper

        if not path.is_file():
            raise InputError(
                f"a model must hold its net as QONNX, but {path} is not there; 'synfab train' writes it beside the spec"
            )
        try:
            graph = onnx.load(path, format="protobuf").graph
        except (DecodeError, ValueError) as error:
            raise InputError(f"{path} must be whole QONNX, not torn ({error}); train anew") from error
        self._path, self._graph = path, graph
        self._constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}

    def spec(self, layout: str) -> PredecoderSpec:
        """Return the net."""
        if len(self._graph.input) != 1 or len(self._graph.output) != 1:
            self._refuse("one input and one output", f"{len(self._graph.input)} and {len(self._graph.output)}")
        values = self._after(self._graph.input[0].name, "Quant")
        _, unit, _ = self._quantized(values)
        fraction_bits = INPUT_FRACTION_BITS[cast(LayoutName, layout)]
        if (unit != -fraction_bits).any():
            self._refuse(f"inputs of scale {2.0**-fraction_bits:g}, as the layout {layout!r}", f"{2.0 ** unit.max():g}")
        layers: list[Convolution] = []
        bits = fraction_bits + 1
        while True:
            convolution = self._after(values.output[0], "Conv")
            parts, sums = self._sums(convolution, unit)
            layer: dict[str, Any] = parts | {"input_bits": bits}
            if convolution.output[0] == self._graph.output[0].name:
                layers.append(Convolution(**layer, shift=np.zeros(len(layer["bias"]), int)))
                fraction = -self._only(sums, "logits")
                return PredecoderSpec(layout=layout, layers=tuple(layers), logit_fraction_bits=fraction)
            values = self._after(self._after(convolution.output[0], "Relu").output[0], "Quant")
            _, unit, bits = self._quantized(values, rounding="FLOOR")
            shift = np.broadcast_to(self._only(unit, "activations") - sums, len(layer["bias"]))
            layers.append(Convolution(**layer, shift=shift, activation_bits=bits))

    def _sums(self, convolution: Any, unit: Exponents) -> tuple[dict[str, Any], Exponents]:
        """Return what a convolution makes its sums of, and the exponents of their units."""
        from onnx import helper

        weights, weight_unit, weight_bits = self._operand(convolution, 1)
        bias, bias_unit, _ = self._operand(convolution, 2)
        sums = weight_unit + unit
        if (bias_unit != sums).any():
            self._refuse("biases in the units of their sums", f"others in {convolution.name or 'a convolution'}")
        found = {each.name: helper.get_attribute_value(each) for each in convolution.attribute}
        axes = weights.ndim - 2
        plain = {"strides": [1] * axes, "dilations": [1] * axes, "group": 1}
        plain["pads"] = [side // 2 for side in weights.shape[2:]] * 2
        for name, wanted in plain.items():
            if found.get(name) != wanted:
                self._refuse(f"convolutions with {name} {wanted}", repr(found.get(name)))
        return {"weights": weights, "weight_bits": weight_bits, "bias": bias}, sums

    def _operand(self, node: Any, number: int) -> tuple[Integers, Exponents, int]:
        """Return the integers of a constant, the exponents of their units, and their width."""
        maker = self._makers.get(node.input[number]) if len(node.input) > number else None
        if maker is None or maker.op_type != "Quant" or maker.input[0] not in self._constants:
            self._refuse(f"quantized weights and biases at each {node.op_type}", "a convolution without them")
        values, unit, bits = self._quantized(maker, signed=1)
        assert values is not None
        return values, unit, bits

    def _quantized(
        self, node: Any, *, signed: int = 0, rounding: str = "ROUND"
    ) -> tuple[Integers | None, Exponents, int]:
        """Return the integers that a quantizer gives for a constant, the exponents of their units, and the width."""
        from onnx import helper
        from qonnx.custom_op.general.quant import quant

        found = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        found["rounding_mode"] = found["rounding_mode"].decode()
        for name, wanted in {"signed": signed, "rounding_mode": rounding}.items():
            if found[name] != wanted:
                self._refuse(f"a quantizer with {name} {wanted!r}", repr(found[name]))
        scale, zero, bits = (self._constants[name] for name in node.input[1:])
        mantissa, exponents = np.frexp(scale)
        if (mantissa != 0.5).any() or zero.any():
            self._refuse("scales that are powers of two and no zero points", f"{scale.max()} and {zero.max()}")
        constant = self._constants.get(node.input[0])
        values = None
        if constant is not None:
            given = quant(constant, scale, zero, bits, found["signed"], found["narrow"], found["rounding_mode"])
            values = (given / scale).astype(np.int64)
        return values, exponents.ravel() - 1, int(bits)

    def _after(self, name: str, kind: str) -> Any:
        """Return the one node that takes a value."""
        nodes = [node for node in self._graph.node if name in node.input]
        if [node.op_type for node in nodes] != [kind]:
            self._refuse(
                f"a plain stack of convolutions with rectifiers, {kind} after {name!r}",
                " and ".join(node.op_type for node in nodes) or "the end",
            )
        return nodes[0]

    def _only(self, exponents: Exponents, noun: str) -> int:
        if len(set(exponents.tolist())) != 1:
            self._refuse(f"one unit of all {noun}", f"{len(set(exponents.tolist()))} of them")
        return int(exponents[0])

    def _refuse(self, wanted: str, found: str) -> NoReturn:
        raise InputError(f"{self._path} must have {wanted}, not {found}; quantize a net as 'synfab train' does")
