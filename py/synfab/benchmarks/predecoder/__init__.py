# SPDX-License-Identifier: Apache-2.0
"""Pre-decoders in front of global decoders: logical errors, densities and matching time on the same shots."""

from synfab.benchmarks.predecoder.extent import FULL, QUICK, Extent, Point
from synfab.benchmarks.predecoder.models import Judged, PredecoderBenchmark, results
from synfab.benchmarks.predecoder.page import write_page
from synfab.benchmarks.predecoder.run import run

__all__ = ["FULL", "QUICK", "Extent", "Judged", "Point", "PredecoderBenchmark", "results", "run", "write_page"]
