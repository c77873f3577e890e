# SPDX-License-Identifier: Apache-2.0
"""The figures of a report other than latency: verification, resources, timing, accuracy."""

from typing import Literal, Self

from pydantic import Field, model_validator

from synfab.errors import InputError
from synfab.interval import wilson_interval
from synfab.report.record import Count, Figure, Sha256, Text


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
        if shots < 1 or not 0 <= errors <= shots:
            raise InputError(
                f"A logical error rate needs at least one shot and errors from 0 to the shots, not {errors!r} "
                f"errors in {shots!r} shots; sample some shots first."
            )
        if not 0 < level < 1:
            raise InputError(f"A confidence level must lie between 0 and 1, not {level!r}; 0.95 is usual.")
        low, high = wilson_interval(errors, shots, level=level)
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
            interval_low=low,
            interval_high=high,
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
