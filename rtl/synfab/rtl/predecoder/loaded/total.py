# SPDX-License-Identifier: Apache-2.0
"""Sums of products: trees in pipeline stages, what they come to over the steps of a beat, and activations."""

from collections.abc import Sequence
from functools import cached_property

from amaranth import Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from synfab.artefact import digest
from synfab.rtl.element import Element
from synfab.rtl.predecoder.loaded.form import LayerShape


def tree_cycles(values: int) -> int:
    """Return the stages of a tree of adders."""
    return (values - 1).bit_length()


def total(m: Module, values: Sequence[Value]) -> Value:
    """Return the sum of some values, ``tree_cycles`` cycles later."""
    level = 0
    while len(values) > 1:
        pairs = [values[k] + values[k + 1] for k in range(0, len(values) - 1, 2)] + list(values[len(values) & ~1 :])
        registers = [
            Signal(pair.shape(), name=f"sum_{level}_{number}", reset_less=True) for number, pair in enumerate(pairs)
        ]
        m.d.sync += [register.eq(pair) for register, pair in zip(registers, pairs, strict=True)]
        values, level = registers, level + 1
    return values[0]


class TapTotal(Element):
    """Adds the inputs of all lanes: by as much as low weights are too large, so many times is their sum.

    Members
    -------
    taps : In
        Of the lanes, side by side.
    sum : Out
        ``tree_cycles(lanes)`` cycles later.
    """

    def __init__(self, *, shape: LayerShape) -> None:
        self._shape = shape
        super().__init__({"taps": In(shape.lanes * shape.input_bits), "sum": Out(self.bits(shape))})

    @staticmethod
    def bits(shape: LayerShape) -> int:
        """Return the width of the sum."""
        return (shape.lanes * ((1 << shape.input_bits) - 1)).bit_length()

    @cached_property
    def kind(self) -> str:
        return f"tap_total_{digest(repr(self._shape))[:16]}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self._shape.input_bits
        m.d.comb += self.sum.eq(total(m, [self.taps.word_select(lane, bits) for lane in range(self._shape.lanes)]))
        return m


class Total(Element):
    """Adds up one output's products over all lanes and steps, and its bias; then shifts and clips.

    Parameters
    ----------
    shape : LayerShape
    low : bool
        The weights are low ones; see :class:`~synfab.rtl.predecoder.loaded.lane.Lane`.

    Members
    -------
    products : In
        Of the lanes, side by side.
    taps : In
        For low weights: the :class:`TapTotal` of the same step.
    first, done : In(1)
        The sum over the lanes is that of a beat's first step, ``tree_cycles`` cycles after its products; the sum over
        the steps is complete, ``1 + tree_cycles`` cycles after those of the last step, and a cycle later with
        activations.
    bias, shift : In
    output : Out
        The activation, or the sum.
    """

    def __init__(self, *, shape: LayerShape, low: bool) -> None:
        self._shape, self._low = shape, low
        members = {
            "products": In(shape.lanes * shape.product_bits),
            "first": In(1),
            "done": In(1),
            "bias": In(shape.bias_bits),
            "output": Out(shape.activation_bits or shape.accumulator_bits),
        }
        if low:
            members["taps"] = In(TapTotal.bits(shape))
        if shape.activation_bits:
            members["shift"] = In(shape.shift_bits)
        super().__init__(members)

    @staticmethod
    def latency(shape: LayerShape) -> int:
        """Return the cycles from the products of the last step to the output, which then stands."""
        return tree_cycles(shape.lanes) + 2 + (shape.activation_bits is not None)

    @cached_property
    def kind(self) -> str:
        return f"total_{digest([repr(self._shape), self._low])[:16]}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self._shape
        products = [self.products.word_select(lane, shape.product_bits) for lane in range(shape.lanes)]
        found = total(m, products if self._low else [product.as_signed() for product in products])
        if self._low:
            found = found - (self.taps << shape.weight_bits - 1)
        accumulator = Signal(signed(shape.accumulator_bits), reset_less=True)
        m.d.sync += accumulator.eq(Mux(self.first, self.bias.as_signed(), accumulator) + found)
        output = Signal(len(self.output), reset_less=True)
        m.d.comb += self.output.eq(output)
        found = self._activation(m, accumulator) if shape.activation_bits else accumulator
        with m.If(self.done):
            m.d.sync += output.eq(found)
        return m

    def _activation(self, m: Module, accumulator: Signal) -> Value:
        """Return the activation, a cycle after the sum."""
        bits = len(self.output)
        level = Signal.like(accumulator, name="level", reset_less=True)
        m.d.sync += level.eq(accumulator >> self.shift)
        return Mux(level < 0, 0, Mux(level[bits:].any(), Const(-1, bits), level[:bits]))
