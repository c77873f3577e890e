# SPDX-License-Identifier: Apache-2.0
"""Nets whose weights are in memory, and come through a port.

``form``
    What a user chooses, what all nets of a shape have in common, and the order of the numbers in a list.
``port``
    Takes lists, and refuses those that are not whole.
``layer``, ``lane``, ``total``
    Memory, multipliers and sums.
"""

from synfab.rtl.predecoder.loaded.form import ListFormat, Loaded
from synfab.rtl.predecoder.loaded.layer import LoadedLayer
from synfab.rtl.predecoder.loaded.port import WeightPort

__all__ = ["ListFormat", "Loaded", "LoadedLayer", "WeightPort"]
