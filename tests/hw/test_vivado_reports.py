# SPDX-License-Identifier: Apache-2.0
"""Reports in Vivado's documented text format, whole and cut short."""

import json
from pathlib import Path

import pytest

from synfab.errors import InputError
from synfab.hw.vivado import VivadoTiming, read_reports
from synfab.hw.vivado.timing import parse_timing_json, parse_timing_summary
from synfab.hw.vivado.utilization import parse_utilization

FOLDER = Path(__file__).parent / "vivado"

EXPECTED = {
    "ultrascale_plus": {"lut": 12345, "ff": 6789, "carry": 210, "bram36": 4.5, "uram": 2, "dsp": 3},
    "versal": {"lut": 11223, "ff": 6543, "carry": 321, "bram36": 16.0, "uram": 0, "dsp": 0},
}
PARTS = {"ultrascale_plus": "xcvu19p-fsva3824-2-e", "versal": "xcvm1802-vsva2197-2MP-e-S"}


def utilization(family: str) -> str:
    return (FOLDER / f"utilization_{family}.rpt").read_text()


TIMING = (FOLDER / "timing_summary_two_clocks.rpt").read_text()


@pytest.mark.parametrize("family", sorted(EXPECTED))
def test_utilization(family: str):
    used = parse_utilization(utilization(family))
    assert {figure: getattr(used, figure) for figure in EXPECTED[family]} == EXPECTED[family]
    assert (used.version, used.design, used.part) == ("2024.2", "union_find", PARTS[family])


def test_timing_summary_takes_the_worst_clock():
    assert parse_timing_summary(TIMING) == VivadoTiming(
        clock="fast_clk",
        period_ns=3.0,
        wns_ns=-0.345,
        tns_ns=-7.89,
        setup_failing=41,
        whs_ns=0.012,
        ths_ns=0.0,
        hold_failing=0,
    )
    assert parse_timing_summary(TIMING).achieved_period_ns == 3.345


def test_a_clock_without_setup_paths_is_not_the_worst():
    # Only its pulse widths are checked: the setup columns are blank.
    row = next(line for line in TIMING.splitlines() if line.startswith("  fast_clk         -0.345"))
    blank = TIMING.replace(row, "  fast_clk" + row[10:].replace(row[10:130], " " * 120))
    assert parse_timing_summary(blank).clock == "gclk_p"


def test_a_design_that_nothing_times_has_no_slack():
    row = next(line for line in TIMING.splitlines() if line.startswith("     -0.345"))
    timing = parse_timing_summary(TIMING.replace(row, "         NA" * 12))
    assert (timing.wns_ns, timing.tns_ns, timing.setup_failing) == (None, None, 0)
    assert timing.achieved_period_ns is None


@pytest.mark.parametrize("family", sorted(EXPECTED))
def test_utilization_cut_short_never_gives_wrong_figures(family: str):
    text = utilization(family)
    whole = parse_utilization(text)
    row = text.index({"ultrascale_plus": "| DSPs ", "versal": "| DSP Slices "}[family])
    for end in range(row):
        with pytest.raises(ValueError, match=r"^(the line '|the row '|'Tool Version)"):
            parse_utilization(text[:end])
    for end in range(row, len(text)):
        try:
            cut = parse_utilization(text[:end])
        except ValueError:
            assert end < text.index("\n", row)
        else:
            assert cut == whole


def test_timing_cut_short_never_gives_wrong_figures():
    whole = parse_timing_summary(TIMING)
    needed = TIMING.index("| Inter Clock Table")
    for end in range(len(TIMING)):
        if end > needed:
            assert parse_timing_summary(TIMING[:end]) == whole
        else:
            with pytest.raises(ValueError, match=r"'(Design Timing Summary|Clock Summary|Intra Clock Table)'"):
                parse_timing_summary(TIMING[:end])


@pytest.fixture
def routed(tmp_path: Path) -> Path:
    folder = tmp_path / "vivado" / "reports" / "ooc" / "vivado-routed"
    folder.mkdir(parents=True)
    (folder / "utilization.rpt").write_text(utilization("versal"))
    (folder / "timing_summary.rpt").write_text(TIMING)
    return folder


def test_reports_without_json(routed: Path, tmp_path: Path):
    (report,) = read_reports(tmp_path)
    assert (report.flow, report.stage, report.tool, report.version) == ("ooc", "vivado-routed", "vivado", "2024.2")
    assert (report.part, report.top) == ("xcvm1802-vsva2197-2MP-e-S", "union_find")
    assert {figure: getattr(report, figure) for figure in EXPECTED["versal"]} == EXPECTED["versal"]
    assert report.timing == parse_timing_summary(TIMING)
    (routed / "timing_summary.rpt").unlink()
    assert read_reports(tmp_path)[0].timing is None


def test_no_reports(tmp_path: Path):
    assert read_reports(tmp_path) == []
    (tmp_path / "vivado" / "reports" / "ooc").mkdir(parents=True)
    assert read_reports(tmp_path) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "missing"),
    [
        ("utilization.rpt", "| CLB LUTs ", "| LUTs ", "the row 'CLB LUTs'"),
        ("utilization.rpt", "| Registers ", "| Register ", "the row 'CLB Registers' or 'Registers'"),
        ("utilization.rpt", "LOOKAHEAD8", "LOOKAHEAD", "the row 'CARRY8' or 'LOOKAHEAD8'"),
        ("utilization.rpt", "| 11223 |", "| many |", "the row 'CLB LUTs'"),
        ("utilization.rpt", "| 11223 |", "| 11.5 |", "whole numbers, or halves in the row 'Block RAM Tile'"),
        ("utilization.rpt", "| Device ", "| Gadget ", "the line 'Device'"),
        ("utilization.rpt", "Vivado v.", "ISE ", "'Tool Version : Vivado v.', not 'ISE 2024.2"),
        ("timing_summary.rpt", "| Design Timing", "| Timing", "the whole section 'Design Timing Summary'"),
        ("timing_summary.rpt", "-0.345", "fast!!", "numbers in the table 'Design Timing Summary', not 'fast!!'"),
        ("timing_summary.rpt", "{0.000 1.500} ", "0.000 1.500 ", "name, waveform, period and frequency of each"),
        ("timing_summary.rpt", "| Intra Clock", "| Clock", "the whole section 'Intra Clock Table'"),
    ],
)
def test_malformed_report(routed: Path, tmp_path: Path, file: str, old: str, new: str, missing: str):
    path = routed / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_reports(tmp_path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path} must hold {missing}")
    assert sentence.endswith(", and does not; the file is cut short or not Vivado's, build again")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("{", r"JSON \(Expecting"),
        ("[]", "the keys clock, period_ns, .*, design"),
        ('{"design": "x"}', "the keys clock, period_ns, .*, design"),
        (
            json.dumps(dict.fromkeys([*VivadoTiming.__dataclass_fields__, "design"], "x")),
            "numbers as period_ns, wns_ns",
        ),
    ],
)
def test_malformed_json(routed: Path, tmp_path: Path, text: str, missing: str):
    (routed / "timing.json").write_text(text)
    with pytest.raises(ValueError, match=f"^{missing}"):
        parse_timing_json(text)
    with pytest.raises(InputError, match=r"timing\.json must hold .* build again$"):
        read_reports(tmp_path)
