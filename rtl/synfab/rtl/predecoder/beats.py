# SPDX-License-Identifier: Apache-2.0
"""How rounds travel between layers: sweep after sweep of beats.

A *sweep* is a round in as many successive cycles as it has beats, each of some positions, row by row. It cannot be held
up. A sweep may be *empty*: then it stands for no round, and its values mean nothing.
"""

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from amaranth import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

SWEEP = data.StructLayout({"present": 1, "first": 1, "last": 1})
"""Of each beat of a sweep: whether it is a round, the first of its block, and the last."""


def beat_signature(*, beats: int, bits: int) -> wiring.Signature:
    """Return the signature of a beat: ``valid``, ``sweep``, its ``index`` in the sweep, and ``values``."""
    return wiring.Signature(
        {"valid": Out(1), "sweep": Out(SWEEP), "index": Out(index_bits(beats)), "values": Out(bits)}
    )


def index_bits(beats: int) -> int:
    """Return the width of an index of beats."""
    return max(1, (beats - 1).bit_length())


def delayed(
    m: Module, value: Value, cycles: int, name: str, *, reset: bool = False, when: Value | None = None
) -> Value:
    """Return a value some cycles later, of those ``when`` it is so; after a reset it is 0 that long if ``reset``, and
    else anything.
    """
    for cycle in range(1, cycles + 1):
        later = Signal(len(value), name=f"{name}_{cycle}", reset_less=not reset)
        with nullcontext() if when is None else m.If(when):
            m.d.sync += later.eq(value)
        value = later
    return value


def follow(m: Module, o: Any, beat: Any, cycles: int, *, when: Value | None = None) -> None:
    """Let all of a beat but its values leave at ``o``, some cycles later; see :func:`delayed`."""
    m.d.comb += [
        o.valid.eq(delayed(m, beat.valid, cycles, "valid", reset=True, when=when)),
        o.index.eq(delayed(m, beat.index, cycles, "index", when=when)),
        o.sweep.as_value().eq(delayed(m, beat.sweep.as_value(), cycles, "sweep", when=when)),
    ]


def packed(numbers: Iterable[int], bits: int) -> int:
    """Return numbers side by side, the first in the low bits."""
    return sum((number & (1 << bits) - 1) << bits * place for place, number in enumerate(numbers))


def folds(area: int) -> list[int]:
    """Return how many positions a beat may have: the least for each number of beats."""
    return sorted({-(-area // beats) for beats in range(1, area + 1)})
