# SPDX-License-Identifier: Apache-2.0
"""Arrays of shots at the reference's border: shapes are checked here and never coerced."""

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError

Detections = npt.NDArray[np.uint8 | np.bool_]
"""Detection events of shots, 0 and 1, or bit-packed uint8."""


def packed_shots(detections: Detections, num_detectors: int, *, bit_packed: bool) -> npt.NDArray[np.uint8]:
    """Return detection events bit-packed, ``(shots, ceil(num_detectors / 8))``, C-contiguous uint8.

    Raises
    ------
    InputError
        If the shape or the type of ``detections`` is not what ``bit_packed`` promises, or an unpacked value is
        neither 0 nor 1.
    """
    width = (num_detectors + 7) // 8 if bit_packed else num_detectors
    kind = "bit-packed uint8" if bit_packed else "uint8 or bool"
    dtypes = (np.uint8,) if bit_packed else (np.uint8, np.bool_)
    array = np.asarray(detections)
    if array.ndim != 2 or array.shape[1] != width or array.dtype not in dtypes:
        raise InputError(
            f"detections must be {kind} of shape (shots, {width}), not {array.dtype} of shape {array.shape}"
        )
    if bit_packed:
        return np.ascontiguousarray(array, dtype=np.uint8)
    if array.dtype == np.uint8 and (largest := int(array.max(initial=0))) > 1:
        raise InputError(
            f"detections that are not bit-packed must be 0 or 1, not {largest}; say bit_packed_shots=True if they are"
        )
    return np.packbits(array.view(np.uint8), axis=1, bitorder="little")


def observable_bits(masks: npt.NDArray[np.uint64], num_observables: int, *, bit_packed: bool) -> npt.NDArray[np.uint8]:
    """Spread observable masks, ``(shots,)``, to ``(shots, num_observables)`` bits or to packed bytes."""
    octets = masks.astype("<u8").view(np.uint8).reshape(len(masks), 8)
    if bit_packed:
        return np.ascontiguousarray(octets[:, : (num_observables + 7) // 8])
    return np.unpackbits(octets, axis=1, bitorder="little", count=num_observables)
