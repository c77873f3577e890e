# SPDX-License-Identifier: Apache-2.0
"""Nets in quantized arithmetic, for training with the numbers that hardware has (brevitas).

All scales are powers of two, so that every sum is a multiple of one, and floating point holds it exactly: the forward
pass is the integer net's (see ``toolchain`` in the project's notes on QONNX and hls4ml, which need that, too).
Activations are rounded down, which is a shift; training finds the bias that makes up for it.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any, cast

import brevitas.nn as qnn
import torch
from brevitas.inject.enum import FloatToIntImplType, ScalingImplType, ScalingPerOutputType
from brevitas.quant import Int16Bias
from brevitas.quant.fixed_point import (
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from synfab.errors import InputError
from synfab.predecoder.nets.architecture import Architecture
from synfab.predecoder.nets.floating import FloatNet, layer_channels, require_inputs


class Quantization(BaseModel):
    """Widths of weights and activations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight_bits: tuple[Annotated[int, Field(ge=2, le=8)], ...] = Field(description="Of each layer")
    activation_bits: int = Field(ge=2, le=8, description="Of each hidden layer")

    @classmethod
    def of(cls, *, first: int, middle: int, last: int, activations: int, layers: int) -> "Quantization":
        """Return widths as they are written 8-4-8/A4, for a number of layers."""
        return cls(weight_bits=(first, *[middle] * (layers - 2), last), activation_bits=activations)


class _Bits(Uint8ActPerTensorFixedPoint):
    """Inputs of 0 or 1, as they are. A width of 1 would be exported as -1 and 1."""

    scaling_impl_type = ScalingImplType.CONST
    scaling_init = cast(Any, 4.0)
    bit_width = 2


class _Halves(_Bits):
    """Inputs of 0, 1/2 or 1, as they are."""

    scaling_init = cast(Any, 2.0)


class _Weights(Int8WeightPerTensorFixedPoint):
    """A scale an output channel."""

    scaling_per_output_type = ScalingPerOutputType.CHANNEL


class _LastWeights(Int8WeightPerTensorFixedPoint):
    """One scale, so that all logits have the same unit."""


class _Activations(Uint8ActPerTensorFixedPoint):
    float_to_int_impl_type = FloatToIntImplType.FLOOR


class QuantizedNet(nn.Module):
    """The quantized net of an architecture without residual blocks, with rectifiers.

    Takes and returns what :class:`FloatNet` does.

    Parameters
    ----------
    architecture : Architecture
    quantization : Quantization

    Raises
    ------
    InputError
        If the architecture has no integer form, or the widths are not as many as its layers.
    """

    def __init__(self, architecture: Architecture, quantization: Quantization) -> None:
        super().__init__()
        if architecture.residual or architecture.activation != "relu":
            raise InputError(
                "a quantized net must be a plain stack with relu, not one with residual blocks or gelu; take another "
                "architecture"
            )
        if len(quantization.weight_bits) != len(architecture.filters):
            raise InputError(
                f"weight_bits must be as many as layers, {len(architecture.filters)}, not "
                f"{len(quantization.weight_bits)}"
            )
        self.architecture, self.quantization = architecture, quantization
        inputs = _Halves if architecture.input_fraction_bits else _Bits
        self.bits = qnn.QuantIdentity(act_quant=inputs, return_quant_tensor=True)
        parts = list(zip(layer_channels(architecture), quantization.weight_bits, strict=True))
        convolutions = [_convolution(*channels, bits, _Weights) for channels, bits in parts[:-1]]
        (channels, bits), last = parts[-1], _LastWeights
        self.convolutions = nn.ModuleList([*convolutions, _convolution(*channels, bits, last)])
        self.activations = nn.ModuleList(
            qnn.QuantReLU(act_quant=_Activations, bit_width=quantization.activation_bits, return_quant_tensor=True)
            for _ in convolutions
        )

    def forward(self, planes: Tensor) -> Tensor:
        """Return the logits; see :meth:`FloatNet.forward`."""
        require_inputs(planes, self)
        values: Any = self.bits(planes)
        for convolution, activation in zip(self.convolutions, self.activations, strict=False):
            values = activation(convolution(values))
        return self.convolutions[-1](values).value

    @classmethod
    def of_float(cls, net: FloatNet, quantization: Quantization) -> "QuantizedNet":
        """Return the quantized net of a trained one: its batch normalization goes into the weights.

        Its scales are taken from what passes through it in training mode; see :func:`calibrate`.
        """
        quantized = cls(net.architecture, quantization)
        for number, (weight, bias) in enumerate(_merged(net)):
            target: Any = quantized.convolutions[number]
            with torch.no_grad():
                target.weight.copy_(weight)
                target.bias.copy_(bias)
        return quantized


def _convolution(inputs: int, outputs: int, side: int, weight_bits: int, weights: type) -> qnn.QuantConv3d:
    return qnn.QuantConv3d(
        inputs,
        outputs,
        side,
        padding=side // 2,
        weight_quant=weights,
        weight_bit_width=weight_bits,
        bias=True,
        bias_quant=Int16Bias,
        return_quant_tensor=True,
    )


def _merged(net: FloatNet) -> Sequence[tuple[Tensor, Tensor]]:
    """Return weights and bias of each layer, with batch normalization folded in."""
    merged = []
    for layer in net.layers:
        parts = list(layer) if isinstance(layer, nn.Sequential) else [layer]
        convolution = parts[0]
        assert isinstance(convolution, nn.Conv3d)
        assert convolution.bias is not None
        weight, bias = convolution.weight.detach(), convolution.bias.detach()
        for part in parts:
            if isinstance(part, nn.BatchNorm3d):
                assert part.running_mean is not None
                assert part.running_var is not None
                factor = part.weight / torch.sqrt(part.running_var + part.eps)
                weight = weight * factor[:, None, None, None, None]
                bias = (bias - part.running_mean) * factor + part.bias
        merged.append((weight.detach(), bias.detach()))
    return merged


def power_of_two(scale: Tensor) -> list[int]:
    """Return the exponents of scales.

    Raises
    ------
    InputError
        If one is not a power of two.
    """
    exponents = []
    for value in scale.detach().flatten().tolist():
        mantissa, exponent = math.frexp(value)
        if mantissa != 0.5:
            raise InputError(f"a scale must be a power of two, not {value!r}; use fixed-point quantizers")
        exponents.append(exponent - 1)
    return exponents
