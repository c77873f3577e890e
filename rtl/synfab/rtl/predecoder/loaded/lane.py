# SPDX-License-Identifier: Apache-2.0
"""The multipliers of one input under the kernel, by the weights of all outputs."""

from functools import cached_property

from amaranth import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from synfab.artefact import digest
from synfab.rtl.element import Element
from synfab.rtl.predecoder.loaded.form import LayerShape, Multipliers

# What a DSP48E2 takes at its wider port, a signed number.
DSP_BITS = 27


def is_paired(shape: LayerShape, multipliers: Multipliers) -> bool:
    """Return whether a DSP multiplies by two weights at once, which then stand side by side in one number."""
    wide = 2 * shape.weight_bits + shape.input_bits
    return multipliers == "dsp" and shape.input_bits > 1 and shape.outputs > 1 and wide <= DSP_BITS


def is_low(shape: LayerShape, multipliers: Multipliers, output: int) -> bool:
    """Return whether an output's weight is the lower one of a pair, and its product that of an unsigned weight."""
    return is_paired(shape, multipliers) and output % 2 == 0 and output + 1 < shape.outputs


class Lane(Element):
    """Multiplies an input by the weights of all outputs, another input in every step.

    Two weights a and b of a pair share a DSP (the idea of Xilinx' white paper 486): ``x * (a * 2**k + b)`` holds both
    products, if b is not negative. So b is taken ``2**(weight_bits - 1)`` too large, which is its highest bit turned
    over, and its product is that of this *low* weight.

    Parameters
    ----------
    shape : LayerShape
    multipliers : {"lut", "dsp"}

    Members
    -------
    taps : In
        The inputs of all steps, the first in the low bits.
    step : In
    row : In
        The weights of this step, output 0 in the low bits.
    products : Out
        ``product_bits`` for each output, unsigned for low weights and else signed.
    tap : Out
        The input, for pairs.
    """

    def __init__(self, *, shape: LayerShape, multipliers: Multipliers) -> None:
        self._shape = shape
        self._multipliers: Multipliers = multipliers
        members = {
            "taps": In(shape.cycles * shape.input_bits),
            "row": In(shape.outputs * shape.weight_bits),
            "products": Out(shape.outputs * shape.product_bits),
        }
        if shape.cycles > 1:
            members["step"] = In(range(shape.cycles))
        if is_paired(shape, multipliers):
            members["tap"] = Out(shape.input_bits)
        super().__init__(members)

    @staticmethod
    def latency(shape: LayerShape) -> int:
        """Return the cycles from ``taps``, ``step`` and ``row`` to ``products`` and ``tap``."""
        return 2 if shape.input_bits > 1 else 1

    @cached_property
    def kind(self) -> str:
        return f"lane_{digest([repr(self._shape), self._multipliers])[:16]}"

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = self._shape
        tap = self.taps
        if shape.cycles > 1:
            tap = self.taps.word_select(self.step, shape.input_bits)
        weights = [self.row.word_select(output, shape.weight_bits) for output in range(shape.outputs)]
        if shape.input_bits == 1:
            products = Signal(len(self.products), reset_less=True)
            # A register that is cleared: no logic.
            m.d.sync += products.eq(Mux(tap, self.row, 0))
            m.d.comb += self.products.eq(products)
            return m
        factor = Signal(shape.input_bits, reset_less=True)
        weight_shape = signed(shape.weight_bits)
        registers = [Signal(weight_shape, name=f"weight_{k}", reset_less=True) for k in range(shape.outputs)]
        m.d.sync += [
            factor.eq(tap),
            *(register.eq(weight) for register, weight in zip(registers, weights, strict=True)),
        ]
        m.d.comb += self.products.eq(Cat(self._products(m, factor, registers)))
        if is_paired(shape, self._multipliers):
            later = Signal.like(factor, name="tap_later", reset_less=True)
            m.d.sync += later.eq(factor)
            m.d.comb += self.tap.eq(later)
        return m

    def _products(self, m: Module, factor: Signal, weights: list[Signal]) -> list[Value]:
        bits, products = self._shape.product_bits, []
        for output, weight in enumerate(weights):
            if is_low(self._shape, self._multipliers, output):
                low = Cat(weight[:-1], ~weight[-1], Const(0, bits - len(weight)))
                pair = Cat(low, weights[output + 1]).as_signed()
                both = self._register(m, output, pair * factor, 2 * bits)
                products += [both[:bits], both[bits:]]
            elif not is_low(self._shape, self._multipliers, output - 1):
                found = weight * factor if self._multipliers == "dsp" else _by_digits(weight, factor)
                products.append(self._register(m, output, found, bits))
        return products

    def _register(self, m: Module, output: int, product: Value, bits: int) -> Signal:
        wanted = {"use_dsp": "yes" if self._multipliers == "dsp" else "no"}
        register = Signal(signed(bits), name=f"product_{output}", reset_less=True, attrs=wanted)
        m.d.sync += register.eq(product)
        return register


def _by_digits(weight: Value, factor: Value) -> Value:
    """Return a product as a sum of multiples of the weight by 0 to 3, one for two bits of the factor.

    Written out, since yosys takes a DSP for every multiplication, whatever its attributes say.
    """
    multiples = Array([Const(0, 1), weight, weight << 1, weight + (weight << 1)])
    digits = [factor[low : low + 2] for low in range(0, len(factor), 2)]
    return sum((multiples[digit] << 2 * place for place, digit in enumerate(digits)), Const(0, 1))
