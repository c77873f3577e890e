# SPDX-License-Identifier: Apache-2.0
"""Area of the fusion fabric by yosys, beside the fabric of one block for the same patches, merged."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synfab.artefact import digest
from synfab.benchmarks.fusion.problem import Problem
from synfab.flow.benchmarks.fusion_models import FusionArea
from synfab.flow.benchmarks.fusion_point import FusionPoint, Hardware
from synfab.flow.benchmarks.synthesis import FLAT_DETECTORS, Synthesized
from synfab.flow.versions import versions
from synfab.rtl.union_find import Design


@dataclass(frozen=True, kw_only=True)
class AreaPoint:
    """A history, whose floor the fabric is made for, and the edges that are crossed in a cycle."""

    fusion: FusionPoint
    hops: int = 1


def area(point: AreaPoint, stored: Iterable[FusionArea], cache: Path) -> FusionArea:
    """Synthesize both fabrics, but for those that are stored."""
    fusion, one = point.fusion, point.fusion.history
    version = versions("pyosys")["pyosys"]
    hardware = Hardware(point=fusion, cache=cache, hops=point.hops)
    # The graph that is in the fabric when all its steps are full and all seams merged.
    merged = Problem(
        columns=one.columns,
        rows=one.rows,
        steps=fusion.slots,
        basis=one.kind,
        distance=one.distance,
        noise=one.noise,
        p=one.p,
    ).spec(weight_bits=fusion.weight_bits)
    num_detectors = fusion.slots * len(hardware.history.floor.vertices)
    way = "flat" if num_detectors <= FLAT_DETECTORS else "hierarchical"
    known = {
        (found.verilog_sha256, found.way): found
        for other in stored
        if other.yosys == version
        for found in (other.fusion, other.union_find)
    }

    def synthesized(verilog: str, top: str) -> Synthesized:
        found = known.get((digest(verilog), way))
        return found or Synthesized.of(verilog, top=top, flatten=way == "flat")

    verilog, one_block = hardware.verilog, Design(corrections=True, hops=point.hops).fabric(merged.whole).verilog()
    return FusionArea(
        **fusion.setting,
        yosys=version,
        slots=fusion.slots,
        alone=fusion.alone,
        hops=point.hops,
        num_detectors=num_detectors,
        fusion=synthesized(verilog, "fusion"),
        num_merged_detectors=merged.whole.num_detectors,
        union_find=synthesized(one_block, "union_find"),
    )


def area_key(one: FusionArea) -> tuple:
    """Return what tells one record from another."""
    return (*one.about, one.steps, one.slots, one.alone, one.hops)
