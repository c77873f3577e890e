# SPDX-License-Identifier: Apache-2.0
"""Pairs of events of one check in consecutive layers, which local corrections leave behind (arXiv:2208.01178, IV)."""

import numpy as np

from synfab.circuits.parameters import require_integer
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.volume import Volume


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
