# SPDX-License-Identifier: Apache-2.0
"""From a quantized net to the integers of its spec."""

from typing import Any

import numpy as np
import torch

from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.quantized import QuantizedNet, power_of_two


def spec_of_net(net: QuantizedNet) -> PredecoderSpec:
    """Return the spec whose logits are, in its own unit, those of the net in evaluation mode.

    Raises
    ------
    InputError
        If the net's numbers are not integers of a fixed point.
    """
    net = net.eval()
    fraction_bits = net.architecture.input_fraction_bits
    layers, unit, bits = [], -fraction_bits, fraction_bits + 1
    with torch.no_grad():
        for number, convolution in enumerate(net.convolutions):
            quantized: Any = convolution
            weight = quantized.quant_weight()
            exponents = power_of_two(weight.scale)
            outputs = quantized.out_channels
            exponents = np.array(exponents * (outputs // len(exponents)))
            integers = np.rint(weight.value.numpy() / weight.scale.numpy())
            # The sums' units: a product is a weight's times an input's.
            sums = exponents + unit
            scale = torch.tensor(2.0**sums, dtype=torch.float32)
            bias, *_ = quantized.bias_quant.tensor_quant(quantized.bias, scale)
            activation_bits, shift = None, np.zeros(outputs, int)
            if number < len(net.activations):
                activation: Any = net.activations[number]
                activation_bits = net.quantization.activation_bits
                (out,) = power_of_two(activation.act_quant.scale())
                shift = out - sums
            layers.append(
                Convolution(
                    weights=integers.astype(int),
                    weight_bits=net.quantization.weight_bits[number],
                    bias=np.rint((bias / scale).numpy()).astype(int),
                    shift=shift,
                    activation_bits=activation_bits,
                    input_bits=bits,
                )
            )
            if activation_bits is not None:
                unit, bits = out, activation_bits
    return PredecoderSpec(layout=net.architecture.layout, layers=tuple(layers), logit_fraction_bits=-int(sums[0]))
