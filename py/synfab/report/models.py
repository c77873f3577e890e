# SPDX-License-Identifier: Apache-2.0
"""The report: what was decoded, by what, built with what, for which board, and its figures."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from synfab.report.figures import Accuracy, Resources, Timing, Verification
from synfab.report.latency import LatencyCycles, WorstCase
from synfab.report.record import Count, Record, Rows, Sha256, Text
from synfab.report.stages import EventReduction, StageLatency

# Semantic: a patch changes words, a minor adds what old readers would refuse, a major changes meaning.
SCHEMA_VERSION = "1.2.0"

RESOURCES = ("lut", "ff", "bram36", "uram", "dsp")


class Problem(Record):
    """What is decoded."""

    source: Text = Field(description="Where the graph comes from: a generated code, a circuit or a DEM file")
    num_detectors: Count = Field(description="Detectors of the decoding graph")
    num_observables: Count = Field(description="Logical observables")
    num_edges: Count = Field(description="Edges of the decoding graph, boundary edges included")
    rounds: int | None = Field(default=None, ge=1, description="Rounds of measurement; null if not known")
    code: Mapping[Text, JsonValue] = Field(
        default_factory=dict, description="Parameters of the code and its noise, free of form"
    )


class Spec(Record):
    """The frozen integers from which reference and hardware were both built."""

    kind: Text = Field(description="Name of the spec, for example 'UnionFindSpec'")
    sha256: Sha256 = Field(description="SHA-256 of the spec file, in hex")
    parameters: Mapping[Text, JsonValue] = Field(
        default_factory=dict, description="Its main parameters, for example weight_bits"
    )
    max_cycles: Count | None = Field(
        default=None,
        description="Cycles from a block's last beat to its answer that no block exceeds, as proved; null if not known",
    )


class Board(Record):
    """The board that shares are taken of, and the clock that nanoseconds assume."""

    name: Text = Field(description="Name of the board")
    part: Text = Field(description="Vendor's part number with package and speed grade")
    lut: Count = Field(description="Look-up tables of the device")
    ff: Count = Field(description="Flip-flops of the device")
    bram36: float = Field(ge=0, multiple_of=0.5, description="Block RAMs of 36 Kb of the device")
    uram: Count = Field(description="UltraRAMs of 288 Kb of the device")
    dsp: Count = Field(description="DSP blocks of the device")
    clock_mhz: float = Field(gt=0, description="Clock asked of the decoder (MHz)")

    def shares(self, resources: Resources) -> dict[str, float | None]:
        """Return, for each of ``RESOURCES``, the fraction of the board taken; above 1 where it does not fit.

        The value is None where the board has none of the kind.
        """
        return {
            name: getattr(resources, name) / getattr(self, name) if getattr(self, name) else None for name in RESOURCES
        }

    def holds(self, resources: Resources) -> bool:
        """Return whether the board has at least as much of everything."""
        return all(getattr(resources, name) <= getattr(self, name) for name in RESOURCES)


class Anchor(Record):
    """A figure of somebody else's decoder, shown beside ours."""

    label: Text = Field(description="Whose decoder, on what problem")
    quantity: Text = Field(description="What was counted, for example 'mean latency'")
    value: float = Field(description="The value, in `unit`")
    unit: Text = Field(description="Unit of the value, with the clock where it is a time")
    origin: Literal["published", "measured"] = Field(
        description="'published' by its authors, or 'measured' by running what they published"
    )
    source: Text = Field(description="Citation: title, arXiv number or web address; tool and version if measured")


class Report(Record):
    """Everything known of one build. The first figure of each list is the one in the headline.

    Resources and timing are listed in the order of the flow; there the last figure that is not an estimate
    stands in the headline.
    """

    schema_version: Annotated[str, StringConstraints(pattern=r"^1\.2\.(0|[1-9][0-9]*)$")] = Field(
        default=SCHEMA_VERSION, description="Version of this schema (semantic versioning)"
    )
    name: Text = Field(description="Name of the build")
    problem: Problem
    spec: Spec
    tools: Mapping[Text, Text] = Field(description="Version of each tool and package that took part")
    board: Board
    verification: Rows[Verification] = Field(default=(), description="Comparisons with the reference")
    latency_cycles: Rows[LatencyCycles] = Field(default=(), description="Latency in clock cycles")
    stages: Rows[StageLatency] = Field(default=(), description="Latency by stage, of a decoder that has several")
    events: Rows[EventReduction] = Field(default=(), description="Detection events that stages leave")
    worst_case: Rows[WorstCase] = Field(default=(), description="Cycles at most, proved and found")
    resources: Rows[Resources] = Field(default=(), description="Resources, estimated and reported")
    timing: Rows[Timing] = Field(default=(), description="Slack under a clock")
    accuracy: Rows[Accuracy] = Field(default=(), description="Logical error rates")
    anchors: Rows[Anchor] = Field(default=(), description="Figures of others, for comparison")

    @property
    def verified(self) -> bool | None:
        """Whether every comparison agreed; None if nothing was compared."""
        return all(record.passed for record in self.verification) if self.verification else None

    @property
    def main_resources(self) -> Resources | None:
        """The last figure that is no estimate, of the scope of the first; else the first estimate."""
        same = [record for record in self.resources if record.scope == self.resources[0].scope]
        counted = [record for record in same if not record.is_estimate]
        return (counted[-1:] or same[:1] or [None])[0]

    @property
    def main_timing(self) -> Timing | None:
        """The last timing that is no estimate, else the last."""
        final = [record for record in self.timing if not record.is_estimate]
        return (final or [*self.timing] or [None])[-1]
