# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of fusion and of windows leaves behind, as JSON."""

from typing import Literal

from pydantic import Field

from synfab.benchmarks.fusion.methods import GlobalName
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.circuits.layout import Basis
from synfab.predecoder.evaluation import Paired


class Compared(Record):
    """A method beside the global decoder, in one setting, on the same shots."""

    columns: int = Field(ge=1, description="Patches merged in a row")
    rows: int = Field(ge=1, description="Patches merged in a column")
    steps: int = Field(ge=1, description="Of d rounds each")
    basis: Basis
    distance: int = Field(ge=3)
    noise: Literal["phenomenological", "circuit"]
    p: float = Field(gt=0, le=0.5, description="Error rate")
    weights: str = Field(description="Of union-find")
    method: str = Field(description="Fusion with its schedule, or windows with their order, inner decoder and buffer")
    beside: GlobalName = Field(description="The decoder of the whole graph")
    shots: int = Field(ge=64)
    alone: int = Field(ge=0, description="Logical errors of the global decoder")
    together: int = Field(ge=0, description="Logical errors of the method")
    both: int = Field(ge=0, description="Shots in which both failed")

    @property
    def paired(self) -> Paired:
        """The counts, with what follows from them."""
        return Paired(shots=self.shots, alone=self.alone, together=self.together, both=self.both)

    @property
    def shape(self) -> str:
        """Blocks in x, y and time."""
        return f"{self.columns} x {self.rows} x {self.steps}"


class FusionBenchmark(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["reference"] = "reference"
    problem: str = "rotated surface code, patches merged in a row or a field, steps of d rounds"
    compared: tuple[Compared, ...] = ()
