# SPDX-License-Identifier: Apache-2.0
"""Codes as data: where the qubits are, what each check measures and in which order it touches its qubits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Basis = Literal["X", "Z"]
Position = tuple[int, int]


def opposite(basis: Basis) -> Basis:
    """Return the other basis."""
    return "Z" if basis == "X" else "X"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One stabilizer and the schedule of its measurement.

    Attributes
    ----------
    position : tuple[int, int]
        (x, y) of its ancilla, which are the spatial coordinates of its detectors.
    kind : {"X", "Z"}
        The Pauli on its qubits, before the layout's Hadamards.
    steps : tuple[Position | None, ...]
        The data qubit touched in each layer of two-qubit gates; None where the ancilla waits.
    """

    position: Position
    kind: Basis
    steps: tuple[Position | None, ...]

    @property
    def support(self) -> tuple[Position, ...]:
        """The data qubits it measures, in schedule order."""
        return tuple(position for position in self.steps if position is not None)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A CSS code, conjugated by a Hadamard on some of its data qubits.

    Attributes
    ----------
    data : tuple[Position, ...]
        The data qubits.
    checks : tuple[Check, ...]
        The stabilizers, in the order in which a round declares their detectors. All have equally many steps.
    observables : dict[Basis, tuple[tuple[Position, ...], ...]]
        For each basis the logical operators of that basis: those that a memory experiment in it preserves.
    hadamards : frozenset[Position]
        Data qubits on which X and Z are exchanged: in checks, observables, preparation and read-out.
    """

    data: tuple[Position, ...]
    checks: tuple[Check, ...]
    observables: dict[Basis, tuple[tuple[Position, ...], ...]]
    hadamards: frozenset[Position] = frozenset()

    def pauli(self, basis: Basis, position: Position) -> Basis:
        """Return the Pauli that an operator of ``basis`` applies to the data qubit at ``position``."""
        return opposite(basis) if position in self.hadamards else basis


# Offsets from a check's ancilla. The order is Stim's for the rotated surface code: the last two qubits of a check
# take its hook errors, and they lie across the logical operator of the hook's own type, so no distance is lost.
ROTATED_STEPS: dict[Basis, tuple[Position, ...]] = {
    "X": ((1, 1), (-1, 1), (1, -1), (-1, -1)),
    "Z": ((1, 1), (1, -1), (-1, 1), (-1, -1)),
}


def rotated(distance: int) -> Layout:
    """Return the rotated surface code, oriented as Stim has it.

    Data qubits stand at odd coordinates 1 .. 2 ``distance`` - 1, ancillas at even ones. X checks close the top and
    the bottom, Z checks the left and the right. The logical X is the left column, the logical Z the top row; so
    Z errors, which X checks detect, end on the left and right.
    """
    size = 2 * distance
    data = tuple((x, y) for y in range(1, size, 2) for x in range(1, size, 2))
    inside = frozenset(data)
    checks = []
    for y in range(0, size + 1, 2):
        for x in range(0, size + 1, 2):
            kind: Basis = "X" if (x + y) // 2 % 2 else "Z"
            if not 0 < (x if kind == "X" else y) < size:
                continue
            corners = ((x + dx, y + dy) for dx, dy in ROTATED_STEPS[kind])
            steps = tuple(corner if corner in inside else None for corner in corners)
            checks.append(Check(position=(x, y), kind=kind, steps=steps))
    left, top = (tuple(q for q in data if q[axis] == 1) for axis in (0, 1))
    return Layout(data=data, checks=tuple(checks), observables={"X": (left,), "Z": (top,)})


def xzzx(distance: int) -> Layout:
    """Return the rotated XZZX code: every check reads X Z Z X over its corners, from the top left row by row.

    It is :func:`rotated` with a Hadamard on every second data qubit (Bonilla Ataides et al., Nat. Commun. 12, 2172).
    ``basis`` names the logical operator of the code before the Hadamards.
    """
    code = rotated(distance)
    every_second = frozenset((x, y) for x, y in code.data if (x + y) // 2 % 2)
    return Layout(data=code.data, checks=code.checks, observables=code.observables, hadamards=every_second)


def toric(distance: int) -> Layout:
    """Return the toric code on ``distance`` x ``distance`` vertices with its two logical qubits.

    Vertices (X checks) stand at (even, even), plaquettes (Z checks) at (odd, odd) and edges, the data qubits,
    between them, all coordinates modulo 2 ``distance``. Every error has two ends; there is no boundary. Observable 0
    is the loop along x for Z and the loop across it for X, observable 1 the other way round.
    """
    size = 2 * distance
    data = tuple((x, y) for y in range(size) for x in range(size) if (x + y) % 2)
    # One order for both kinds: where two checks share two qubits, one of them is first on both. Any hook error is a
    # diagonal of two edges, which takes a chain no further along a loop than a single edge does.
    order = ((0, -1), (-1, 0), (1, 0), (0, 1))

    def checks(kind: Basis, start: int) -> Iterable[Check]:
        for y in range(start, size, 2):
            for x in range(start, size, 2):
                steps = tuple(((x + dx) % size, (y + dy) % size) for dx, dy in order)
                yield Check(position=(x, y), kind=kind, steps=steps)

    odd, even = range(1, size, 2), range(0, size, 2)
    return Layout(
        data=data,
        checks=(*checks("X", 0), *checks("Z", 1)),
        observables={
            "Z": (tuple((x, 0) for x in odd), tuple((0, y) for y in odd)),
            "X": (tuple((1, y) for y in even), tuple((x, 1) for x in even)),
        },
    )
