# SPDX-License-Identifier: Apache-2.0
"""Reads what a Vivado build left behind."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from synfab.errors import InputError

from .timing import VivadoTiming, parse_timing_json, parse_timing_summary
from .utilization import parse_utilization

__all__ = ["FLOWS", "STAGES", "VivadoReport", "VivadoTiming", "read_reports"]

FLOWS = ("ooc", "full")
STAGES = ("vivado-synth", "vivado-placed", "vivado-routed")

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, kw_only=True)
class VivadoReport:
    """Figures of one stage of one build.

    Attributes
    ----------
    flow : {'ooc', 'full'}
        The decoder alone, or the whole image around it.
    stage : {'vivado-synth', 'vivado-placed', 'vivado-routed'}
        After which step.
    tool : str
        ``'vivado'``.
    version : str
        As Vivado names it: 2024.2.
    part, top : str
        What was built, for what.
    lut, ff, carry, uram, dsp : int
        Used; ``carry`` counts CARRY8 (UltraScale+) or LOOKAHEAD8 (Versal).
    bram36 : float
        Used 36 Kb block RAM tiles; a RAMB18 takes half a tile, so multiples of 0.5, which are exact.
    timing : VivadoTiming or None
        Slack, if its report is there.
    """

    flow: str
    stage: str
    tool: str = "vivado"
    version: str
    part: str
    top: str
    lut: int
    ff: int
    carry: int
    bram36: float
    uram: int
    dsp: int
    timing: VivadoTiming | None


def read_reports(directory: Path, *, stale: bool = False) -> list[VivadoReport]:
    """Return the reports under ``directory/vivado/reports``, flow by flow in build order; none is an empty list.

    Parameters
    ----------
    directory : Path
        Artefact folder, as given to :func:`synfab.hw.vivado.write_project`.
    stale : bool
        Whether to return reports of another design than the project now holds, too.

    Raises
    ------
    InputError
        If a report is cut short or not one of Vivado's.
    """
    reports = []
    current = _project_design(directory / "vivado" / "settings.tcl")
    for flow in FLOWS:
        for stage in STAGES:
            folder = directory / "vivado" / "reports" / flow / stage
            if not (folder / "utilization.rpt").is_file():
                continue
            timing, design = _timing(folder)
            if stale or None in (design, current) or design == current:
                reports.append(_report(folder, flow=flow, stage=stage, timing=timing))
    return reports


def _project_design(settings: Path) -> str | None:
    if not settings.is_file():
        return None
    match = re.search(r"^set design \{(\w+)\}$", settings.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else None


def _report(folder: Path, *, flow: str, stage: str, timing: VivadoTiming | None) -> VivadoReport:
    used = _parse(folder / "utilization.rpt", parse_utilization)
    return VivadoReport(
        flow=flow,
        stage=stage,
        version=used.version,
        part=used.part,
        top=used.design,
        lut=used.lut,
        ff=used.ff,
        carry=used.carry,
        bram36=used.bram36,
        uram=used.uram,
        dsp=used.dsp,
        timing=timing,
    )


def _timing(folder: Path) -> tuple[VivadoTiming | None, str | None]:
    if (folder / "timing.json").is_file():
        return _parse(folder / "timing.json", parse_timing_json)
    if (folder / "timing_summary.rpt").is_file():
        return _parse(folder / "timing_summary.rpt", parse_timing_summary), None
    return None, None


def _parse(path: Path, parser: Callable[[str], _Parsed]) -> _Parsed:
    try:
        return parser(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            f"{path} must hold {error}, and does not; the file is cut short or not Vivado's, build again"
        ) from error
