# SPDX-License-Identifier: Apache-2.0
"""Figures: order statistics, intervals, shares, and what is refused."""

import json
import math
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from synfab.errors import InputError
from synfab.report import Accuracy, Board, LatencyCycles, Resources, Timing, Verification

RTL_SIM: dict[str, Any] = {"stage": "rtl-sim", "tool": "verilator", "version": "5.048"}
BOARD = Board(name="B", part="part-1", lut=1000, ff=2000, bram36=10, uram=0, dsp=4, clock_mhz=250)


def latency(histogram: dict[int, int]) -> LatencyCycles:
    return LatencyCycles.from_histogram(histogram, **RTL_SIM, label="run")


def resources(**changes: object) -> Resources:
    fields = {"target": "t", "scope": "s", "lut": 10, "ff": 20, "is_estimate": True, **RTL_SIM, **changes}
    return Resources.model_validate(fields)


@given(st.dictionaries(st.integers(0, 500), st.integers(1, 3000), min_size=1, max_size=40))
def test_order_statistics_are_those_of_the_expanded_samples(histogram: dict[int, int]) -> None:
    record = latency(histogram)
    samples = np.sort(np.repeat(list(histogram), list(histogram.values())))
    for per_mille, value in ((500, record.p50), (990, record.p99), (999, record.p999)):
        rank = math.ceil(Fraction(per_mille, 1000) * len(samples))
        assert value == samples[rank - 1]
        at_most = np.searchsorted(samples, samples, side="right")
        assert value == samples[at_most * 1000 >= per_mille * len(samples)][0]
    assert record.p50 == np.quantile(samples, 0.5, method="inverted_cdf")
    assert record.mean == np.mean(samples)
    assert record.max == samples.max()
    assert record.shots == len(samples)


def test_quantiles_turn_exactly_at_their_rank() -> None:
    assert latency({3: 999, 9: 1}).p999 == 3
    assert latency({3: 998, 9: 2}).p999 == 9
    assert latency({3: 99, 9: 1}).p99 == 3
    assert latency({3: 1, 9: 1}).p50 == 3


def test_a_histogram_may_hold_numpy_integers_and_zero_counts_in_any_order() -> None:
    cycles, counts = np.unique(np.array([7, 5, 5, 6]), return_counts=True)
    record = latency({**dict(zip(cycles[::-1], counts[::-1], strict=True)), 4: 0})
    assert record.histogram == ((5, 2), (6, 1), (7, 1))
    assert json.loads(record.model_dump_json())["histogram"] == [[5, 2], [6, 1], [7, 1]]


@pytest.mark.parametrize("histogram", [{}, {4: 0}, {-1: 3}, {4: -3}])
def test_a_histogram_without_shots_is_refused(histogram: dict[int, int]) -> None:
    with pytest.raises(InputError, match=r"must count at least one shot.*not .*; decode some shots first"):
        latency(histogram)


@pytest.mark.parametrize("field", ["mean", "p50", "p99", "p999", "max"])
def test_statistics_that_are_not_those_of_the_histogram_are_refused(field: str) -> None:
    fields = latency({3: 10, 9: 1}).model_dump()
    with pytest.raises(ValidationError, match=f"{field} must be .*, as its histogram says"):
        LatencyCycles.model_validate({**fields, field: 5})


@pytest.mark.parametrize("histogram", [[(9, 1), (3, 10)], [(3, 5), (3, 5), (9, 1)]])
def test_a_histogram_out_of_order_is_refused(histogram: list[tuple[int, int]]) -> None:
    fields = latency({3: 10, 9: 1}).model_dump()
    with pytest.raises(ValidationError, match="once, ascending"):
        LatencyCycles.model_validate({**fields, "histogram": histogram})


def test_nanoseconds_carry_their_clock() -> None:
    ns = latency({3: 10, 9: 1}).at_clock(clock_mhz=250)
    assert (ns.clock_mhz, ns.p50, ns.max) == (250, 12, 36)


def wilson(errors: int, shots: int, level: float) -> tuple[float, float]:
    """Return the roots of (rate - q)^2 = z^2 q (1 - q) / shots."""
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    rate = errors / shots
    a, b, c = 1 + z2 / shots, 2 * rate + z2 / shots, rate * rate
    root = math.sqrt(b * b - 4 * a * c)
    return (b - root) / (2 * a), (b + root) / (2 * a)


@pytest.mark.parametrize("level", [0.95, 0.999])
@pytest.mark.parametrize(("errors", "shots"), [(0, 1), (1, 1), (0, 1000), (1, 1000), (37, 10**6), (10**6, 10**6)])
def test_the_interval_is_wilsons(errors: int, shots: int, level: float) -> None:
    record = Accuracy.from_counts(**RTL_SIM, decoder="d", shots=shots, errors=errors, level=level)
    # Two ways to compute one real number: they may differ by rounding alone.
    assert (record.interval_low, record.interval_high) == pytest.approx(
        wilson(errors, shots, level), rel=1e-9, abs=1e-12
    )
    assert record.interval_low <= record.logical_error_rate <= record.interval_high
    assert record.interval_level == level


@pytest.mark.parametrize(("errors", "shots"), [(0, 0), (-1, 10), (11, 10)])
def test_counts_that_are_no_counts_are_refused(errors: int, shots: int) -> None:
    with pytest.raises(InputError, match=f"not {errors} errors in {shots} shots; sample some shots first"):
        Accuracy.from_counts(**RTL_SIM, decoder="d", shots=shots, errors=errors)


def test_a_level_outside_zero_and_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"must lie between 0 and 1, not 95; 0\.95 is usual"):
        Accuracy.from_counts(**RTL_SIM, decoder="d", shots=10, errors=1, level=95)


def test_an_interval_beside_the_rate_is_refused() -> None:
    fields = Accuracy.from_counts(**RTL_SIM, decoder="d", shots=100, errors=10).model_dump()
    with pytest.raises(ValidationError, match="the interval must hold the rate"):
        Accuracy.model_validate({**fields, "errors": 50})


def test_shares_of_the_board_are_fractions_and_none_where_it_has_none() -> None:
    shares = BOARD.shares(resources(lut=250, ff=3000, bram36=0.5, dsp=1))
    assert shares == {"lut": 0.25, "ff": 1.5, "bram36": 0.05, "uram": None, "dsp": 0.25}


@pytest.mark.parametrize(
    ("changes", "fits"), [({}, True), ({"lut": 1000}, True), ({"lut": 1001}, False), ({"uram": 1}, False)]
)
def test_a_board_holds_what_is_not_larger_in_any_kind(changes: dict[str, int], fits: bool) -> None:
    assert BOARD.holds(resources(**changes)) is fits


@pytest.mark.parametrize(
    ("wns_ns", "whs_ns", "met"), [(0, None, True), (0.5, 0, True), (-0.1, 0, False), (0.5, -0.1, False)]
)
def test_timing_is_met_without_negative_slack(wns_ns: float, whs_ns: float | None, met: bool) -> None:
    record = Timing(**RTL_SIM, scope="s", period_ns=4, wns_ns=wns_ns, whs_ns=whs_ns)
    assert record.met is met
    assert record.fmax_mhz == 1000 / (4 - wns_ns)


@pytest.mark.parametrize(
    "fields",
    [
        {"stage": "RTL simulation"},
        {"tool": ""},
        {"version": "5.048\x00"},
        {"vectors": 0},
        {"mismatches": 11},
        {"vectors_sha256": "ab"},
        {"seconds": 3},
    ],
)
def test_a_verification_without_its_origin_or_counts_is_refused(fields: dict[str, object]) -> None:
    good = {**RTL_SIM, "label": "flips", "vectors": 10, "mismatches": 0, "vectors_sha256": "ab" * 32}
    assert Verification.model_validate(good).passed
    with pytest.raises(ValidationError):
        Verification.model_validate({**good, **fields})


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BOARD.lut = 5
