# SPDX-License-Identifier: Apache-2.0
"""What depends on the slot and on nothing else: constants and choices, as logic or as a read-only memory."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.memory import Memory

# Two address bits more than a table of Xilinx has inputs cost four times its tables.
LOGIC_DEPTH = 64


def chosen_by(select: Value, entries: Sequence[Value | None]) -> Value:
    """Return ``entries[select]``, as few multiplexers as the entries allow; None, or an entry too many, is any value.

    Entries are told apart by identity.
    """
    values = {id(entry): entry for entry in entries if entry is not None}
    if not values:
        return Const(0, 1)
    return _tree(select, [None if entry is None else id(entry) for entry in entries], values)


def _tree(select: Value, keys: Sequence[Hashable | None], values: dict) -> Value:
    kinds = {key for key in keys if key is not None}
    if len(kinds) <= 1:
        return values[kinds.pop()] if kinds else next(iter(values.values()))
    top = (len(keys) - 1).bit_length() - 1
    low, high = keys[: 1 << top], keys[1 << top :]
    padded = [*high, *[None] * (len(low) - len(high))]
    if all(a is None or b is None or a == b for a, b in zip(low, padded, strict=True)):
        return _tree(select, [b if a is None else a for a, b in zip(low, padded, strict=True)], values)
    return Mux(select[top], _tree(select, high, values), _tree(select, low, values))


def tabulated(m: Module, inputs: Value, function: Callable[[int], int], width: int) -> Signal:
    """Return ``function`` of the number that ``inputs`` hold, each bit in a form that maps to tables."""
    number, output = Signal(len(inputs)), Signal(width)
    m.d.comb += number.eq(inputs)
    constants = Const(0), Const(1)
    for bit in range(width):
        entries = [constants[function(k) >> bit & 1] for k in range(1 << len(inputs))]
        m.d.comb += output[bit].eq(chosen_by(number, entries))
    return output


class SlotTables:
    """Constants by slot: logic of the slot if there are few slots, else words of a memory read a cycle ahead.

    Parameters
    ----------
    depth : int
        Number of slots.
    coming, slot : Value
        The slot in the next cycle and in this one; ``coming`` matters only if the tables are memories.
    """

    def __init__(self, *, depth: int, coming: Value, slot: Value) -> None:
        self._depth, self._coming, self._slot = depth, coming, slot
        self._columns: list[tuple[Sequence[int | None], Signal]] = []

    @staticmethod
    def are_memories(depth: int) -> bool:
        """Return whether tables of so many slots are memories."""
        return depth > LOGIC_DEPTH

    def value(self, entries: Sequence[int | None], width: int) -> Value:
        """Return ``entries[slot]``; None, and what is missing, is any value."""
        kinds = {entry for entry in entries if entry is not None}
        if len(kinds) <= 1:
            return Const(kinds.pop() if kinds else 0, width)
        signal = Signal(width)
        self._columns.append((entries, signal))
        return signal

    @property
    def rom_bits(self) -> int:
        """Bits of the memory, so far."""
        return self._depth * sum(len(signal) for _, signal in self._columns) if self.are_memories(self._depth) else 0

    def place(self, m: Module, name: str) -> None:
        """Put the tables into ``m``, when all values have been asked for."""
        if not self.are_memories(self._depth):
            constants = Const(0), Const(1)
            for entries, signal in self._columns:
                for bit in range(len(signal)):
                    keys = [None if entry is None else constants[entry >> bit & 1] for entry in entries]
                    m.d.comb += signal[bit].eq(chosen_by(self._slot, keys))
            return
        if not self._columns:
            return
        words, width = [0] * self._depth, 0
        for entries, signal in self._columns:
            missing = next(entry for entry in entries if entry is not None)
            for slot, entry in enumerate(entries):
                words[slot] |= (missing if entry is None else entry) << width
            width += len(signal)
        m.submodules[name] = memory = Memory(shape=width, depth=self._depth, init=words, attrs={"rom_style": "block"})
        port: Any = memory.read_port()
        m.d.comb += [port.addr.eq(self._coming), Cat(signal for _, signal in self._columns).eq(port.data)]
