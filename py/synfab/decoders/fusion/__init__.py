# SPDX-License-Identifier: Apache-2.0
"""Fusion union-find on blocks, and windows over them."""

from synfab.decoders.fusion.decoder import FusionDecoder, Release
from synfab.decoders.fusion.inner import InnerDecoder, View
from synfab.decoders.fusion.schedule import Alone, Schedule, Step
from synfab.decoders.fusion.spec import Block, Face, FusionSpec, Stop, places_by_coordinates
from synfab.decoders.fusion.window_decoder import WindowDecoder
from synfab.decoders.fusion.windows import Window, WindowPlan

__all__ = [
    "Alone",
    "Block",
    "Face",
    "FusionDecoder",
    "FusionSpec",
    "InnerDecoder",
    "Release",
    "Schedule",
    "Step",
    "Stop",
    "View",
    "Window",
    "WindowDecoder",
    "WindowPlan",
    "places_by_coordinates",
]
