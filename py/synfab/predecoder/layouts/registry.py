# SPDX-License-Identifier: Apache-2.0
"""Layouts by name."""

from collections.abc import Callable

from synfab.circuits.parameters import require_choice
from synfab.predecoder.layouts.grid import grid
from synfab.predecoder.layouts.plane_layout import PlaneLayout
from synfab.predecoder.layouts.supercell import supercell

LAYOUTS: dict[str, Callable[[int], PlaneLayout]] = {"grid": grid, "supercell": supercell}


def layout_by_name(name: str, distance: int) -> PlaneLayout:
    """Return a layout.

    Raises
    ------
    InputError
        If there is none of that name, or none of that distance.
    """
    require_choice("layout", name, tuple(LAYOUTS))
    return LAYOUTS[name](distance)
