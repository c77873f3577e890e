# SPDX-License-Identifier: Apache-2.0
"""High-level synthesis of pre-decoders with hls4ml: the project, its C simulation, estimates and reports.

A three-dimensional convolution is a two-dimensional one of the last rounds side by side, so hls4ml's own layers do it,
behind a buffer of rounds.
"""

from synfab.hw.hls.estimate import HlsEstimate, estimate
from synfab.hw.hls.project import write_project
from synfab.hw.hls.reports import CsynthReport, HlsReports, read_reports
from synfab.hw.hls.settings import HlsSettings
from synfab.hw.hls.simulation import CSimulation, require_compiler

__all__ = [
    "CSimulation",
    "CsynthReport",
    "HlsEstimate",
    "HlsReports",
    "HlsSettings",
    "estimate",
    "read_reports",
    "require_compiler",
    "write_project",
]
