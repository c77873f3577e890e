# SPDX-License-Identifier: Apache-2.0
"""Logical error rates of decoders on the same shots, and whether they differ."""

import time

import numpy as np
from scipy.stats import binomtest

from synfab.benchmarks.models import BASELINE, Accuracy, DecoderErrors
from synfab.benchmarks.problem import Problem
from synfab.interval import wilson_interval


def with_batch(problem: Problem, point: Accuracy | None, shots: int) -> Accuracy:
    """Add a batch of shots to a point, or begin one."""
    start = time.process_time()
    detections, observables = problem.shots(shots)
    failures = {}
    for name, decoder in problem.decoders.items():
        predictions = decoder.decode_shots_bit_packed(bit_packed_detection_event_data=detections)
        failures[name] = (predictions != observables).any(axis=1)
    total = shots + (point.shots if point else 0)
    before = {record.decoder: record for record in point.decoders} if point else {}
    records = []
    for name, failed in failures.items():
        counts = np.array([failed.sum(), (failed & ~failures[BASELINE]).sum(), (failures[BASELINE] & ~failed).sum()])
        if name in before:
            counts += [before[name].errors, before[name].only_this, before[name].only_pymatching]
        records.append(_decoder_errors(name, total, *map(int, counts)))
    return Accuracy(
        distance=problem.memory.distance,
        p=problem.memory.p,
        shots=total,
        cpu_seconds=round(time.process_time() - start + (point.cpu_seconds if point else 0), 3),
        decoders=tuple(records),
    )


def _decoder_errors(name: str, shots: int, errors: int, only_this: int, only_pymatching: int) -> DecoderErrors:
    low, high = wilson_interval(errors, shots)
    apart = only_this + only_pymatching
    return DecoderErrors(
        decoder=name,
        errors=errors,
        logical_error_rate=errors / shots,
        interval_low=low,
        interval_high=high,
        only_this=only_this,
        only_pymatching=only_pymatching,
        mcnemar_p=float(binomtest(only_this, apart).pvalue) if apart else 1.0,
    )
