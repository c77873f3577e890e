# SPDX-License-Identifier: Apache-2.0
"""The figures of a report: verification, latency, resources, timing, accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from synfab.errors import InputError
from synfab.report.record import Count, Figure, Rows, Sha256, Text


class Verification(Figure):
    """A realisation compared with the reference on stored vectors."""

    label: Text = Field(description="What was compared, for example 'observable flips'")
    vectors: int = Field(ge=1, description="Number of test vectors (shots) compared")
    mismatches: Count = Field(description="Number of vectors on which the answers differed")
    vectors_sha256: Sha256 = Field(description="SHA-256 of the stored vectors, in hex")

    @property
    def passed(self) -> bool:
        """Whether every vector agreed."""
        return self.mismatches == 0

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.mismatches > self.vectors:
            raise ValueError(f"mismatches must not exceed the {self.vectors} vectors, not {self.mismatches}")
        return self


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
            histogram=pairs,
            **_order_statistics(pairs),
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
        if any(later <= earlier for earlier, later in zip(cycles, cycles[1:], strict=False)):
            raise ValueError("the histogram must name each number of cycles once, ascending")
        for name, expected in _order_statistics(tuple(self.histogram)).items():
            if getattr(self, name) != expected:
                raise ValueError(
                    f"{name} must be {expected!r}, as its histogram says, not {getattr(self, name)!r}"
                )
        return self


def _order_statistics(pairs: tuple[tuple[int, int], ...]) -> dict[str, int | float]:
    """Return mean and nearest-rank quantiles of ascending (cycles, count) pairs, in exact integers."""
    shots = sum(count for _, count in pairs)

    def quantile(per_mille: int) -> int:
        rank = -(-per_mille * shots // 1000)
        seen = 0
        for cycles, count in pairs:
            seen += count
            if seen >= rank:
                return cycles
        return pairs[-1][0]

    return {
        "mean": sum(cycles * count for cycles, count in pairs) / shots,
        "p50": quantile(500),
        "p99": quantile(990),
        "p999": quantile(999),
        "max": pairs[-1][0],
    }


class Resources(Figure):
    """What a design takes of a device, as one tool counts it."""

    target: Text = Field(description="Device or family that was synthesised for")
    scope: Text = Field(description="Module that was counted, for example the decoder alone or the board top")
    lut: Count = Field(description="Look-up tables")
    ff: Count = Field(description="Flip-flops")
    carry: Count | None = Field(default=None, description="Carry cells of the target; null where not reported")
    bram36: float = Field(default=0.0, ge=0, multiple_of=0.5, description="Block RAMs of 36 Kb; half is 18 Kb")
    uram: Count = Field(default=0, description="UltraRAMs of 288 Kb")
    dsp: Count = Field(default=0, description="DSP blocks")
    longest_path_levels: Count | None = Field(
        default=None, description="Cells on the longest path between registers; null where not reported"
    )
    longest_path_ps: float | None = Field(
        default=None, ge=0, description="Delay of the longest path (ps); null where not reported"
    )
    is_estimate: bool = Field(description="True unless the vendor's own tool counted on the target itself")
    note: Text | None = Field(default=None, description="What limits the figure, in one sentence")


class Timing(Figure):
    """Slack of a design under a clock, as a timing analyser reports it."""

    scope: Text = Field(description="Module that was analysed, for example the decoder out of context")
    period_ns: float = Field(gt=0, description="Clock period asked for (ns)")
    wns_ns: float = Field(description="Worst negative slack of setup (ns); negative when the clock is missed")
    tns_ns: float | None = Field(default=None, le=0, description="Total negative slack of setup (ns)")
    whs_ns: float | None = Field(default=None, description="Worst slack of hold (ns)")
    ths_ns: float | None = Field(default=None, le=0, description="Total negative slack of hold (ns)")
    failing_endpoints: Count | None = Field(default=None, description="Endpoints that miss setup")
    is_estimate: bool = Field(default=False, description="True unless the design was placed and routed")

    @property
    def met(self) -> bool:
        """Whether setup, and hold where reported, have no negative slack."""
        return self.wns_ns >= 0 and (self.whs_ns is None or self.whs_ns >= 0)

    @property
    def fmax_mhz(self) -> float:
        """Clock at which the setup slack would be zero (MHz)."""
        return 1000 / (self.period_ns - self.wns_ns)

    @model_validator(mode="after")
    def _check_slack(self) -> Self:
        if self.wns_ns >= self.period_ns:
            raise ValueError(f"wns_ns must be below the period of {self.period_ns} ns, not {self.wns_ns}")
        return self


class Accuracy(Figure):
    """Logical errors of a decoder over sampled shots, with a confidence interval."""

    decoder: Text = Field(description="Decoder, with its parameters")
    shots: int = Field(ge=1, description="Shots decoded")
    errors: Count = Field(description="Shots in which at least one observable was predicted wrongly")
    p: float | None = Field(default=None, ge=0, le=1, description="Physical error rate; null if not one number")
    distance: int | None = Field(default=None, ge=1, description="Code distance; null if not known")
    rounds: int | None = Field(default=None, ge=1, description="Rounds a shot; null if not known")
    interval_low: float = Field(ge=0, le=1, description="Lower end of the interval of the error rate a shot")
    interval_high: float = Field(ge=0, le=1, description="Upper end of the interval of the error rate a shot")
    interval_method: Literal["wilson"] = Field(description="How the interval was computed")
    interval_level: float = Field(gt=0, lt=1, description="Confidence level of the interval")

    @classmethod
    def from_counts(
        cls,
        *,
        stage: str,
        tool: str,
        version: str,
        decoder: str,
        shots: int,
        errors: int,
        p: float | None = None,
        distance: int | None = None,
        rounds: int | None = None,
        level: float = 0.95,
    ) -> Self:
        """Return the accuracy record of ``errors`` in ``shots``, with its Wilson interval.

        Raises
        ------
        InputError
            If ``shots`` is below 1, ``errors`` is not within 0 and ``shots``, or ``level`` not within (0, 1).
        """
        from scipy.stats import binomtest

        if shots < 1 or not 0 <= errors <= shots:
            raise InputError(
                f"A logical error rate needs at least one shot and errors from 0 to the shots, not {errors!r} "
                f"errors in {shots!r} shots; sample some shots first."
            )
        if not 0 < level < 1:
            raise InputError(f"A confidence level must lie between 0 and 1, not {level!r}; 0.95 is usual.")
        interval = binomtest(errors, shots).proportion_ci(confidence_level=level, method="wilson")
        return cls(
            stage=stage,
            tool=tool,
            version=version,
            decoder=decoder,
            shots=shots,
            errors=errors,
            p=p,
            distance=distance,
            rounds=rounds,
            interval_low=float(interval.low),
            interval_high=float(interval.high),
            interval_method="wilson",
            interval_level=level,
        )

    @property
    def logical_error_rate(self) -> float:
        """Errors a shot."""
        return self.errors / self.shots

    @model_validator(mode="after")
    def _check_interval(self) -> Self:
        if self.errors > self.shots:
            raise ValueError(f"errors must not exceed the {self.shots} shots, not {self.errors}")
        if not self.interval_low <= self.logical_error_rate <= self.interval_high:
            raise ValueError(
                f"the interval must hold the rate {self.logical_error_rate!r}, "
                f"not {self.interval_low!r} to {self.interval_high!r}"
            )
        return self
