# SPDX-License-Identifier: Apache-2.0
"""The figures of a decoder that is made of several, one behind the other: time by stage, and what the first leaves."""

from typing import Self

from pydantic import Field, model_validator

from synfab.report.record import Count, Figure, Text


class StageLatency(Figure):
    """What a stage adds to the time between a block's last round and its answer."""

    name: Text = Field(description="Stage, or 'end to end' for all of them")
    rounds: Count = Field(default=0, description="Rounds that must follow one within a block before it can be settled")
    mean: float = Field(ge=0, description="Mean (cycles)")
    p99: Count = Field(description="99 % quantile by nearest rank (cycles)")
    max: Count = Field(description="Most (cycles)")
    note: Text | None = Field(default=None, description="What the cycles are, in a few words")

    @property
    def is_fixed(self) -> bool:
        """Whether it takes as long for all events."""
        return self.mean == self.max

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not max(self.mean, self.p99) <= self.max:
            raise ValueError(f"mean and p99 must not exceed max, {self.max}, not be {self.mean} and {self.p99}")
        return self


class EventReduction(Figure):
    """Detection events before and after a stage, on the same shots."""

    name: Text = Field(description="Stage")
    shots: int = Field(ge=1, description="Shots")
    before: Count = Field(description="Detection events in all of them")
    after: Count = Field(description="Detection events that are left")

    @property
    def share_left(self) -> float | None:
        """Events left of those that there were; None if there were none."""
        return self.after / self.before if self.before else None
