# SPDX-License-Identifier: Apache-2.0
"""What a net is given: detection events, and constant planes that say where detectors are."""

import numpy as np
import numpy.typing as npt

from synfab.predecoder.layouts import PlaneLayout, layout_by_name
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.volume import Volume


def plane_layout(name: LayoutName, distance: int) -> PlaneLayout:
    """Return where checks and data qubits stand for nets of a layout: ``grid_2022`` has the places of ``grid``."""
    return layout_by_name("grid" if name == "grid_2022" else name, distance)


def input_planes(events: npt.NDArray[np.uint8], *, name: LayoutName, volume: Volume) -> npt.NDArray[np.float32]:
    """Return the inputs of a net: the events' channels, then as many constant ones.

    - ``supercell``: a constant is 1 where a detector is.
    - ``grid``: it is the check's weight over four, 1 or 1/2 (arXiv:2604.12841, equations 17 to 20).
    - ``grid_2022``: it is 1 where a detector is, and one plane more is 1 in the first and the last layer
      (arXiv:2208.01178, appendix A).

    Parameters
    ----------
    events : uint8 (shots, event_channels, layers, rows, cols)

    Returns
    -------
    float32 (shots, inputs, layers, rows, cols)
    """
    presence = plane_layout(name, volume.distance).presence(volume).astype(np.float32)
    constant = presence / 2 if name == "grid" else np.minimum(presence, 1)
    if name == "grid_2022":
        ends = np.zeros((1, *events.shape[2:]), np.float32)
        ends[:, [0, -1]] = 1
        constant = np.concatenate([constant, ends])
    channels = events.shape[1]
    planes = np.empty((len(events), channels + len(constant), *events.shape[2:]), np.float32)
    planes[:, :channels] = events
    planes[:, channels:] = constant
    return planes
