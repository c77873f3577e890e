# SPDX-License-Identifier: Apache-2.0
"""How much a layer will take whose weights are loaded, without its window."""

from collections import Counter

from synfab.rtl.predecoder.loaded.form import LayerShape, Multipliers
from synfab.rtl.predecoder.loaded.lane import is_low, is_paired
from synfab.rtl.predecoder.loaded.layer import LoadedLayer

# A slice of eight LUTs is a memory of so many words and bits (UG574).
SLICE_LUTS = 8
SLICES = ((32, 14), (64, 7))


def counted(layer: LoadedLayer) -> Counter[str]:
    """Return the bits of :class:`~synfab.rtl.predecoder.size.NetSize`."""
    shape, multipliers, positions = layer.shape, layer.form.multipliers, layer.positions
    found = Counter(memory=shape.lanes * _memory_luts(shape), registers=2 * _constant_bits(shape))
    each = _lane(shape, multipliers)
    for name, count in each.items():
        found[name] += positions * shape.lanes * count
    for output in range(shape.outputs):
        for name, count in _total(shape, low=is_low(shape, multipliers, output)).items():
            found[name] += positions * count
    if is_paired(shape, multipliers):
        bits = _tree_bits(shape.lanes, shape.input_bits)
        found += Counter(adders=positions * bits, registers=positions * bits)
    return found


def _memory_luts(shape: LayerShape) -> int:
    """Return the LUTs of the memory of a lane, which holds two nets."""
    bits, depth = shape.outputs * shape.weight_bits, 2 << (shape.cycles - 1).bit_length()
    words, width = next((each for each in SLICES if depth <= each[0]), SLICES[-1])
    return SLICE_LUTS * -(-bits // width) * -(-depth // words)


def _constant_bits(shape: LayerShape) -> int:
    return sum(section.length * section.bits for section in shape.sections[1:])


def _lane(shape: LayerShape, multipliers: Multipliers) -> Counter[str]:
    """Count a lane: its choice of an input, its registers, and its multipliers."""
    # A LUT chooses one of four bits.
    found = Counter(tables=shape.input_bits * -(-(shape.cycles - 1) // 3))
    if shape.input_bits == 1:
        return found + Counter(registers=shape.outputs * shape.weight_bits)
    products = shape.outputs * shape.product_bits
    found += Counter(registers=shape.input_bits + shape.outputs * shape.weight_bits + products)
    if multipliers == "dsp":
        pairs = shape.outputs // 2 if is_paired(shape, multipliers) else 0
        return found + Counter(dsp=shape.outputs - pairs, registers=shape.input_bits if pairs else 0)
    # Three times the weight, a choice for two bits of the input, and sums of these.
    digits = -(-shape.input_bits // 2)
    wide = shape.weight_bits + 2
    return found + Counter(
        adders=shape.outputs * (shape.weight_bits + 1 + (digits - 1) * wide), tables=shape.outputs * digits * wide
    )


def _total(shape: LayerShape, *, low: bool) -> Counter[str]:
    """Count the sum of one output's products, and its activation."""
    tree, bits = _tree_bits(shape.lanes, shape.product_bits), shape.accumulator_bits
    found = Counter(adders=tree + (2 if low else 1) * bits, registers=tree + bits)
    # A bias or what there is already.
    found += Counter(tables=bits if shape.cycles > 1 else 0)
    if width := shape.activation_bits:
        # A LUT chooses one of four shifts.
        shifts = bits * -(-shape.shift_bits // 2)
        return found + Counter(activations=shifts + 2 * width, registers=bits + width)
    return found + Counter(registers=bits)


def _tree_bits(values: int, bits: int) -> int:
    """Return the bits of all sums of a tree, and of what waits in it."""
    total = 0
    while values > 1:
        values, bits = -(-values // 2), bits + 1
        total += values * bits
    return total
