# SPDX-License-Identifier: Apache-2.0
"""The page of the fabric's benchmark: every number in it comes from the JSON file, or is named as published."""

from collections.abc import Iterable
from pathlib import Path

from synfab.artefact import write_bytes, write_text
from synfab.flow.anchors import anchor_table
from synfab.flow.benchmarks.models import Area, Cycles, FabricBenchmark, Speed
from synfab.flow.benchmarks.plots import design_name, is_default, pareto_pairs, plots
from synfab.flow.benchmarks.targets import target_table
from synfab.report.markdown import cells, table

HEAD = """# The union-find fabric, measured

This page and its plots are written by `synfab bench union-find` from
[`benchmarks/union_find.json`](../benchmarks/union_find.json), which it measures from scratch or goes on with. Cycles
come from the RTL in the loop ([verification.md](verification.md#long-campaigns)), every answer compared with the
reference's (*differ* must be 0). They run from the transfer of a block's last beat to the offer of its answer. Area and
paths are estimates by yosys for `xcup` (see [targets.md](targets.md#the-estimate)); a path is a sum of cell delays of
the 7 series without wires, good for comparing designs and for nothing else.

*Helios* stands for arXiv:2406.08491. Its cycles were measured on its public RTL by its own counter: growth, merging and
peeling, without load and read-out. Its area and path are those of its decoder core (elements, links, controller), by
the same yosys passes. The block *phenomenological, open start* is the one that it decodes. It has no edge weights:
like is compared with like where the weights are *unit*, and beside circuit-level blocks with weights stand its cycles
without. What was measured on it, and how, is in [`helios.toml`](../hw/synfab/flow/helios.toml).
"""

TARGETS = """## Targets

What this fabric is to reach beside Helios. Mean cycles and mean cycles x path are to be at most 1/3 of its up to
d = 7, 1/2 beyond; a mean counts from 10,000 shots on, at p = 0.001 from 100,000. The fabric is the spatial one, one hop
a cycle unless two are named. Beside the closed start, which Helios does not decode, stand its figures of the open one.
Where the cycles go at the points that miss, and what was tried, is on a page of its own:
[union_find_limits.md](union_find_limits.md).
"""

PUBLISHED = """## Published figures

What papers say of other decoders, not measured here: boards, clocks, noise and what counts as latency differ.
"""

STREAMING = """## Rounds as they come

A block is started with each round that brings detection events, as if the rounds to come were empty, and started anew
if they are not: so the answer is always the one of the whole block, and if the last round is quiet, most of the work is
done when it arrives. *Gap* is the number of cycles between two rounds; 100 cycles are 1 us at 100 MHz.
"""


OPTIONS = """## Options

*Corrections*: the answer holds every edge, so the canonical forest is flooded for every block with detection events.
*Weights*: weights come from a port and are registers; with *own* every block brings those of up to eight edges, a third
of them erasures, before its first round, a cycle each, so they count in *II* and not in the latency. One fabric then
serves all error rates. *Ratio* is that of the mean to the mean of the fabric without options, one hop a cycle, where
that was measured.
"""

LOOP = """## RTL in the loop

What `--decoder rtl` samples in a second, beside the cocotb bench on the same design, both on one core in one run and
without compilation. The loop's share includes sampling with Stim and comparing every answer with the reference's.
"""


def write_page(benchmark: FabricBenchmark, path: Path) -> None:
    """Write the page, and its plots into ``figures`` beside it."""
    write_text(path, page(benchmark))
    for name, drawn in plots(benchmark).items():
        write_bytes(path.parent / "figures" / name, drawn)


def page(benchmark: FabricBenchmark) -> str:
    """Return the page as Markdown."""
    plain = [point for point in benchmark.cycles if is_default(point)]
    parts = [
        HEAD,
        f"Tools: {benchmark.versions}.\n",
        TARGETS,
        target_table(benchmark) + "\n",
        "## Cycles\n\n![Mean cycles a block, synfab beside Helios](figures/fabric_cycles.svg)\n",
        "Spatial fabric, one hop a cycle. *II* is the initiation interval: cycles a block when blocks come back to "
        "back, a round a cycle, so that it cannot be less than the number of rounds. "
        f"Stage {benchmark.stage['cycles']}.\n",
        _cycles(point for point in plain if not point.gap_cycles),
        "\n" + STREAMING,
        _gaps(plain),
        "\n" + OPTIONS,
        _options(benchmark.cycles),
        "\n## Cycles times path\n\nHops are the edges that tags and messages cross in a cycle.\n",
        _products(benchmark),
        "\n## Area\n\n![LUTs a detector, synfab beside Helios](figures/fabric_area.svg)\n",
        f"Stage {benchmark.stage['area']}.\n",
        _areas(benchmark.area),
        "\n" + LOOP,
        _speeds(benchmark.speed),
        "\n## Cycles against LUTs\n\n![Cycles against LUTs](figures/fabric_pareto.svg)\n",
        "The block that Helios decodes, p = 0.01. *Shared* designs keep the words of n detectors in the memory of an "
        "element: *bits* in all, as LUTs (*memory*) or in block RAM.\n",
        _pareto(benchmark),
        "\n" + PUBLISHED,
        _published(),
    ]
    return "\n".join(parts) + "\n"


def _cycles(points: Iterable[Cycles]) -> str:
    heads = ["block", "weights", "d", "p", "shots", "differ", "mean", "p99", "p99.9", "max", "II"]
    heads += ["Helios mean", "p99.9", "max", "ours / Helios: mean", "p99.9", "max"]
    rows = []
    for point in points:
        helios = (point.helios_mean, point.helios_p999, point.helios_max)
        ours = (point.mean, point.p999, point.max)
        ratios = (own / other if other else None for own, other in zip(ours, helios, strict=True))
        about = (point.block, point.weights, point.distance, f"{point.p:g}", point.shots, point.mismatches)
        latency = (point.mean, point.p99, point.p999, point.max, point.mean_interval)
        rows.append(cells(*about, *latency, *helios, *ratios))
    return table(heads, rows)


def _gaps(points: Iterable[Cycles]) -> str:
    heads = ["block", "weights", "d", "p", "gap", "shots", "differ", "mean", "p99", "p99.9", "max"]
    points = list(points)
    streamed = {(point.block, point.weights, point.distance, point.p) for point in points if point.gap_cycles}
    rows = []
    for point in points:
        if (point.block, point.weights, point.distance, point.p) in streamed:
            about = (point.block, point.weights, point.distance, f"{point.p:g}", point.gap_cycles)
            rows.append(cells(*about, point.shots, point.mismatches, point.mean, point.p99, point.p999, point.max))
    return table(heads, rows)


def _options(points: Iterable[Cycles]) -> str:
    heads = ["block", "weights", "d", "p", "design", "own", "shots", "differ", "mean", "p99.9", "max", "II", "ratio"]
    heads += ["Helios mean", "ours / Helios"]
    points = list(points)
    plain = {
        (point.block, point.weights, point.distance, point.p): point.mean
        for point in points
        if is_default(point) and not point.gap_cycles
    }
    rows = []
    for point in points:
        about = (point.block, point.weights, point.distance, point.p)
        if point.corrections or point.runtime_weights:
            own = "yes" if point.own_weights else ""
            latency = (point.mean, point.p999, point.max, point.mean_interval)
            ratio = point.mean / plain[about] if about in plain else None
            helios = point.mean / point.helios_mean if point.helios_mean else None
            design = (f"{point.p:g}", design_name(point), own, point.shots, point.mismatches)
            rows.append(cells(*about[:3], *design, *latency, ratio, point.helios_mean, helios))
    return table(heads, rows)


def _products(benchmark: FabricBenchmark) -> str:
    heads = ["d", "p", "design", "mean cycles", "longest path, levels", "ps", "mean x path, ns", "ours / Helios"]
    rows = []
    for distance in sorted({point.distance for point in benchmark.area}):
        for p in sorted({point.p for point in benchmark.cycles}):
            pairs = [
                (area, cycles)
                for area, cycles in pareto_pairs(benchmark, distance, p)
                if area.micro_architecture == "spatial" and not (area.corrections or area.runtime_weights)
            ]
            for area, cycles in sorted(pairs, key=lambda pair: pair[0].hops):
                product = cycles.mean * area.longest_path_ps / 1000 if area.longest_path_ps else None
                theirs = cycles.helios_mean * area.helios_ps / 1000 if cycles.helios_mean and area.helios_ps else None
                ratio = product / theirs if product and theirs else None
                about = (distance, f"{p:g}", design_name(area), cycles.mean)
                rows.append(cells(*about, area.longest_path_levels, area.longest_path_ps, product, ratio))
                if theirs and area is max((a for a, _ in pairs), key=lambda a: a.hops):
                    helios = (distance, f"{p:g}", "Helios", cycles.helios_mean, area.helios_levels, area.helios_ps)
                    rows.append(cells(*helios, theirs, None))
    return table(heads, rows)


def _areas(points: Iterable[Area]) -> str:
    heads = [
        "block",
        "weights",
        "d",
        "design",
        "detectors",
        "way",
        "LUT",
        "memory",
        "FF",
        "LUT a detector",
        "levels",
        "ps",
    ]
    heads += ["Helios LUT", "FF", "levels", "ps", "LUT: ours / Helios"]
    rows = []
    for point in points:
        about = (point.block, point.weights, point.distance, design_name(point), point.num_detectors, point.way)
        ours = (point.lut, point.lutram, point.ff, point.lut / point.num_detectors)
        path = (point.longest_path_levels, point.longest_path_ps)
        helios = (point.helios_lut, point.helios_ff, point.helios_levels, point.helios_ps)
        ratio = point.lut / point.helios_lut if point.helios_lut else None
        rows.append(cells(*about, *ours, *path, *helios, ratio))
    return table(heads, rows)


def _speeds(points: Iterable[Speed]) -> str:
    heads = ["block", "weights", "d", "design", "p", "loop / cocotb", "loop, shots a second", "cocotb, shots a second"]
    rows = []
    for point in points:
        about = (point.block, point.weights, point.distance, design_name(point), f"{point.p:g}")
        rows.append(cells(*about, round(point.loop / point.cocotb), round(point.loop), round(point.cocotb)))
    return table(heads, rows)


def _pareto(benchmark: FabricBenchmark) -> str:
    heads = [
        "d",
        "design",
        "LUT",
        "memory",
        "BRAM36",
        "bits",
        "FF",
        "levels",
        "ps",
        "mean cycles",
        "p99.9",
        "max",
        "II",
    ]
    rows = []
    for distance in sorted({point.distance for point in benchmark.area}):
        for area, cycles in pareto_pairs(benchmark, distance, 0.01):
            path = (area.longest_path_levels, area.longest_path_ps)
            size = (area.lut, area.lutram, area.bram36, area.memory_bits, area.ff)
            latency = (cycles.mean, cycles.p999, cycles.max, cycles.mean_interval)
            rows.append(cells(distance, design_name(area), *size, *path, *latency))
    return table(heads, rows)


def _published() -> str:
    heads = ["decoder", "platform", "block", "figure", "source"]
    return table(heads, [cells(*map(entry.get, heads)) for entry in anchor_table("published_decoders")["decoders"]])
