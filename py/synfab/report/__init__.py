# SPDX-License-Identifier: Apache-2.0
"""What a build is worth: one JSON document of figures with stage, tool and version, and the page made from it.

The document is a :class:`Report`; its JSON schema is ``docs/report.schema.json``, which
``python -m synfab.report.schema docs/report.schema.json`` writes.
"""

from synfab.report.figures import Accuracy, Resources, Timing, Verification
from synfab.report.files import ReportFiles, load_report, write_report
from synfab.report.latency import LatencyCycles, LatencyNs, WorstCase
from synfab.report.models import SCHEMA_VERSION, Anchor, Board, Problem, Report, Spec
from synfab.report.page import page
from synfab.report.stages import EventReduction, StageLatency
from synfab.report.table import summary_table

__all__ = [
    "SCHEMA_VERSION",
    "Accuracy",
    "Anchor",
    "Board",
    "EventReduction",
    "LatencyCycles",
    "LatencyNs",
    "Problem",
    "Report",
    "ReportFiles",
    "Resources",
    "Spec",
    "StageLatency",
    "Timing",
    "Verification",
    "WorstCase",
    "load_report",
    "page",
    "summary_table",
    "write_report",
]
