# SPDX-License-Identifier: Apache-2.0
"""Numbers of a list that are needed all at once: in registers, those in force and those that follow."""

from typing import Any

from amaranth import Cat, Module, Signal, Value

from synfab.rtl.predecoder.loaded.form import ListFormat


def row_numbers(row: Value, lists: ListFormat, numbers: int, bits: int) -> Value:
    """Return the numbers of a row that has come in, cut to so many bits."""
    last = row[len(row) - numbers * lists.number_bits :]
    return Cat(last.word_select(number, lists.number_bits)[:bits] for number in range(numbers))


def banked(m: Module, load: Any, section: int, inward: Value, first: int, name: str) -> Value:
    """Return a row in force: ``first``, and after each swap the row that was stored last.

    Parameters
    ----------
    load
        Of :func:`~synfab.rtl.predecoder.loaded.port.row_signature`.
    section : int
    inward : Value
        The row that comes in.
    """
    following = Signal(len(inward), name=f"following_{name}", reset_less=True)
    ruling = Signal(len(inward), name=f"ruling_{name}", reset_less=True, init=first)
    with m.If(load.stores[section]):
        m.d.sync += following.eq(inward)
    with m.If(load.swap):
        m.d.sync += ruling.eq(following)
    return ruling
