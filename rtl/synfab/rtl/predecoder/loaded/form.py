# SPDX-License-Identifier: Apache-2.0
"""What nets have in common whose weights one hardware can hold, and how a net becomes a list of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Literal, Self, get_args

import numpy as np

from synfab.errors import InputError
from synfab.predecoder.integers import Convolution, PredecoderSpec

Multipliers = Literal["lut", "dsp"]

# Of the reference's sums, and so of any net's.
MAX_ACCUMULATOR_BITS = 31


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How a net is built whose weights are loaded.

    Attributes
    ----------
    multipliers : {"lut", "dsp"}
        Of inputs wider than a bit, which need none.
    cycles_per_beat : int
        A layer's multipliers take the inputs under the kernel in so many parts, one after the other: so many times
        fewer of them, and so many times longer for a round. It divides the inputs of every layer's kernel.

    Raises
    ------
    InputError
        If there are no such multipliers, or a beat would take no cycle.
    """

    multipliers: Multipliers = "dsp"
    cycles_per_beat: int = 1

    def __post_init__(self) -> None:
        if self.multipliers not in get_args(Multipliers):
            raise InputError(f"multipliers must be 'lut' or 'dsp', not {self.multipliers!r}")
        if self.cycles_per_beat < 1:
            raise InputError(f"cycles_per_beat must be at least 1, not {self.cycles_per_beat!r}; 1 is the fastest")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a list: for each step, a row of ``numbers`` for each lane, all of so many bits."""

    what: str
    steps: int = 1
    lanes: int = 1
    numbers: int
    bits: int
    signed: bool = True

    @property
    def length(self) -> int:
        """Numbers in all."""
        return self.steps * self.lanes * self.numbers

    @property
    def range(self) -> tuple[int, int]:
        """Least and largest number."""
        half = 1 << self.bits - 1
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """A layer, whatever its weights.

    Attributes
    ----------
    inputs : int
        Under the kernel of a position: channels times taps.
    outputs, weight_bits, input_bits : int
    bias_bits : int
        As many as a sum of any weights has, or those of the given layer's biases if they have more.
    activation_bits : int or None
    kernel : tuple of int
    cycles : int
        Of a beat.
    """

    inputs: int
    outputs: int
    weight_bits: int
    input_bits: int
    bias_bits: int
    activation_bits: int | None
    kernel: tuple[int, int, int]
    cycles: int

    @classmethod
    def of(cls, layer: Convolution, *, cycles: int) -> Self:
        """Return the shape of a layer."""
        inputs, most = layer.num_inputs * prod(layer.kernel), (1 << layer.input_bits) - 1
        widest = int(np.abs(layer.bias.astype(np.int64)).max(initial=0)).bit_length() + 1
        return cls(
            inputs=inputs,
            outputs=layer.num_outputs,
            weight_bits=layer.weight_bits,
            input_bits=layer.input_bits,
            bias_bits=max(widest, (inputs * most * (1 << layer.weight_bits - 1) - 1).bit_length() + 1),
            activation_bits=layer.activation_bits,
            kernel=layer.kernel,
            cycles=cycles,
        )

    @property
    def lanes(self) -> int:
        """Inputs that are taken at a time."""
        return self.inputs // self.cycles

    @property
    def product_bits(self) -> int:
        """Of an input times a weight; a bit is not multiplied."""
        return self.weight_bits + (self.input_bits if self.input_bits > 1 else 0)

    @property
    def accumulator_bits(self) -> int:
        """Of a sum with its bias: no weights and no bias can make it overflow."""
        return self.bias_bits + 1

    @property
    def shift_bits(self) -> int:
        """Of the number of bits by which a sum is shifted; 0 without activations."""
        return (self.accumulator_bits - 1).bit_length() if self.activation_bits else 0

    @property
    def sections(self) -> tuple[Section, ...]:
        """Weights, biases, and shifts."""
        weights = Section(
            what="weight", steps=self.cycles, lanes=self.lanes, numbers=self.outputs, bits=self.weight_bits
        )
        biases = Section(what="bias", numbers=self.outputs, bits=self.bias_bits)
        shifts = Section(what="shift", numbers=self.outputs, bits=self.shift_bits, signed=False)
        return (weights, biases, shifts) if self.activation_bits else (weights, biases)

    def numbers(self, layer: Convolution) -> list[list[int]]:
        """Return the numbers of each section for a layer of this shape."""
        weights = layer.weights.reshape(self.outputs, self.inputs).T.ravel().tolist()
        # A shift that leaves nothing but the sign is one that leaves the sign.
        shifts = np.minimum(layer.shift, self.accumulator_bits - 1).tolist()
        return [weights, layer.bias.tolist(), shifts][: len(self.sections)]


@dataclass(frozen=True, kw_only=True)
class ListFormat:
    """The order of the numbers that make up a net, and their widths.

    Layer by layer, first all weights: input by input in C order of (channel, round, row, column), of each input the
    weight of every output. Then the biases of all outputs, and, but for the last layer, their shifts. At the end the
    ``bounds``, with which logits are compared, if the hardware has any.

    Attributes
    ----------
    layout : str
    layers : tuple of LayerShape
    bounds : int
    """

    layout: str
    layers: tuple[LayerShape, ...]
    bounds: int = 0

    @classmethod
    def of(cls, net: PredecoderSpec, form: Loaded, *, bounds: int = 0) -> Self:
        """Return the shape of a net and all others of its shape.

        Raises
        ------
        InputError
            If ``cycles_per_beat`` does not divide the inputs of a kernel, or a sum could pass 31 bits.
        """
        cycles = form.cycles_per_beat
        layers = tuple(LayerShape.of(layer, cycles=cycles) for layer in net.layers)
        common = gcd(*(layer.inputs for layer in layers))
        if common % cycles:
            inputs = ", ".join(str(layer.inputs) for layer in layers)
            choices = ", ".join(str(k) for k in range(1, common + 1) if common % k == 0)
            raise InputError(
                f"cycles_per_beat must divide the inputs of every layer's kernel, {inputs}, not be {cycles!r}; choose "
                f"one of {choices}"
            )
        for number, layer in enumerate(layers):
            if layer.accumulator_bits > MAX_ACCUMULATOR_BITS:
                raise InputError(
                    f"sums of any {layer.weight_bits}-bit weights must fit {MAX_ACCUMULATOR_BITS} bits, not "
                    f"{layer.accumulator_bits} as in layer {number}; take narrower weights or inputs, or constant "
                    "weights, whose own sums count"
                )
        return cls(layout=net.layout, layers=layers, bounds=bounds)

    @property
    def sections(self) -> tuple[Section, ...]:
        """All parts of a list."""
        logit_bits = self.layers[-1].accumulator_bits
        bounds = (Section(what="bound", numbers=self.bounds, bits=logit_bits),) if self.bounds else ()
        return tuple(section for layer in self.layers for section in layer.sections) + bounds

    @property
    def length(self) -> int:
        """Numbers in a list."""
        return sum(section.length for section in self.sections)

    @property
    def number_bits(self) -> int:
        """Of a signed number that holds any of them."""
        return max(section.bits + (not section.signed) for section in self.sections)

    def numbers(self, net: PredecoderSpec, bounds: Sequence[int] = ()) -> list[int]:
        """Return a net as a list.

        Raises
        ------
        InputError
            If the net has another shape, or a number does not fit its place.
        """
        self._check(net, bounds)
        parts = [part for layer, shape in zip(net.layers, self.layers, strict=True) for part in shape.numbers(layer)]
        if bounds:
            parts.append(list(bounds))
        for section, part in zip(self.sections, parts, strict=True):
            low, high = section.range
            if wrong := [number for number in part if not low <= number <= high]:
                raise InputError(
                    f"a {section.what} must lie in {low} .. {high}, the {section.bits} bits that the hardware has for "
                    f"it, not be {wrong[0]!r}; load a net of narrower numbers"
                )
        return [number for part in parts for number in part]

    def _check(self, net: PredecoderSpec, bounds: Sequence[int]) -> None:
        if net.layout != self.layout:
            raise InputError(f"the net must have the layout {self.layout!r}, not {net.layout!r}")
        if len(net.layers) != len(self.layers):
            raise InputError(f"the net must have {len(self.layers)} layers, as the hardware, not {len(net.layers)}")
        for number, (layer, shape) in enumerate(zip(net.layers, self.layers, strict=True)):
            found = LayerShape.of(layer, cycles=shape.cycles)
            for what in ("kernel", "inputs", "outputs", "input_bits", "activation_bits"):
                came, wanted = getattr(found, what), getattr(shape, what)
                if came != wanted:
                    raise InputError(
                        f"{what} of layer {number} must be {wanted!r}, as in the hardware, not {came!r}; load a net of "
                        "the same shape"
                    )
        if len(bounds) != self.bounds:
            raise InputError(f"the list must have {self.bounds} bounds of logits, not {len(bounds)}")
