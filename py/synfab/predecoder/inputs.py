# SPDX-License-Identifier: Apache-2.0
"""What a net of a layout is given: detection events, and constant planes that say where detectors are."""

import numpy as np
import numpy.typing as npt

from synfab.predecoder.layouts import PlaneLayout
from synfab.predecoder.volume import Volume


def input_planes(events: npt.NDArray[np.uint8], *, layout: PlaneLayout, volume: Volume) -> npt.NDArray[np.floating]:
    """Return the inputs of a net: the events' channels, then as many constant ones.

    In the supercell layout a constant is 1 where a detector is. In the grid layout it is the check's weight over four
    (arXiv:2604.12841, equations 17 to 20), so 1 or 1/2.

    Parameters
    ----------
    events : uint8 (shots, event_channels, layers, rows, cols)

    Returns
    -------
    float32 (shots, 2 event_channels, layers, rows, cols)
    """
    presence = layout.presence(volume).astype(np.float32)
    constant = presence / 2 if layout.name == "grid" else np.minimum(presence, 1)
    planes = np.empty((len(events), 2 * layout.event_channels, *events.shape[2:]), np.float32)
    planes[:, : layout.event_channels] = events
    planes[:, layout.event_channels :] = constant
    return planes
