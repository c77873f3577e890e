# SPDX-License-Identifier: Apache-2.0
"""What a net is given: detection events, and constant planes that say where detectors are."""

from typing import get_args

import numpy as np
import numpy.typing as npt

from synfab.circuits.parameters import require_choice
from synfab.predecoder.layouts import PlaneLayout, layout_by_name
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS, LayoutName
from synfab.predecoder.planes import SHOTS, require_shape
from synfab.predecoder.volume import Volume


def plane_layout(name: LayoutName, distance: int) -> PlaneLayout:
    """Return where checks and data qubits stand for nets of a layout: ``grid_2022`` has the places of ``grid``.

    Raises
    ------
    InputError
        If there is no such layout, or none of that distance.
    """
    require_choice("layout", name, get_args(LayoutName))
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
    return integer_planes(events, name=name, volume=volume) * np.float32(2.0 ** -INPUT_FRACTION_BITS[name])


def integer_planes(events: npt.NDArray[np.uint8], *, name: LayoutName, volume: Volume) -> npt.NDArray[np.uint8]:
    """Return the inputs of a net of integers: those of :func:`input_planes` as multiples of their unit.

    The unit is ``2**-INPUT_FRACTION_BITS[name]``: an event is 2 in ``grid``, and 1 in the others.

    Parameters
    ----------
    events : uint8 (shots, event_channels, layers, rows, cols)

    Returns
    -------
    uint8 (shots, inputs, layers, rows, cols)

    Raises
    ------
    InputError
        If there is no such layout, or the events are not of this one.
    """
    presence = plane_layout(name, volume.distance).presence(volume)
    repair = f"take the events of this volume in the layout {name!r}"
    require_shape("events", events.shape, (SHOTS, *presence.shape), repair=repair)
    constant = presence if name == "grid" else np.minimum(presence, 1)
    if name == "grid_2022":
        ends = np.zeros((1, *events.shape[2:]), np.uint8)
        ends[:, [0, -1]] = 1
        constant = np.concatenate([constant, ends])
    channels = events.shape[1]
    planes = np.empty((len(events), channels + len(constant), *events.shape[2:]), np.uint8)
    planes[:, :channels] = events << INPUT_FRACTION_BITS[name]
    planes[:, channels:] = constant
    return planes
