# SPDX-License-Identifier: Apache-2.0
"""Volumes as calls of the top function: a round a call, volume after volume."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec

Planes = npt.NDArray[np.integer]
Logits = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Calls:
    """The calls that take volumes through a net.

    A volume's first round follows the last one of the volume before. After the last volume come as many empty rounds
    as the net looks ahead, each a volume of its own: they push out what is left, and leave the state as a reset does.

    Attributes
    ----------
    planes : ndarray of uint8, (calls, rows, columns, inputs)
    last : ndarray of uint8, (calls, 1)
        1 in the last round of a volume.
    rounds : tuple of int
        Of each volume.
    look_ahead : int
        Of the net: so many first calls answer with what belongs to no volume.
    """

    planes: npt.NDArray[np.uint8]
    last: npt.NDArray[np.uint8]
    rounds: tuple[int, ...]
    look_ahead: int

    @classmethod
    def of(cls, volumes: Sequence[Planes], spec: PredecoderSpec, *, rows: int, columns: int) -> "Calls":
        """Return the calls for volumes, each (inputs, rounds, rows, columns) of the net's inputs.

        Raises
        ------
        InputError
            If there is no volume, or one has another shape, no round, or what is no input of the net.
        """
        if not volumes:
            raise InputError("a stream must have at least one volume, not none")
        for volume in volumes:
            shape = volume.shape
            if len(shape) != 4 or shape[1] < 1 or (shape[0], *shape[2:]) != (spec.num_inputs, rows, columns):
                raise InputError(
                    f"a volume must have the shape ({spec.num_inputs}, rounds, {rows}, {columns}), not {shape}"
                )
            spec.require_inputs(volume)
        rounds = tuple(volume.shape[1] for volume in volumes)
        empty = np.zeros((spec.look_ahead, rows, columns, spec.num_inputs), np.uint8)
        planes = np.concatenate([*(np.moveaxis(volume, 0, -1) for volume in volumes), empty])
        last = np.zeros((len(planes), 1), np.uint8)
        last[np.cumsum(rounds) - 1] = 1
        last[sum(rounds) :] = 1
        return cls(planes=planes.astype(np.uint8, order="C"), last=last, rounds=rounds, look_ahead=spec.look_ahead)

    def logits(self, answers: npt.NDArray) -> list[Logits]:
        """Return each volume's logits, (outputs, rounds, rows, columns), of the answers to the calls.

        Parameters
        ----------
        answers : ndarray, (calls, rows, columns, outputs)
        """
        settled = np.moveaxis(answers[self.look_ahead :].astype(np.int64), -1, 0)
        return np.split(settled, np.cumsum(self.rounds)[:-1], axis=1)
