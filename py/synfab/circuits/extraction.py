# SPDX-License-Identifier: Apache-2.0
"""A memory experiment on any layout: preparation, rounds of syndrome extraction, read-out."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import stim

from synfab.circuits.layout import Basis, Check, Layout, Position
from synfab.circuits.strengths import NoiseStrengths


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """Syndrome extraction with one ancilla a check, as Stim's generator does it for its own codes.

    A round resets every ancilla by measuring it, so qubits wait without noise and one round costs two layers of
    Hadamards, the layout's layers of two-qubit gates and one measurement. A check of Z alone is the target of CX
    gates; any other is the control of CX and CZ gates between two Hadamards.

    Attributes
    ----------
    layout : Layout
        The code.
    basis : {"X", "Z"}
        The basis in which the logical qubits are prepared and read out.
    strengths : NoiseStrengths
        Noise at the four places.
    """

    layout: Layout
    basis: Basis
    strengths: NoiseStrengths

    @cached_property
    def _index(self) -> dict[Position, int]:
        positions = [*self.layout.data, *(check.position for check in self.layout.checks)]
        return {position: index for index, position in enumerate(sorted(positions, key=lambda p: (p[1], p[0])))}

    @cached_property
    def _ancillas(self) -> list[int]:
        return [self._index[check.position] for check in self.layout.checks]

    @cached_property
    def _number(self) -> dict[Check, int]:
        """The place of each check among the measurements of a round."""
        return {check: number for number, check in enumerate(self.layout.checks)}

    @cached_property
    def _controls(self) -> list[int]:
        """Ancillas that stand between Hadamards."""
        return [
            self._index[check.position]
            for check in self.layout.checks
            if any(self.layout.pauli(check.kind, position) == "X" for position in check.support)
        ]

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

    def _prepare(self, circuit: stim.Circuit) -> None:
        for pauli, qubits in self._data_by_pauli():
            circuit.append("R" if pauli == "Z" else "RX", qubits)
            _flip(circuit, pauli, qubits, self.strengths.after_reset_flip_probability)
        circuit.append("R", self._ancillas)
        _flip(circuit, "Z", self._ancillas, self.strengths.after_reset_flip_probability)

    def _measure_checks(self, circuit: stim.Circuit) -> None:
        circuit.append("TICK", [])
        data = [self._index[q] for q in self.layout.data]
        _noise(circuit, "DEPOLARIZE1", data, self.strengths.before_round_data_depolarization)
        self._hadamards(circuit)
        for step in range(len(self.layout.checks[0].steps)):
            self._entangle(circuit, step)
        self._hadamards(circuit)
        circuit.append("TICK", [])
        _flip(circuit, "Z", self._ancillas, self.strengths.before_measure_flip_probability)
        circuit.append("MR", self._ancillas)
        _flip(circuit, "Z", self._ancillas, self.strengths.after_reset_flip_probability)

    def _hadamards(self, circuit: stim.Circuit) -> None:
        circuit.append("TICK", [])
        circuit.append("H", self._controls)
        _noise(circuit, "DEPOLARIZE1", self._controls, self.strengths.after_clifford_depolarization)

    def _entangle(self, circuit: stim.Circuit, step: int) -> None:
        gates: dict[str, list[int]] = {"CX": [], "CZ": []}
        controls = frozenset(self._controls)
        for check in self.layout.checks:
            position = check.steps[step]
            if position is None:
                continue
            ancilla, qubit = self._index[check.position], self._index[position]
            if ancilla not in controls:
                gates["CX"] += qubit, ancilla
            else:
                gates["CX" if self.layout.pauli(check.kind, position) == "X" else "CZ"] += ancilla, qubit
        circuit.append("TICK", [])
        for gate, qubits in gates.items():
            if qubits:
                circuit.append(gate, qubits)
                _noise(circuit, "DEPOLARIZE2", qubits, self.strengths.after_clifford_depolarization)

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
            _flip(circuit, pauli, qubits, self.strengths.before_measure_flip_probability)
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


def _noise(circuit: stim.Circuit, channel: str, qubits: list[int], probability: float) -> None:
    if probability:
        circuit.append(channel, qubits, probability)


def _flip(circuit: stim.Circuit, basis: Basis, qubits: list[int], probability: float) -> None:
    """Append the flip that a reset or measurement in ``basis`` can suffer."""
    _noise(circuit, "X_ERROR" if basis == "Z" else "Z_ERROR", qubits, probability)
