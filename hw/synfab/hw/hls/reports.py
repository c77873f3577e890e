# SPDX-License-Identifier: Apache-2.0
"""Reads what Vitis HLS, and Vivado after it, left in an HLS project.

``csynth.xml`` has the figures of C synthesis, which are the tool's own estimates (UG1399, "Output of C synthesis");
``vivado_synth.rpt`` is ``report_utilization`` (UG906) of Vivado's synthesis of the RTL.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from synfab.errors import InputError
from synfab.hw.vivado.utilization import Utilization, parse_utilization

TOP = "predecoder"
CSYNTH = Path(f"{TOP}_prj/solution1/syn/report") / f"{TOP}_csynth.xml"
VIVADO = "vivado_synth.rpt"
RESULTS = (f"{TOP}_prj", VIVADO)
"""What a build adds to a project."""


@dataclass(frozen=True, kw_only=True)
class CsynthReport:
    """Figures of C synthesis: estimates of Vitis HLS, before logic synthesis.

    Attributes
    ----------
    stage, tool : str
        ``'hls-csynth'``, ``'vitis_hls'``.
    version : str
        As Vitis HLS names it: 2023.2.
    part, top : str
        What was built, for what.
    period_ns, estimated_period_ns : float
        Target, and what the tool expects, without the uncertainty.
    latency_cycles, interval_cycles : (int, int) or None
        Least and most of a call, and between two calls; None if the tool cannot say.
    lut, ff, bram18, uram, dsp : int
        ``bram18`` counts 18 Kb blocks, two in a tile.
    """

    stage: str = "hls-csynth"
    tool: str = "vitis_hls"
    version: str
    part: str
    top: str
    period_ns: float
    estimated_period_ns: float
    latency_cycles: tuple[int, int] | None
    interval_cycles: tuple[int, int] | None
    lut: int
    ff: int
    bram18: int
    uram: int
    dsp: int


@dataclass(frozen=True, kw_only=True)
class HlsReports:
    """What is there.

    Attributes
    ----------
    csynth : CsynthReport or None
    vivado : Utilization or None
        Of stage ``vivado-synth``.
    """

    csynth: CsynthReport | None
    vivado: Utilization | None


def read_reports(folder: Path) -> HlsReports:
    """Return the reports of a project, as :func:`synfab.hw.hls.write_project` returned its folder.

    Raises
    ------
    InputError
        If one is cut short, or not one of the tools'.
    """
    csynth, vivado = folder / CSYNTH, folder / VIVADO
    try:
        return HlsReports(
            csynth=parse_csynth(csynth.read_text("utf-8")) if (path := csynth).is_file() else None,
            vivado=parse_utilization(vivado.read_text("utf-8")) if (path := vivado).is_file() else None,
        )
    except ValueError as error:
        raise InputError(
            f"{path} must hold {error}, and does not; the file is cut short or not of the tool, build again"
        ) from error


def parse_csynth(text: str) -> CsynthReport:
    """Return the figures of ``csynth.xml``.

    Raises
    ------
    ValueError
        If an element is missing or not a number; the message names it.
    """
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise ValueError(f"whole XML ({error})") from error
    latency, area = "PerformanceEstimates/SummaryOfOverallLatency", "AreaEstimates/Resources"
    # 2020.1 and before count slices by their primitive.
    dsp = next((name for name in ("DSP", "DSP48E") if root.find(f"{area}/{name}") is not None), "DSP")
    return CsynthReport(
        version=_text(root, "ReportVersion/Version"),
        part=_text(root, "UserAssignments/Part"),
        top=_text(root, "UserAssignments/TopModelName"),
        period_ns=_number(root, "UserAssignments/TargetClockPeriod"),
        estimated_period_ns=_number(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        latency_cycles=_range(root, f"{latency}/Best-caseLatency", f"{latency}/Worst-caseLatency"),
        interval_cycles=_range(root, f"{latency}/Interval-min", f"{latency}/Interval-max"),
        lut=_count(root, f"{area}/LUT"),
        ff=_count(root, f"{area}/FF"),
        bram18=_count(root, f"{area}/BRAM_18K"),
        uram=_count(root, f"{area}/URAM"),
        dsp=_count(root, f"{area}/{dsp}"),
    )


def _text(root: ET.Element, path: str) -> str:
    text = (root.findtext(path) or "").strip()
    if not text:
        raise ValueError(f"the element {path}")
    return text


def _number(root: ET.Element, path: str) -> float:
    try:
        return float(_text(root, path))
    except ValueError as error:
        raise ValueError(f"a number in the element {path}") from error


def _count(root: ET.Element, path: str) -> int:
    if not (text := _text(root, path)).isdecimal():
        raise ValueError(f"a whole number in the element {path}, not {text!r}")
    return int(text)


def _range(root: ET.Element, least: str, most: str) -> tuple[int, int] | None:
    # A loop without a bound leaves latencies undefined, and the tool writes so.
    if "undef" in (_text(root, least), _text(root, most)):
        return None
    return _count(root, least), _count(root, most)
