# SPDX-License-Identifier: Apache-2.0
"""Planes in which networks see a volume: index maps between its places and rows, columns and channels."""

from synfab.predecoder.layouts.grid import grid
from synfab.predecoder.layouts.plane_layout import Batch, PlaneLayout
from synfab.predecoder.layouts.registry import LAYOUTS, layout_by_name
from synfab.predecoder.layouts.supercell import supercell

__all__ = ["LAYOUTS", "Batch", "PlaneLayout", "grid", "layout_by_name", "supercell"]
