# SPDX-License-Identifier: Apache-2.0
"""What the fabric is to reach beside Helios, and where the stored measurements say that it does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from synfab.flow.benchmarks.extent import CIRCUIT, CLOSED, OPEN
from synfab.flow.benchmarks.models import Area, BlockName, Cycles, FabricBenchmark, Weights
from synfab.report.markdown import cells, table

DISTANCES = (3, 5, 7, 9, 11, 13)
AREA_DISTANCES = (3, 5, 7, 9)
LOOP_DISTANCES = (3, 5, 7, 9)
PROBABILITIES = (0.001, 0.005, 0.01)
HALF = 0.5
LOOP_TIMES = 20
# With the hops a cycle of the fabric.
BLOCKS: tuple[tuple[BlockName, Weights, int], ...] = (
    (OPEN, "unit", 1),
    (OPEN, "unit", 2),
    (CLOSED, "unit", 1),
    (CIRCUIT, "unit", 1),
    (CIRCUIT, "log_likelihood", 1),
    (CIRCUIT, "log_likelihood", 2),
)

Number = int | float | None


def mean_limit(distance: int) -> float:
    """Return the part of Helios' mean cycles that ours may be."""
    return 1 / 3 if distance <= 7 else HALF


def least_shots(p: float) -> int:
    """Return the shots that a mean must be of at least."""
    return 100_000 if p <= PROBABILITIES[0] else 10_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One point of a target.

    Attributes
    ----------
    distance : int
    p : float or None
        None if the target does not depend on it.
    limit : float
    value : float or None
        What was measured, in the unit of the limit; None if nothing was, or Helios has no figure there.
    measured : bool
        Whether there is a measurement of ours.
    at_least : bool
        The limit is the least.
    """

    distance: int
    p: float | None = None
    limit: float
    value: float | None
    measured: bool
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """``held``, ``missed``, ``not measured`` or ``no figure of Helios``."""
        if not self.measured:
            return "not measured"
        if self.value is None:
            return "no figure of Helios"
        holds = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "held" if holds else "missed"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target and what was found at each of its points."""

    name: str
    findings: tuple[Finding, ...]

    def of(self, verdict: str) -> list[Finding]:
        """Return the findings of a verdict."""
        return [finding for finding in self.findings if finding.verdict == verdict]

    def points(self, verdict: str) -> str:
        """Return the points of a verdict as they stand in a table, those that miss with their values."""
        found = self.of(verdict)
        if found and len(found) == len(self.findings):
            return "all"
        return "; ".join(
            self._points_of_distance(distance, [one for one in found if one.distance == distance])
            for distance in sorted({one.distance for one in found})
        )

    def _points_of_distance(self, distance: int, found: list[Finding]) -> str:
        values = [f"**{one.value:.3g}**" if one.verdict == "missed" else "" for one in found]
        if len(found) == sum(one.distance == distance for one in self.findings) and not any(values):
            return f"d = {distance}"
        strengths = ["" if one.p is None else f"p = {one.p:g}" for one in found]
        named = [": ".join(filter(None, pair)) for pair in zip(strengths, values, strict=True)]
        joined = ", ".join(named)
        return f"d = {distance}{': ' if found[0].p is None else ', '}{joined}"


def targets(benchmark: FabricBenchmark) -> Iterator[Target]:
    """Yield every target, judged by the benchmark."""
    for block, weights, hops in BLOCKS:
        about = f"{block}, {'unit weights' if weights == 'unit' else 'weighted'}{', two hops a cycle' * (hops == 2)}"
        for quantity, name, part in (("mean", "mean", "1/3 or 1/2"), ("p999", "p99.9", "1/2"), ("max", "max", "1/2")):
            limit = mean_limit if quantity == "mean" else lambda _: HALF
            findings = tuple(_cycles(benchmark, block, weights, hops, quantity, limit))
            yield Target(name=f"{name} cycles at most {part} of Helios': {about}", findings=findings)
    yield Target(
        name="mean cycles x path at most 1/3 or 1/2 of Helios': its block", findings=tuple(_products(benchmark))
    )
    yield Target(name="LUTs a detector at most 1/2 of Helios': its block", findings=tuple(_areas(benchmark)))
    yield Target(
        name=f"RTL in the loop at least {LOOP_TIMES} times the cocotb bench: Helios' block",
        findings=tuple(_speeds(benchmark)),
    )


def target_table(benchmark: FabricBenchmark) -> str:
    """Return the targets as a Markdown table."""
    heads = ["target", "held at", "missed at (value)", "not measured", "no figure of Helios"]
    verdicts = ("missed", "not measured", "no figure of Helios")
    rows = [
        cells(
            target.name,
            f"{len(target.of('held'))} of {len(target.findings)}",
            *(target.points(verdict) for verdict in verdicts),
        )
        for target in targets(benchmark)
    ]
    return table(heads, rows)


def _cycles(
    benchmark: FabricBenchmark,
    block: BlockName,
    weights: Weights,
    hops: int,
    quantity: str,
    limit: Callable[[int], float],
) -> Iterator[Finding]:
    # Helios decodes no closed start; its block is the nearest to it.
    beside = OPEN if block == CLOSED else block
    for distance in DISTANCES:
        for p in PROBABILITIES:
            point, other = (_measured(benchmark.cycles, name, weights, hops, distance, p) for name in (block, beside))
            value = _ratio(getattr(point, quantity), getattr(other, f"helios_{quantity}")) if point and other else None
            yield Finding(distance=distance, p=p, limit=limit(distance), value=value, measured=point is not None)


def _measured(
    points: Sequence[Cycles], block: BlockName, weights: Weights, hops: int, distance: int, p: float
) -> Cycles | None:
    """Return the point of the spatial fabric, its weights built in or, if only that was measured, loaded."""
    found = [
        point
        for point in points
        if (point.block, point.weights, point.distance, point.p) == (block, weights, distance, p)
        and (point.micro_architecture, point.hops, point.corrections) == ("spatial", hops, False)
        and not (point.own_weights or point.gap_cycles)
        and point.shots >= least_shots(p)
    ]
    return min(found, key=lambda point: point.runtime_weights, default=None)


def _products(benchmark: FabricBenchmark) -> Iterator[Finding]:
    for distance in AREA_DISTANCES:
        for p in PROBABILITIES:
            area, cycles = _area(benchmark, distance), _measured(benchmark.cycles, OPEN, "unit", 1, distance, p)
            value = None
            if area and cycles and area.longest_path_ps and area.helios_ps:
                ours = cycles.mean * area.longest_path_ps
                value = _ratio(ours, cycles.helios_mean and cycles.helios_mean * area.helios_ps)
            yield Finding(
                distance=distance, p=p, limit=mean_limit(distance), value=value, measured=bool(area and cycles)
            )


def _areas(benchmark: FabricBenchmark) -> Iterator[Finding]:
    for distance in AREA_DISTANCES:
        area = _area(benchmark, distance)
        value = _ratio(area.lut, area.helios_lut) if area else None
        yield Finding(distance=distance, limit=HALF, value=value, measured=area is not None)


def _speeds(benchmark: FabricBenchmark) -> Iterator[Finding]:
    for distance in LOOP_DISTANCES:
        found = [
            point.loop / point.cocotb
            for point in benchmark.speed
            if (point.block, point.weights, point.distance) == (OPEN, "unit", distance)
        ]
        value = min(found, default=None)
        yield Finding(distance=distance, limit=LOOP_TIMES, value=value, measured=value is not None, at_least=True)


def _area(benchmark: FabricBenchmark, distance: int) -> Area | None:
    design = ("spatial", 1, False, False)
    found = [
        area
        for area in benchmark.area
        if (area.block, area.weights, area.distance) == (OPEN, "unit", distance)
        and (area.micro_architecture, area.hops, area.corrections, area.runtime_weights) == design
    ]
    return found[0] if found else None


def _ratio(ours: Number, theirs: Number) -> float | None:
    return ours / theirs if ours is not None and theirs else None
