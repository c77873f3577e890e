# SPDX-License-Identifier: Apache-2.0
"""The two forms of placement, and the growth of one edge."""

import itertools
import random
import re
from typing import Any

import pytest
from amaranth import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator

from synfab.rtl.element import Placement
from synfab.rtl.union_find.edge import BoundaryEdge, InnerEdge
from synfab.rtl.union_find.growth import Growth, LoadedGrowth

PARAMETERS = {"weight": 3, "loaded_bits": 0, "first_steps": 1, "observables": 1, "num_labels": 2}


def inputs(**widths: int) -> dict[str, Signal]:
    return {name: Signal(widths.get(name, 1)) for name in ("start", "grow", "active", "label")}


def placed(placement: Placement, *parameters: dict[str, int], m: Module | None = None) -> list[dict]:
    m = m or Module()
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


class Edges(wiring.Component):
    """Three edges, two of which are alike."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        super().__init__({"full": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        got = placed(self._placement, PARAMETERS, PARAMETERS, PARAMETERS | {"weight": 2}, m=m)
        m.d.comb += self.full.eq(Cat(one["full"] for one in got))
        return m


def test_equal_parameters_make_one_module():
    placement = Placement(instances=True)
    kinds = [name for name in modules(placement.verilog(Edges(placement), "edges")) if "." not in name]
    assert kinds == ["edges", "boundary_edge_w2_f1_o1_l2", "boundary_edge_w3_f1_o1_l2"]


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("name", PARAMETERS)
def test_kind_tells_every_parameter(name):
    other = PARAMETERS | {name: PARAMETERS[name] + 1}
    assert BoundaryEdge(**PARAMETERS).kind != BoundaryEdge(**other).kind
    assert InnerEdge(**PARAMETERS).kind != InnerEdge(**other).kind


@pytest.mark.usefixtures("unused")
@pytest.mark.parametrize("instances", [False, True])
def test_width_mismatch_is_refused(instances):
    placement = Placement(instances=instances)
    with pytest.raises(ValueError, match=re.escape("edge_7.label must have 2 bits, not 5")):
        placement.place(Module(), BoundaryEdge, PARAMETERS, "edge_7", inputs(label=5))


def ref_full(weight: int, steps: list[tuple[bool, bool, int]], first_steps: int = 1) -> list[bool]:
    """Whether the edge is full after each cycle of (start, grow, active ends)."""
    growth, full = 0, []
    for start, grow, active in steps:
        growth = first_steps * active.bit_count() if start else growth + (active.bit_count() if grow else 0)
        growth = min(growth, weight)
        full.append(growth == weight)
    return full


def rtl_full(growth: Any, steps: list[tuple[bool, bool, int]], first_steps: int | None = None) -> list[bool]:
    """Of growth that is told how many steps fall together: so many at a start, one at a time after."""
    full = []

    async def testbench(context: Any) -> None:
        for start, grow, active in steps:
            if first_steps is not None:
                context.set(growth.steps, first_steps if start else 1)
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


def growth_steps(weight: int, num_ends: int) -> list[tuple[bool, bool, int]]:
    """Every pair of steps after a start, then blocks that go on for longer."""
    draw = random.Random(weight)
    ends = range(1 << num_ends)
    steps = [
        step
        for first, second in itertools.product(ends, repeat=2)
        for step in ((True, False, first), (False, True, second))
    ]
    for _ in range(20):
        steps.append((True, draw.random() < 0.5, draw.choice(ends)))
        steps += [(False, draw.random() < 0.7, draw.choice(ends)) for _ in range(draw.randint(0, weight + 3))]
    return steps


WEIGHTS = pytest.mark.parametrize(
    ("weight", "first_steps"), [(1, 1), (2, 1), (3, 1), (4, 1), (4, 2), (7, 3), (15, 1), (15, 6)]
)


@pytest.mark.parametrize("num_ends", [1, 2])
@WEIGHTS
def test_growth(weight, first_steps, num_ends):
    steps = growth_steps(weight, num_ends)
    growth = Growth(weight=weight, num_ends=num_ends, first_steps=first_steps)
    assert rtl_full(growth, steps) == ref_full(weight, steps, first_steps)


@pytest.mark.parametrize("num_ends", [1, 2])
@WEIGHTS
def test_growth_up_to_a_loadable_weight(weight, first_steps, num_ends):
    steps = growth_steps(weight, num_ends)
    growth = LoadedGrowth(weight=weight, weight_bits=4, num_ends=num_ends)
    assert rtl_full(growth, steps, first_steps) == ref_full(weight, steps, first_steps)


def test_loaded_weight_holds_for_one_block_and_a_default_for_all():
    """Entries as (load, default, value, clear) between blocks; how many steps of one end fill the edge tells it."""
    growth: Any = LoadedGrowth(weight=3, weight_bits=3, num_ends=2)
    entries = [
        ((0, 0, 0, 0), 3),
        ((1, 0, 5, 0), 5),
        ((0, 0, 0, 1), 3),
        ((1, 1, 6, 0), 6),
        ((1, 0, 0, 0), 0),
        ((0, 0, 0, 1), 6),
        ((1, 0, 1, 1), 1),
        ((0, 0, 0, 0), 1),
    ]
    found = []

    async def testbench(context: Any) -> None:
        for entry, _ in entries:
            for name, value in zip(("load", "load_default", "value", "clear"), entry, strict=True):
                context.set(getattr(growth, name), value)
            await context.tick()
            context.set(growth.load, 0)
            context.set(growth.clear, 0)
            context.set(growth.active, 1)
            context.set(growth.start, 1)
            context.set(growth.steps, 0)
            await context.tick()
            context.set(growth.start, 0)
            context.set(growth.grow, 1)
            context.set(growth.steps, 1)
            steps = 0
            while not context.get(growth.full):
                await context.tick()
                steps += 1
                assert steps < 16, "the edge is never full"
            context.set(growth.grow, 0)
            found.append(steps)

    simulator = Simulator(growth)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert found == [steps for _, steps in entries]
