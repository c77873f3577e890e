# SPDX-License-Identifier: Apache-2.0
"""Pairs of events of one check in consecutive layers, which local corrections leave behind (arXiv:2208.01178, IV)."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits.parameters import require_integer
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.volume import Volume, detector_places


def vertical_clean_up(events: Flips, *, volume: Volume) -> Flips:
    """Remove pairs of events of a check in consecutive layers, from the first layer on (section IV C).

    An event whose check has one in the next layer goes with it; of three in a row, the first two. No frame changes:
    the pair is taken for a measurement flip.

    Parameters
    ----------
    events : bool (shots, num_detectors)

    Returns
    -------
    bool (shots, num_detectors)
    """
    left = events.reshape(len(events), 2, volume.layers, volume.num_checks).copy()
    for layer in range(volume.layers - 1):
        pair = left[:, :, layer] & left[:, :, layer + 1]
        left[:, :, layer] ^= pair
        left[:, :, layer + 1] ^= pair
    return left.reshape(len(events), -1)


def collapsed(events: Flips, *, volume: Volume, height: int) -> Flips:
    """Collapse the volume into sheets of ``height`` layers: each check's events of a sheet are added up (section IV B).

    Returns
    -------
    bool (shots, 2 * ceil(layers / height) * num_checks)
        By species, sheet and check.

    Raises
    ------
    InputError
        If ``height`` is not positive.
    """
    require_integer("height", height, 1)
    planes = events.reshape(len(events), 2, volume.layers, volume.num_checks)
    starts = range(0, volume.layers, height)
    sheets = [np.bitwise_xor.reduce(planes[:, :, start : start + height], axis=2) for start in starts]
    return np.stack(sheets, axis=2).reshape(len(events), -1)


def collapsed_model(
    model: stim.DetectorErrorModel, *, detectors: npt.NDArray[np.int64], height: int
) -> stim.DetectorErrorModel:
    """Return the error model of the sheets: whom :func:`collapsed` leaves events for decodes by its graph.

    Every error flips, of the sheets' detectors, those in which it flips an odd number; what flips nothing is left out.

    Parameters
    ----------
    model : stim.DetectorErrorModel
        Of the circuit; errors may be split by ``^``, and then stay so.
    detectors : int64 (2, layers, num_checks)
        The model's number of each detector, -1 for none.

    Returns
    -------
    stim.DetectorErrorModel
        Detectors have the places of :func:`collapsed` for numbers. The last place is declared, so that all count.

    Raises
    ------
    InputError
        If ``height`` is not positive.
    """
    require_integer("height", height, 1)
    species, layers, checks = np.unravel_index(detector_places(detectors), detectors.shape)
    shape = (len(detectors), -(-detectors.shape[1] // height), detectors.shape[2])
    sheets = np.ravel_multi_index((species, layers // height, checks), shape)
    lines = [f"detector D{np.prod(shape) - 1}"]
    for instruction in model.flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            groups = (
                [f"D{sheets[target.val]}" if target.is_relative_detector_id() else str(target) for target in group]
                for group in instruction.target_groups()
            )
            if parts := [part for part in _odd(" ".join(_odd(group)) for group in groups) if part]:
                lines.append(f"error({instruction.args_copy()[0]!r}) {' ^ '.join(parts)}")
    return stim.DetectorErrorModel("\n".join(lines))


def _odd(names: Iterable[str]) -> list[str]:
    """Return what is named an odd number of times, sorted."""
    return sorted(name for name, times in Counter(names).items() if times % 2)
