# SPDX-License-Identifier: Apache-2.0
"""What a benchmark leaves behind, as JSON: what is common to all, and that of the union-find reference."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BASELINE = "pymatching"


class Record(BaseModel):
    """A part of the file: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasuredBy(Record):
    """The whole file of a benchmark."""

    tools: Mapping[str, str] = Field(description="Version of each tool that took part")

    @property
    def versions(self) -> str:
        """Of the tools, as the pages name them."""
        return ", ".join(f"{tool} {version}" for tool, version in self.tools.items())


class Speed(Record):
    """Decoding speed of one problem on one core, all decoders in the same run.

    The ratios compare decoders that took turns on the same shots. The shots a second depend on the machine and on
    what else it did.
    """

    distance: int = Field(ge=2, description="Code distance, and number of rounds")
    p: float = Field(gt=0, le=0.5, description="Physical error rate")
    num_detectors: int = Field(ge=0)
    num_edges: int = Field(ge=0)
    shots: int = Field(ge=1, description="Shots a repetition")
    repetitions: int = Field(ge=1, description="Repetitions, the decoders taking turns; the best counts")
    ratio_to_pymatching: Mapping[str, float] = Field(description="Speed of each decoder over that of PyMatching")
    shots_per_second: Mapping[str, float] = Field(description="Best of the repetitions, by CPU time; noisy")


class DecoderErrors(Record):
    """Logical errors of one decoder, and how they pair with those of PyMatching on the same shots."""

    decoder: str
    errors: int = Field(ge=0, description="Shots with a wrong prediction")
    logical_error_rate: float = Field(ge=0, le=1, description="Errors a shot")
    interval_low: float = Field(ge=0, le=1, description="Lower end of the Wilson interval at 95 %")
    interval_high: float = Field(ge=0, le=1, description="Upper end of the Wilson interval at 95 %")
    only_this: int = Field(ge=0, description="Shots on which this decoder failed and PyMatching did not")
    only_pymatching: int = Field(ge=0, description="Shots on which PyMatching failed and this decoder did not")
    mcnemar_p: float = Field(ge=0, le=1, description="Exact two-sided McNemar test that both fail equally often")


class Accuracy(Record):
    """Logical error rates of one problem, all decoders on the same shots."""

    distance: int = Field(ge=2, description="Code distance, and number of rounds")
    p: float = Field(gt=0, le=0.5, description="Physical error rate")
    shots: int = Field(ge=1)
    cpu_seconds: float = Field(ge=0, description="Spent on sampling and decoding, all decoders together")
    decoders: tuple[DecoderErrors, ...]


class ReferenceBenchmark(MeasuredBy):
    """The union-find reference beside PyMatching."""

    schema_version: Literal["1.0.0"] = Field(default="1.0.0", description="Version of this schema")
    stage: Literal["reference"] = "reference"
    problem: str = Field(description="Code and noise")
    speed: tuple[Speed, ...] = ()
    accuracy: tuple[Accuracy, ...] = ()
