# SPDX-License-Identifier: Apache-2.0
"""Reading of yosys' netlists and printed paths, on text in its format."""

import pytest

from synfab.hw.yosys.estimate import PathStep, modules_from_stat, resources_from_cells
from synfab.hw.yosys.netlist import bits_of, widths_of, without_dangling_outputs
from synfab.hw.yosys.paths import Registers, delay_from_sta, levels_from_ltp, name_from_id

NETLIST = r"""
attribute \top 1
module \top
  wire width 4 output 2 \q
  wire width 4 $carry
  wire \alias
  wire \other
  attribute \module_not_derived 1
  cell \CARRY4 $chain
    connect \CO { $carry [3:1] $open }
    connect \O { $sum [2:1] \other $sum [0] }
    connect \S 4'1010
    connect \DI { 2'00 $carry [1] $sum [2] }
  end
  cell \LUT1 $lone
    connect \I0 $carry [3]
    connect \O $unused
  end
  wire width 3 $sum
  wire $open
  wire $unused
  connect \alias $carry [2]
  connect \q [0] $sum [0]
  connect \q [3:1] { 2'00 \other }
end
"""


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        (r"\pe_4.w0 [1]", "pe_4.w0[1]"),
        ("pe_4.w0[1]\\FDRE", "pe_4.w0[1]"),
        ("\\odd$27\\FDRE", "odd$27"),
        (r"$flatten\pe_4.$abc$404770$lut$aiger404769$204", "pe_4"),
        (r"$flatten\grid.\pe_4.$auto$ff.cc:337:slice$12439", "grid.pe_4"),
        (r"$flatten\pe_4.$lt$k18.v:2296$684.genblk1.slice[0].genblk1.carry4", "pe_4"),
        ("$abc$404770$aiger$o47", ""),
        ("memory.0.0", "memory.0.0"),
    ],
)
def test_name(identifier: str, name: str):
    assert name_from_id(identifier) == name


def test_bits_of_a_signal():
    widths = widths_of(NETLIST)
    assert widths == {r"\q": 4, "$carry": 4, r"\alias": 1, r"\other": 1, "$sum": 3, "$open": 1, "$unused": 1}
    assert list(bits_of(r"{ $carry [2:1] \other 2'0x $sum }", widths)) == [
        "$carry [2]",
        "$carry [1]",
        r"\other",
        "1'x",
        "1'x",
        "$sum [2]",
        "$sum [1]",
        "$sum [0]",
    ]


def test_outputs_that_nothing_takes_are_left_open():
    before, after = NETLIST.splitlines(), without_dangling_outputs(NETLIST).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    # A mere alias takes nothing; an output port does, directly or by its alias; $sum [1] feeds nobody.
    assert changed == [
        (r"    connect \CO { $carry [3:1] $open }", r"    connect \CO { $carry [3] 1'x $carry [1] 1'x }"),
        (r"    connect \O { $sum [2:1] \other $sum [0] }", r"    connect \O { $sum [2] 1'x \other $sum [0] }"),
    ]


DUMP = r"""
  cell \FDRE \pe_1.root[2]\FDRE
    parameter \INIT 1'0
    connect \D $next
    connect \Q \pe_1.root [2]
    connect \C \clk
  end
  cell \RAMB36E1 \memory.0
    connect \DIADI { 30'0 \word [1:0] }
    connect \DOADO { \read [31:16] \low }
  end
"""


def test_registers_of_nets():
    registers = Registers.from_dump(DUMP)
    assert registers.start(r"\pe_1.root [2]") == "pe_1.root[2] (FDRE.Q)"
    assert registers.end("$next") == "pe_1.root[2] (FDRE.D)"
    assert registers.end(r"\word [1]") == "memory.0 (RAMB36E1.DIADI)"
    assert registers.start(r"\read [20]") == registers.start(r"\low [7]") == "memory.0 (RAMB36E1.DOADO)"
    assert registers.start(r"\word [1]") == "word[1]"
    assert registers.end(r"\answer") == "answer"


STA = r"""
17. Executing STA pass (static timing analysis).
Latest arrival time in 'top' is 742:
     742 (<unknown>)
Warning: Critical-path does not terminate in a recognised endpoint.
           $next
     742 $flatten\pe_1.$abc$1 (LUT4.I1->O)
           \pe_1.root [2]
     303 pe_1.root[2]\FDRE (FDRE.C->Q)
       0   \clk (<primary input>)

Arrival histogram:
 legend: * represents 1 endpoint(s)
"""


def test_delay_path():
    path = delay_from_sta(STA, Registers.from_dump(DUMP))
    assert path is not None
    assert (path.length, path.start, path.end) == (742, "pe_1.root[2] (FDRE.C->Q)", "pe_1.root[2] (FDRE.D)")
    assert path.steps == (
        PathStep(name="pe_1.root[2]", cell="FDRE.C->Q", arrival=303),
        PathStep(name="pe_1", cell="LUT4.I1->O", arrival=742),
    )


def test_delay_path_between_ports():
    text = STA.replace("(<unknown>)", "(<primary output>)").replace("$next", r"\answer [3]")
    lines = [line for line in text.splitlines() if "303" not in line and r"\pe_1.root" not in line]
    path = delay_from_sta("\n".join(lines).replace(r"\clk", r"\sel [4]"), Registers.from_dump(DUMP))
    assert path is not None
    assert (path.start, path.end) == ("sel[4]", "answer[3]")


def test_no_delay_path():
    assert delay_from_sta("No timing paths found.\n", Registers(drivers={}, sinks={})) is None


LTP = r"""
Longest topological path in top (length=2):
    0: \pe_1.root [2]
    1: $middle (via $flatten\pe_1.$abc$1)
    2: $next (via $techmap$reduce_xor$7)

-- Running command
"""
LTP_CELLS = "  cell \\LUT4 $flatten\\pe_1.$abc$1\n  end\n  cell $reduce_xor $techmap$reduce_xor$7\n  end\n"


def test_level_path():
    path = levels_from_ltp(LTP, Registers.from_dump(DUMP), LTP_CELLS)
    assert path is not None
    assert (path.length, path.start, path.end) == (2, "pe_1.root[2] (FDRE.Q)", "pe_1.root[2] (FDRE.D)")
    assert [(step.name, step.cell) for step in path.steps] == [("pe_1", "LUT4"), ("", "LUT memory")]


def test_level_path_without_cells():
    registers = Registers(drivers={}, sinks={})
    path = levels_from_ltp("Longest topological path in top (length=0):\n    0: \\a\n", registers, "")
    assert path is not None
    assert (path.length, path.start, path.end, path.steps) == (0, "a", "a", ())
    assert levels_from_ltp("Longest topological path in top (length=-1):\n", registers, "") is None


def test_resources_of_cells():
    cells = {"LUT1": 1, "LUT6": 5, "INV": 2, "FDRE": 7, "FDPE_1": 1, "LDCE": 1, "CARRY4": 3, "CARRY8": 2}
    cells |= {"RAMB36E2": 2, "RAMB18E2": 3, "URAM288": 1, "DSP48E2": 4, "RAM64M8": 1, "RAM64X1S": 2}
    cells |= {"SRL16E": 1, "SRLC32E": 1, "MUXF7": 9, "BUFG": 1}
    assert resources_from_cells(cells) == {
        "lut": 6,
        "lut_by_inputs": {1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 5},
        "inverters": 2,
        "lutram": 10,
        "srl": 2,
        "ff": 9,
        "carry": 5,
        "bram36": 3.5,
        "uram": 1,
        "dsp": 4,
    }


def test_instances_multiply_through_the_hierarchy():
    stat = {
        "modules": {
            r"\top": {"num_cells_by_type": {"row": 3, "LUT2": 1}},
            r"\row": {"num_cells_by_type": {"pe": 4, r"$paramod\pe\W=s32'01": 1}},
            r"\pe": {"num_cells_by_type": {"LUT6": 10, "FDRE": 2}},
            r"$paramod\pe\W=s32'01": {"num_cells_by_type": {"LUT6": 1}},
        }
    }
    counted = {module.name: (module.instances, module.lut, module.ff) for module in modules_from_stat(stat, "top")}
    assert counted == {
        "pe": (12, 10, 2),
        r"$paramod\pe\W=s32'01": (3, 1, 0),
        "top": (1, 1, 0),
        "row": (3, 0, 0),
    }
    assert list(counted) == ["pe", r"$paramod\pe\W=s32'01", "top", "row"]
