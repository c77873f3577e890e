# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of the fusion fabric leaves behind, as JSON."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from synfab.benchmarks.models import MeasuredBy, Record
from synfab.circuits.layout import Basis
from synfab.flow.benchmarks.synthesis import Synthesized


class Patches(Record):
    """Patches of a rectangle, whose seams are merged or split at random in every step of d rounds."""

    columns: int = Field(ge=1)
    rows: int = Field(ge=1)
    steps: int = Field(ge=1, description="Of d rounds each, in a shot")
    distance: int = Field(ge=3)
    basis: Basis
    noise: Literal["phenomenological", "circuit"]
    p: float = Field(gt=0, le=0.5)
    weights: str
    merged: float = Field(ge=0, le=1, description="Probability with which a seam is merged in a step")

    @property
    def shape(self) -> str:
        """Patches in x and y."""
        return f"{self.columns} x {self.rows}"

    @property
    def patches(self) -> int:
        """Patches in all."""
        return self.columns * self.rows

    @property
    def about(self) -> tuple:
        """What tells one from another, in the order of the tables."""
        return (self.noise, self.weights, self.distance, self.patches, self.columns, self.p, self.merged, self.basis)


class FusionCycles(Patches):
    """Steps played to the Verilated fusion fabric.

    Cycles run from the transfer of the last beat of a step to the first cycle in which its answer is offered.
    """

    slots: int = Field(ge=2, description="Steps that are held")
    alone: Literal["block", "step"] = Field(description="What grows before it is fused with more")
    num_detectors: int = Field(ge=1, description="Of all steps that are held")
    verilog_sha256: str = Field(description="Of the RTL that was measured")
    blocks: int = Field(ge=1)
    mismatches: int = Field(ge=0, description="Shots in which the RTL does not commit what the reference does")
    histogram: Mapping[int, int] = Field(description="Steps by cycles, each sent after the answer before")
    mean_interval: float = Field(description="Cycles a step when all blocks wait to be taken")


class WindowCycles(Patches):
    """The same shots decoded by parallel windows in two groups, each window by the fabric of one block, Verilated.

    A group is as slow as its slowest window; the cycles of both groups are added, and passing the boundary from one to
    the other costs none.
    """

    buffer: int = Field(ge=0, description="In edges")
    verilog_sha256: tuple[str, ...] = Field(description="Of the RTL: the fusion fabric's, and one a window")
    shots: int = Field(ge=1)
    mismatches: int = Field(
        ge=0, description="Shots in which a window's RTL, or the fabric's, differs from the reference"
    )
    histogram: Mapping[int, int] = Field(description="Shots by cycles")
    fusion_mean: float = Field(description="Cycles of the fusion fabric on the same shots")

    @property
    def mean(self) -> float:
        """Cycles."""
        return sum(cycles * count for cycles, count in self.histogram.items()) / self.shots


class Backlog(Patches):
    """Rounds that come at a steady pace, as a program gets longer."""

    cycles_per_round: int = Field(ge=1)
    verilog_sha256: str
    mismatches: int = Field(
        ge=0,
        le=2,
        description="Plays of the history, at this pace and with all blocks waiting, in which the RTL does not commit "
        "what the reference does",
    )
    mean_by_tenth: tuple[float, ...] = Field(description="Cycles from a step's last round to its answer, by tenth")
    max: int
    mean_interval: Mapping[int, float] = Field(description="Cycles a step with all blocks waiting, by steps played")


class FusionArea(Patches):
    """Size of the fusion fabric, and of the fabric of one block for all patches merged and as many steps.

    The latter is the spatial union-find fabric, with corrections and as many hops. Both are synthesized the same way.
    """

    stage: Literal["yosys-xcup estimate"] = "yosys-xcup estimate"
    yosys: str = Field(description="Version")
    slots: int = Field(ge=2, description="Steps that are held")
    alone: Literal["block", "step"] = Field(description="What grows before it is fused with more")
    hops: int = Field(ge=1, description="Edges that tags and messages cross in a cycle")
    num_detectors: int = Field(ge=1, description="Of all steps that are held")
    fusion: Synthesized
    num_merged_detectors: int = Field(ge=1, description="Of the one block")
    union_find: Synthesized


class FusionCost(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["rtl-sim"] = "rtl-sim"
    cycles: tuple[FusionCycles, ...] = ()
    windows: tuple[WindowCycles, ...] = ()
    backlog: tuple[Backlog, ...] = ()
    area: tuple[FusionArea, ...] = ()
