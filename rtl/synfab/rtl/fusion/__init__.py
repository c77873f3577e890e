# SPDX-License-Identifier: Apache-2.0
"""Fusion union-find in hardware: a floor of patches whose faces change from step to step."""

from synfab.rtl.fusion.fabric import FusionFabric
from synfab.rtl.fusion.faces import FacePort
from synfab.rtl.fusion.plan import Plan

__all__ = ["FacePort", "FusionFabric", "Plan"]
