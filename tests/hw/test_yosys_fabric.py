# SPDX-License-Identifier: Apache-2.0
"""Estimates of a fabric as Amaranth emits it: a module a kind of element, many instances, constants at their ports."""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from amaranth import Cat, ClockSignal, Const, Elaboratable, Instance, Module, Mux, ResetSignal, Signal
from amaranth.back import verilog

from synfab.artefact import write_text
from synfab.hw.yosys import Estimate, estimate, synthesis

SIDE = 4
BITS = 5
SIDES = {"north": (-1, 0), "west": (0, -1), "east": (0, 1), "south": (1, 0)}


class Flood(Elaboratable):
    """Keeps the least identifier among its own and those of its neighbours on ``sides``."""

    def __init__(self, sides: tuple[str, ...]) -> None:
        self.index = Signal(BITS)
        self.load = Signal()
        self.i = {side: Signal(BITS, name=f"i_{side}") for side in sides}
        self.o = Signal(BITS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        root = Signal(BITS)
        least = root
        for neighbour in self.i.values():
            least = Mux(neighbour < least, neighbour, least)
        m.d.sync += root.eq(Mux(self.load, self.index, least))
        m.d.comb += self.o.eq(root)
        return m


class Fabric(Elaboratable):
    """A grid of elements; ``o`` says where the least identifier has arrived."""

    def __init__(self) -> None:
        self.load = Signal()
        self.o = Signal(SIDE * SIDE)
        self.kinds: set[tuple[str, ...]] = set()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        roots = {place: Signal(BITS, name="root_{}_{}".format(*place)) for place in product(range(SIDE), repeat=2)}
        for index, (row, column) in enumerate(roots):
            neighbours = {side: (row + down, column + right) for side, (down, right) in SIDES.items()}
            neighbours = {side: place for side, place in neighbours.items() if place in roots}
            self.kinds.add(tuple(neighbours))
            ports = {f"i_i_{side}": roots[place] for side, place in neighbours.items()}
            m.submodules[f"pe_{row}_{column}"] = Instance(
                "pe_" + "_".join(neighbours),
                i_clk=ClockSignal(),
                i_rst=ResetSignal(),
                i_index=Const(index, BITS),
                i_load=self.load,
                o_o=roots[row, column],
                **ports,
            )
        m.d.comb += self.o.eq(Cat(root == 0 for root in roots.values()))
        return m


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = Fabric()
    modules = [verilog.convert(top, name="top", ports=[top.load, top.o])]
    for kind in sorted(top.kinds):
        element = Flood(kind)
        ports = [element.index, element.load, element.o, *element.i.values()]
        modules.append(verilog.convert(element, name="pe_" + "_".join(kind), ports=ports))
    return write_text(tmp_path_factory.mktemp("fabric") / "top.v", "\n".join(modules))


@pytest.fixture(scope="module")
def flat(fabric: Path) -> Estimate:
    return estimate([fabric], top="top")


@pytest.fixture(scope="module")
def hierarchical(fabric: Path) -> Estimate:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthesis, "FLAT_LIMIT", 100)
        return estimate([fabric], top="top")


def cells_of_one_command(fabric: Path, options: str) -> dict[str, int]:
    """Return the primitives by type that one plain `synth_xilinx` makes."""
    script = (
        "from pyosys import libyosys as ys\n"
        f"ys.run_pass('read_verilog {fabric}')\n"
        f"ys.run_pass('synth_xilinx -family xcup -top top {options} -noiopad -noclkbuf')\n"
        "ys.run_pass('tee -o stat.json stat -json')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=fabric.parent, capture_output=True)
    cells = json.loads((fabric.parent / "stat.json").read_text())["design"]["num_cells_by_type"]
    return {kind: count for kind, count in cells.items() if kind.isupper()}


def test_size_decides_the_way(flat: Estimate, hierarchical: Estimate):
    assert flat.word_bits == hierarchical.word_bits
    assert 100 < flat.word_bits <= synthesis.FLAT_LIMIT
    assert (flat.way, hierarchical.way) == ("flat", "hierarchical")


def test_both_ways_agree_on_registers(flat: Estimate, hierarchical: Estimate):
    assert flat.ff == hierarchical.ff == SIDE * SIDE * BITS


def test_hierarchical_area_is_an_upper_bound(flat: Estimate, hierarchical: Estimate):
    assert flat.lut < hierarchical.lut


def test_flat_makes_the_cells_of_one_command(fabric: Path, flat: Estimate):
    assert flat.cells == cells_of_one_command(fabric, "-flatten")


def test_groups_of_modules_make_the_cells_of_one_command(fabric: Path, hierarchical: Estimate):
    assert hierarchical.cells == cells_of_one_command(fabric, "")


def test_modules_are_counted_by_kind(hierarchical: Estimate):
    instances = {module.name.count("_"): 0 for module in hierarchical.modules}
    for module in hierarchical.modules:
        instances[module.name.count("_")] += module.instances
    # The top, and elements by their number of neighbours: corners, edges and inside.
    assert instances == {0: 1, 2: 4, 3: 4 * (SIDE - 2), 4: (SIDE - 2) ** 2}
    assert sum(module.instances * module.lut for module in hierarchical.modules) == hierarchical.lut
    assert {module.ff for module in hierarchical.modules if module.name != "top"} == {BITS}


def test_path_is_named_by_elements(hierarchical: Estimate):
    elements = {f"pe_{row}_{column}" for row, column in product(range(SIDE), repeat=2)}
    for path in (hierarchical.levels, hierarchical.delay):
        assert path is not None
        for point in (path.start, path.end):
            element, _, register = point.partition(".")
            assert element in elements
            assert register.startswith("o[")
        assert {step.name.partition(".")[0] for step in path.steps} <= elements
