# SPDX-License-Identifier: Apache-2.0
"""Combinational choices: comparison and priority, written for lookup tables rather than carry chains."""

from collections.abc import Callable, Iterable, Sequence
from operator import or_, xor

from amaranth import Cat, Const, Mux, Value, ValueLike

# Two operands of three bits fill a table of six inputs; so do three values, a choice among them, and one thing more.
GROUP = 3


def less_and_greater(a: Value, b: Value) -> tuple[Value, Value]:
    """Return ``(a < b, a > b)``, unsigned, from groups of three bits.

    A carry chain would cost a table a bit for each answer, and its entry and exit delay; here both answers share
    two tables a group, and one more table joins up to three groups.
    """
    if len(a) != len(b):
        raise ValueError(f"operands must be equally wide, not {len(a)} and {len(b)} bits")
    # The highest group is the widest: what little is left at the low end may share its table with more.
    bounds = range(len(a), 0, -GROUP)
    groups = [_group_order(a[max(0, top - GROUP) : top], b[max(0, top - GROUP) : top]) for top in bounds]
    less, greater = groups.pop()
    for higher_less, higher_greater in reversed(groups):
        less, greater = higher_less | (~higher_greater & less), higher_greater | (~higher_less & greater)
    return less, greater


def _group_order(a: Value, b: Value) -> tuple[Value, Value]:
    less, greater = ~a[0] & b[0], a[0] & ~b[0]
    for bit in range(1, len(a)):
        lower, higher = ~a[bit] & b[bit], a[bit] & ~b[bit]
        less, greater = lower | (~higher & less), higher | (~lower & greater)
    return less, greater


def lowest_set(bits: Sequence[ValueLike]) -> list[Value]:
    """Return, for each bit, whether it is set and none before it is."""
    values = [Value.cast(bit) for bit in bits]
    return [bit & ~any_of(values[:k]) for k, bit in enumerate(values)]


def choice_bits(num_values: int) -> int:
    """Return the width of a choice among so many values: two bits for each group of three."""
    return 2 * -(-num_values // GROUP)


def lowest_choice(bits: Sequence[ValueLike]) -> Value:
    """Return the choice of the lowest bit that is set, or 0 if none is.

    A choice holds, for each group of three, 0 or a number in the group plus one; all other groups hold 0. So each
    group takes three values and two bits, and what the groups before it chose: a table of six inputs.
    """
    values = [Value.cast(bit) for bit in bits]
    parts = []
    for start in range(0, len(values), GROUP):
        none_before = ~any_of(values[:start])
        first, second, third = (values[start : start + GROUP] + [Const(0, 1)] * GROUP)[:GROUP]
        parts += [none_before & (first | (~second & third)), none_before & ~first & (second | third)]
    return Cat(parts)


def is_chosen(choice: Value, number: int) -> Value:
    """Return whether the choice is value ``number``."""
    return choice.word_select(number // GROUP, 2) == number % GROUP + 1


def chosen(choice: Value, values: Sequence[ValueLike]) -> Value:
    """Return the chosen one of values of equal width; 0 if none is."""
    found = []
    for start in range(0, len(values), GROUP):
        group = [Value.cast(value) for value in values[start : start + GROUP]]
        low, high = choice.word_select(start // GROUP, 2)
        first, second, third = (group + [group[-1]] * GROUP)[:GROUP]
        found.append(Mux(high, Mux(low, third, second), Mux(low, first, 0)))
    return any_of(found)


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
