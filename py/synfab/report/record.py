# SPDX-License-Identifier: Apache-2.0
"""What every record of a report has in common: frozen, closed to unknown keys, finite, printable."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

# Names and labels reach HTML, SVG (which is XML and has no control characters at all) and the terminal.
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]

Item = TypeVar("Item")
# Any sequence is welcome and a tuple is kept, so that a frozen record cannot change by its lists.
Rows = Annotated[Sequence[Item], AfterValidator(tuple)]


class Record(BaseModel):
    """A frozen part of a report; unknown keys, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(Record):
    """A record of numbers that says where they come from."""

    stage: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] = Field(
        description="Lowering at which the figure was taken, lower-case words joined by hyphens: reference, "
        "rtl (what its structure says), rtl-sim, hls-csim, yosys-xcup, vivado-synth, vivado-routed"
    )
    tool: Text = Field(description="Program that produced the figure")
    version: Text = Field(description="Version of that program")

    @property
    def source(self) -> str:
        """Stage, tool and version in one line."""
        return f"{self.stage} · {self.tool} {self.version}"
