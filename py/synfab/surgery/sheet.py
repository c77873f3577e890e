# SPDX-License-Identifier: Apache-2.0
"""What a logical value is made of: measurement records, and the operators that carry it before they are measured."""

from typing import NamedTuple

from synfab.circuits.layout import Basis
from synfab.surgery.fragment import Mark

Sheet = frozenset[Mark]
"""Marks that add up to one value: records ("read", "sum", "joint"), and for every slab before a record the operator
("row") that it will measure. An error changes the value if it flips an odd number of them at its own time."""

EMPTY: Sheet = frozenset()


class Frame(NamedTuple):
    """What must be added to what is read from a patch, by the basis of the read-out."""

    x: Sheet = EMPTY
    z: Sheet = EMPTY

    def of(self, basis: Basis) -> Sheet:
        """Return the part for one basis."""
        return self.x if basis == "X" else self.z

    def plus(self, basis: Basis, sheet: Sheet) -> "Frame":
        """Return a frame with ``sheet`` added in one basis."""
        return Frame(self.x ^ sheet, self.z) if basis == "X" else Frame(self.x, self.z ^ sheet)


def records(sheet: Sheet, marks: dict[Mark, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the measurement records of a sheet, those named twice left out, ascending."""
    odd: set[int] = set()
    for mark in sheet:
        if mark.name != "row":
            odd ^= set(marks[mark])
    return tuple(sorted(odd))


def of_kind(sheet: Sheet, kind: Basis) -> Sheet:
    """Return the part of a sheet that the checks of ``kind`` watch."""
    return frozenset(mark for mark in sheet if mark.kind == kind)
