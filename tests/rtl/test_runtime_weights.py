# SPDX-License-Identifier: Apache-2.0
"""Weights at run time: entries of the weight port, beats and answers in any order, against the reference."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import multigraph

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.simulation import Stopwatch, block_beats
from synfab.rtl.union_find import UnionFind

BOUNDARY = -1

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
) -> list[list[int]]:
    """The same from the fabric, each in time."""
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
    return answers


def random_blocks(spec: UnionFindSpec, number: int, seed: int, *, erasing: float = 0.3) -> list[Block]:
    draw = random.Random(seed)
    largest = (1 << spec.weight_bits) - 1
    edge_bits = max(1, (len(spec.edges) - 1).bit_length())

    def entry() -> tuple[int, int, bool]:
        weight = 0 if draw.random() < erasing else draw.randint(0, largest)
        return draw.randrange(1 << edge_bits), weight, draw.random() < 0.2

    return [
        Block(
            [int(draw.random() < 0.3) for _ in range(spec.num_detectors)],
            [entry() for _ in range(draw.choice((0, 0, 1, 3, 8)))],
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
    assert rtl_answers(spec, blocks, corrections=corrections, seed=4, paused=paused, hops=hops) == expected


@given(seed=st.integers(0, 10_000), paused=st.booleans(), erasing=st.sampled_from([0.0, 0.3, 0.9]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_random_multigraphs(seed, paused, erasing):
    draw = random.Random(seed)
    spec = multigraph(draw, draw.randint(1, 6))
    blocks = random_blocks(spec, 30, seed, erasing=erasing)
    expected = ref_answers(spec, blocks, corrections=True)
    assert rtl_answers(spec, blocks, corrections=True, seed=seed, paused=paused) == expected


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
    assert rtl_answers(spec, blocks, corrections=True, seed=4, paused=True) == expected
