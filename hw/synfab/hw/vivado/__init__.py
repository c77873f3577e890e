# SPDX-License-Identifier: Apache-2.0
"""Vivado without a project file: the folder that builds a decoder, and the reports that come back from it."""

from .project import write_project
from .reports import VivadoReport, VivadoTiming, read_reports

__all__ = ["VivadoReport", "VivadoTiming", "read_reports", "write_project"]
