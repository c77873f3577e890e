# SPDX-License-Identifier: Apache-2.0
"""The union-find fabric beside Helios: cycles from RTL in the loop, area by yosys."""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synfab.artefact import digest, write_text
from synfab.benchmarks.begun import begun
from synfab.decoders import UnionFindSpec
from synfab.flow.anchors import anchor_table
from synfab.flow.benchmarks.extent import FULL, WEIGHT_BITS, Block, Extent, Study
from synfab.flow.benchmarks.loop import loop_speed
from synfab.flow.benchmarks.models import Area, Cycles, FabricBenchmark, Speed
from synfab.flow.benchmarks.synthesis import FLAT_DETECTORS, estimated
from synfab.flow.versions import versions
from synfab.report import LatencyCycles
from synfab.rtl.union_find.design import Design
from synfab.sim.vectors import sampled_weights

if TYPE_CHECKING:
    from synfab.sim.loop import RtlDecoder

SAMPLER_SEED = 20_260_101

# Many elements take Verilator long to compile, while the memories of few are many flip-flops in 64 lanes.
MOST_ELEMENTS_VERILATED = 32

# Of speeds and areas, and of fabrics whose weights are loaded.
BUILT_P = 0.001

Progress = Callable[[str, str], None]
Point = Cycles | Area | Speed
Measure = Callable[[FabricBenchmark], Point]


def run(output: Path, *, extent: Extent = FULL, progress: Progress = lambda step, message: None) -> FabricBenchmark:
    """Measure what ``output`` does not hold yet, and write it after every point, whole or not at all.

    A point counts as long as its Verilog is the same; a file made by other tools is begun anew.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    done = begun(output, FabricBenchmark(tools=versions("synfab", "stim", "amaranth", "verilator", "pyosys")))
    with tempfile.TemporaryDirectory() as cache:
        for study in extent.studies:
            for fabric in (Fabric(block, design, Path(cache)) for block in study.blocks() for design in study.designs):
                for question, measure in fabric.questions(study, extent.shots):
                    progress(f"{fabric.name}: {question}", "running")
                    done = _with(done, measure(done))
                    write_text(output, done.model_dump_json(indent=1) + "\n")
                    progress(f"{fabric.name}: {question}", "done")
    return done


class Fabric:
    """One fabric under measurement; a point of the same RTL that is stored is not measured again."""

    def __init__(self, block: Block, design: Design, cache: Path) -> None:
        self.block, self.design, self._cache = block, design, cache
        self._made: dict[str, tuple[str, int]] = {}

    @property
    def name(self) -> str:
        """What the user reads while it is measured."""
        design, block = self.design, self.block
        options = [f"n={design.detectors_per_element}"] if design.micro_architecture == "shared" else []
        options += [f"{design.hops} hops"] if design.hops > 1 else []
        options += [option for option in ("corrections", "runtime_weights") if getattr(design, option)]
        return ", ".join([block.block, block.weights, f"d={block.distance}", *options])

    def questions(self, study: Study, shots: Callable[[float], int]) -> list[tuple[str, Measure]]:
        """Return what a study asks, each with how to measure it, given what is stored."""
        asked: list[tuple[str, Measure]] = [
            (
                f"cycles, p={p:g}, gap {gap}",
                partial(
                    self.cycles,
                    p=p,
                    gap_cycles=gap,
                    own_weights=study.own_weights,
                    shots=min(shots(p), study.max_shots or shots(p)),
                ),
            )
            for p in study.probabilities
            for gap in study.gaps
        ]
        if study.loop:
            asked.append(("RTL in the loop beside cocotb", self.speed))
        return [*asked, ("area", self.area)] if study.area else asked

    def cycles(self, stored: FabricBenchmark, *, p: float, gap_cycles: int, own_weights: bool, shots: int) -> Cycles:
        """Count cycles at an error rate, and compare every answer with the reference's."""
        built, _ = self._built(p)
        for point in stored.cycles:
            same = point.verilog_sha256 == built["verilog_sha256"]
            same = same and (point.p, point.gap_cycles, point.own_weights) == (p, gap_cycles, own_weights)
            if same and point.shots >= shots:
                return point
        decoder = self._decoder(p)
        detections, _, _ = self.block.dem(p).compile_sampler(seed=SAMPLER_SEED).sample(shots, bit_packed=True)
        weights = sampled_weights(decoder.spec, shots, seed=SAMPLER_SEED) if own_weights else None
        expected = decoder.spec.decode_batch(detections, bit_packed_shots=True, weights=weights)
        played = decoder.play(detections, weights=weights, gap_cycles=gap_cycles)
        streamed = decoder.play(detections, weights=weights, gap_cycles=gap_cycles, back_to_back=True)
        mismatches = sum(int(np.any(answers.predictions != expected, axis=1).sum()) for answers in (played, streamed))
        latency = LatencyCycles.from_histogram(
            played.histogram,
            stage="rtl-sim",
            tool=decoder.simulator,
            version=versions(decoder.simulator)[decoder.simulator],
            label="latency",
        )
        helios: dict[str, Any] = {
            f"helios_{name}": self._anchor(f"{name}_cycles").get(f"{p:g}", {}).get(str(self.block.distance))
            for name in ("mean", "p999", "max")
        }
        return Cycles(
            **built,
            p=p,
            gap_cycles=gap_cycles,
            own_weights=own_weights,
            shots=shots,
            mismatches=mismatches,
            mean_interval=streamed.interval_cycles,
            **{name: getattr(latency, name) for name in ("mean", "p50", "p99", "p999", "max", "histogram")},
            **helios,
        )

    def speed(self, stored: FabricBenchmark) -> Speed:
        """Count shots a second, with and without cocotb."""
        from synfab.sim.loop import RtlSampler

        built, _ = self._built(BUILT_P)
        for point in stored.speed:
            if point.verilog_sha256 == built["verilog_sha256"]:
                return point
        sampler = RtlSampler(decoder=self._decoder(BUILT_P), weights=self.block.weights, weight_bits=WEIGHT_BITS)
        with tempfile.TemporaryDirectory() as folder:
            found = loop_speed(sampler, self.block.dem(BUILT_P), Path(folder))
        return Speed(**built, p=BUILT_P, loop=found.loop, cocotb=found.cocotb)

    def area(self, stored: FabricBenchmark) -> Area:
        """Synthesize the fabric, in one piece if it is not too large."""
        built, verilog = self._built(BUILT_P)
        for point in stored.area:
            if point.verilog_sha256 == built["verilog_sha256"]:
                return point
        found = estimated(verilog, top="union_find", flatten=built["num_detectors"] <= FLAT_DETECTORS)
        helios: dict[str, Any] = {
            f"helios_{name}": self._anchor(name).get(str(self.block.distance)) for name in ("lut", "ff", "levels", "ps")
        }
        return Area(
            **built,
            way=found.way,
            lut=found.lut,
            lutram=found.lutram,
            ff=found.ff,
            bram36=found.bram36,
            memory_bits=self._verilog(self._generated(BUILT_P))[1],
            longest_path_levels=found.longest_path_levels,
            longest_path_ps=found.longest_path_ps,
            **helios,
        )

    def _decoder(self, p: float) -> "RtlDecoder":
        from synfab.sim.loop import RtlDecoder

        built, verilog = self._built(p)
        elements = built["num_detectors"] / self.design.detectors_per_element
        return RtlDecoder(
            spec=self.block.spec(p),
            verilog=verilog,
            corrections=self.design.corrections,
            runtime_weights=self.design.runtime_weights,
            built_weights=self._generated(p).weights,
            lanes=64 if elements > MOST_ELEMENTS_VERILATED else None,
            cache=self._cache,
        )

    def _generated(self, p: float) -> UnionFindSpec:
        """Return the spec that the fabric is generated from: one for all error rates, if weights can be loaded."""
        return self.block.spec(BUILT_P if self.design.runtime_weights else p)

    def _built(self, p: float) -> tuple[dict[str, Any], str]:
        spec = self._generated(p)
        verilog, _ = self._verilog(spec)
        fields = ("micro_architecture", "hops", "detectors_per_element", "corrections", "runtime_weights")
        identity: dict[str, Any] = {
            "block": self.block.block,
            "weights": self.block.weights,
            "distance": self.block.distance,
            **{field: getattr(self.design, field) for field in fields},
            "num_detectors": spec.num_detectors,
            "num_edges": len(spec.edges),
            "verilog_sha256": digest(verilog),
        }
        return identity, verilog

    def _verilog(self, spec: UnionFindSpec) -> tuple[str, int]:
        """Return the fabric's Verilog, and the bits of its words in memories."""
        if spec.sha256 not in self._made:
            fabric = self.design.fabric(spec)
            self._made[spec.sha256] = (fabric.verilog(), fabric.memory_bits)
        return self._made[spec.sha256]

    def _anchor(self, quantity: str) -> dict[str, Any]:
        """Return Helios' figures on this block, which has unit weights."""
        if self.block.weights != "unit" and "cycles" not in quantity:
            return {}
        return anchor_table("helios").get(self.block.block, {}).get(quantity, {})


def _with(done: FabricBenchmark, point: Point) -> FabricBenchmark:
    """Return the benchmark with a point in place of an older one of the same fabric and question."""
    field = type(point).__name__.lower()
    others: Sequence[Point] = [other for other in getattr(done, field) if _about(other) != _about(point)]
    return done.model_copy(update={field: tuple(sorted([*others, point], key=_about))})


def _about(point: Point) -> tuple:
    design = (point.micro_architecture, point.hops, point.detectors_per_element)
    options = (point.corrections, point.runtime_weights)
    asked = (point.p, point.gap_cycles, point.own_weights) if isinstance(point, Cycles) else ()
    return (point.block, point.weights, point.distance, *design, *options, *asked)
