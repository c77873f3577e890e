# SPDX-License-Identifier: Apache-2.0
"""The Vivado folder, run under a Tcl interpreter with Vivado's commands replaced by recorders (vivado/recorder.tcl)."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synfab.boards import board, boards
from synfab.errors import InputError
from synfab.hw.vivado import read_reports, write_project
from synfab.hw.vivado.timing import parse_timing_json, parse_timing_summary

RECORDER = Path(__file__).parent / "vivado" / "recorder.tcl"

DECODER = """module union_find(clk, rst, i__payload, i__valid, i__ready, o__payload);
  input clk;
  wire clk;
  input rst;
  input [23:0] i__payload;
  input i__valid;
  output i__ready;
  output o__payload;
endmodule
"""

WRAPPER = """module union_find_axis (
    input  wire        aclk,
    input  wire        aresetn,
    input  wire [63:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    input  wire        s_axis_tuser,
    output wire [63:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast
);
endmodule
"""

WEIGHT_PORTS = """    input  wire [63:0] w_axis_tdata,
    input  wire        w_axis_tvalid,
    output wire        w_axis_tready,
"""

PINS = "set_property PACKAGE_PIN A1 [get_ports aclk]\nset_property IOSTANDARD LVCMOS18 [get_ports aclk]\n"

STAGES = ["vivado-synth", "vivado-placed", "vivado-routed"]


def interpreter() -> list[str]:
    """Return the command that runs a Tcl script: tclsh, or the Tcl in Python's tkinter."""
    tclsh = shutil.which("tclsh")
    if tclsh:
        return [tclsh]
    if importlib.util.find_spec("_tkinter") is None:
        pytest.skip("no Tcl: neither tclsh nor Python's tkinter is installed")
    return [sys.executable, str(RECORDER.with_name("tkinter_tclsh.py"))]


@pytest.fixture
def project(tmp_path: Path):
    """Return a function that writes a project into tmp_path/artefact, with all that a full build needs."""
    folder = tmp_path / "sources"
    folder.mkdir()
    files = {"union_find.v": DECODER, "union_find_axis.v": WRAPPER, "user.xdc": PINS}
    for name, text in files.items():
        (folder / name).write_text(text)

    def write(target: str, /, **options) -> Path:
        defaults = {
            "name": "memory_d5",
            "verilog": [folder / "union_find.v", folder / "union_find_axis.v"],
            "top": "union_find",
            "board": board(target),
            "full_top": "union_find_axis",
            "pins": None if board(target).pins else folder / "user.xdc",
        }
        return write_project(tmp_path / "artefact", **(defaults | options))

    return write


def run(
    build: Path, *flow: str, setup: str = "0.25 1.5 2.75", hold: str = "0.031 0.04", untimed: str = ""
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """Run a build; return how it ended and the Vivado calls that it made."""
    calls = build.parent.parent / "calls.tsv"
    environment = {"SETUP_SLACKS": setup, "HOLD_SLACKS": hold, "UNTIMED": untimed}
    ended = subprocess.run(
        [*interpreter(), str(RECORDER), str(build), str(calls), *flow],
        env=os.environ | environment,
        cwd=build.parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended, [line.split("\t") for line in calls.read_text().splitlines()]


def steps(calls: list[list[str]]) -> list[str]:
    """Return the calls that change the design, in order."""
    queries = ("get_", "xdc:", "report_", "write_checkpoint", "version", "current_project", "set_property")
    return [call[0] for call in calls if not call[0].startswith(queries)]


IMPLEMENTATION = ["synth_design", "opt_design", "place_design", "phys_opt_design", "route_design"]


@pytest.mark.parametrize("arguments", [(), ("ooc",)])
@pytest.mark.parametrize("name", sorted(boards()))
def test_out_of_context(project, name: str, arguments: tuple[str, ...]):
    build = project(name, clock_mhz=250.0)
    ended, calls = run(build, *arguments)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert steps(calls) == [
        "create_project", "read_verilog", "read_verilog", "read_xdc", "read_xdc", *IMPLEMENTATION
    ]  # fmt: skip
    part = board(name).part
    assert ["synth_design", "-top", "union_find", "-part", part, "-mode", "out_of_context"] in calls
    assert ["xdc:create_clock", "-name", "synfab", "-period", "4.000", "clk"] in calls
    inputs = next(call for call in calls if call[0] == "xdc:set_input_delay")
    assert inputs[-1].split() == ["rst", "i__payload", "i__valid"]
    outputs = next(call for call in calls if call[0] == "xdc:set_output_delay")
    assert outputs[-1].split() == ["i__ready", "o__payload"]
    folder = build.parent
    assert [call[1:] for call in calls if call[0] == "write_checkpoint"] == [
        ["-force", str(folder / "output" / "ooc" / f"{stage}.dcp")] for stage in ("synth", "placed", "routed")
    ]
    assert not list((folder / "output").rglob("*.pdi")) + list((folder / "output").rglob("*.bit"))


def test_full_on_versal(project):
    build = project("vmk180", clock_mhz=150.0)
    ended, calls = run(build, "full")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert steps(calls) == [
        "create_project", "read_verilog", "read_verilog", "update_compile_order", "create_bd_design",
        *["create_bd_cell"] * 5, *["connect_bd_net"] * 9, *["connect_bd_intf_net"] * 5,
        *["assign_bd_address"] * 2, "validate_bd_design", "save_bd_design", "generate_target", "make_wrapper",
        "read_verilog", "update_compile_order", "read_xdc", *IMPLEMENTATION, "write_device_image",
    ]  # fmt: skip
    assert ["synth_design", "-top", "system_wrapper", "-part", "xcvm1802-vsva2197-2MP-e-S"] in calls
    assert ["create_bd_cell", "-type", "module", "-reference", "union_find_axis", "decoder"] in calls
    assert ["connect_bd_net", "processing_system/pl0_ref_clk", "decoder/aclk"] in calls
    assert ["connect_bd_intf_net", "fifo/AXI_STR_TXD", "decoder/s_axis"] in calls
    assert (build.parent / "output" / "full" / "memory_d5.pdi").is_file()
    timing = read_reports(build.parent.parent)[-1].timing
    assert timing is not None
    assert (timing.clock, timing.period_ns) == ("clk_pl_0", 6.667)


def test_full_on_versal_with_weights(project, tmp_path: Path):
    """A FIFO of its own for the entries; without it their stream would be open."""
    source = tmp_path / "sources" / "union_find_axis.v"
    source.write_text(WRAPPER.replace("    output wire [63:0] m_axis", WEIGHT_PORTS + "    output wire [63:0] m_axis"))
    ended, calls = run(project("vmk180", weight_stream=True), "full")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ["connect_bd_intf_net", "weight_fifo/AXI_STR_TXD", "decoder/w_axis"] in calls
    assert steps(calls).count("assign_bd_address") == 4
    ended, _ = run(project("vmk180"), "full")
    assert ended.returncode == 1
    assert "decoder/w_axis is open" in ended.stderr


def test_full_on_versal_with_weights_that_can_be_refused(project, tmp_path: Path):
    """What tells of it is in a register of its own."""
    source = tmp_path / "sources" / "union_find_axis.v"
    ports = WEIGHT_PORTS + "    output wire        refused,\n    output wire [63:0] m_axis"
    source.write_text(WRAPPER.replace("    output wire [63:0] m_axis", ports))
    ended, calls = run(project("vmk180", weight_stream=True, weight_status=True), "full")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ["connect_bd_net", "decoder/refused", "weight_status/gpio_io_i"] in calls
    assert steps(calls).count("assign_bd_address") == 5
    with pytest.raises(InputError, match="weight_status must come with weight_stream, not without"):
        project("vmk180", weight_status=True)


def test_full_on_ultrascale_plus(project):
    build = project("vu19p")
    ended, calls = run(build, "full")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert steps(calls) == [
        "create_project", "read_verilog", "read_verilog", "read_xdc", "read_xdc", *IMPLEMENTATION, "write_bitstream"
    ]  # fmt: skip
    assert ["synth_design", "-top", "union_find_axis", "-part", "xcvu19p-fsva3824-2-e"] in calls
    assert ["xdc:create_clock", "-name", "synfab", "-period", "10.000", "aclk"] in calls
    assert ["xdc:set_property", "PACKAGE_PIN", "A1", "aclk"] in calls
    assert (build.parent / "output" / "full" / "memory_d5.bit").is_file()


def test_the_folder_may_be_moved(project, tmp_path: Path):
    build = project("vmk180")
    moved = tmp_path / "another machine" / "vivado"
    shutil.copytree(build.parent, moved)
    shutil.rmtree(build.parent.parent)
    shutil.rmtree(tmp_path / "sources")
    for flow in ("ooc", "full"):
        ended, _ = run(moved / "build.tcl", flow)
        assert (ended.returncode, ended.stderr) == (0, "")
    assert [(report.flow, report.stage) for report in read_reports(moved.parent)] == [
        (flow, stage) for flow in ("ooc", "full") for stage in STAGES
    ]


@pytest.mark.parametrize(
    ("setup", "hold"),
    [("0.25 1.5 2.75", "0.031 0.04"), ("-1.5 0.0 -0.25 3", "-0.01 0.2"), ("9.999", "0.0")],
)
def test_slack_as_json_equals_the_text_report(project, setup: str, hold: str):
    build = project("vu19p")
    ended, _ = run(build, setup=setup, hold=hold)
    assert ended.returncode == 0, ended.stderr
    slacks = [float(slack) for slack in setup.split()]
    for stage in STAGES:
        folder = build.parent / "reports" / "ooc" / stage
        timing, _ = parse_timing_json((folder / "timing.json").read_text())
        text = parse_timing_summary((folder / "timing_summary.rpt").read_text())
        assert timing.logic_levels == 7
        assert (timing.wns_ns, timing.tns_ns) == (min(slacks), sum(slack for slack in slacks if slack < 0))
        assert timing.setup_failing == sum(slack < 0 for slack in slacks)
        assert timing.achieved_period_ns == round(10 - min(slacks), 3)
        for key in set(timing.__dataclass_fields__) - {"logic_levels"}:
            assert getattr(timing, key) == getattr(text, key), key


def test_a_missed_clock_is_measured_out_of_context_but_never_an_image(project):
    build = project("vmk180")
    assert run(build, "ooc", setup="-0.125 1")[0].returncode == 0
    ended, calls = run(build, "full", setup="-0.125 1")
    assert ended.returncode == 2
    assert ended.stderr.startswith(
        "synfab: an image must meet its timing and this one misses it by 0.125 ns; lower clock_mhz"
    )
    assert "write_device_image" not in steps(calls)
    assert [report.flow for report in read_reports(build.parent.parent)] == ["ooc"] * 3 + ["full"] * 3


@pytest.mark.parametrize("untimed", ["", "inf"])
def test_a_design_without_a_clock_is_refused(project, untimed: str):
    build = project("vu19p")
    for name in ("timing.xdc", "ooc.xdc"):
        (build.parent / "constraints" / name).write_text("")
    ended, _ = run(build, untimed=untimed)
    assert ended.returncode == 2
    assert ended.stderr.startswith("synfab: a build must have a path that a clock times and union_find has none;")


@pytest.mark.parametrize(
    ("arguments", "given"), [(("bitstream",), "bitstream"), (("ooc", "full"), "ooc full"), (("",), "{}")]
)
def test_wrong_flow(project, arguments: tuple[str, ...], given: str):
    ended, calls = run(project("vu19p"), *arguments)
    assert (ended.returncode, calls) == (2, [])
    assert ended.stderr == (
        f"synfab: the flow must be one of ooc, full, not '{given}'; write -tclargs ooc or -tclargs full, or neither\n"
    )


@pytest.mark.parametrize(
    ("missing", "flow"),
    [
        ("src/union_find.v", "ooc"),
        ("constraints/timing.xdc", "ooc"),
        ("constraints/ooc.xdc", "ooc"),
        ("constraints/timing_full.xdc", "full"),
        ("constraints/pins.xdc", "full"),
        ("settings.tcl", "ooc"),
    ],
)
def test_missing_file_stops_before_synthesis(project, missing: str, flow: str):
    build = project("vu19p")
    (build.parent / missing).unlink()
    ended, calls = run(build, flow)
    assert (ended.returncode, calls) == (2, [])
    assert ended.stderr == (
        f"synfab: {missing} must lie beside build.tcl and does not; write the project again with 'synfab build'\n"
    )


def test_full_without_pins_or_wrapper_stops_before_synthesis(project):
    ended, calls = run(project("vu19p", pins=None), "full")
    assert (ended.returncode, calls) == (2, [])
    assert ended.stderr.startswith("synfab: a full build of xcvu19p-fsva3824-2-e needs a pins file and the project")
    build = project("vmk180", full_top=None)
    ended, calls = run(build, "full")
    assert (ended.returncode, calls) == (2, [])
    assert ended.stderr.startswith("synfab: a full build needs an AXI4-Stream wrapper of union_find and the project")
    assert run(build)[0].returncode == 0


def test_an_unknown_vivado_command_fails(project):
    build = project("vu19p")
    build.write_text(build.read_text().replace("\nopt_design\n", "\noptimise_design\n"))
    ended, calls = run(build)
    assert ended.returncode == 1
    assert 'invalid command name "optimise_design"' in ended.stderr
    assert steps(calls)[-1] == "synth_design"


@pytest.mark.parametrize(
    ("script", "old", "new", "message"),
    [
        ("system.tcl", "interconnect/aclk ", "", "interconnect/aclk is open"),
        ("system.tcl", "0xA4000000 0xA4010000", "0xA4000000 0xA4000000", "segments overlap"),
        ("system.tcl", "reset/ext_reset_in", "reset/aresetn", "cell reset has no in or out aresetn"),
        ("system.tcl", "PS_USE_M_AXI_FPD 1", "PS_USE_M_AXI_FDP 1", "PS_PMC_CONFIG has no PS_USE_M_AXI_FDP"),
        ("build.tcl", "place_design\n", "", "phys_opt_design must follow placed, not optimised"),
        ("build.tcl", "write_device_image", "write_bitstream", "write_bitstream is not for xcvm1802"),
        ("constraints/pins.xdc", "set_property", "if {1} {}\nset_property", 'invalid command name "if"'),
        ("src/union_find_axis.v", "m_axis_tlast", "m_axis_tlst", "decoder has no slave or master m_axis"),
    ],
)
def test_the_recorders_see_a_wrong_project(project, script: str, old: str, new: str, message: str):
    build = project("vmk180")
    path = build.parent / script
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    ended, _ = run(build, "full")
    assert ended.returncode == 1
    assert message in ended.stderr


def test_reports_of_another_design_are_stale(project, tmp_path: Path):
    build = project("vmk180")
    artefact = build.parent.parent
    assert read_reports(artefact) == []
    run(build)
    assert len(read_reports(artefact)) == 3
    assert project("vmk180") == build
    assert len(read_reports(artefact)) == 3
    (tmp_path / "sources" / "union_find.v").write_text(DECODER.replace("23:0", "31:0"))
    project("vmk180")
    assert read_reports(artefact) == []
    assert len(read_reports(artefact, stale=True)) == 3


def test_written_again_holds_exactly_its_sources(project, tmp_path: Path):
    folder = project("vu19p").parent
    assert sorted(path.name for path in (folder / "src").iterdir()) == ["union_find.v", "union_find_axis.v"]
    project("vmk180", verilog=[tmp_path / "sources" / "union_find.v"], full_top=None)
    assert [path.name for path in (folder / "src").iterdir()] == ["union_find.v"]
    assert sorted(path.name for path in (folder / "constraints").iterdir()) == ["ooc.xdc", "pins.xdc", "timing.xdc"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verilog": [Path("absent.v")]}, r"a Verilog source must be a file, not 'absent\.v'; run 'synfab build'"),
        ({"verilog": []}, "a Vivado project must have a Verilog source, not an empty list;"),
        ({"verilog": [RECORDER]}, r"a Verilog source must be named with .* not 'recorder\.tcl'; rename it"),
        ({"pins": Path("absent.xdc")}, r"the pins file must be a file, not 'absent\.xdc'; correct the path"),
        ({"top": "union find"}, "top must be a Verilog identifier, not 'union find'; use letters"),
        ({"full_top": "1st"}, "full_top must be a Verilog identifier, not '1st'; use letters"),
        ({"name": "a}b"}, "name must be a Verilog identifier, not 'a}b'; use letters"),
        ({"clock_mhz": 0.0}, r"clock_mhz must be positive, not 0\.0; write it in MHz, such as 100"),
        ({"clock_mhz": float("nan")}, "clock_mhz must be positive, not nan; write it in MHz, such as 100"),
    ],
)
def test_bad_input(project, tmp_path: Path, options: dict, message: str):
    with pytest.raises(InputError, match=f"^{message}"):
        project("vmk180", **options)
    assert not (tmp_path / "artefact").exists()


def test_two_sources_of_one_name(project, tmp_path: Path):
    source = tmp_path / "sources" / "union_find.v"
    with pytest.raises(InputError, match=r"^Verilog sources must have distinct names, not 'union_find\.v' twice;"):
        project("vmk180", verilog=[source, source])
