# SPDX-License-Identifier: Apache-2.0
"""Integer weights: range, order, rounding, and the cases where a logarithm has nothing to say."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synfab.errors import InputError
from synfab.quantize import MAX_WEIGHT_BITS, UNIT_WEIGHT, log_likelihood_weights, unit_weights

probabilities = st.lists(st.floats(1e-9, 1, exclude_max=True), min_size=1, max_size=12)
widths = st.integers(2, MAX_WEIGHT_BITS)


def test_worked_example() -> None:
    # ln 9, ln 99, ln 999 = 2.197, 4.595, 6.907; the last becomes 15, 3 and 255.
    assert log_likelihood_weights([0.1, 0.01, 0.001], weight_bits=4) == (5, 10, 15)
    assert log_likelihood_weights([0.1, 0.01, 0.001], weight_bits=2) == (1, 2, 3)
    assert log_likelihood_weights([0.1, 0.01, 0.001], weight_bits=8) == (81, 170, 255)


@given(probabilities, widths)
def test_rounds_to_the_nearest_integer_but_never_to_0(ps: list[float], bits: int) -> None:
    weights = log_likelihood_weights(ps, weight_bits=bits)
    exact = [abs(log((1 - p) / p)) for p in ps]
    if max(exact) - min(exact) <= 1e-9 * max(exact):
        assert weights == (UNIT_WEIGHT,) * len(ps)
        return
    top = 2**bits - 1
    assert weights[exact.index(max(exact))] == max(weights) == top
    for weight, value in zip(weights, exact, strict=True):
        scaled = value / max(exact) * top
        assert weight >= 1
        assert abs(weight - scaled) <= 0.5 + 1e-9 or (weight == 1 and scaled < 0.5)


@given(probabilities, widths)
def test_a_likelier_edge_is_never_longer(ps: list[float], bits: int) -> None:
    weights = log_likelihood_weights(ps, weight_bits=bits)
    by_doubt = sorted(zip((abs(log((1 - p) / p)) for p in ps), weights, strict=True))
    assert [weight for _, weight in by_doubt] == sorted(weights)


def test_p_and_its_complement_weigh_the_same() -> None:
    assert log_likelihood_weights([0.25, 0.75, 0.01], weight_bits=4) == log_likelihood_weights(
        [0.75, 0.25, 0.99], weight_bits=4
    )


@pytest.mark.parametrize("ps", [[0.1], [0.1, 0.1, 0.1], [0.1, 0.9], [0.5, 0.5], [1.0], [1.0, 1.0]])
def test_equal_weights_become_unit_weights(ps: list[float]) -> None:
    assert log_likelihood_weights(ps, weight_bits=5) == unit_weights(len(ps)) == (UNIT_WEIGHT,) * len(ps)


def test_certain_errors_get_the_largest_weight() -> None:
    assert log_likelihood_weights([1.0, 0.1, 0.01], weight_bits=3) == (7, 3, 7)
    assert log_likelihood_weights([1.0, 0.5], weight_bits=3) == (7, 1)


def test_no_edges() -> None:
    assert log_likelihood_weights([], weight_bits=4) == unit_weights(0) == ()


@pytest.mark.parametrize("bits", [-1, 0, 1, 17])
def test_weight_bits_out_of_range(bits: int) -> None:
    with pytest.raises(InputError) as caught:
        log_likelihood_weights([0.1], weight_bits=bits)
    assert str(caught.value) == f"weight_bits must lie in 2..16, not {bits}"


@pytest.mark.parametrize("p", [0.0, -0.1, 1.5, float("nan")])
def test_not_a_probability(p: float) -> None:
    with pytest.raises(InputError) as caught:
        log_likelihood_weights([0.1, p], weight_bits=4)
    assert (
        str(caught.value) == f"the probability of an edge must lie in (0, 1], not {p!r}; leave out what never happens"
    )
