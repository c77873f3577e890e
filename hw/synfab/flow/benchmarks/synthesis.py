# SPDX-License-Identifier: Apache-2.0
"""What yosys makes of a design, as the benchmarks' files hold it."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from synfab.artefact import digest, write_text
from synfab.benchmarks.models import Record

if TYPE_CHECKING:
    from synfab.hw.yosys import Estimate

# Synthesis of all elements in one piece takes too long above this.
FLAT_DETECTORS = 400


class Synthesized(Record):
    """A design as yosys maps it."""

    verilog_sha256: str = Field(description="Of the RTL that was synthesized")
    way: Literal["flat", "hierarchical"]
    lut: int = Field(ge=0, description="With those used as shift registers and memory")
    ff: int = Field(ge=0)
    bram36: float = Field(ge=0)
    dsp: int = Field(ge=0)
    longest_path_levels: int | None = None
    longest_path_ps: float | None = None

    @classmethod
    def of(cls, verilog: str, *, top: str, flatten: bool) -> Self:
        """Synthesize it."""
        found = estimated(verilog, top=top, flatten=flatten)
        return cls(
            verilog_sha256=digest(verilog),
            way=found.way,
            lut=found.lut + found.lutram + found.srl,
            ff=found.ff,
            bram36=found.bram36,
            dsp=found.dsp,
            longest_path_levels=found.longest_path_levels,
            longest_path_ps=found.longest_path_ps,
        )


def estimated(verilog: str, *, top: str, flatten: bool) -> "Estimate":
    """Return yosys' estimate of a design that is not in a file."""
    from synfab.hw import yosys

    with tempfile.TemporaryDirectory() as folder:
        return yosys.estimate([write_text(Path(folder) / f"{top}.v", verilog)], top=top, flatten=flatten)
