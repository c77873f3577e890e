# SPDX-License-Identifier: Apache-2.0
"""The combinational choices, on every operand of small widths."""

import itertools
from typing import Any

import pytest
from amaranth import Cat, Const, Module, Signal
from amaranth.sim import Simulator

from synfab.rtl.order import (
    any_of,
    choice_bits,
    chosen,
    is_chosen,
    less_and_greater,
    lowest_choice,
    lowest_set,
    parity_of,
    selected,
)


def rtl_values(inputs: Any, output: Any, values: list[int]) -> list[int]:
    """The output for each value of the inputs, taken together as one number."""
    m = Module()
    result = Signal(len(output))
    m.d.comb += result.eq(output)
    got = []

    async def testbench(context: Any) -> None:
        for value in values:
            context.set(inputs, value)
            await context.delay(1e-9)
            got.append(context.get(result))

    simulator = Simulator(m)
    simulator.add_testbench(testbench)
    simulator.run()
    return got


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7])
def test_less_and_greater(width):
    a, b = Signal(width), Signal(width)
    pairs = list(itertools.product(range(1 << width), repeat=2))
    got = rtl_values(Cat(a, b), Cat(*less_and_greater(a, b)), [x | y << width for x, y in pairs])
    assert got == [(x < y) | (x > y) << 1 for x, y in pairs]


def test_less_and_greater_refuses_unequal_widths():
    with pytest.raises(ValueError, match="operands must be equally wide, not 3 and 4 bits"):
        less_and_greater(Signal(3), Signal(4))


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_reductions_of_bits(width):
    bits = Signal(width)
    values = list(range(1 << width))
    assert rtl_values(bits, Cat(*lowest_set(list(bits))), values) == [value & -value for value in values]
    assert rtl_values(bits, any_of(list(bits)), values) == [int(value > 0) for value in values]
    assert rtl_values(bits, parity_of(list(bits)), values) == [value.bit_count() % 2 for value in values]


def test_reductions_of_nothing_are_zero():
    assert lowest_set([]) == []
    assert rtl_values(Signal(), any_of([]), [0]) == [0]
    assert rtl_values(Signal(), parity_of([]), [0]) == [0]


def test_reductions_of_vectors():
    a, b, c = operands = [Signal(3) for _ in range(3)]
    values = list(range(1 << 9))
    parts = [(value & 7, value >> 3 & 7, value >> 6) for value in values]
    assert rtl_values(Cat(operands), any_of([a, b, c]), values) == [x | y | z for x, y, z in parts]
    assert rtl_values(Cat(operands), parity_of([a, b, c]), values) == [x ^ y ^ z for x, y, z in parts]


def test_selected_takes_the_choice_whose_condition_holds():
    conditions, value = Signal(2), Signal(3)
    values = list(range(1 << 5))
    output = selected([(conditions[0], value), (conditions[1], Const(5, 3))])
    expected = [((v >> 2) * (v & 1)) | (5 * (v >> 1 & 1)) for v in values]
    assert rtl_values(Cat(conditions, value), output, values) == expected


@pytest.mark.parametrize("number", [1, 2, 3, 4, 6, 7])
def test_choice_of_the_lowest_takes_its_value(number):
    """Each value is its number plus one, so that none is told from the first."""
    bits = Signal(number)
    values = list(range(1 << number))
    lowest = [(value & -value).bit_length() for value in values]
    choice = lowest_choice(list(bits))
    assert len(choice) == choice_bits(number)
    assert rtl_values(bits, chosen(choice, [Const(k + 1, 3) for k in range(number)]), values) == lowest
    told = rtl_values(bits, Cat(is_chosen(choice, k) for k in range(number)), values)
    assert told == [value & -value for value in values]
    assert [code == 0 for code in rtl_values(bits, choice, values)] == [value == 0 for value in values]
