# SPDX-License-Identifier: Apache-2.0
"""The block on which distributed union-find decoders are compared: one kind of check, phenomenological noise."""

from dataclasses import dataclass

import stim

from synfab.circuits.layout import Check, Position, rotated
from synfab.circuits.parameters import require_integer, require_probability
from synfab.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PhenomenologicalBlock:
    """``distance`` rounds of the X checks of one rotated surface code patch under independent flips.

    A round has (d+1)(d-1)/2 checks, d+1 rows of (d-1)/2, and the block d(d+1)(d-1)/2 detectors:

    - before each round every data qubit suffers a Z error with ``p``: an edge between two detectors of the round,
      or to the boundary on the left (these flip the observable) or on the right;
    - rounds 0 .. d-2 measure the checks and err with ``p``: an edge between the same detector of two rounds;
    - round d-1 is the read-out of the data, without errors: the block is closed at its end;
    - detectors of round t compare rounds t and t-1. Before round 0 the state is known (``open_start=False``), or a
      measurement that errs with ``p`` stands there and has no detectors of its own (``open_start=True``): each
      detector of round 0 then has an edge of its own to the boundary.

    Flips with the same detectors and the same effect on the observable make one edge, which an odd number of them
    sets off: two data qubits on the left or right that share their one check (2p(1-p)), and on the right in round 0
    the open start as well. On the left in round 0 a detector of an open block has two edges to the boundary: one
    flips the observable, one does not.

    The open start is for timing, not for accuracy: a chain may end there on any detector of round 0, so two errors
    suffice to flip the observable. With the closed start it takes ``distance``.

    Attributes
    ----------
    distance : int
        Odd, at least 3.
    p : float
        Above 0 and at most 0.5.
    open_start : bool
        Whether the time boundary at round 0 is open.

    Raises
    ------
    InputError
        If a parameter is out of range; the sentence begins with its name.

    Notes
    -----
    With the open start this is the block of Helios (arXiv:2301.08419, arXiv:2406.08491).
    """

    distance: int
    p: float
    open_start: bool = True

    def __post_init__(self) -> None:
        require_integer("distance", self.distance, 3)
        if self.distance % 2 == 0:
            raise InputError(
                f"distance must be odd, so that each row of the block has (distance - 1) / 2 checks, "
                f"not {self.distance!r}"
            )
        require_probability("p", self.p)
        if not isinstance(self.open_start, bool):
            raise InputError(f"open_start must be True or False, not {self.open_start!r}")

    def circuit(self) -> stim.Circuit:
        """Return the noisy circuit, with detectors at (x, y, t) in the order of rounds, rows and columns."""
        layout = rotated(self.distance)
        checks = [check for check in layout.checks if check.kind == "X"]
        index = {position: number for number, position in enumerate(layout.data)}
        circuit = stim.Circuit()
        for position, qubit in index.items():
            circuit.append("QUBIT_COORDS", [qubit], position)
        circuit.append("RX", index.values())
        if self.open_start:
            self._measure(circuit, checks, index)
        for t in range(self.distance - 1):
            circuit.append("TICK", [])
            circuit.append("Z_ERROR", index.values(), self.p)
            self._measure(circuit, checks, index)
            for number, check in enumerate(checks):
                records = [number - len(checks)]
                if t or self.open_start:
                    records.append(number - 2 * len(checks))
                circuit.append("DETECTOR", map(stim.target_rec, records), (*check.position, t))
        circuit.append("TICK", [])
        circuit.append("Z_ERROR", index.values(), self.p)
        circuit.append("MX", index.values())
        for number, check in enumerate(checks):
            records = [index[position] - len(index) for position in check.support]
            records.append(number - len(checks) - len(index))
            circuit.append("DETECTOR", map(stim.target_rec, records), (*check.position, self.distance - 1))
        (left,) = layout.observables["X"]
        outcomes = [stim.target_rec(index[position] - len(index)) for position in left]
        circuit.append("OBSERVABLE_INCLUDE", outcomes, 0)
        return circuit

    def dem(self) -> stim.DetectorErrorModel:
        """Return the circuit's detector error model; every error has one or two detectors as it is."""
        return self.circuit().detector_error_model()

    def _measure(self, circuit: stim.Circuit, checks: list[Check], index: dict[Position, int]) -> None:
        for check in checks:
            product = stim.target_combined_paulis([stim.target_x(index[q]) for q in check.support])
            circuit.append("MPP", product, self.p)
