# SPDX-License-Identifier: Apache-2.0
"""The page of what pre-decoders cost: every number in it comes from the JSON file, or is named as published."""

from pathlib import Path
from typing import Any

from synfab.artefact import write_text
from synfab.boards import board
from synfab.flow.anchors import anchor_table
from synfab.flow.benchmarks.predecoder_cost import CostBenchmark, NetCost
from synfab.flow.benchmarks.synthesis import Synthesized
from synfab.report import LatencyCycles
from synfab.report.markdown import cells, table

# The first is what is asked for.
CLOCKS_MHZ = (300, 200)
CLOCK_MHZ = CLOCKS_MHZ[0]
BOARDS = ("vmk180", "vu19p")
# Beyond the rounds ahead.
LATENCY_NS = 300
# Board and share that are asked for, by the model's first letters.
TARGET_SHARES = {"surface-m": ("vu19p", 1 / 4), "surface-s": ("vmk180", 1 / 5)}
# Distances of published blocks.
BESIDE_OTHERS = (13, 21)

HEAD = """# Pre-decoders in hardware, their cost

This page is written by `synfab bench predecoder` from
[`benchmarks/predecoder_cost.json`](../benchmarks/predecoder_cost.json): the nets of the zoo as
[RTL](predecoder.md#the-net-in-rtl), without what comes after them and without the union-find.

*LUT* and *FF* are **counted** from the structure of the generated RTL, not synthesized: a LUT a bit of every sum, an
output of every table, and 32 bits of every delay. The queue of logits and what takes rounds in are not counted. What
yosys makes of the nets that it can map in minutes stands below, with the error of the count. Nets with their weights in
the logic have no DSPs, and none that was synthesized has block RAM. Shares are of what a board has.

*Latency* runs from a round to the last logits of the round that it settles, on top of the rounds that the net looks
ahead; it is the same for all events. Nanoseconds assume the clock that is named; no design has been through Vivado, so
none is known to reach it. *Rounds/us* is how many rounds one engine takes in a microsecond, rounded down: a bound of
its throughput, not of the patches that it serves round by round. Its delay lines hold one block, so rounds of several
patches cannot alternate, and its masks are those of one basis and distance. With a round a microsecond of each, so many
patches of that basis share an engine only if their blocks are collected whole before it: a block then waits until it is
whole, and for those before it, up to so many times what the engine takes for a block.
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
beside the DSPs. *Levels* are cells on the longest path, and its picoseconds those of 7-series cells without wires: they
compare designs with each other and say nothing about a clock.
"""

LOOPS = """## With the union-find, RTL in the loop

The whole pipeline, Verilated, on sampled shots of d rounds, circuit-level noise: *differ* counts answers that are not
the software's, and must be 0. *Errors* are logical ones of the RTL, beside those of the union-find alone on the same
shots.
Cycles run from a block's last round to its answer; *fixed* is the part before the fabric has all of it. *Bound* is what
no block exceeds; *interval* is a block's share when blocks follow each other.
"""

PUBLISHED = """## Published

Nets of the same purpose on other hardware, as their authors say, and of ours the smallest at {clock} MHz that meet what
is asked for; other nets, other bounds. A block of ours takes from its first round to its last logits, rounds as fast as
the net takes them.
"""


def write_cost_page(benchmark: CostBenchmark, path: Path) -> None:
    """Write the page."""
    write_text(path, page(benchmark))


def page(benchmark: CostBenchmark) -> str:
    """Return the page as Markdown."""
    stages = "; ".join(f"{name}: {stage}" for name, stage in benchmark.stage.items())
    parts = [
        HEAD,
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
        "\n" + PUBLISHED.format(clock=CLOCK_MHZ),
        _published(benchmark),
    ]
    return "\n".join(parts) + "\n"


def _costs(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "positions a cycle", "cycles a round", *SPEED_HEADS, "LUT", "FF"]
    heads += [*_share_heads("LUT"), *_share_heads("FF")]
    rows = []
    for cost in benchmark.costs:
        if cost.multipliers is None:
            about = (cost.model, cost.distance, cost.positions_per_cycle, cost.cycles_per_round)
            size = (cost.lut, cost.registers, *_shares("lut", cost.lut), *_shares("ff", cost.registers))
            rows.append(cells(*about, *_speed(cost), *size))
    return table(heads, rows)


def _targets(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "board", "at most", "positions a cycle", "rounds/us", "latency, ns", "LUT", "share"]
    rows = []
    for model, distance in sorted({(cost.model, cost.distance) for cost in benchmark.costs}):
        wanted = _wanted(model)
        if wanted is None:
            continue
        name, share = wanted
        about = (model, distance, name.upper(), f"{share:.0%}")
        if best := _smallest(benchmark, model, distance):
            size = (best.lut, f"{best.lut / board(name).lut:.1%}")
            speed = (_rounds_per_us(best, CLOCK_MHZ), _latency_ns(best, CLOCK_MHZ))
            rows.append(cells(*about, best.positions_per_cycle, *speed, *size))
        else:
            rows.append(cells(*about, "none", "", "", "", ""))
    return table(heads, rows)


def _wanted(model: str) -> tuple[str, float] | None:
    return next((entry for start, entry in TARGET_SHARES.items() if model.startswith(start)), None)


def _smallest(benchmark: CostBenchmark, model: str, distance: int) -> NetCost | None:
    """Return the net with weights in the logic that has the fewest LUTs of those that meet what is asked for."""
    wanted = _wanted(model)
    if wanted is None:
        return None
    name, share = wanted
    fitting = [
        cost
        for cost in benchmark.costs
        if (cost.model, cost.distance, cost.multipliers) == (model, distance, None)
        and cost.cycles_per_round <= CLOCK_MHZ
        and 1000 * cost.round_cycles <= LATENCY_NS * CLOCK_MHZ
        and cost.lut <= share * board(name).lut
    ]
    return min(fitting, key=lambda cost: cost.lut, default=None)


def _loaded(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "multipliers", "cycles a position", "cycles a round", *SPEED_HEADS, "LUT", "memory", "FF"]
    heads += ["DSP", *_share_heads("LUT"), *_share_heads("FF"), *_share_heads("DSP")]
    rows = []
    for cost in benchmark.costs:
        if cost.multipliers:
            about = (cost.model, cost.distance, cost.multipliers, cost.cycles_per_beat, cost.cycles_per_round)
            size = (cost.lut, cost.memory, cost.registers, cost.dsp)
            counts = {"lut": cost.lut, "ff": cost.registers, "dsp": cost.dsp}
            shares = [share for name, count in counts.items() for share in _shares(name, count)]
            rows.append(cells(*about, *_speed(cost), *size, *shares))
    return table(heads, rows)


SPEED_HEADS = (
    *(f"rounds/us at {clock} MHz" for clock in CLOCKS_MHZ),
    "rounds ahead",
    "latency, cycles",
    *(f"ns at {clock} MHz" for clock in CLOCKS_MHZ),
)


def _speed(cost: NetCost) -> tuple[float | str, ...]:
    rounds, ns = ([function(cost, clock) for clock in CLOCKS_MHZ] for function in (_rounds_per_us, _latency_ns))
    return *rounds, cost.look_ahead, cost.round_cycles, *ns


def _rounds_per_us(cost: NetCost, clock_mhz: int) -> str:
    """Return the rounds in a microsecond, rounded down."""
    return f"{10 * clock_mhz // cost.cycles_per_round / 10:.1f}"


def _latency_ns(cost: NetCost, clock_mhz: int) -> int:
    return round(1000 * cost.round_cycles / clock_mhz)


def _share_heads(resource: str) -> list[str]:
    return [f"{resource} of a {name.upper()}" for name in BOARDS]


def _shares(resource: str, number: int) -> list[str]:
    return [f"{100 * number / getattr(board(name), resource):.1f} %" for name in BOARDS]


def _parts(benchmark: CostBenchmark) -> str:
    rows = [
        cells(
            *(one.model, one.distance, one.commit, one.part, one.synthesized.lut, one.synthesized.ff),
            *(one.synthesized.longest_path_levels, _picoseconds(one.synthesized)),
        )
        for one in benchmark.parts
    ]
    return table(["model", "d", "commit", "part", "LUT", "FF", "levels", "longest path, ps"], rows)


def _picoseconds(found: Synthesized) -> int | None:
    return None if found.longest_path_ps is None else round(found.longest_path_ps)


def _errors(benchmark: CostBenchmark) -> str:
    heads = ["model", "d", "positions a cycle", "weights", "cycles a beat", "LUT counted", "LUT found", "error"]
    heads += ["FF counted", "FF found", "error", "DSP counted", "DSP found", "BRAM36 found", "levels"]
    heads += ["longest path, ps"]
    rows = []
    for cost in _both(benchmark):
        found = cost.synthesized
        assert found is not None
        weights = f"loaded, {cost.multipliers}" if cost.multipliers else "constant"
        about = (cost.model, cost.distance, cost.positions_per_cycle, weights, cost.cycles_per_beat)
        lut = (cost.lut, found.lut, f"{_error(cost.lut, found.lut):+.0f} %")
        ff = (cost.registers, found.ff, f"{_error(cost.registers, found.ff):+.0f} %")
        paths = (found.longest_path_levels, _picoseconds(found))
        rows.append(cells(*about, *lut, *ff, cost.dsp, found.dsp, f"{found.bram36:g}", *paths))
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
    return (
        f"Over the {len(both)} nets that were synthesized, the count errs by: {'; '.join(parts)} (sizes).\n\n"
        f"{_extrapolated(benchmark)}\n"
    )


def _family(cost: NetCost) -> str:
    return f"{cost.model} with {f'weights in memory and {cost.multipliers}' if cost.multipliers else 'constants'}"


def families(benchmark: CostBenchmark) -> tuple[list[str], list[str]]:
    """Return the kinds of nets of which one was synthesized, and those of which all figures are counted alone."""
    found = sorted({_family(cost) for cost in _both(benchmark)})
    return found, sorted({_family(cost) for cost in benchmark.costs} - set(found))


def _extrapolated(benchmark: CostBenchmark) -> str:
    """Return sentences on how far the errors reach."""
    found, others = families(benchmark)
    largest = max(_both(benchmark), key=lambda cost: cost.lut)
    sentences = [
        f"Synthesized were {', '.join(found)}, up to {largest.lut:,} LUT counted; larger ones are extrapolated."
    ]
    if others:
        sentences.append(
            f"**No net was synthesized of {', '.join(others)}**: all their rows extrapolate the count beyond where "
            "it was checked, and so do the targets that they meet."
        )
    return " ".join(sentences)


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


def _published(benchmark: CostBenchmark) -> str:
    keys = ("net", "device", "block", "us_a_block", "us_a_round", "source")
    rows = [cells(*(entry.get(key) for key in keys)) for entry in published()]
    for model, distance in sorted({(cost.model, cost.distance) for cost in benchmark.costs}):
        best = _smallest(benchmark, model, distance) if distance in BESIDE_OTHERS else None
        if best and (wanted := _wanted(model)):
            cycles = (distance - 1 + best.look_ahead) * best.cycles_per_round + best.round_cycles
            device = (
                f"{wanted[0].upper()}, {best.positions_per_cycle} positions a cycle, counted, {CLOCK_MHZ} MHz assumed"
            )
            about = (model, device, f"{distance}x{distance}, {distance} rounds")
            rows.append(cells(*about, cycles / CLOCK_MHZ, best.cycles_per_round / CLOCK_MHZ, "this page"))
    return table(["net", "device", "block", "us a block", "us a round", "source"], rows)


def published() -> list[dict[str, Any]]:
    """Return what papers say of other nets."""
    return anchor_table("published_nets")["nets"]
