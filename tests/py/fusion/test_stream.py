# SPDX-License-Identifier: Apache-2.0
"""What the summary of released blocks answers is what the kept, frozen blocks answer."""

import random

import numpy as np
import pytest

from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.decoders.fusion.stream import Stream


@pytest.mark.parametrize("seed", range(60))
def test_summary_of_random_graphs(any_spec, any_schedule, seed):
    """Each edge flips an observable of its own: the frame names the edges."""
    rng = random.Random(seed)
    spec = any_spec(rng, num_detectors=rng.randint(6, 14), num_blocks=rng.randint(3, 6))
    schedule = any_schedule(rng, spec)
    shots = np.random.default_rng(seed).random((25, spec.whole.num_detectors)) < rng.choice([0.15, 0.4, 0.8])
    expected = FusionDecoder(spec=spec, schedule=schedule).decode_batch(shots)
    for shot, prediction in zip(shots, expected, strict=True):
        stream = Stream(spec)
        for step in schedule.steps:
            stream.take(step, set(np.flatnonzero(shot).tolist()))
        mask = stream.finish()
        assert [mask >> bit & 1 for bit in range(spec.whole.num_observables)] == prediction.tolist()
        assert not stream.odd
        assert not stream.summary.ends


def test_an_endless_memory_keeps_no_more_than_two_steps():
    """One step live and the summary of the face behind it, however long it has been going on."""
    problem = Problem(steps=12, distance=3, noise="circuit", p=0.01)
    spec = problem.spec(weight_bits=4)
    schedule = Schedule.in_time(spec, keep=1)
    shots = np.asarray(problem.compiled[0].compile_detector_sampler(seed=2).sample(8))
    predictions = FusionDecoder(spec=spec, schedule=schedule).decode_batch(shots)
    frames = set()
    for shot, prediction in zip(shots, predictions, strict=True):
        stream = Stream(spec)
        for step in schedule.steps:
            stream.take(step, set(np.flatnonzero(shot).tolist()))
            if step.release:
                (live,) = {spec.owners[detector] for detector in stream.odd}
                behind = {edge for edge, face in spec.cut_edges.items() if face == (live - 1, live)}
                held = {end for edge in behind for end in spec.whole.edges[edge] if spec.owners[end] == live - 1}
                assert stream.summary.ends.keys() == held
                assert {root for root, _ in stream.summary.ends.values()} == stream.summary.trees.keys()
                assert all(stream.odd.keys() & set(spec.whole.edges[edge]) for edge, _ in stream.growth)
            frames.add(stream.frame)
        assert stream.finish() == prediction[0]
    assert frames == {0, 1}
