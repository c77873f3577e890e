# SPDX-License-Identifier: Apache-2.0
"""Confidence intervals of rates."""

CONFIDENCE_LEVEL = 0.95


def wilson_interval(errors: int, shots: int, *, level: float = CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Return the Wilson interval of a rate of ``errors`` in ``shots``; (0, 1) without shots."""
    from scipy.stats import binomtest

    if not shots:
        return 0.0, 1.0
    interval = binomtest(errors, shots).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)
