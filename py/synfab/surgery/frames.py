# SPDX-License-Identifier: Apache-2.0
"""Pauli frames of some of a simulator's shots, taken to a simulator of their own."""

import numpy as np
import numpy.typing as npt
import stim


def frame_simulator(simulator: stim.FlipSimulator, shots: npt.NDArray[np.intp], *, seed: int) -> stim.FlipSimulator:
    """Return a simulator that holds the frames of some shots and none of their records.

    A new simulator's frames are random, since it begins in a stabilizer state of its own; what it must hold is put
    there as the difference to that. Its randomness is new, from ``seed``.
    """
    other = stim.FlipSimulator(batch_size=len(shots), num_qubits=simulator.num_qubits, seed=seed)
    wanted = _frames(simulator)
    for pauli, now, then in zip(("X", "Z"), _frames(other), wanted, strict=True):
        other.broadcast_pauli_errors(pauli=pauli, mask=now ^ then[:, shots])
    return other


def _frames(simulator: stim.FlipSimulator) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the X and the Z part of every qubit in every shot."""
    arrays = simulator.to_numpy(output_xs=True, output_zs=True)
    assert arrays is not None
    xs, zs = arrays[0], arrays[1]
    return xs, zs
