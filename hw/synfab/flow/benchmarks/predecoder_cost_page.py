# SPDX-License-Identifier: Apache-2.0
"""The page of what pre-decoders cost: every number in it comes from the JSON file, or is named as published."""

from pathlib import Path

from synfab.artefact import write_text
from synfab.boards import board
from synfab.flow.anchors import anchor_table
from synfab.flow.benchmarks.predecoder_cost import CostBenchmark, NetCost
from synfab.report import LatencyCycles
from synfab.report.markdown import cells, table

CLOCK_MHZ = 300
BOARDS = ("vmk180", "vu19p")

HEAD = """# Pre-decoders in hardware, their cost

This page is written by `synfab bench predecoder` from
[`benchmarks/predecoder_cost.json`](../benchmarks/predecoder_cost.json): the nets of the zoo as
[RTL](predecoder.md#the-net-in-rtl), without what comes after them and without the union-find.

*LUT* and *FF* are **counted** from the structure of the generated RTL, not synthesized: a LUT a bit of every sum, an
output of every table, and 32 bits of every delay. What yosys makes of the nets that it can map in minutes stands below,
with the error of the count. The nets have no DSPs and no memories. Shares are of the board's LUTs.

*Latency* runs from a round to the last logits of the round that it settles, {clock} MHz assumed, on top of the rounds
that the net looks ahead; it is the same for all events. *Rounds/us* is how many rounds one engine takes in a
microsecond: with a round a microsecond, so many patches.
"""

SYNTHESIZED = """## Counted and synthesized

yosys, `synth_xilinx -family xcup`, every distinct module mapped once (see [targets.md](targets.md#the-estimate)); LUTs
used as shift registers included. *Error* is the count over what was found, less one.
"""

LOOPS = """## With the union-find, RTL in the loop

The whole pipeline, Verilated, on sampled shots of d rounds, circuit-level noise: *differ* counts answers that are not
the software's, and must be 0. *Errors* are logical ones of the RTL, beside those of the union-find alone on the same
shots.
Cycles run from a block's last round to its answer; *fixed* is the part before the fabric has all of it. *Bound* is what
no block exceeds; *interval* is a block's share when blocks follow each other.
"""

PUBLISHED = (
    "## Published\n\nNets of the same purpose on other hardware, as their authors say; other nets, other bounds.\n"
)


def write_cost_page(benchmark: CostBenchmark, path: Path) -> None:
    """Write the page."""
    write_text(path, page(benchmark))


def page(benchmark: CostBenchmark) -> str:
    """Return the page as Markdown."""
    tools = ", ".join(f"{tool} {version}" for tool, version in benchmark.tools.items())
    stages = "; ".join(f"{name}: {stage}" for name, stage in benchmark.stage.items())
    parts = [
        HEAD.format(clock=CLOCK_MHZ),
        f"Tools: {tools}. Stages: {stages}.\n",
        "## Nets of the zoo\n",
        _costs(benchmark),
        "\n" + SYNTHESIZED,
        _errors(benchmark),
        "\n" + LOOPS,
        _loops(benchmark),
        "\n" + PUBLISHED,
        _published(),
    ]
    return "\n".join(parts) + "\n"


def _costs(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "positions a cycle", "cycles a round", "rounds/us", "rounds ahead", "latency, cycles"]
    heads += ["ns", "LUT", "FF", *(f"of a {name.upper()}" for name in BOARDS)]
    rows = []
    for cost in benchmark.costs:
        about = (cost.model, cost.distance, cost.positions_per_cycle, cost.cycles_per_round)
        speed = (_rounds_per_us(cost), cost.look_ahead, cost.round_cycles, round(1000 * cost.round_cycles / CLOCK_MHZ))
        shares = (f"{100 * cost.lut / board(name).lut:.1f} %" for name in BOARDS)
        rows.append(cells(*about, *speed, cost.lut, cost.registers, *shares))
    return table(heads, rows)


def _rounds_per_us(cost: NetCost) -> int:
    return CLOCK_MHZ // cost.cycles_per_round


def _errors(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "positions a cycle", "LUT counted", "LUT found", "error", "FF counted", "FF found", "error"]
    rows = []
    for cost in benchmark.costs:
        if found := cost.synthesized:
            about = (cost.model, cost.distance, cost.positions_per_cycle)
            lut = (cost.lut, found.lut, f"{100 * (cost.lut / found.lut - 1):+.0f} %")
            ff = (cost.registers, found.ff, f"{100 * (cost.registers / found.ff - 1):+.0f} %")
            rows.append(cells(*about, *lut, *ff))
    return table(heads, rows)


def _loops(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "p", "commit", "positions a cycle", "shots", "differ", "errors", "union-find alone", "fixed"]
    heads += ["mean", "p99.9", "max", "bound", "interval", f"mean, ns at {CLOCK_MHZ} MHz"]
    rows = []
    for one in benchmark.loops:
        latency = LatencyCycles.from_histogram(
            dict(one.histogram),
            stage="rtl-sim",
            tool="verilator",
            version=benchmark.tools["verilator"],
            label="latency",
        )
        about = (one.model, one.distance, f"{one.p:g}", one.commit, one.positions_per_cycle)
        counts = (one.shots, one.mismatches, one.errors, one.errors_of_union_find)
        cycles = (one.cycles_to_fabric, latency.mean, latency.p999, latency.max, one.max_cycles, one.mean_interval)
        rows.append(cells(*about, *counts, *cycles, round(1000 * latency.mean / CLOCK_MHZ)))
    return table(heads, rows)


def _published() -> str:
    rows = [cells(*(entry[key] for key in ("net", "device", "time", "source"))) for entry in published()]
    return table(["net", "device", "time", "source"], rows)


def published() -> list[dict[str, str]]:
    """Return what papers say of other nets."""
    return anchor_table("published_nets")["nets"]
