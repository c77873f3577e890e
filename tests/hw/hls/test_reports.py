# SPDX-License-Identifier: Apache-2.0
"""Reports of C synthesis in their documented format, whole and cut short; figures in them are made up."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synfab.errors import InputError
from synfab.flow.cli import app
from synfab.hw.hls import CsynthReport, read_reports
from synfab.hw.hls.reports import CSYNTH, VIVADO, parse_csynth

TEXT = Path(__file__).with_name("predecoder_csynth.xml").read_text()
UTILIZATION = Path(__file__).parents[1] / "vivado" / "utilization_versal.rpt"
WHOLE = CsynthReport(
    version="2023.2",
    part="xcvm1802-vsva2197-2MP-e-S",
    top="predecoder",
    period_ns=3.33,
    estimated_period_ns=2.345,
    latency_cycles=(234, 238),
    interval_cycles=(101, 103),
    lut=12345,
    ff=7890,
    bram18=5,
    uram=0,
    dsp=6,
)


def put(folder: Path, *, csynth: str | None = TEXT) -> None:
    (folder / CSYNTH).parent.mkdir(parents=True)
    if csynth is not None:
        (folder / CSYNTH).write_text(csynth)
    (folder / VIVADO).write_text(UTILIZATION.read_text())


def test_csynth():
    assert parse_csynth(TEXT) == WHOLE
    assert (WHOLE.stage, WHOLE.tool) == ("hls-csynth", "vitis_hls")
    older = TEXT.replace("<DSP>6</DSP>", "<DSP48E>6</DSP48E>")
    assert parse_csynth(older) == WHOLE


def test_latency_that_the_tool_cannot_say():
    text = TEXT.replace("234</Best", "undef</Best").replace("238</Worst", "undef</Worst")
    found = parse_csynth(text)
    assert (found.latency_cycles, found.interval_cycles) == (None, (101, 103))


def test_csynth_cut_short_never_gives_wrong_figures():
    for end in range(TEXT.index("</profile>")):
        with pytest.raises(ValueError, match=r"^whole XML"):
            parse_csynth(TEXT[:end])


def test_what_is_there_is_read(tmp_path):
    assert read_reports(tmp_path).csynth is None
    assert read_reports(tmp_path).vivado is None
    put(tmp_path)
    found = read_reports(tmp_path)
    assert found.csynth == WHOLE
    assert found.vivado is not None
    assert (found.vivado.lut, found.vivado.version) == (11223, "2024.2")


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("<LUT>12345</LUT>", "", "the element AreaEstimates/Resources/LUT"),
        ("<LUT>12345</LUT>", "<LUT>1.5</LUT>", "a whole number in the element AreaEstimates/Resources/LUT, not '1.5'"),
        ("2.345", "fast", "a number in the element PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"),
        ("<Version>2023.2</Version>", "", "the element ReportVersion/Version"),
        ("<DSP>6</DSP>", "", "the element AreaEstimates/Resources/DSP"),
        ("Interval-max", "Interval-most", "the element PerformanceEstimates/SummaryOfOverallLatency/Interval-max"),
    ],
)
def test_malformed_report(tmp_path, old, new, missing):
    put(tmp_path, csynth=TEXT.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_reports(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(
        f"{tmp_path / CSYNTH} must hold {missing}, and does not; the file is cut short or not of"
    )


def test_command_shows_reports_beside_estimates(tmp_path):
    def invoke(model: str, *more: str):
        return CliRunner().invoke(app, ["hls", model, "-o", str(tmp_path), "--distance", "3", "--shots", "2", *more])

    assert invoke("surface-s").exit_code == 0
    nothing = invoke("surface-s", "--report").exception
    assert isinstance(nothing, InputError)
    assert str(nothing).endswith("must hold a report of Vitis HLS, and there is none; run build_prj.tcl there first")
    put(tmp_path / "hls")
    facts = json.loads(invoke("surface-s", "--report", "--json").stdout)
    assert facts["hls-estimate"]["interval_cycles"] == 16
    assert facts["hls-csynth"]["interval_cycles"] == [101, 103]
    assert {key: facts["vivado-synth"][key] for key in ("tool", "version", "lut")} == {
        "tool": "vivado",
        "version": "2024.2",
        "lut": 11223,
    }
    other = invoke("surface-m", "--report").exception
    assert str(other).endswith("must be of the model that is named, not of another; name that one")
