# SPDX-License-Identifier: Apache-2.0
"""Plots of the fabric's benchmark."""

from functools import partial
from typing import TYPE_CHECKING

from synfab.flow.benchmarks.extent import OPEN
from synfab.flow.benchmarks.models import Area, Built, Cycles, FabricBenchmark
from synfab.report.drawing import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plots(benchmark: FabricBenchmark) -> dict[str, bytes]:
    """Return the plots by file name."""
    return {
        "fabric_cycles.svg": drawing(
            "Mean cycles a block, synfab beside Helios", partial(_cycles, benchmark=benchmark)
        ),
        "fabric_area.svg": drawing("LUTs a detector, synfab beside Helios", partial(_area, benchmark=benchmark)),
        "fabric_pareto.svg": drawing("Cycles against LUTs", partial(_pareto, benchmark=benchmark)),
    }


def is_default(point: Built) -> bool:
    """Return whether a point is of the spatial fabric without options."""
    plain = not (point.corrections or point.runtime_weights)
    return plain and point.micro_architecture == "spatial" and point.hops == 1


def design_name(point: Built) -> str:
    """Return the design in a few words."""
    if point.micro_architecture == "shared":
        return f"shared, n = {point.detectors_per_element}"
    options = [
        name for name, given in (("corrections", point.corrections), ("weights", point.runtime_weights)) if given
    ]
    return ", ".join([f"spatial, {point.hops} hop{'s' if point.hops > 1 else ''}", *options])


def _cycles(axes: "Axes", benchmark: FabricBenchmark) -> None:
    points = [p for p in benchmark.cycles if p.block == OPEN and is_default(p) and not p.gap_cycles]
    for number, p in enumerate(sorted({point.p for point in points})):
        line = [point for point in points if point.p == p]
        color = f"C{number}"
        axes.plot([x.distance for x in line], [x.mean for x in line], "o-", color=color, label=f"synfab, p = {p:g}")
        known = [(x.distance, x.helios_mean) for x in line if x.helios_mean]
        axes.plot(*zip(*known, strict=True), "x--", color=color, label=f"Helios, p = {p:g}") if known else None
    axes.set_xlabel("code distance d")
    axes.set_ylabel("mean cycles a block")
    axes.set_ylim(bottom=0)


def _area(axes: "Axes", benchmark: FabricBenchmark) -> None:
    points = [point for point in benchmark.area if point.block == OPEN and is_default(point)]
    if points:
        ours = [(point.distance, point.lut / point.num_detectors) for point in points]
        axes.plot(*zip(*ours, strict=True), "o-", label="synfab, unit weights")
    known = [(point.distance, point.helios_lut / point.num_detectors) for point in points if point.helios_lut]
    if known:
        axes.plot(*zip(*known, strict=True), "x--", label="Helios")
        axes.plot([d for d, _ in known], [lut / 2 for _, lut in known], ":", color="C7", label="half of Helios")
    axes.set_xlabel("code distance d")
    axes.set_ylabel("LUTs a detector")
    axes.set_ylim(bottom=0)


def _pareto(axes: "Axes", benchmark: FabricBenchmark) -> None:
    for number, distance in enumerate(sorted({point.distance for point in benchmark.area})):
        pairs = pareto_pairs(benchmark, distance, 0.01)
        if len(pairs) < 3:
            continue
        luts, means = zip(*((area.lut + area.lutram, cycles.mean) for area, cycles in pairs), strict=True)
        axes.plot(luts, means, "o", color=f"C{number}", label=f"d = {distance}, p = 0.01")
        for area, cycles in pairs:
            name = design_name(area).replace("spatial, ", "").replace("shared, ", "")
            axes.annotate(name, (area.lut + area.lutram, cycles.mean), (4, 3), textcoords="offset points", fontsize=7)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("LUTs, memory included")
    axes.set_ylabel("mean cycles a block")


def pareto_pairs(benchmark: FabricBenchmark, distance: int, p: float) -> list[tuple[Area, Cycles]]:
    """Return the designs of Helios' block that have both an area and cycles, the largest first."""
    cycles = {
        design_name(point): point
        for point in benchmark.cycles
        if (point.block, point.weights, point.distance, point.p, point.gap_cycles) == (OPEN, "unit", distance, p, 0)
        and not point.own_weights
    }
    areas = [
        point for point in benchmark.area if (point.block, point.weights, point.distance) == (OPEN, "unit", distance)
    ]
    pairs = [(area, cycles[design_name(area)]) for area in areas if design_name(area) in cycles]
    return sorted(pairs, key=lambda pair: -pair[0].lut)
