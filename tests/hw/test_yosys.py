# SPDX-License-Identifier: Apache-2.0
"""Estimates of designs whose counts and paths are known beforehand, and what is said when there is none."""

import dataclasses
import json
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from synfab.artefact import write_text
from synfab.errors import InputError, MissingToolError, SynfabError
from synfab.hw.yosys import Estimate, ModuleCount, estimate, oversize, share, synthesis

BLOCKS = """
module adder(input [15:0] a, b, output [15:0] s);
  assign s = a + b;
endmodule
module chain(input clk, rst, d, output q);
  reg [9:0] stage;  // with a reset, so that it is no shift register
  always @(posedge clk) if (rst) stage <= 0; else stage <= {stage[8:0], d};
  assign q = stage[9];
endmodule
module shift(input clk, d, output q);
  reg [31:0] stage;
  always @(posedge clk) stage <= {stage[30:0], d};
  assign q = stage[31];
endmodule
module block(input clk, we, input [9:0] wa, ra, input [35:0] d, output reg [35:0] q);
  reg [35:0] memory [1023:0];
  always @(posedge clk) begin if (we) memory[wa] <= d; q <= memory[ra]; end
endmodule
module half(input clk, we, input [9:0] wa, ra, input [17:0] d, output reg [17:0] q);
  reg [17:0] memory [1023:0];
  always @(posedge clk) begin if (we) memory[wa] <= d; q <= memory[ra]; end
endmodule
module few(input clk, we, input [4:0] wa, ra, input [7:0] d, output [7:0] q);
  reg [7:0] memory [31:0];
  always @(posedge clk) if (we) memory[wa] <= d;
  assign q = memory[ra];
endmodule
module product(input signed [15:0] a, b, output signed [31:0] p);
  assign p = a * b;
endmodule
module top(input clk, rst, we, input [35:0] a, b, output [15:0] s, output [2:0] c, output h,
           output [35:0] q, output [17:0] r, output [7:0] f, output [31:0] p);
  adder add(.a(a[15:0]), .b(b[15:0]), .s(s));
  chain first(.clk(clk), .rst(rst), .d(a[0]), .q(c[0]));
  chain second(.clk(clk), .rst(rst), .d(a[1]), .q(c[1]));
  chain third(.clk(clk), .rst(rst), .d(a[2]), .q(c[2]));
  shift line(.clk(clk), .d(a[3]), .q(h));
  block one(.clk(clk), .we(we), .wa(a[9:0]), .ra(b[9:0]), .d(a), .q(q));
  half two(.clk(clk), .we(we), .wa(a[9:0]), .ra(b[9:0]), .d(a[17:0]), .q(r));
  few three(.clk(clk), .we(we), .wa(a[4:0]), .ra(b[4:0]), .d(a[7:0]), .q(f));
  product times(.a(a[15:0]), .b(b[15:0]), .p(p));
endmodule
"""

LINKS = 12
CHAIN = f"""
module link(input a, b, output y);
  assign y = a ^ b;
endmodule
module top(input clk, input [{LINKS}:0] d, output reg last);
  reg [{LINKS}:0] held;
  wire [{LINKS}:0] sum;
  assign sum[0] = held[0];
  genvar i;
  generate for (i = 0; i < {LINKS}; i = i + 1) begin : links
    link element(.a(sum[i]), .b(held[i + 1]), .y(sum[i + 1]));
  end endgenerate
  always @(posedge clk) begin held <= d; last <= sum[{LINKS}]; end
endmodule
"""

LOOKUP = """
module top(input clk, we, input [5:0] wa, ra, input d, output reg q);
  reg [5:0] address;
  reg memory [63:0];
  always @(posedge clk) begin
    address <= ra;
    if (we) memory[wa] <= d;
    q <= memory[address] ^ address[0];
  end
endmodule
"""

LARGE = """
module top(input clk, we, input [12:0] wa, ra, input [71:0] d, output reg [71:0] q);
  reg [71:0] memory [8191:0];
  always @(posedge clk) begin if (we) memory[wa] <= d; q <= memory[ra]; end
endmodule
"""

LOOP = """
module top(input clk, a, output reg q);
  wire x, y;
  assign x = ~(y & a);
  assign y = x ^ a;
  always @(posedge clk) q <= x;
endmodule
"""

# The LUT memories of a single port end at 256 words.
DEEP = """
module top(input clk, we, input [8:0] address, input [3:0] d, output [3:0] q);
  (* ram_style = "distributed" *) reg [3:0] memory [511:0];
  always @(posedge clk) if (we) memory[address] <= d;
  assign q = memory[address];
endmodule
"""


def estimate_of(tmp_path: Path, text: str, **options) -> Estimate:
    return estimate([write_text(tmp_path / "design.v", text)], top="top", **options)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Estimate:
    return estimate_of(tmp_path_factory.mktemp("blocks"), BLOCKS, flatten=False)


@pytest.mark.parametrize(
    ("module", "instances", "counts"),
    [
        # A propagate LUT a bit, four bits a carry cell.
        ("adder", 1, {"lut": 16, "carry": 4}),
        ("chain", 3, {"ff": 10}),
        # A shift register LUT of 32 bits.
        ("shift", 1, {"srl": 1}),
        # 1024 words of 36 bits are 36 Kb, of 18 bits half as much.
        ("block", 1, {"bram36": 1}),
        ("half", 1, {"bram36": 0.5}),
        # RAM32M16: eight LUTs.
        ("few", 1, {"lutram": 8}),
        # 16 by 16 bits fit 27 by 18.
        ("product", 1, {"dsp": 1}),
        ("top", 1, {}),
    ],
)
def test_module_takes_what_it_must(blocks: Estimate, module: str, instances: int, counts: dict[str, float]):
    expected = {field.name: 0 for field in dataclasses.fields(ModuleCount)}
    expected |= {"name": module, "instances": instances, **counts}
    (found,) = (entry for entry in blocks.modules if entry.name == module)
    assert dataclasses.asdict(found) == expected


def test_total_counts_every_instance(blocks: Estimate):
    assert blocks.way == "hierarchical"
    assert (blocks.lut, blocks.ff, blocks.carry) == (16, 30, 4)
    assert (blocks.bram36, blocks.uram, blocks.dsp, blocks.lutram, blocks.srl) == (1.5, 0, 1, 8, 1)
    assert blocks.lut_sites == 16 + 8 + 1
    assert blocks.lut == sum(blocks.lut_by_inputs.values())
    assert "bound of flat synthesis" in blocks.bound
    # A multiplier without registers, from input to product.
    assert blocks.longest_path_ps == 2823
    assert blocks.delay is not None
    assert [step.cell for step in blocks.delay.steps] == ["DSP48E1.A->P"]


def test_figures_carry_stage_tool_and_version(blocks: Estimate):
    from importlib.metadata import version

    assert (blocks.stage, blocks.tool, blocks.version) == ("yosys-xcup estimate", "yosys", version("pyosys"))
    assert json.loads(json.dumps(blocks.as_dict()))["longest_path_ps"] == blocks.longest_path_ps


def test_path_runs_across_modules(tmp_path: Path):
    found = estimate_of(tmp_path, CHAIN, flatten=False)
    assert found.lut == LINKS
    assert found.lut_by_inputs[2] == LINKS
    assert found.ff == LINKS + 2
    assert found.levels is not None
    assert found.delay is not None
    assert found.longest_path_levels == LINKS
    assert [step.cell for step in found.levels.steps] == ["LUT2"] * LINKS
    assert found.levels.start in ("held[0] (FDRE.Q)", "held[1] (FDRE.Q)")
    assert found.levels.end == "last (FDRE.D)"
    # 303 ps from clock to Q, then 238 or 127 ps by the input of each LUT2; the first is entered by the slower.
    delays = Counter(step.cell for step in found.delay.steps)
    arcs = {"FDRE.C->Q": 303, "LUT2.I0->O": 238, "LUT2.I1->O": 127}
    assert sum(delays.values()) == LINKS + 1
    assert found.longest_path_ps == sum(arcs[cell] * times for cell, times in delays.items())
    assert found.delay.start in ("held[0] (FDRE.C->Q)", "held[1] (FDRE.C->Q)")
    assert found.delay.end == "last (FDRE.D)"
    assert [step.name for step in found.levels.steps] == [f"links[{i}].element" for i in range(LINKS)]


def test_flat_synthesis_shortens_the_chain(tmp_path: Path):
    found = estimate_of(tmp_path, CHAIN, flatten=True)
    assert found.way == "flat"
    assert found.ff == LINKS + 2
    # The parity of 13 bits is two levels of LUT6.
    assert found.longest_path_levels == 2
    assert found.longest_path_ps is not None
    assert 303 + 2 * 127 <= found.longest_path_ps < 303 + LINKS * 127


def test_path_passes_through_the_read_of_a_lut_memory(tmp_path: Path):
    log = tmp_path / "logs" / "yosys.log"
    steps: list[tuple[str, float]] = []
    found = estimate_of(tmp_path, LOOKUP, log=log, progress=lambda step, done: steps.append((step, done)))
    assert (found.ff, found.lut, found.lutram) == (7, 1, 8)
    assert found.levels is not None
    assert found.delay is not None
    assert [step.cell for step in found.levels.steps] == ["LUT memory", "LUT2"]
    assert found.levels.start in {f"address[{bit}] (FDRE.Q)" for bit in range(6)}
    assert found.levels.end == "q (FDRE.D)"
    # A word that is being written takes longer to appear than one that is looked up: 1,153 to 1,163 ps from the
    # clock by the output taken, against 303 + 642; then 238 or 127 ps by the input of the LUT2.
    assert [step.cell for step in found.delay.steps[1:]] in (["LUT2.I0->O"], ["LUT2.I1->O"])
    through = {"LUT2.I0->O": 238, "LUT2.I1->O": 127}[found.delay.steps[1].cell]
    assert 1153 + through <= found.delay.length <= 1163 + through
    assert found.delay.start.startswith("memory.0.0")
    assert found.delay.end == "q (FDRE.D)"
    assert found.untimed == ()
    assert "Executing SYNTH_XILINX" in log.read_text()
    assert steps[0] == ("reading Verilog", 0.0)
    assert steps[-1] == ("done", 1.0)
    assert [done for _, done in steps] == sorted(done for _, done in steps)


def test_large_memory_becomes_ultra_ram_on_request(tmp_path: Path):
    found = estimate_of(tmp_path, LARGE, uram=True)
    # A block holds 4096 words of 72 bits.
    assert (found.uram, found.bram36) == (2, 0)
    # The 7 series, whose delays yosys knows, has none.
    assert found.untimed == ("URAM288",)


def test_logic_loop_has_no_longest_path(tmp_path: Path):
    found = estimate_of(tmp_path, LOOP)
    assert found.loops == 1
    assert found.ff == 1
    assert (found.longest_path_levels, found.longest_path_ps) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "module top(input a, output b);\n  assign b = a +;\nendmodule\n",
            r"design\.v:2: ERROR: syntax error, unexpected ';'; mend the Verilog; its log is ",
        ),
        (
            "module top(input a, output b);\n  absent part(.a(a), .b(b));\nendmodule\n",
            r"ERROR: Module `\\absent' referenced in module `\\top' in cell `\\part' is not part of the design",
        ),
        ("module other(input a, output b);\n  assign b = a;\nendmodule\n", "ERROR: Module `top' not found"),
        (DEEP, r'one address for reading and writing .* give it \(\* ram_style = "block" \*\), or another'),
    ],
)
def test_design_that_yosys_refuses(tmp_path: Path, text: str, message: str):
    log = tmp_path / "yosys.log"
    with pytest.raises(InputError, match=f"^yosys refused the design while .*{message}") as refused:
        estimate_of(tmp_path, text, log=log)
    assert str(refused.value).endswith(f"its log is {log}")
    assert "ERROR" in log.read_text()


def test_arguments_are_checked(tmp_path: Path):
    with pytest.raises(InputError, match=r"^an estimate needs at least one Verilog file, not \[\]; build"):
        estimate([], top="top")
    with pytest.raises(InputError, match=r"^a Verilog file must exist, not '.*absent\.v'; build"):
        estimate([tmp_path / "absent.v"], top="top")
    with pytest.raises(InputError, match=r"^top must be the name of a Verilog module, not 'a; b'; give"):
        estimate([write_text(tmp_path / "loop.v", LOOP)], top="a; b")
    with pytest.raises(InputError, match=r"^flatten must be True, False or 'auto', not 'flat'; 'auto' decides"):
        estimate_of(tmp_path, LOOP, flatten="flat")
    with pytest.raises(InputError, match=r"^family must be one of xcup, xcu, xc7, not 'versal'; xcup stands"):
        estimate_of(tmp_path, LOOP, family="versal")


def test_missing_pyosys_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "site-packages" not in entry])
    monkeypatch.delitem(sys.modules, "pyosys", raising=False)
    with pytest.raises(MissingToolError, match=r"pyosys is not installed; type: pip install pyosys==0\.70$"):
        estimate_of(tmp_path, LOOP)


def test_version_to_type_is_the_pinned_one():
    import tomllib

    pins = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["dependencies"]
    assert synthesis.PYOSYS in pins


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process of yosys in /proc")
def test_killed_process_is_reported(tmp_path: Path):
    before = children()

    def kill(step: str, done: float) -> None:
        if step == "counting":
            (pid,) = children() - before
            os.kill(pid, signal.SIGKILL)

    log = tmp_path / "yosys.log"
    with pytest.raises(SynfabError, match=r"^yosys was killed by SIGKILL while counting .* run it again; its log is "):
        estimate_of(tmp_path, LOOP, log=log, progress=kill)
    assert log.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process of yosys in /proc")
def test_interrupt_ends_yosys(tmp_path: Path):
    before = children()

    def interrupt(step: str, done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate_of(tmp_path, LOOP, log=tmp_path / "yosys.log", progress=interrupt)
    assert children() == before


@dataclass(frozen=True)
class Board:
    name: str = "tiny"
    lut: int = 20
    ff: int = 60
    bram36: int = 1
    uram: int = 4
    dsp: int = 0


def test_share_of_a_board(blocks: Estimate):
    shares = share(blocks, Board(lut=100, dsp=4))
    assert shares == {"lut": 0.25, "ff": 0.5, "bram36": 1.5, "uram": 0.0, "dsp": 0.25}
    assert share(blocks, Board())["dsp"] == float("inf")
    assert share(blocks, Board(uram=0))["uram"] == 0


def test_design_larger_than_its_board(blocks: Estimate):
    assert oversize(blocks, Board(lut=25, ff=30, bram36=2, dsp=1)) is None
    assert oversize(blocks, Board()) == (
        "the design must fit the board tiny, but by the yosys-xcup estimate it needs "
        "25 LUT (1.25 times its 20, 5 too many) and 1.5 BRAM36 (1.50 times its 1, 0.5 too many) and "
        "1 DSP (it has none); choose a larger board, a smaller code distance, fewer weight bits, or more "
        "detectors an element"
    )
