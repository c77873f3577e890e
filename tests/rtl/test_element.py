# SPDX-License-Identifier: Apache-2.0
"""The two forms of placement, and the growth of one edge."""

import itertools
import random
import re
from typing import Any

import pytest
from amaranth import Module, Signal
from amaranth.sim import Simulator

from synfab.rtl.element import Placement
from synfab.rtl.union_find.edge import BoundaryEdge, Growth, InnerEdge

PARAMETERS = {"weight": 3, "observables": 1, "num_labels": 2}


def inputs(**widths: int) -> dict[str, Signal]:
    return {name: Signal(widths.get(name, 1)) for name in ("start", "grow", "active", "label")}


def placed(placement: Placement, *parameters: dict[str, int]) -> list[dict]:
    m = Module()
    return [
        placement.place(m, BoundaryEdge, each, f"edge_{k}", inputs(label=each["num_labels"]))
        for k, each in enumerate(parameters)
    ]


def modules(verilog: str) -> list[str]:
    return re.findall(r"^module (\\?\S+) ?\(", verilog, re.MULTILINE)


def test_outputs_are_those_of_the_element():
    outputs = dict.fromkeys(("full", "conflict"), 1)
    for instances in (False, True):
        (got,) = placed(Placement(instances=instances), PARAMETERS)
        assert {name: len(value) for name, value in got.items()} == outputs


def test_equal_parameters_make_one_module():
    placement = Placement(instances=True)
    placed(placement, PARAMETERS, PARAMETERS, PARAMETERS | {"weight": 2})
    kinds = [name for name in modules(placement.verilog()) if "." not in name]
    assert kinds == ["boundary_edge_w2_o1_l2", "boundary_edge_w3_o1_l2"]


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("name", PARAMETERS)
def test_kind_tells_every_parameter(name):
    other = PARAMETERS | {name: PARAMETERS[name] + 1}
    assert BoundaryEdge(**PARAMETERS).kind != BoundaryEdge(**other).kind
    assert InnerEdge(tag_bits=3, **PARAMETERS).kind != InnerEdge(tag_bits=3, **other).kind


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("instances", [False, True])
def test_width_mismatch_is_refused(instances):
    placement = Placement(instances=instances)
    with pytest.raises(ValueError, match=re.escape("edge_7.label must have 2 bits, not 5")):
        placement.place(Module(), BoundaryEdge, PARAMETERS, "edge_7", inputs(label=5))


def ref_full(weight: int, steps: list[tuple[bool, bool, int]]) -> list[bool]:
    """Whether the edge is full after each cycle of (start, grow, active ends)."""
    growth, full = 0, []
    for start, grow, active in steps:
        growth = active.bit_count() if start else growth + (active.bit_count() if grow else 0)
        growth = min(growth, weight)
        full.append(growth == weight)
    return full


def rtl_full(weight: int, num_ends: int, steps: list[tuple[bool, bool, int]]) -> list[bool]:
    growth: Any = Growth(weight=weight, num_ends=num_ends)
    full = []

    async def testbench(context: Any) -> None:
        for start, grow, active in steps:
            context.set(growth.start, start)
            context.set(growth.grow, grow)
            context.set(growth.active, active)
            await context.tick()
            full.append(bool(context.get(growth.full)))

    simulator = Simulator(growth)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return full


@pytest.mark.parametrize("num_ends", [1, 2])
@pytest.mark.parametrize("weight", [1, 2, 3, 4, 7, 15])
def test_growth(weight, num_ends):
    draw = random.Random(weight)
    ends = range(1 << num_ends)
    # Every pair of steps after a start, then blocks that go on for longer.
    steps = [
        step
        for first, second in itertools.product(ends, repeat=2)
        for step in ((True, False, first), (False, True, second))
    ]
    for _ in range(20):
        steps.append((True, draw.random() < 0.5, draw.choice(ends)))
        steps += [(False, draw.random() < 0.7, draw.choice(ends)) for _ in range(draw.randint(0, weight + 3))]
    assert rtl_full(weight, num_ends, steps) == ref_full(weight, steps)
