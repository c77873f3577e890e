# SPDX-License-Identifier: Apache-2.0
"""Fusion at once is union-find; blocks do not know of each other's times; no parity is lost; bad schedules go back."""

import random
from dataclasses import replace

import numpy as np
import pytest

from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import Alone, FusionDecoder, FusionSpec, Schedule, Step, places_by_coordinates
from synfab.errors import InputError

PROBLEMS = [
    Problem(columns=2, distance=5, noise="phenomenological", p=0.03),
    Problem(columns=3, steps=2, basis="X", distance=3, noise="circuit", p=0.006),
    Problem(columns=2, rows=2, steps=3, distance=3, noise="phenomenological", p=0.03),
    Problem(steps=5, distance=3, noise="circuit", p=0.008),
]
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.name}-{p.noise}")


def sampled(problem: Problem, shots: int) -> tuple[np.ndarray, np.ndarray]:
    sampler = problem.compiled[0].compile_detector_sampler(seed=3)
    detections, flips = sampler.sample(shots, separate_observables=True)
    return detections, flips


def answers(decoder, detections: np.ndarray) -> list[np.ndarray]:
    return [decoder.decode_batch(detections), decoder.decode_to_edges(detections), *decoder.clusters(detections)]


def syndrome(spec: FusionSpec, flips: np.ndarray) -> np.ndarray:
    events = np.zeros((len(flips), spec.whole.num_detectors + 1), np.uint8)
    for edge, ends in enumerate(spec.whole.edges):
        for end in ends:
            events[:, end] ^= flips[:, edge]
    return events[:, :-1]


@problems
@pytest.mark.parametrize("weight_bits", [None, 4])
def test_everything_at_once_is_union_find(problem, weight_bits):
    spec = problem.spec(weight_bits=weight_bits)
    detections, _ = sampled(problem, 500)
    found = answers(FusionDecoder(spec=spec, schedule=Schedule.at_once(spec)), detections)
    for one, other in zip(found, answers(spec.whole, detections), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(20))
def test_at_once_of_random_graphs(any_spec, seed):
    spec = any_spec(random.Random(seed))
    shots = np.unpackbits(np.arange(512, dtype=">u2")[:, np.newaxis].view(np.uint8), axis=1)[:, -9:]
    found = answers(FusionDecoder(spec=spec, schedule=Schedule.at_once(spec)), shots)
    for one, other in zip(found, answers(spec.whole, shots), strict=True):
        np.testing.assert_array_equal(one, other)


@problems
def test_a_block_does_not_know_when_others_are_decoded(problem):
    """Blocks one after the other, in any order, then all faces: the same growth as all of them together."""
    spec = problem.spec(weight_bits=4)
    detections, _ = sampled(problem, 300)
    together = answers(FusionDecoder(spec=spec, schedule=Schedule.blocks_first(spec)), detections)
    order = random.Random(1).sample(range(len(spec.blocks)), len(spec.blocks))
    apart = Schedule(steps=(*(Step(begin=(block,)) for block in order), Step(fuse=spec.faces)))
    for one, other in zip(answers(FusionDecoder(spec=spec, schedule=apart), detections), together, strict=True):
        np.testing.assert_array_equal(one, other)


@problems
@pytest.mark.parametrize("stop", ["middle", "end"])
def test_no_parity_is_lost(problem, stop):
    """The corrections explain the events of every shot, with blocks released as early as may be."""
    spec = replace(problem.spec(weight_bits=4), stop=stop)
    rng = np.random.default_rng(4)
    detections, _ = sampled(problem, 200)
    likely = np.vstack([detections, rng.random((100, detections.shape[1])) < 0.3])
    plans: list[tuple[int | None, Alone]] = [(None, "block"), (1, "block"), (2, "step"), (1, "nothing")]
    for keep, alone in plans:
        decoder = FusionDecoder(spec=spec, schedule=Schedule.in_time(spec, keep=keep, alone=alone))
        np.testing.assert_array_equal(syndrome(spec, decoder.decode_to_edges(likely)), likely)


@pytest.mark.parametrize("noise", ["phenomenological", "circuit"])
def test_a_block_is_the_same_integers_in_every_graph(noise):
    """With its own rarest edge as the scale, whatever else there is."""
    kept = []
    for columns, steps in ((3, 2), (1, 4)):
        problem = Problem(columns=columns, steps=steps, distance=5, noise=noise, p=0.004)
        spec = problem.spec(weight_bits=4)
        inner = {
            tuple(problem.graph.coordinates[d][:2] for d in edge.detectors): weight
            for edge, weight in zip(problem.graph.edges, spec.whole.weights, strict=True)
            if all(4 <= c <= 6 for d in edge.detectors for c in problem.graph.coordinates[d][:2])
            and all(2 <= problem.graph.coordinates[d][2] <= 3 for d in edge.detectors)
        }
        kept.append(inner)
    assert kept[0]
    assert kept[0] == kept[1]


def test_places_are_those_of_the_blocks():
    problem = PROBLEMS[2]
    pitch = 2 * (problem.distance + 1)
    found = places_by_coordinates(problem.graph, cell=(pitch, pitch), rounds=problem.distance)
    assert found == problem.compiled[1]
    bare = replace(problem.graph, coordinates=((),) * problem.graph.num_detectors)
    with pytest.raises(
        InputError, match=r"must have coordinates x, y and t to be given a block, not \(\) at detector 0"
    ):
        places_by_coordinates(bare, cell=(8, 8), rounds=3)


CHAIN = PROBLEMS[3].spec(weight_bits=None)
ALL = Step(begin=(0, 1, 2, 3, 4))
FUSED = Step(fuse=CHAIN.faces)
REFUSED = {
    "before it is fused": (Step(fuse=((0, 1),), begin=(0,)),),
    "a face must be fused once, not again as (1, 2) is": (ALL, FUSED, Step(fuse=((1, 2),))),
    "what is fused must be two blocks with edges between them, the lower first, not (0, 2)": (
        ALL,
        Step(fuse=((0, 2),)),
    ),
    "must begin every block, not leave out 3, 4": (Step(begin=(0, 1, 2)),),
    "must fuse every face, not leave out (2, 3), (3, 4)": (ALL, Step(fuse=((0, 1), (1, 2)))),
    "a block must begin once, not again as block 0 does": (ALL, Step(begin=(0,))),
    "a block must be one of 0..4, not 5": (Step(begin=(5,)),),
    "must begin before it is released, not after": (Step(release=(0,)), ALL, FUSED),
    "must be fused before it is released, not all but (1, 2)": (ALL, Step(fuse=((0, 1),), release=(1,)), FUSED),
    "a block must be released once, not again as block 0 is": (ALL, replace(FUSED, release=(0,)), Step(release=(0,))),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_bad_schedules_are_refused(sentence):
    with pytest.raises(InputError) as refused:
        FusionDecoder(spec=CHAIN, schedule=Schedule(steps=REFUSED[sentence]))
    assert sentence in str(refused.value)


def test_a_release_that_locks_a_block_in_is_refused():
    """Merged in a row, Z errors: the patch in the middle reaches the boundary by its neighbours only."""
    spec = Problem(columns=3, steps=3, basis="X", distance=3, noise="phenomenological", p=0.01).spec(weight_bits=None)
    begin = tuple(range(9))
    assert spec.blocks[4] == (1, 0, 1)
    for left, sentence in (({3, 4}, None), ({4}, "the blocks 4 must keep a way to a boundary, ")):
        released = tuple(block for block in begin if block not in left)
        schedule = Schedule(steps=(Step(begin=begin, fuse=spec.faces, release=released),))
        if sentence is None:
            FusionDecoder(spec=spec, schedule=schedule)
        else:
            with pytest.raises(InputError, match=sentence):
                FusionDecoder(spec=spec, schedule=schedule)


def test_bad_specs_are_refused():
    graph, places = PROBLEMS[0].graph, PROBLEMS[0].compiled[1]
    with pytest.raises(InputError, match=r"every detector must have a place: 144 of them, not 3"):
        FusionSpec.compile(graph, places=places[:3])
    with pytest.raises(InputError, match=r"rarest must be a probability in \(0, 1/2\), not 0.5"):
        FusionSpec.compile(graph, places=places, weights="log_likelihood", rarest=0.5)
    with pytest.raises(InputError, match="stop must be 'middle' or 'end', not 'far'"):
        replace(CHAIN, stop="far")
    with pytest.raises(InputError, match=r"the block of detector 0 must be one of 0\.\.4, not 9"):
        replace(CHAIN, owners=(9, *CHAIN.owners[1:]))
    with pytest.raises(InputError, match="every detector must have a block: "):
        replace(CHAIN, owners=CHAIN.owners[1:])
    with pytest.raises(InputError, match="keep must be at least 1 step, or None to release nothing, not 0"):
        Schedule.in_time(CHAIN, keep=0)
    with pytest.raises(InputError, match="alone must be 'block', 'step' or 'nothing', not 'all'"):
        Schedule.in_time(CHAIN, alone="all")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"^time must be a step of the program .*, of \[0, 1, 2, 3, 4\], not 5$"):
        Schedule.in_time(CHAIN).steps_until(CHAIN, 5)


def test_bad_releases_are_refused():
    schedule = Schedule.in_time(CHAIN, keep=1)
    shot = np.zeros((1, CHAIN.whole.num_detectors), bool)
    with pytest.raises(InputError, match=r"^release must be 'summary' or 'commit', not 'never'$"):
        FusionDecoder(spec=CHAIN, schedule=schedule, release="never")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"^release must be 'commit' to ask for corrections so far, not 'summary'$"):
        FusionDecoder(spec=CHAIN, schedule=schedule).corrections_so_far(shot, steps=1)
    for steps in (0, len(schedule.steps) + 1):
        with pytest.raises(InputError, match=rf"^steps must be 1\.\.{len(schedule.steps)}, as .*, not {steps}$"):
            FusionDecoder(spec=CHAIN, schedule=schedule, release="commit").corrections_so_far(shot, steps=steps)
