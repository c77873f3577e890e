# SPDX-License-Identifier: Apache-2.0
"""The tables and the plot of ``docs/fusion_rtl.md``: every number between the markers comes from the JSON file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from synfab.artefact import write_bytes, write_text
from synfab.flow.benchmarks.fusion_models import FusionArea, FusionCost
from synfab.report import LatencyCycles
from synfab.report.drawing import drawing
from synfab.report.markdown import between, cells, marked_page, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE = "figures/fusion_cycles.svg"


def write_cost_page(benchmark: FusionCost, path: Path) -> None:
    """Write the tables into the page, and the plot into ``figures/`` beside it.

    Raises
    ------
    InputError
        If there is no page, or it lacks the markers between which they belong.
    """
    text = page(marked_page(path), benchmark)
    write_bytes(path.parent / FIGURE, drawing("Cycles from the last round to the answer", partial(_plot, benchmark)))
    write_text(path, text)


def page(text: str, benchmark: FusionCost) -> str:
    """Return a page with the tables of a benchmark, each of which says so if nothing of it is measured."""
    source = f"Stage {benchmark.stage}; {benchmark.versions}."
    for name, points, shown in (
        ("fusion_cycles", benchmark.cycles, _cycles),
        ("fusion_windows", benchmark.windows, _windows),
        ("fusion_backlog", benchmark.backlog, _backlog),
    ):
        text = between(text, name, f"{source}\n\n{shown(benchmark)}" if points else "Not measured.")
    return between(text, "fusion_area", _areas(benchmark.area) if benchmark.area else "Not measured.")


def _latency(histogram: Mapping[int, int], benchmark: FusionCost) -> LatencyCycles:
    version = benchmark.tools["verilator"]
    return LatencyCycles.from_histogram(
        histogram, stage=benchmark.stage, tool="verilator", version=version, label="latency"
    )


def _cycles(benchmark: FusionCost) -> str:
    heads = ["noise", "weights", "d", "patches", "p", "alone", "detectors", "blocks", "differ"]
    rows = []
    for one in benchmark.cycles:
        latency = _latency(one.histogram, benchmark)
        about = (one.noise, one.weights, one.distance, one.shape, f"{one.p:g}", one.alone, one.num_detectors)
        figures = (latency.mean, latency.p50, latency.p99, latency.p999, latency.max, one.mean_interval)
        rows.append(cells(*about, one.blocks, one.mismatches, *figures))
    return table([*heads, "mean", "p50", "p99", "p99.9", "max", "interval"], rows)


def _windows(benchmark: FusionCost) -> str:
    heads = ["d", "patches", "p", "buffer", "shots", "differ", "windows", "p99", "fusion", "fusion over windows"]
    rows = []
    for one in benchmark.windows:
        about = (one.distance, one.shape, f"{one.p:g}", one.buffer, one.shots, one.mismatches)
        figures = (one.mean, _latency(one.histogram, benchmark).p99, one.fusion_mean, one.fusion_mean / one.mean)
        rows.append(cells(*about, *figures))
    return "\n\n".join([table(heads, rows), *_difference(benchmark)])


def _difference(benchmark: FusionCost) -> Iterator[str]:
    """Yield where fusion gains on windows: in the least that a shot takes, in the rest, and in what is not counted."""
    if not benchmark.cycles:
        return
    fusion = min(min(one.histogram) for one in benchmark.cycles)
    windows = min(min(one.histogram) for one in benchmark.windows)
    above = [(one.fusion_mean - fusion) / (one.mean - windows) for one in benchmark.windows if one.mean > windows]
    yield (
        f"The least that a step takes is {fusion} cycles by fusion, and {windows} by windows, whose two groups both "
        f"have to start and to answer: {fusion / windows:.2f}. What steps take above that is {_range(above, '.2f')} "
        "times as much by fusion as by windows."
    )
    saved = [100 * (1 - one.fusion_mean / one.mean) for one in benchmark.windows]
    handed = [100 * (1 - one.fusion_mean / (one.mean + 1)) for one in benchmark.windows]
    yield (
        f"So fusion takes {_range(saved, '.0f')} % fewer cycles. If the second group had to wait for the boundary for "
        f"a single cycle, it would be {_range(handed, '.0f')} % (computed, not measured)."
    )
    slower = []
    for one in benchmark.windows:
        wider = [other for other in benchmark.windows if other.about == one.about and other.buffer > one.buffer]
        slower += [100 * (other.mean / one.mean - 1) for other in wider]
    if slower:
        yield f"The larger of two buffers costs windows {_range(slower, '.0f')} % more cycles."


def _range(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def _backlog(benchmark: FusionCost) -> str:
    lines = []
    for one in benchmark.backlog:
        tenths = ", ".join(f"{mean:.2f}" for mean in one.mean_by_tenth)
        intervals = ", ".join(f"{interval:.2f} after {steps:,}" for steps, interval in one.mean_interval.items())
        lines.append(
            f"{one.shape} patches, d={one.distance}, p={one.p:g}, {one.steps:,} steps ({one.steps * one.distance:,} "
            f"rounds), a round every {one.cycles_per_round} cycles: mean cycles from the last round of a step to its "
            f"answer, tenth by tenth of the program: {tenths}; the longest {one.max}. With all blocks waiting, cycles "
            f"a step: {intervals} steps. Of the two plays of the whole program {one.mismatches} differ from the "
            "reference."
        )
    return "\n\n".join(lines)


def _areas(points: Sequence[FusionArea]) -> str:
    heads = ["noise", "weights", "d", "patches", "slots", "alone", "hops", "detectors", "way", "LUT", "FF", "BRAM36"]
    heads += ["DSP", "LUT a detector", "FF a detector", "levels", "one block: detectors", "LUT", "FF", "levels"]
    rows = []
    for one in points:
        fusion, block = one.fusion, one.union_find
        about = (one.noise, one.weights, one.distance, one.shape, one.slots, one.alone, one.hops, one.num_detectors)
        size = (fusion.way, fusion.lut, fusion.ff, fusion.bram36, fusion.dsp)
        shares = (fusion.lut / one.num_detectors, fusion.ff / one.num_detectors, fusion.longest_path_levels)
        beside = (one.num_merged_detectors, block.lut, block.ff, block.longest_path_levels)
        rows.append(cells(*about, *size, *shares, *beside, fusion.lut / block.lut, fusion.ff / block.ff))
    sources = sorted({f"Stage {one.stage}; yosys {one.yosys}." for one in points})
    return " ".join(sources) + "\n\n" + table([*heads, "LUT: fusion / one block", "FF"], rows)


def _plot(benchmark: FusionCost, axes: "Axes") -> None:
    color = 0
    for distance in sorted({one.distance for one in benchmark.windows}):
        for p in sorted({one.p for one in benchmark.windows}):
            # The buffer of as many edges as the distance: the smaller one costs accuracy.
            line = [w for w in benchmark.windows if (w.distance, w.p) == (distance, p) and w.buffer == distance]
            patches = [one.columns * one.rows for one in line]
            label = f"d = {distance}, p = {p:g}"
            axes.plot(patches, [one.fusion_mean for one in line], "o-", color=f"C{color}", label=f"fusion, {label}")
            axes.plot(patches, [one.mean for one in line], "x--", color=f"C{color}", label=f"windows, {label}")
            color += 1
    axes.set_xlabel("patches merged in a row")
    axes.set_ylabel("mean cycles")
    axes.set_ylim(bottom=0)
