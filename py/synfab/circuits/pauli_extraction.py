# SPDX-License-Identifier: Apache-2.0
"""Syndrome extraction with preparations, CX gates and measurements alone, under noise of 25 probabilities."""

import math
from dataclasses import dataclass
from functools import cached_property

import stim

from synfab.circuits.experiment import Experiment, flip
from synfab.circuits.layout import Basis, Check
from synfab.circuits.pauli_noise import PauliNoise

MIXED = {1: 3 / 4, 2: 15 / 16}
"""The strongest depolarization of one or two qubits that Stim takes: it leaves nothing of the state."""


@dataclass(frozen=True, kw_only=True)
class PauliExtraction(Experiment):
    """One ancilla a check; a round prepares it, lets it take part in the layout's layers of CX gates, and measures it.

    The ancilla of an X check is prepared and measured in the X basis and is the control of its gates, that of a Z
    check in the Z basis and the target. A round measures the X checks first, each kind in the layout's order. The
    layers are the layout's, so hook errors lie as they do in :class:`Extraction` and no distance is lost.

    Attributes
    ----------
    noise : PauliNoise
        What happens where.

    Notes
    -----
    The layout must have no Hadamards: its checks are of X alone or of Z alone.
    """

    noise: PauliNoise

    @cached_property
    def _measured(self) -> tuple[Check, ...]:
        return tuple(sorted(self.layout.checks, key=lambda check: check.kind))

    @cached_property
    def _ancillas(self) -> dict[Basis, list[int]]:
        kinds: tuple[Basis, Basis] = ("X", "Z")
        return {kind: [self._index[c.position] for c in self._measured if c.kind == kind] for kind in kinds}

    def _prepare(self, circuit: stim.Circuit) -> None:
        self._reset(circuit, self.basis, self._data)

    def _measure_checks(self, circuit: stim.Circuit) -> None:
        for kind, ancillas in self._ancillas.items():
            self._reset(circuit, kind, ancillas)
        _channel(circuit, self._data, self.noise.idle_spam)
        for step in range(len(self.layout.checks[0].steps)):
            self._entangle(circuit, step)
        circuit.append("TICK", [])
        for kind, ancillas in self._ancillas.items():
            flip(circuit, kind, ancillas, self.noise.measurement[kind])
            circuit.append("MX" if kind == "X" else "M", ancillas)

    def _reset(self, circuit: stim.Circuit, basis: Basis, qubits: list[int]) -> None:
        circuit.append("RX" if basis == "X" else "R", qubits)
        flip(circuit, basis, qubits, self.noise.preparation[basis])

    def _entangle(self, circuit: stim.Circuit, step: int) -> None:
        pairs: list[int] = []
        for check in self.layout.checks:
            position = check.steps[step]
            if position is not None:
                ancilla, qubit = self._index[check.position], self._index[position]
                pairs += (ancilla, qubit) if check.kind == "X" else (qubit, ancilla)
        circuit.append("TICK", [])
        circuit.append("CX", pairs)
        _channel(circuit, pairs, self.noise.cx)
        _channel(circuit, sorted(set(self._index.values()) - set(pairs)), self.noise.idle_gate)

    def _read_out_flip(self, pauli: Basis) -> float:
        return self.noise.measurement[pauli]


def _channel(circuit: stim.Circuit, qubits: list[int], probabilities: tuple[float, ...]) -> None:
    """Append the Pauli channel on one qubit (3 probabilities) or on pairs (15); depolarization if all are equal."""
    if not qubits or not any(probabilities):
        return
    number = {3: 1, 15: 2}[len(probabilities)]
    total = math.fsum(probabilities)
    if len(set(probabilities)) == 1 and total <= MIXED[number]:
        circuit.append(f"DEPOLARIZE{number}", qubits, total)
    else:
        circuit.append(f"PAULI_CHANNEL_{number}", qubits, probabilities)
