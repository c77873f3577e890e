# SPDX-License-Identifier: Apache-2.0
"""No block takes more cycles than the fabric promises: every syndrome of small graphs, random graphs and traffic.

What the tests of the fabrics play is held to the promise, too (``assert_equal``); proofs are in ``tests/formal``.
"""

import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import DESIGNS, GRAPHS, Shots, every_syndrome, spec_of

from synfab.circuits import PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.simulation import Played, Port, Stopwatch, block_beats, exchange, played
from synfab.rtl.union_find import Design, UnionFind, shared, spatial
from synfab.rtl.union_find.scheduler import Phase, Scheduler


def slowest(spec: UnionFindSpec, shots: Shots, design: Design, **traffic: Any) -> Played:
    """Play shots; all must be answered in time."""
    got = played(spec, shots, design=design, **traffic)
    assert (got.cycles - got.held).max() <= got.max_cycles
    return got


@pytest.mark.parametrize("corrections", [False, True], ids=["observables", "corrections"])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("name", ["rotated code capacity X", "parallel edges", "no boundary", "two boundaries"])
def test_every_syndrome_is_answered_in_time(name, design, corrections):
    """Blocks follow each other at once, each syndrome after two others."""
    spec = GRAPHS[name]()
    shots = every_syndrome(spec)
    shots = np.concatenate([shots, shots[:: 1 if "spatial" in design else -3]])
    got = slowest(spec, shots, replace(DESIGNS[design], corrections=corrections))
    assert not got.held.any()
    # The bound is not so far away that nothing could exceed it.
    assert got.cycles.max() > got.max_cycles / 6


@pytest.mark.parametrize("design", DESIGNS)
def test_too_small_a_bound_is_noticed(design, monkeypatch):
    spec = GRAPHS["two boundaries"]()
    shots = every_syndrome(spec)
    most = int(played(spec, shots, design=DESIGNS[design]).cycles.max())
    for module, name in ((spatial, "max_spatial_cycles"), (shared, "max_shared_cycles")):
        monkeypatch.setattr(module, name, lambda *_, **__: most)
    slowest(spec, shots, DESIGNS[design])
    for module, name in ((spatial, "max_spatial_cycles"), (shared, "max_shared_cycles")):
        monkeypatch.setattr(module, name, lambda *_, **__: most - 1)
    with pytest.raises(AssertionError):
        slowest(spec, shots, DESIGNS[design])


def test_time_in_which_an_answer_is_held_up_does_not_count():
    """The second block is decoded long before the first answer is taken, and offered in the next cycle."""
    spec = GRAPHS["two boundaries"]()
    fabric: Any = UnionFind(spec)
    shots = np.array([[0, 0, 0, 0], [1, 0, 0, 0]], np.uint8)
    beats = [beat for shot in shots for beat in block_beats(spec, shot)]
    seen = []

    async def testbench(context: Any) -> None:
        seen.append(
            await exchange(
                context, Port.of(fabric.i), Port.of(fabric.o), beats, answers=2, output_pause=iter((100, 0, 0)).__next__
            )
        )

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen[0].offered[1] - seen[0].sent[1] > fabric.max_cycles
    got = played(spec, shots, output_pause=iter((100, 0, 0)).__next__)
    assert got.cycles.tolist() == [2, seen[0].offered[1] - seen[0].sent[1]]
    assert (got.cycles - got.held).max() <= got.max_cycles == fabric.max_cycles


def test_stopwatch_counts_as_the_promise_does():
    stopwatch = Stopwatch()
    # A block of two cycles; one that waits for three cycles behind its answer; one of its own.
    lasts, offers, takes = (
        (1, 1, 0, 0, 0, 0, 1, 0, 1, 0),
        (0, 0, 1, 1, 1, 1, 1, 0, 1, 1),
        (0, 0, 0, 0, 0, 1, 1, 1, 1, 1),
    )
    for last, valid, ready in zip(lasts, offers, takes, strict=True):
        stopwatch.tick(last=bool(last), valid=bool(valid), ready=bool(ready))
    assert stopwatch.cycles == [2, 2, 2, 1]
    assert stopwatch.running == []


@dataclass
class Visit:
    """A visit of one slot: the cycle in which its word is written, and whether others that see it are to be visited."""

    cycle: int
    address: int
    changed: bool


@dataclass
class Turns:
    """A scheduler whose elements say at random that their words changed, for so many cycles of each phase."""

    num_groups: int
    group_slots: int
    fetch: bool
    seed: int

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        groups = range(self.num_groups)
        self.dependents = [frozenset({group, *(other for other in groups if draw.random() < 0.4)}) for group in groups]
        self.stride_bits = (self.group_slots - 1).bit_length()
        self.latency = 1 + self.fetch
        self.turn = self.num_groups * self.group_slots + self.latency
        self.hop = self.turn + self.group_slots

    def phases(self, blocks: int) -> list[tuple[Phase, int, list[Visit]]]:
        """Return the phases that end when nothing changes any more: length in cycles, and visits."""
        scheduler: Any = Scheduler(
            num_groups=self.num_groups,
            group_slots=self.group_slots,
            stride_bits=self.stride_bits,
            dependents=self.dependents,
            fetch=self.fetch,
            corrections=True,
        )
        draw, phases = random.Random(self.seed), []

        async def testbench(context: Any) -> None:
            phase, begun, visits, busy, cycle = Phase.IDLE, 0, [], 0, 0
            context.set(scheduler.ready, 1)
            while len(phases) < 3 * blocks:
                now = Phase(context.get(scheduler.phase))
                if now != phase:
                    if phase in (Phase.LOAD, Phase.GROW, Phase.PEEL):
                        phases.append((phase, cycle - begun, visits))
                    phase, begun, visits, busy = now, cycle, [], draw.choice((0, 3, 5 * self.turn))
                cycle += 1
                visit, first = context.get(scheduler.visit), context.get(scheduler.first)
                changed = cycle - begun <= busy and draw.random() < 0.5
                context.set(scheduler.start, context.get(scheduler.idle))
                context.set(scheduler.events, draw.randrange(1, 1 << self.num_groups))
                context.set(scheduler.active, phase == Phase.LOAD)
                context.set(scheduler.grown, first & (phase != Phase.PEEL))
                context.set(scheduler.changed, changed)
                if visit:
                    visits.append(Visit(cycle - begun, context.get(scheduler.visited), changed))
                await context.tick()

        simulator = Simulator(scheduler)
        simulator.add_clock(1e-6)
        simulator.add_testbench(testbench)
        simulator.run()
        return phases

    def check(self, length: int, visits: list[Visit]) -> None:
        """What the proof says of the turns of a phase, its first cycle being 1."""
        last_news = max((visit.cycle for visit in visits if visit.changed), default=0)
        assert length <= max(self.turn, last_news) + self.hop + 1
        for visit in visits:
            if not visit.changed:
                continue
            limit = max(self.turn, visit.cycle) + self.hop
            for group in self.dependents[visit.address >> self.stride_bits]:
                for slot in range(self.group_slots):
                    address = (group << self.stride_bits) + slot
                    # A word is read in the cycle before the one that writes.
                    hears = (other.cycle for other in visits if other.address == address)
                    assert min(cycle for cycle in hears if cycle > visit.cycle + 1) <= limit


@given(num_groups=st.integers(1, 6), group_slots=st.integers(1, 4), fetch=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_news_is_heard_within_a_turn(num_groups, group_slots, fetch, seed):
    """The steps of the proof for the shared fabric that its scheduler must take."""
    turns = Turns(num_groups, group_slots, fetch and group_slots > 2, seed)
    seen = turns.phases(3)
    assert {phase for phase, _, _ in seen} == {Phase.LOAD, Phase.GROW, Phase.PEEL}
    for _, length, visits in seen:
        turns.check(length, visits)


def block(distance: int, weights: Any = "unit") -> UnionFindSpec:
    return UnionFindSpec.compile(
        DecodingGraph.from_dem(PhenomenologicalBlock(distance=distance, p=0.001).dem()), weights=weights
    )


def bound(spec: UnionFindSpec, **design: Any) -> int:
    if "detectors_per_element" in design:
        design["micro_architecture"] = "shared"
    return Design(**design).fabric(spec).max_cycles


@pytest.mark.filterwarnings("ignore:.*created but never used")
@pytest.mark.usefixtures("unused")
def test_bound_grows_with_what_takes_time():
    small, large = block(3), block(5)
    for design in ({}, {"hops": 2}, {"corrections": True}, {"detectors_per_element": 4}):
        assert bound(small, **design) < bound(large, **design)
    assert bound(large, hops=4) < bound(large, hops=2) < bound(large)
    assert bound(large) < bound(large, corrections=True) < bound(large, detectors_per_element=1)
    by_size = [bound(large, detectors_per_element=n) for n in (1, 4, 15, 60)]
    assert by_size == sorted(set(by_size))
    assert by_size[1] < bound(large, detectors_per_element=4, corrections=True)
    heavy = large.with_weights([3] * len(large.edges))
    assert bound(large, runtime_weights=True) > bound(large)
    assert bound(heavy) > bound(large)
    assert bound(heavy, detectors_per_element=4) > bound(large, detectors_per_element=4)


def test_bound_of_a_lone_detector_is_exact():
    """One detector with an edge of weight 3 to the boundary: three steps, of which two or all fall in the start."""
    spec = spec_of(1, [(0, -1, 3, 1)])
    shots = np.array([[1]], np.uint8)
    for corrections in (False, True):
        design = Design(corrections=corrections)
        got = played(spec, shots, design=design)
        assert got.cycles[0] <= got.max_cycles <= got.cycles[0] + 2
