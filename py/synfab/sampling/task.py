# SPDX-License-Identifier: Apache-2.0
"""Sinter tasks from circuits, and from detector error models that came without one."""

from collections.abc import Mapping
from typing import Any

import sinter
import stim

from synfab.errors import InputError


def task_from_circuit(
    circuit: stim.Circuit, *, dem: stim.DetectorErrorModel | None = None, metadata: Mapping[str, Any] | None = None
) -> sinter.Task:
    """Return the task of sampling ``circuit`` and decoding it by ``dem``.

    Parameters
    ----------
    circuit : stim.Circuit
    dem : stim.DetectorErrorModel, optional
        What the decoders are told; by default the circuit's own, decomposed.
    metadata : mapping, optional
        Of JSON values. ``p`` and ``distance`` name the axes of a plot.

    Raises
    ------
    InputError
        If the circuit has no model whose errors decompose.
    """
    if dem is None:
        try:
            dem = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
        except ValueError as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"the errors of a circuit must decompose into pairs of detectors: {reason} "
                "Decode one basis at a time, or give a model of your own"
            ) from error
    return sinter.Task(circuit=circuit, detector_error_model=dem, json_metadata=dict(metadata or {}))


def task_from_dem(dem: stim.DetectorErrorModel, *, metadata: Mapping[str, Any] | None = None) -> sinter.Task:
    """Return the task of sampling ``dem`` and decoding by it; sinter samples circuits alone, so it is made one."""
    return task_from_circuit(circuit_from_dem(dem), dem=dem, metadata=metadata)


def circuit_from_dem(dem: stim.DetectorErrorModel) -> stim.Circuit:
    """Return a circuit whose detection events and observable flips are distributed exactly as those of ``dem``.

    One qubit stands for each detector and each observable, and one correlated error flips the targets of each
    mechanism, with its ``^`` components together.
    """
    circuit = stim.Circuit()
    num_detectors, num_observables = dem.num_detectors, dem.num_observables
    num_qubits = num_detectors + num_observables
    for instruction in dem.flattened():
        if not isinstance(instruction, stim.DemInstruction) or instruction.type != "error":
            continue
        flipped: set[int] = set()
        for target in (target for group in instruction.target_groups() for target in group):
            flipped ^= {target.val if target.is_relative_detector_id() else num_detectors + target.val}
        if flipped:
            pauli = [stim.target_x(qubit) for qubit in sorted(flipped)]
            circuit.append("CORRELATED_ERROR", pauli, instruction.args_copy()[0])
    circuit.append("M", range(num_qubits))
    coordinates = dem.get_detector_coordinates()
    for detector in range(num_detectors):
        circuit.append("DETECTOR", [stim.target_rec(detector - num_qubits)], coordinates.get(detector, ()))
    for observable in range(num_observables):
        circuit.append("OBSERVABLE_INCLUDE", [stim.target_rec(observable - num_observables)], observable)
    return circuit
