# SPDX-License-Identifier: Apache-2.0
"""From probabilities to integer edge weights; the only place where a float becomes an integer."""

import math
from collections.abc import Sequence

from synfab.errors import InputError

UNIT_WEIGHT = 2
"""The smallest weight that tells growth from one end (two steps) from growth from both (one step)."""

MAX_WEIGHT_BITS = 16


def log_likelihood_weights(probabilities: Sequence[float], *, weight_bits: int) -> tuple[int, ...]:
    """Quantize the weights ``|ln((1 - p) / p)|`` linearly to ``1 .. 2**weight_bits - 1``.

    The largest weight becomes ``2**weight_bits - 1``; none becomes 0, so that every cluster starts as one
    detector. An edge with p > 1/2 gets the weight of 1 - p: its error is taken as given (see
    :meth:`UnionFindSpec.compile`), and the decoder decides whether it did *not* happen. If all weights are equal
    there is nothing to tell apart and all become :data:`UNIT_WEIGHT`, which grows fastest.

    Parameters
    ----------
    probabilities : sequence of float
        In (0, 1]; p = 1 gets the largest weight.
    weight_bits : int
        2 to 16.

    Returns
    -------
    tuple of int
        One weight an edge.

    Raises
    ------
    InputError
        If ``weight_bits`` or a probability lies outside its range.
    """
    if not 2 <= weight_bits <= MAX_WEIGHT_BITS:
        raise InputError(f"weight_bits must lie in 2..{MAX_WEIGHT_BITS}, not {weight_bits!r}")
    for p in probabilities:
        if not 0 < p <= 1:
            raise InputError(f"the probability of an edge must lie in (0, 1], not {p!r}; leave out what never happens")
    exact = [abs(math.log((1 - p) / p)) if p < 1 else math.inf for p in probabilities]
    finite = [weight for weight in exact if weight < math.inf]
    largest = max(finite, default=0.0)
    if not finite or (len(finite) == len(exact) and largest - min(finite) <= 1e-9 * largest):
        return (UNIT_WEIGHT,) * len(exact)
    top = (1 << weight_bits) - 1
    return tuple(top if weight == math.inf else max(1, round(top * weight / (largest or 1))) for weight in exact)


def unit_weights(count: int) -> tuple[int, ...]:
    """Return ``count`` weights of 2: every edge is full after growth from both ends, or twice from one."""
    return (UNIT_WEIGHT,) * count
