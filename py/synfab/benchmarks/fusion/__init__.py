# SPDX-License-Identifier: Apache-2.0
"""Fusion and windows beside global decoding: logical errors on the same shots."""

from synfab.benchmarks.fusion.extent import FULL, QUICK, Extent, Point
from synfab.benchmarks.fusion.models import Compared, FusionBenchmark
from synfab.benchmarks.fusion.page import write_page
from synfab.benchmarks.fusion.run import run

__all__ = ["FULL", "QUICK", "Compared", "Extent", "FusionBenchmark", "Point", "run", "write_page"]
