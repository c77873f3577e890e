# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of the union-find fabric leaves behind, as JSON."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from synfab.benchmarks.models import MeasuredBy, Record

BlockName = Literal["phenomenological, open start", "phenomenological, closed start", "circuit-level"]
Weights = Literal["unit", "log_likelihood"]


class Built(Record):
    """A fabric: what it decodes, and its design."""

    block: BlockName
    weights: Weights
    distance: int = Field(ge=2)
    micro_architecture: Literal["spatial", "shared"] = "spatial"
    hops: int = Field(default=1, ge=1, description="Edges that tags and messages cross in a cycle")
    detectors_per_element: int = Field(default=1, ge=1)
    corrections: bool = False
    runtime_weights: bool = False
    num_detectors: int
    num_edges: int
    verilog_sha256: str = Field(description="Of the RTL that was measured")


class Cycles(Built):
    """Latency of one block at one error rate, from RTL in the loop.

    Cycles run from the transfer of the block's last beat to the first cycle in which the answer is offered.
    """

    p: float = Field(gt=0, le=0.5)
    gap_cycles: int = Field(default=0, ge=0, description="Cycles without a beat between the rounds of a block")
    own_weights: bool = Field(
        default=False, description="Every block brings the weights of up to eight edges, a third of them erasures"
    )
    shots: int = Field(ge=1)
    mismatches: int = Field(ge=0, description="Shots whose prediction differed from the reference's")
    mean: float
    mean_interval: float | None = Field(
        default=None, description="Cycles a block when blocks come back to back, a round a cycle"
    )
    p50: int
    p99: int
    p999: int
    max: int
    histogram: tuple[tuple[int, int], ...] = Field(description="(cycles, shots)")
    helios_mean: float | None = None
    helios_p999: int | None = None
    helios_max: int | None = None


class Area(Built):
    """Size of one fabric by yosys, and its longest path."""

    way: Literal["flat", "hierarchical"]
    lut: int
    lutram: int = Field(description="LUTs that are memory, not counted in lut")
    ff: int
    bram36: float = 0
    memory_bits: int = Field(default=0, description="Of the detectors' words, where they live in memories")
    longest_path_levels: int | None
    longest_path_ps: int | None = Field(description="7-series delays without wires: for comparison only")
    helios_lut: int | None = Field(default=None, description="Helios' decoder core, by the same yosys passes")
    helios_ff: int | None = None
    helios_levels: int | None = None
    helios_ps: int | None = None


class Speed(Built):
    """Shots a second of the RTL in the loop beside the cocotb bench, on one core in one run, without compilation."""

    p: float = Field(gt=0, le=0.5)
    loop: float = Field(description="Of a sinter worker, with sampling and the comparison with the reference")
    cocotb: float


class FabricBenchmark(MeasuredBy):
    """The union-find fabric beside Helios."""

    schema_version: Literal["2.1.0"] = "2.1.0"
    stage: Mapping[str, str] = {"cycles": "rtl-sim", "area": "yosys-xcup estimate", "speed": "rtl-sim"}
    cycles: tuple[Cycles, ...] = ()
    area: tuple[Area, ...] = ()
    speed: tuple[Speed, ...] = ()
