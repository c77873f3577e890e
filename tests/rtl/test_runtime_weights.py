# SPDX-License-Identifier: Apache-2.0
"""Weights at run time: entries of the weight port, beats and answers in any order, against the reference."""

import random
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pytest
from amaranth import Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import BOUNDARY, every_syndrome, multigraph, spec_of

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.simulation import Stopwatch, block_beats, played
from synfab.rtl.union_find import UnionFind, spatial
from synfab.rtl.union_find.growth import first_steps
from synfab.rtl.union_find.weights import WeightPort

RING = UnionFindSpec(
    num_detectors=6,
    num_observables=1,
    edges=((0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (3, BOUNDARY), (4, 5), (5, BOUNDARY)),
    weights=(2, 2, 3, 2, 5, 7, 1, 6),
    edge_observables=(1, 0, 0, 0, 0, 1, 0, 0),
    flipped_edges=(2,),
    rounds=((0, 1, 2), (3,), (4, 5)),
    weight_bits=3,
)
OPEN = UnionFindSpec(
    num_detectors=3,
    num_observables=0,
    edges=((0, 1), (1, 2)),
    weights=(1, 3),
    edge_observables=(0, 0),
    rounds=((0, 1, 2),),
    weight_bits=2,
)
# The first steps that fall together: 3, of the two inner edges of weight 6; with all weights 7 they are 4.
HEAVY = spec_of(
    4, [(0, BOUNDARY, 7, 1), (0, 1, 6, 0), (1, 2, 7, 0), (2, 3, 6, 0), (2, BOUNDARY, 5, 1), (3, BOUNDARY, 7, 0)]
)
# Two steps merge 0 with 1; in a third, 0 would reach the boundary, and 2 would reach 1 before its own boundary.
TIGHT = spec_of(4, [(0, BOUNDARY, 3, 1), (0, 1, 4, 0), (1, 2, 6, 0), (2, BOUNDARY, 4, 0), (3, BOUNDARY, 7, 0)])


@dataclass
class Block:
    """One block: its shot, and the entries of the weight port that come before its last beat."""

    shot: list[int]
    entries: list[tuple[int, int, bool]] = field(default_factory=list)
    aborted: bool = False


def ref_answers(spec: UnionFindSpec, blocks: list[Block], *, corrections: bool) -> list[list[int]]:
    """The bits of each answer; entries act in order, defaults from then on."""
    default, answers = list(spec.weights), []
    for block in blocks:
        weights = list(default)
        for edge, weight, lasting in block.entries:
            if edge >= len(spec.edges) or (lasting and weight == 0):
                continue
            weights[edge] = weight
            if lasting:
                default[edge] = weight
        if not block.aborted:
            shot = np.array([block.shot], np.uint8)
            bits = spec.decode_batch(shot, weights=weights)[0].tolist() or [0]
            if corrections:
                bits += spec.decode_to_edges(shot, weights=weights)[0].tolist()
            answers.append(bits)
    return answers


def actions(spec: UnionFindSpec, block: Block, draw: random.Random) -> list[tuple[str, int]]:
    """The block's beats and entries as payloads by port: any order in which all entries precede the last beat."""
    *beats, last = block_beats(spec, np.array(block.shot, np.uint8))
    if block.aborted:
        beats, last = beats[: draw.randint(0, len(beats))], 1 << (max(map(len, spec.rounds)) + 1)
    bits = spec.weight_bits
    entries = [weight | lasting << bits | edge << (bits + 1) for edge, weight, lasting in block.entries]
    ports = ["i"] * len(beats) + ["w"] * len(entries)
    draw.shuffle(ports)
    queues = {"i": iter(beats), "w": iter(entries)}
    return [(port, next(queues[port])) for port in ports] + [("i", last)]


def rtl_answers(
    spec: UnionFindSpec, blocks: list[Block], *, corrections: bool, seed: int, paused: bool, hops: int = 1
) -> tuple[list[list[int]], list[int]]:
    """The same from the fabric, each in time; and the cycles of each."""
    fabric: Any = UnionFind(spec, corrections=corrections, runtime_weights=True, hops=hops)
    draw, answers, stopwatch = random.Random(seed), [], Stopwatch()
    expected = sum(not block.aborted for block in blocks)
    width = max(1, spec.num_observables) + (len(spec.edges) if corrections else 0)

    async def send(context: Any) -> None:
        for block in blocks:
            for port, payload in actions(spec, block, draw):
                stream = getattr(fabric, port)
                if paused:
                    await context.tick().repeat(1 + draw.choice((0, 0, draw.randint(0, 30))))
                context.set(stream.payload.as_value(), payload)
                context.set(stream.valid, 1)
                for _ in range(2000):
                    *_, taken = await context.tick().sample(stream.ready)
                    if taken:
                        break
                else:
                    raise TimeoutError(port)
                context.set(stream.valid, 0)

    async def receive(context: Any) -> None:
        for _ in range(100_000):
            context.set(fabric.o.ready, not paused or draw.random() < 0.3)
            i, o = fabric.i, fabric.o
            last = i.valid & i.ready & i.payload.last & ~i.payload.abort
            *_, is_last, valid, ready, payload = await context.tick().sample(
                last, o.valid, o.ready, o.payload.as_value()
            )
            stopwatch.tick(last=bool(is_last), valid=bool(valid), ready=bool(ready))
            if valid and ready:
                answers.append([payload >> bit & 1 for bit in range(width)])
            if len(answers) == expected:
                return

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(send)
    simulator.add_testbench(receive)
    simulator.run()
    assert len(stopwatch.cycles) == expected
    assert max(stopwatch.cycles) <= fabric.max_cycles
    return answers, stopwatch.cycles


def random_blocks(spec: UnionFindSpec, number: int, seed: int, *, erasing: float = 0.3) -> list[Block]:
    draw = random.Random(seed)
    largest = (1 << spec.weight_bits) - 1
    edge_bits = max(1, (len(spec.edges) - 1).bit_length())

    def entry() -> tuple[int, int, bool]:
        weight = 0 if draw.random() < erasing else draw.randint(0, largest)
        return draw.randrange(1 << edge_bits), weight, draw.random() < 0.2

    def whole_list() -> list[tuple[int, int, bool]]:
        lightest = draw.randint(1, largest)
        return [(edge, draw.randint(lightest, largest), True) for edge in range(len(spec.edges))]

    return [
        Block(
            [int(draw.random() < 0.3) for _ in range(spec.num_detectors)],
            [*whole_list() * (draw.random() < 0.2), *(entry() for _ in range(draw.choice((0, 0, 1, 3, 8))))],
            draw.random() < 0.1,
        )
        for _ in range(number)
    ]


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize("corrections", [False, True], ids=["observables", "corrections"])
@pytest.mark.parametrize(("spec", "hops"), [(RING, 1), (RING, 3), (OPEN, 1)], ids=["ring", "ring-hops", "open"])
def test_entries_between_and_within_blocks(spec, hops, corrections, paused):
    blocks = random_blocks(spec, 150, seed=hops)
    expected = ref_answers(spec, blocks, corrections=corrections)
    answers, _ = rtl_answers(spec, blocks, corrections=corrections, seed=4, paused=paused, hops=hops)
    assert answers == expected


@given(seed=st.integers(0, 10_000), paused=st.booleans(), erasing=st.sampled_from([0.0, 0.3, 0.9]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_random_multigraphs(seed, paused, erasing):
    draw = random.Random(seed)
    spec = multigraph(draw, draw.randint(1, 6))
    blocks = random_blocks(spec, 30, seed, erasing=erasing)
    expected = ref_answers(spec, blocks, corrections=True)
    answers, _ = rtl_answers(spec, blocks, corrections=True, seed=seed, paused=paused)
    assert answers == expected


def test_surface_code_with_erasures():
    problem = Memory(code="rotated_surface", distance=3, rounds=2, p=0.02)
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(problem.dem()))
    shots = problem.circuit().compile_detector_sampler(seed=3).sample(12)
    draw = random.Random(5)
    blocks = [
        Block(
            [int(event) for event in shot],
            [(draw.randrange(len(spec.edges)), draw.choice((0, 0, 3, 9)), False) for _ in range(draw.randint(0, 20))],
        )
        for shot in shots
    ]
    expected = ref_answers(spec, blocks, corrections=True)
    answers, _ = rtl_answers(spec, blocks, corrections=True, seed=4, paused=True)
    assert answers == expected


def cycles_of(blocks: list[Block], spec: UnionFindSpec = HEAVY) -> list[int]:
    """What each block takes; the answers must be the reference's."""
    answers, cycles = rtl_answers(spec, blocks, corrections=False, seed=1, paused=False)
    assert answers == ref_answers(spec, blocks, corrections=False)
    return cycles


def shots_after(*entries: tuple[int, int, bool], every: bool = False) -> list[Block]:
    """A block of every syndrome, the first with these entries before it, or all."""
    shots = every_syndrome(HEAVY).tolist()
    return [Block(shot, list(entries) if every or not number else []) for number, shot in enumerate(shots)]


def list_of(loaded: tuple[int, ...]) -> list[tuple[int, int, bool]]:
    """All defaults in order."""
    return [(edge, weight, True) for edge, weight in enumerate(loaded)]


def test_weights_loaded_in_order_take_the_cycles_of_generated_ones():
    """Up and down and up again: the first steps fall together as they do where the weights are part of the hardware."""
    loads = [(7,) * 6, (7, 6, 7, 6, 2, 7), (7,) * 6, HEAVY.weights, (1,) * 6, (4, 7, 7, 7, 4, 5)]
    assert [first_steps(HEAVY.with_weights(load)) for load in loads] == [4, 2, 4, 3, 1, 4]
    expected = [played(HEAVY.with_weights(load), every_syndrome(HEAVY)).cycles.tolist() for load in loads]
    assert len(set(map(tuple, expected))) > 3
    assert cycles_of([block for load in loads for block in shots_after(*list_of(load))]) == list(chain(*expected))


def test_weights_of_a_block_lower_its_steps_alone():
    light = {1: 2, 4: 3}
    own = [light.get(edge, weight) for edge, weight in enumerate(HEAVY.weights)]
    default = played(HEAVY, every_syndrome(HEAVY)).cycles.tolist()
    expected = played(HEAVY.with_weights(own), every_syndrome(HEAVY)).cycles.tolist()
    entries = [(edge, weight, False) for edge, weight in light.items()]
    aborted = [Block([0] * 4, [(0, 1, False), (2, 0, False)], aborted=True)]
    assert cycles_of([*shots_after(*entries, every=True), *aborted, *shots_after()]) == expected + default
    # Between blocks that bring some, those that bring none.
    blocks = [block for pair in zip(shots_after(*entries, every=True), shots_after(), strict=True) for block in pair]
    assert cycles_of(blocks) == [cycles for pair in zip(expected, default, strict=True) for cycles in pair]


def test_steps_fall_together_once_erased_edges_have_settled():
    """A single event far from the erased edge: the start and 1 cycle more for the first steps of all."""
    shot = [1, 0, 0, 0]
    cycles = cycles_of([Block(shot), Block(shot, [(5, 0, False)]), Block(shot)])
    # The erased edge gives its detector the tag of the boundary in a cycle.
    assert cycles == [cycles[0], cycles[0] + 2, cycles[0]]


@pytest.mark.parametrize(
    ("entries", "steps"),
    [
        pytest.param(list_of((7,) * 6)[1:], 3, id="without the first"),
        pytest.param(list_of((7,) * 6)[:-1], 3, id="without the last"),
        pytest.param([*list_of((7,) * 6)[:3], (1, 7, True), *list_of((7,) * 6)[3:]], 3, id="out of order"),
        pytest.param([*list_of((7,) * 6)[:3], (3, 0, True), *list_of((7,) * 6)[4:]], 3, id="a default of 0"),
        pytest.param([*list_of((7,) * 6)[:3], (1, 7, False), (7, 1, True), *list_of((7,) * 6)[3:]], 4, id="others"),
        pytest.param([(3, 7, True), *list_of((7,) * 6)], 4, id="begun anew"),
    ],
)
def test_only_a_whole_list_raises_the_steps(entries, steps):
    """Two blocks later every edge has at least a weight of 6, and a single event shows how many steps fell together."""
    shot = [1, 0, 0, 0]
    cycles = cycles_of([Block([0] * 4, entries), Block(shot)])
    loaded = list(HEAVY.weights)
    for edge, weight, lasting in entries:
        if lasting and weight and edge < len(loaded):
            loaded[edge] = weight
    fewest = played(HEAVY.with_weights(loaded), np.array([shot], np.uint8)).cycles[0]
    assert cycles[1] == fewest + first_steps(HEAVY.with_weights(loaded)) - steps


class HastyPort(WeightPort):
    """Lets one step too many fall together."""

    def elaborate(self, platform: object) -> Any:
        actual, self.steps = self.steps, Signal.like(self.steps)
        m = super().elaborate(platform)
        m.d.comb += actual.eq(self.steps + (self.steps > 1))
        self.steps = actual
        return m


@pytest.mark.parametrize(
    ("built", "entries"),
    [
        pytest.param(TIGHT.weights, [], id="generated"),
        pytest.param((7, 7, 7, 7, 7), list_of(TIGHT.weights), id="loaded"),
        pytest.param((2, 1, 1, 1, 1), list_of(TIGHT.weights), id="loaded upwards"),
        pytest.param((7, 7, 7, 7, 7), [(edge, weight, False) for edge, weight, _ in list_of(TIGHT.weights)], id="own"),
        pytest.param(TIGHT.weights, [(4, 0, False)], id="after an erased edge"),
    ],
)
def test_no_more_steps_can_fall_together(built, entries, monkeypatch):
    spec = TIGHT.with_weights(built)
    blocks = [Block([1, 1, 1, 0], entries)]
    (expected,) = ref_answers(spec, blocks, corrections=True)
    assert rtl_answers(spec, blocks, corrections=True, seed=1, paused=False)[0] == [expected]
    monkeypatch.setattr(spatial, "WeightPort", HastyPort)
    ((answer,), _) = rtl_answers(spec, blocks, corrections=True, seed=1, paused=False)
    assert answer[0] != expected[0]
