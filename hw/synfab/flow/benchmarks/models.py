# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of the union-find fabric leaves behind, as JSON."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from synfab.benchmarks.models import MeasuredBy, Record

BlockName = Literal["phenomenological, open start", "phenomenological, closed start", "circuit-level"]
Weights = Literal["unit", "log_likelihood"]


class Helios(Record):
    """Helios on the same block, by its own counter: growth, merging and peeling, without load and read-out."""

    mean_cycles: float | None = None
    max_cycles: int | None = None
    source: str = "measured with Verilator on the public RTL of arXiv:2406.08491"


class Cycles(Record):
    """Latency of one block at one error rate, from RTL in the loop.

    Cycles run from the transfer of the block's last beat to the first cycle in which the answer is offered.
    """

    block: BlockName
    weights: Weights
    distance: int = Field(ge=2)
    p: float = Field(gt=0, le=0.5)
    verilog_sha256: str = Field(description="Of the RTL that was measured")
    num_detectors: int
    num_edges: int
    shots: int = Field(ge=1)
    mismatches: int = Field(ge=0, description="Shots whose prediction differed from the reference's")
    mean: float
    p50: int
    p99: int
    p999: int
    max: int
    histogram: tuple[tuple[int, int], ...] = Field(description="(cycles, shots)")
    helios: Helios | None = None


class Area(Record):
    """Size of one fabric by yosys."""

    block: BlockName
    weights: Weights
    distance: int = Field(ge=2)
    verilog_sha256: str = Field(description="Of the RTL that was measured")
    num_detectors: int
    way: Literal["flat", "hierarchical"]
    lut: int
    ff: int
    lut_per_detector: float
    longest_path_levels: int | None
    longest_path_ps: int | None = Field(description="7-series delays without wires: for comparison only")
    helios_lut: int | None = Field(default=None, description="Helios, whole decoder module, by the same yosys pass")


class FabricBenchmark(MeasuredBy):
    """The union-find fabric beside Helios."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Mapping[str, str] = {"cycles": "rtl-sim", "area": "yosys-xcup estimate"}
    cycles: tuple[Cycles, ...] = ()
    area: tuple[Area, ...] = ()
