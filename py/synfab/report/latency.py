# SPDX-License-Identifier: Apache-2.0
"""Latency in clock cycles: a histogram and its exact order statistics, and the worst case."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import index
from typing import Annotated, Self

from pydantic import Field, model_validator

from synfab.errors import InputError
from synfab.report.record import Count, Figure, Rows, Text


@dataclass(frozen=True, kw_only=True)
class LatencyNs:
    """Latency in nanoseconds under the clock that it assumes (``clock_mhz``, MHz)."""

    clock_mhz: float
    mean: float
    p50: float
    p99: float
    p999: float
    max: float


class LatencyCycles(Figure):
    """Clock cycles of a decode over many shots: order statistics and the histogram that they come from.

    Quantiles are by nearest rank: ``p99`` is the least number of cycles that at least 99 % of the shots do
    not exceed. A record whose statistics are not exactly those of its histogram is refused.
    """

    label: Text = Field(description="What ran, for example the noise and the shots")
    interval: Text | None = Field(
        default=None, description="Events between which the cycles are counted, for example 'last beat to answer'"
    )
    mean: float = Field(ge=0, description="Arithmetic mean (cycles)")
    p50: Count = Field(description="Median by nearest rank (cycles)")
    p99: Count = Field(description="99 % quantile by nearest rank (cycles)")
    p999: Count = Field(description="99.9 % quantile by nearest rank (cycles)")
    max: Count = Field(description="Largest value seen (cycles)")
    histogram: Rows[tuple[Count, Annotated[int, Field(ge=1)]]] = Field(
        min_length=1, description="Pairs of [cycles, number of shots], cycles ascending"
    )

    @classmethod
    def from_histogram(
        cls,
        histogram: Mapping[int, int],
        *,
        stage: str,
        tool: str,
        version: str,
        label: str,
        interval: str | None = None,
    ) -> Self:
        """Return the latency record of a mapping from cycles to a number of shots; zero counts are dropped.

        Raises
        ------
        InputError
            If no shot was counted, or a cycle or a count is negative.
        """
        pairs = tuple(sorted((index(cycles), index(count)) for cycles, count in histogram.items() if count))
        if not pairs or pairs[0][0] < 0 or min(count for _, count in pairs) < 0:
            raise InputError(
                "A latency histogram must count at least one shot, with no negative cycles or counts, "
                f"not {dict(histogram)!r}; decode some shots first."
            )
        return cls(
            stage=stage,
            tool=tool,
            version=version,
            label=label,
            interval=interval,
            mean=_mean(pairs),
            p50=_quantile(pairs, per_mille=500),
            p99=_quantile(pairs, per_mille=990),
            p999=_quantile(pairs, per_mille=999),
            max=pairs[-1][0],
            histogram=pairs,
        )

    @property
    def shots(self) -> int:
        """Number of shots in the histogram."""
        return sum(count for _, count in self.histogram)

    def at_clock(self, *, clock_mhz: float) -> LatencyNs:
        """Return the statistics in nanoseconds under a clock of ``clock_mhz`` MHz."""
        period_ns = 1000 / clock_mhz
        return LatencyNs(
            clock_mhz=clock_mhz,
            mean=self.mean * period_ns,
            p50=self.p50 * period_ns,
            p99=self.p99 * period_ns,
            p999=self.p999 * period_ns,
            max=self.max * period_ns,
        )

    @model_validator(mode="after")
    def _check_statistics(self) -> Self:
        cycles = [pair[0] for pair in self.histogram]
        if any(later <= earlier for earlier, later in pairwise(cycles)):
            raise ValueError("the histogram must name each number of cycles once, ascending")
        derived = {
            "mean": _mean(self.histogram),
            "p50": _quantile(self.histogram, per_mille=500),
            "p99": _quantile(self.histogram, per_mille=990),
            "p999": _quantile(self.histogram, per_mille=999),
            "max": cycles[-1],
        }
        for name, expected in derived.items():
            if getattr(self, name) != expected:
                raise ValueError(f"{name} must be {expected!r}, as its histogram says, not {getattr(self, name)!r}")
        return self


class WorstCase(Figure):
    """The slowest syndrome that a search found, beside the cycles that no block exceeds."""

    max_cycles: Count = Field(description="Cycles that no block exceeds, whatever its detection events; proved")
    slowest_cycles: Count = Field(description="Cycles of the slowest syndrome that was found")
    detection_events: Rows[Count] = Field(description="Detectors of that syndrome, ascending")
    shots: int = Field(ge=1, description="Syndromes tried; every answer was equal to the reference's")
    seed: Count = Field(description="Seed of the search")

    @model_validator(mode="after")
    def _check_cycles(self) -> Self:
        if self.slowest_cycles > self.max_cycles:
            raise ValueError(f"slowest_cycles must not exceed the {self.max_cycles} proved, not {self.slowest_cycles}")
        return self


def _mean(pairs: Sequence[tuple[int, int]]) -> float:
    """Return the mean of (cycles, count) pairs: one division of integers, correctly rounded."""
    return sum(cycles * count for cycles, count in pairs) / sum(count for _, count in pairs)


def _quantile(pairs: Sequence[tuple[int, int]], *, per_mille: int) -> int:
    """Return the nearest-rank quantile of ascending (cycles, count) pairs, in exact integers."""
    rank = -(-per_mille * sum(count for _, count in pairs) // 1000)
    last = bisect_left(list(accumulate(count for _, count in pairs)), rank)
    return pairs[last][0]
