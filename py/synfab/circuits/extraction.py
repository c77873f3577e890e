# SPDX-License-Identifier: Apache-2.0
"""Syndrome extraction with Hadamards, on any layout, as Stim's generator does it."""

from dataclasses import dataclass
from functools import cached_property

import stim

from synfab.circuits.experiment import Experiment, flip, noise
from synfab.circuits.layout import Basis
from synfab.circuits.strengths import NoiseStrengths


@dataclass(frozen=True, kw_only=True)
class Extraction(Experiment):
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

    strengths: NoiseStrengths

    @cached_property
    def _ancillas(self) -> list[int]:
        return [self._index[check.position] for check in self.layout.checks]

    @cached_property
    def _controls(self) -> list[int]:
        """Ancillas that stand between Hadamards."""
        return [
            self._index[check.position]
            for check in self.layout.checks
            if any(self.layout.pauli(check.kind, position) == "X" for position in check.support)
        ]

    def _prepare(self, circuit: stim.Circuit) -> None:
        for pauli, qubits in self._data_by_pauli():
            circuit.append("R" if pauli == "Z" else "RX", qubits)
            flip(circuit, pauli, qubits, self.strengths.after_reset_flip_probability)
        circuit.append("R", self._ancillas)
        flip(circuit, "Z", self._ancillas, self.strengths.after_reset_flip_probability)

    def _measure_checks(self, circuit: stim.Circuit) -> None:
        circuit.append("TICK", [])
        noise(circuit, "DEPOLARIZE1", self._data, self.strengths.before_round_data_depolarization)
        self._hadamards(circuit)
        for step in range(len(self.layout.checks[0].steps)):
            self._entangle(circuit, step)
        self._hadamards(circuit)
        circuit.append("TICK", [])
        flip(circuit, "Z", self._ancillas, self.strengths.before_measure_flip_probability)
        circuit.append("MR", self._ancillas)
        flip(circuit, "Z", self._ancillas, self.strengths.after_reset_flip_probability)

    def _hadamards(self, circuit: stim.Circuit) -> None:
        circuit.append("TICK", [])
        circuit.append("H", self._controls)
        noise(circuit, "DEPOLARIZE1", self._controls, self.strengths.after_clifford_depolarization)

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
                noise(circuit, "DEPOLARIZE2", qubits, self.strengths.after_clifford_depolarization)

    def _read_out_flip(self, pauli: Basis) -> float:
        return self.strengths.before_measure_flip_probability
