# SPDX-License-Identifier: Apache-2.0
"""Combinational choices: comparison and priority, written for lookup tables rather than carry chains."""

from collections.abc import Callable, Iterable, Sequence
from operator import or_, xor

from amaranth import Const, Value, ValueLike


def less_and_greater(a: Value, b: Value) -> tuple[Value, Value]:
    """Return ``(a < b, a > b)``, unsigned, as a tree of depth log2 of the width.

    A carry chain would cost a table a bit for each answer, and its entry and exit delay; the tree shares both
    answers, and two or three bits of it fit one table.
    """
    if len(a) != len(b):
        raise ValueError(f"operands must be equally wide, not {len(a)} and {len(b)} bits")
    if len(a) == 1:
        return ~a & b, a & ~b
    half = len(a) // 2
    low_less, low_greater = less_and_greater(a[:half], b[:half])
    high_less, high_greater = less_and_greater(a[half:], b[half:])
    return high_less | (~high_greater & low_less), high_greater | (~high_less & low_greater)


def lowest_set(bits: Sequence[ValueLike]) -> list[Value]:
    """Return, for each bit, whether it is set and none before it is."""
    values = [Value.cast(bit) for bit in bits]
    return [bit & ~any_of(values[:k]) for k, bit in enumerate(values)]


def any_of(bits: Iterable[ValueLike]) -> Value:
    """Return the OR of values of equal width; 0 of none."""
    return _balanced(or_, bits)


def parity_of(bits: Iterable[ValueLike]) -> Value:
    """Return the XOR of values of equal width; 0 of none."""
    return _balanced(xor, bits)


def selected(choices: Iterable[tuple[ValueLike, ValueLike]]) -> Value:
    """Return the OR of each value whose one-bit condition holds: a multiplexer if at most one does."""
    return any_of(Value.cast(condition).replicate(len(Value.cast(value))) & value for condition, value in choices)


def _balanced(operator: Callable[[Value, Value], Value], bits: Iterable[ValueLike]) -> Value:
    """Reduce by a balanced tree: depth log2, in the netlist as in Python's stack."""
    values = [Value.cast(bit) for bit in bits]
    while len(values) > 1:
        values = [operator(*values[k : k + 2]) if k + 1 < len(values) else values[k] for k in range(0, len(values), 2)]
    return values[0] if values else Const(0, 1)
