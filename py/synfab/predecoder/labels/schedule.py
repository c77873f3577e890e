# SPDX-License-Identifier: Apache-2.0
"""A Stim circuit read as a memory experiment: where its rounds end, and which record and detector is which."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits.layout import Basis, Position
from synfab.errors import InputError
from synfab.predecoder.volume import SPECIES, Volume

READ_OUT: dict[str, Basis] = {"M": "Z", "MX": "X"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """What a sampler must know of a circuit, and that it is what it should be.

    Any circuit will do, whatever its gates and noise, that is a memory experiment of the rotated surface code with
    the coordinates of Stim's generator: every round measures each ancilla once, the read-out measures each data qubit
    in one basis, and detector (x, y, t) compares rounds t and t-1 of the ancilla at (x, y).

    Attributes
    ----------
    volume : Volume
        Its distance, rounds and basis.
    segments : tuple of stim.Circuit
        The flattened circuit cut after the last measurement of each round; the last one holds the read-out.
    num_qubits : int
        As Stim counts them: its highest number and one.
    data_qubits : int64 (num_data,)
        Stim's number of each data qubit.
    outcomes : int64 (2, rounds, num_checks)
        The record of each check in each round.
    read_out : int64 (num_data,)
        The record of each data qubit.
    detectors : int64 (2, layers, num_checks)
        Stim's number of each detector, -1 where the volume has none.
    """

    volume: Volume
    segments: tuple[stim.Circuit, ...]
    num_qubits: int
    data_qubits: npt.NDArray[np.int64]
    outcomes: npt.NDArray[np.int64]
    read_out: npt.NDArray[np.int64]
    detectors: npt.NDArray[np.int64]

    @classmethod
    def from_circuit(cls, circuit: stim.Circuit) -> "Schedule":
        """Read a circuit.

        Raises
        ------
        InputError
            If it is not such an experiment; the sentence says what is missing.
        """
        flat = circuit.flattened()
        positions = _positions(flat)
        data = {position: qubit for qubit, position in positions.items() if position[0] % 2}
        distance = round(len(data) ** 0.5)
        records = _records(flat)
        num_ancillas = len(positions) - len(data)
        rounds, rest = divmod(len(records) - len(data), max(num_ancillas, 1))
        if not data or rest or rounds < 1 or (distance**2, distance**2 - 1) != (len(data), num_ancillas):
            raise _refused(
                f"{len(records)} measurements of {num_ancillas} ancillas and {len(data)} data qubits, which are not "
                "so many a round and a read-out"
            )
        volume = Volume(distance=distance, rounds=rounds, basis=_basis(records[-len(data) :]))
        return cls(
            volume=volume,
            segments=_segments(flat, num_ancillas, rounds),
            num_qubits=flat.num_qubits,
            data_qubits=_numbers([volume.data], data)[0],
            outcomes=_outcomes(volume, positions, [qubit for _, qubit in records]),
            read_out=_read_out(volume, data, [qubit for _, qubit in records]),
            detectors=_detectors(volume, flat),
        )


def _refused(found: str) -> InputError:
    return InputError(
        f"the circuit must be a memory experiment of the rotated surface code with the coordinates that Stim's "
        f"generator gives, not {found}: make it with synfab.circuits.Memory"
    )


def _instructions(flat: stim.Circuit) -> Iterator[stim.CircuitInstruction]:
    for place in range(len(flat)):
        instruction = flat[place]
        if isinstance(instruction, stim.CircuitInstruction):
            yield instruction


def _positions(circuit: stim.Circuit) -> dict[int, Position]:
    positions = {}
    for qubit, place in circuit.get_final_qubit_coordinates().items():
        if len(place) != 2 or any(value != int(value) for value in place):
            raise _refused(f"one with qubit {qubit} at {tuple(place)}")
        positions[qubit] = (int(place[0]), int(place[1]))
    return positions


def _records(circuit: stim.Circuit) -> list[tuple[str, int]]:
    """Return the instruction and the qubit of every measurement record."""
    records = []
    for instruction in _instructions(circuit):
        if stim.gate_data(instruction.name).produces_measurements:
            for group in instruction.target_groups():
                if len(group) != 1 or not group[0].is_qubit_target:
                    raise _refused(f"one with {instruction.name}, which measures more than one qubit at a time")
                records.append((instruction.name, group[0].value))
    return records


def _basis(read_out: list[tuple[str, int]]) -> Basis:
    names = {name for name, _ in read_out}
    if len(names) != 1 or not names <= set(READ_OUT):
        raise _refused(f"one that reads its data qubits by {' and '.join(sorted(names))}, where M or MX belongs")
    return READ_OUT[names.pop()]


def _segments(circuit: stim.Circuit, num_ancillas: int, rounds: int) -> tuple[stim.Circuit, ...]:
    segments = [stim.Circuit()]
    count = 0
    for instruction in _instructions(circuit):
        segments[-1].append(instruction)
        measured = instruction.num_measurements
        count += measured
        if measured and len(segments) <= rounds:
            if count > len(segments) * num_ancillas:
                raise _refused(f"one whose {instruction.name} measures ancillas of two rounds at once")
            if count == len(segments) * num_ancillas:
                segments.append(stim.Circuit())
    return tuple(segments)


def _numbers(rows: list[tuple[Position, ...]], found: dict[Position, int]) -> npt.NDArray[np.int64]:
    for row in rows:
        for position in row:
            if position not in found:
                raise _refused(f"one without anything at {position}")
    return np.array([[found[position] for position in row] for row in rows], np.int64)


def _outcomes(volume: Volume, positions: dict[int, Position], qubits: list[int]) -> npt.NDArray[np.int64]:
    rows = [tuple(check.position for check in volume.checks[species]) for species in range(len(SPECIES))]
    each = 2 * volume.num_checks
    table = []
    for k in range(volume.rounds):
        measured = qubits[k * each : (k + 1) * each]
        table.append(_numbers(rows, {positions[q]: k * each + place for place, q in enumerate(measured)}))
    return np.stack(table, axis=1)


def _read_out(volume: Volume, data: dict[Position, int], qubits: list[int]) -> npt.NDArray[np.int64]:
    first = len(qubits) - volume.num_data
    by_qubit = {qubit: first + place for place, qubit in enumerate(qubits[first:])}
    return _numbers([volume.data], {p: by_qubit[q] for p, q in data.items() if q in by_qubit})[0]


def _detectors(volume: Volume, circuit: stim.Circuit) -> npt.NDArray[np.int64]:
    places = {tuple(place): number for number, place in circuit.get_detector_coordinates().items()}
    table = np.full((2, volume.layers, volume.num_checks), -1, np.int64)
    for species, layer in np.argwhere(volume.detector_mask).tolist():
        for index, check in enumerate(volume.checks[species]):
            number = places.pop((*check.position, layer), None)
            if number is None:
                raise _refused(f"one without a detector at {(*check.position, layer)}")
            table[species, layer, index] = number
    if len(places) or circuit.num_detectors != np.count_nonzero(table >= 0):
        raise _refused(f"one with {circuit.num_detectors} detectors where {np.count_nonzero(table >= 0)} belong")
    if circuit.num_observables != 1:
        raise _refused(f"one with {circuit.num_observables} observables")
    return table
