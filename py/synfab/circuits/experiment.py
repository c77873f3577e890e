# SPDX-License-Identifier: Apache-2.0
"""What every memory experiment declares, whichever gates extract its syndrome: rounds, detectors, read-out."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import stim

from synfab.circuits.layout import Basis, Check, Layout, Position


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Preparation, rounds and read-out; a subclass says how a round measures the checks and where noise enters.

    Attributes
    ----------
    layout : Layout
        The code.
    basis : {"X", "Z"}
        The basis in which the logical qubits are prepared and read out.
    """

    layout: Layout
    basis: Basis

    @cached_property
    def _index(self) -> dict[Position, int]:
        positions = [*self.layout.data, *(check.position for check in self.layout.checks)]
        return {position: index for index, position in enumerate(sorted(positions, key=lambda p: (p[1], p[0])))}

    @cached_property
    def _data(self) -> list[int]:
        return [self._index[q] for q in self.layout.data]

    @cached_property
    def _measured(self) -> tuple[Check, ...]:
        """The checks in the order in which a round measures them."""
        return self.layout.checks

    @cached_property
    def _number(self) -> dict[Check, int]:
        """The place of each check among the measurements of a round."""
        return {check: number for number, check in enumerate(self._measured)}

    def _prepare(self, circuit: stim.Circuit) -> None:
        raise NotImplementedError

    def _measure_checks(self, circuit: stim.Circuit) -> None:
        raise NotImplementedError

    def _read_out_flip(self, pauli: Basis) -> float:
        """Return the probability that the read-out of a data qubit in the basis ``pauli`` errs."""
        raise NotImplementedError

    def memory(self, rounds: int) -> stim.Circuit:
        """Return the experiment with ``rounds`` rounds.

        Detectors are declared round by round in the order of the layout's checks, at (x, y, t) with t the round;
        the first round and the read-out (t = ``rounds``) have those of the checks of ``basis`` alone.
        """
        circuit = stim.Circuit()
        for position, index in self._index.items():
            circuit.append("QUBIT_COORDS", [index], position)
        self._prepare(circuit)
        self._measure_checks(circuit)
        self._detect(circuit, self._deterministic(), 1)
        later = stim.Circuit()
        self._measure_checks(later)
        later.append("SHIFT_COORDS", [], (0, 0, 1))
        self._detect(later, self.layout.checks, 2)
        if rounds > 2:
            circuit.append(stim.CircuitRepeatBlock(rounds - 1, later))
        elif rounds == 2:
            circuit += later
        self._read_out(circuit)
        return circuit

    def _deterministic(self) -> list[Check]:
        return [check for check in self.layout.checks if check.kind == self.basis]

    def _data_by_pauli(self) -> Iterable[tuple[Basis, list[int]]]:
        """Yield the data qubits that ``basis`` prepares and reads in each Pauli basis."""
        paulis: tuple[Basis, Basis] = ("Z", "X")
        for pauli in paulis:
            qubits = [self._index[q] for q in self.layout.data if self.layout.pauli(self.basis, q) == pauli]
            if qubits:
                yield pauli, qubits

    def _detect(self, circuit: stim.Circuit, checks: Iterable[Check], measurements: int) -> None:
        """Compare the last ``measurements`` outcomes (1 or 2) of each of ``checks``."""
        for check in checks:
            last = self._number[check] - len(self._number)
            targets = [stim.target_rec(last - k * len(self._number)) for k in range(measurements)]
            circuit.append("DETECTOR", targets, (*check.position, 0))

    def _read_out(self, circuit: stim.Circuit) -> None:
        circuit.append("TICK", [])
        measured: list[int] = []
        for pauli, qubits in self._data_by_pauli():
            flip(circuit, pauli, qubits, self._read_out_flip(pauli))
            circuit.append("M" if pauli == "Z" else "MX", qubits)
            measured += qubits
        record = {qubit: number - len(measured) for number, qubit in enumerate(measured)}

        def outcomes(positions: Iterable[Position]) -> list[stim.GateTarget]:
            return [stim.target_rec(record[self._index[position]]) for position in positions]

        for check in self._deterministic():
            last = stim.target_rec(self._number[check] - len(self._number) - len(measured))
            circuit.append("DETECTOR", [*outcomes(check.support), last], (*check.position, 1))
        for observable, support in enumerate(self.layout.observables[self.basis]):
            circuit.append("OBSERVABLE_INCLUDE", outcomes(support), observable)


def noise(circuit: stim.Circuit, channel: str, qubits: list[int], probability: float) -> None:
    """Append a channel of one strength, unless it is 0."""
    if probability:
        circuit.append(channel, qubits, probability)


def flip(circuit: stim.Circuit, basis: Basis, qubits: list[int], probability: float) -> None:
    """Append the flip that a reset or measurement in ``basis`` can suffer."""
    noise(circuit, "X_ERROR" if basis == "Z" else "Z_ERROR", qubits, probability)
