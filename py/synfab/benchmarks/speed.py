# SPDX-License-Identifier: Apache-2.0
"""Shots a second on one core, decoders taking turns."""

import time

import sinter

from synfab.benchmarks.models import BASELINE, Speed
from synfab.benchmarks.problem import Problem, Shots


def speed(problem: Problem, *, repetition_seconds: float, repetitions: int) -> Speed:
    """Time every decoder on the same shots: the best of ``repetitions``, each of about ``repetition_seconds``."""
    detections, _ = problem.shots(1000)
    slowest = max(_cpu_seconds(decoder, detections) for decoder in problem.decoders.values())
    shots = max(1000, round(1000 * repetition_seconds / slowest))
    detections, _ = problem.shots(shots)
    best = dict.fromkeys(problem.decoders, float("inf"))
    for _ in range(repetitions):
        for name, decoder in problem.decoders.items():
            best[name] = min(best[name], _cpu_seconds(decoder, detections))
    return Speed(
        distance=problem.memory.distance,
        p=problem.memory.p,
        num_detectors=problem.num_detectors,
        num_edges=problem.num_edges,
        shots=shots,
        repetitions=repetitions,
        ratio_to_pymatching={name: round(best[BASELINE] / seconds, 3) for name, seconds in best.items()},
        shots_per_second={name: round(shots / seconds) for name, seconds in best.items()},
    )


def _cpu_seconds(decoder: sinter.CompiledDecoder, detections: Shots) -> float:
    start = time.process_time()
    decoder.decode_shots_bit_packed(bit_packed_detection_event_data=detections)
    return max(time.process_time() - start, 1e-9)
