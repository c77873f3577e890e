# SPDX-License-Identifier: Apache-2.0
"""The fusion fabric in Amaranth's simulator: equal to the reference step by step, whoever comes when."""

import warnings
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from amaranth.hdl import UnusedElaboratable
from fusion_bench import FusionBench, expected

from synfab.benchmarks.fusion.histories import RandomHistory
from synfab.errors import InputError
from synfab.rtl.fusion import FacePort, FusionFabric, Plan
from synfab.surgery.floor import Floor
from synfab.surgery.history import History

ONE = RandomHistory(steps=4, distance=3, p=0.03)
# Merged in its second step alone.
TWO = RandomHistory(columns=2, steps=3, distance=3, p=0.03, seed=10)


def dense(history: History, density: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random(history.spec.whole.num_detectors) < density).astype(np.uint8)


def played(
    problem: RandomHistory, *, slots: int, alone: Literal["block", "step"], seed: int, density: float
) -> tuple[FusionBench, list[Any]]:
    history = History.of(problem.floor(), problem.pieces)
    events = dense(history, density, seed)
    bench = FusionBench((history, events), slots=slots, alone=alone, seed=seed)
    return bench, expected(history, events, slots=slots, alone=alone)


@pytest.mark.parametrize(
    ("problem", "slots", "alone", "density"),
    [(ONE, 2, "block", 0.2), (ONE, 3, "step", 0.1), (TWO, 2, "block", 0.1)],
    ids=["one patch", "one patch, three steps held", "two patches"],
)
def test_answers_of_every_step(problem, slots, alone, density):
    bench, answers = played(problem, slots=slots, alone=alone, seed=3, density=density)
    assert bench.run() == answers
    assert any(answers)


def test_a_reset_forgets_everything():
    """Steps in progress, faces written and blocks half sent; then a program from its beginning."""
    bench, answers = played(ONE, slots=2, alone="block", seed=4, density=0.3)

    async def disturb(context: Any, bench: FusionBench) -> None:
        for number in range(2):
            for home, code in bench.programs[0][0].codes(0).items():
                await bench.entry(context, home=home, code=code, last=home == len(bench.floor.homes) - 1)
            if not number:
                for layer in range(4):
                    await bench.beat(context, 0, 0b11111111, last=layer == 3)
        await bench.beat(context, 0, 0b11, last=False)
        context.set(bench.resetting, 1)
        await context.tick()
        context.set(bench.resetting, 0)

    assert bench.run(before=disturb) == answers


def test_entries_for_what_is_not_there_are_ignored():
    bench, answers = played(ONE, slots=2, alone="block", seed=6, density=0.2)
    homes = bench.floor.homes
    port = FacePort.layout(bench.floor)
    strange_home = (1 << port.members["home"]) - 1
    assert strange_home >= len(homes)

    async def disturb(context: Any, bench: FusionBench) -> None:
        await bench.entry(context, home=strange_home, code=1, last=False)
        few = min(range(len(homes)), key=lambda number: len(homes[number].parts))
        strange_code = (1 << port.members["code"]) - 1
        assert strange_code > len(homes[few].parts)
        await bench.entry(context, home=few, code=strange_code, last=False)

    assert bench.run(before=disturb) == answers


def test_short_and_overlong_blocks():
    """Rounds that do not come count as empty, those beyond the last are ignored; the next block is as it should be."""
    history = History.of(TWO.floor(), TWO.pieces)
    events = dense(history, 0.15, 7)
    lengths = {(0, 0): 2, (1, 1): 6, (2, 0): 8, (2, 1): 1}
    size, layer_size = len(history.floor.vertices), history.floor.cells.layer_size
    for number, (cell, vertex) in enumerate(history.floor.vertices):
        for step in range(history.num_steps):
            if vertex // layer_size >= lengths.get((step, cell), 8):
                events[step * size + number] = 0
    bench = FusionBench((history, events), slots=2, alone="block", seed=7, lengths=lengths)
    assert bench.run() == expected(history, events, slots=2, alone="block")


def test_programs_back_to_back():
    """Without a reset, on one floor, and with other merges: nothing of the first program is left in the second."""
    problems = [replace(TWO, steps=2, seed=seed) for seed in (4, 10)]
    floor = Floor.of(TWO.parts, [piece for one in problems for piece in one.pieces], columns=2, rows=1)
    histories = [History.of(floor, one.pieces) for one in problems]
    assert histories[0].faces != histories[1].faces
    programs = [(history, dense(history, 0.15, 8)) for history in histories]
    answers = [one for program in programs for one in expected(*program, slots=3, alone="block")]
    assert FusionBench(*programs, slots=3, alone="block", seed=8).run() == answers


def test_artificial_boundaries_at_the_end():
    """``stop="end"``, weighted, so that sides and what they make up together pass the weight."""
    floor = replace(TWO.floor(weight_bits=3), stop="end")
    history = History.of(floor, TWO.pieces)
    events = dense(history, 0.12, 9)
    answers = expected(history, events, slots=2, alone="block")
    middle = History.of(replace(floor, stop="middle"), TWO.pieces)
    assert answers != expected(middle, events, slots=2, alone="block")
    assert FusionBench((history, events), slots=2, alone="block", seed=9).run() == answers


@pytest.mark.parametrize(("columns", "rows", "kind"), [(2, 1, "Z"), (2, 2, "X")])
@pytest.mark.parametrize("slots", [2, 3])
def test_cut_is_what_touches_the_newest_step_and_two_blocks(columns, rows, kind, slots):
    """Edges of the face above the newest step are among it, whose two ends lie in two of its blocks: at a read-out."""
    plan = Plan(
        RandomHistory(columns=columns, rows=rows, steps=2, distance=3, p=0.01, kind=kind, merged=1.0).floor(), slots
    )
    assert any(plan.is_cut(edge) and edge.slot == slots for edge in plan.edges)
    for edge in plan.edges:
        ends = [(d // plan.size, plan.floor.vertices[d % plan.size][0]) for d in edge.ends]
        newest = any(slot == plan.newest for slot, _ in ends)
        assert plan.is_cut(edge) == (newest and len(set(ends)) == 2), edge


def test_refusals():
    floor = ONE.floor()
    # What is refused has been made: nobody elaborates it.
    warnings.simplefilter("ignore", UnusedElaboratable)
    with pytest.raises(InputError, match=r"^slots must be 2 or more, .*, not 1$"):
        Plan(floor, 1)
    with pytest.raises(InputError, match=r"^hops must be at least 1 a cycle, not 0$"):
        FusionFabric(floor, hops=0)
    with pytest.raises(InputError, match=r"^alone must be 'block' or 'step' in hardware, not 'nothing'$"):
        FusionFabric(floor, alone="nothing")  # pyright: ignore[reportArgumentType]
