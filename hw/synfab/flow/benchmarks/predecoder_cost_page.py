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
# Beyond the rounds ahead.
LATENCY_NS = 300
# Board and share that are asked for, by the model's first letters.
TARGET_SHARES = {"surface-m": ("vu19p", 1 / 4), "surface-s": ("vmk180", 1 / 5)}

HEAD = """# Pre-decoders in hardware, their cost

This page is written by `synfab bench predecoder` from
[`benchmarks/predecoder_cost.json`](../benchmarks/predecoder_cost.json): the nets of the zoo as
[RTL](predecoder.md#the-net-in-rtl), without what comes after them and without the union-find.

*LUT* and *FF* are **counted** from the structure of the generated RTL, not synthesized: a LUT a bit of every sum, an
output of every table, and 32 bits of every delay. What yosys makes of the nets that it can map in minutes stands below,
with the error of the count. Nets with their weights in the logic have no DSPs and no memories. Shares are of the
board's LUTs.

*Latency* runs from a round to the last logits of the round that it settles, {clock} MHz assumed, on top of the rounds
that the net looks ahead; it is the same for all events. *Rounds/us* is how many rounds one engine takes in a
microsecond: with a round a microsecond, so many patches.
"""

TARGETS = """## The smallest nets that meet what is asked for

A round a microsecond or more, at most {latency} ns at {clock} MHz on top of the rounds ahead, and a share of a board:
of the nets above, with their weights in the logic, the one with the fewest LUTs.
"""

LOADED = """## Weights in memory

The same nets with [loaded weights](predecoder.md#weights-in-memory), one position at a time, in as many *cycles* as
leave a round a microsecond, and those that were synthesized. *Memory* is the part of the LUTs that holds two nets. A
DSP multiplies by two weights; registers before and behind it count as FF, though a vendor's tool may find room for them
in the DSP. Where a board has too few DSPs, the share is above 100 %.
"""

PARTS = """## After the net

What decides on flips and applies them, synthesized alone as above, without the fabric: comparisons with thresholds and
the collection of a round, the gate of closed clusters, residual events and frame, and with a hard commit the levels of
hints.
"""

SYNTHESIZED = """## Counted and synthesized

yosys, `synth_xilinx -family xcup`, every distinct module mapped once (see [targets.md](targets.md#the-estimate)); LUTs
used as shift registers or memory included. *Error* is the count over what was found, less one. yosys leaves registers
beside the DSPs.
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
    stages = "; ".join(f"{name}: {stage}" for name, stage in benchmark.stage.items())
    parts = [
        HEAD.format(clock=CLOCK_MHZ),
        f"Tools: {benchmark.versions}. Stages: {stages}.\n",
        "## Nets of the zoo\n",
        _costs(benchmark),
        "\n" + TARGETS.format(latency=LATENCY_NS, clock=CLOCK_MHZ),
        _targets(benchmark),
        "\n" + LOADED,
        _loaded(benchmark),
        "\n" + PARTS,
        _parts(benchmark),
        "\n" + SYNTHESIZED,
        _errors(benchmark),
        "\n" + _error_range(benchmark),
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
        if cost.multipliers is None:
            about = (cost.model, cost.distance, cost.positions_per_cycle, cost.cycles_per_round)
            rows.append(cells(*about, *_speed(cost), cost.lut, cost.registers, *_shares("lut", cost.lut)))
    return table(heads, rows)


def _targets(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "board", "at most", "positions a cycle", "rounds/us", "latency, ns", "LUT", "share"]
    rows = []
    constants = [cost for cost in benchmark.costs if cost.multipliers is None]
    for model, distance in sorted({(cost.model, cost.distance) for cost in constants}):
        wanted = next((entry for start, entry in TARGET_SHARES.items() if model.startswith(start)), None)
        if wanted is None:
            continue
        name, share = wanted
        fitting = [
            cost
            for cost in constants
            if (cost.model, cost.distance) == (model, distance)
            and cost.cycles_per_round <= CLOCK_MHZ
            and 1000 * cost.round_cycles <= LATENCY_NS * CLOCK_MHZ
            and cost.lut <= share * board(name).lut
        ]
        about = (model, distance, name.upper(), f"{share:.0%}")
        if fitting:
            best = min(fitting, key=lambda cost: cost.lut)
            rounds_per_us, _, _, latency_ns = _speed(best)
            size = (best.lut, f"{best.lut / board(name).lut:.1%}")
            rows.append(cells(*about, best.positions_per_cycle, rounds_per_us, latency_ns, *size))
        else:
            rows.append(cells(*about, "none", "", "", "", ""))
    return table(heads, rows)


def _loaded(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "multipliers", "cycles a position", "cycles a round", "rounds/us", "rounds ahead"]
    heads += ["latency, cycles", "ns", "LUT", "memory", "FF", "DSP", *(f"LUT of a {name.upper()}" for name in BOARDS)]
    heads += [f"DSP of a {name.upper()}" for name in BOARDS]
    rows = []
    for cost in benchmark.costs:
        if cost.multipliers:
            about = (cost.model, cost.distance, cost.multipliers, cost.cycles_per_beat, cost.cycles_per_round)
            size = (cost.lut, cost.memory, cost.registers, cost.dsp)
            rows.append(cells(*about, *_speed(cost), *size, *_shares("lut", cost.lut), *_shares("dsp", cost.dsp)))
    return table(heads, rows)


def _speed(cost: NetCost) -> tuple[int, ...]:
    return _rounds_per_us(cost), cost.look_ahead, cost.round_cycles, round(1000 * cost.round_cycles / CLOCK_MHZ)


def _shares(resource: str, number: int) -> list[str]:
    return [f"{100 * number / getattr(board(name), resource):.1f} %" for name in BOARDS]


def _parts(benchmark: CostBenchmark) -> str:
    rows = [
        cells(one.model, one.distance, one.commit, one.part, one.synthesized.lut, one.synthesized.ff)
        for one in benchmark.parts
    ]
    return table(["model", "d", "commit", "part", "LUT", "FF"], rows)


def _rounds_per_us(cost: NetCost) -> int:
    return CLOCK_MHZ // cost.cycles_per_round


def _errors(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "positions a cycle", "weights", "cycles a beat", "LUT counted", "LUT found", "error"]
    heads += ["FF counted", "FF found", "error", "DSP counted", "DSP found"]
    rows = []
    for cost in _both(benchmark):
        found = cost.synthesized
        assert found is not None
        weights = f"loaded, {cost.multipliers}" if cost.multipliers else "constant"
        about = (cost.model, cost.distance, cost.positions_per_cycle, weights, cost.cycles_per_beat)
        lut = (cost.lut, found.lut, f"{_error(cost.lut, found.lut):+.0f} %")
        ff = (cost.registers, found.ff, f"{_error(cost.registers, found.ff):+.0f} %")
        rows.append(cells(*about, *lut, *ff, cost.dsp, found.dsp))
    return table(heads, rows)


def _both(benchmark: CostBenchmark) -> list[NetCost]:
    return [cost for cost in benchmark.costs if cost.synthesized]


def _error(counted: int, found: int) -> float:
    """Return by how many per cent a count is too large."""
    return 100 * (counted / found - 1)


def _error_range(benchmark: CostBenchmark) -> str:
    """Return a sentence on the errors of all nets that were synthesized."""
    both = [(cost, cost.synthesized) for cost in _both(benchmark) if cost.synthesized]
    if not both:
        return "No net was synthesized.\n"
    parts = []
    for name, errors in (
        ("LUT", [_error(cost.lut, found.lut) for cost, found in both]),
        ("FF", [_error(cost.registers, found.ff) for cost, found in both]),
    ):
        mean = sum(map(abs, errors)) / len(errors)
        parts.append(f"{name} from {min(errors):+.0f} to {max(errors):+.0f} %, {mean:.0f} % on average")
    return f"Over the {len(both)} nets that were synthesized, the count errs by: {'; '.join(parts)} (sizes).\n"


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
