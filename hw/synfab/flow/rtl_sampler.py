# SPDX-License-Identifier: Apache-2.0
"""The decoder ``rtl`` of ``synfab sample``: the artefact folder's own Verilog, in the loop."""

from pathlib import Path

from synfab.decoders import UnionFindSpec
from synfab.flow.build import TOP
from synfab.flow.config import Config
from synfab.flow.run import Flow, Listener
from synfab.sim.verilated import RtlSampler, VerilatedDecoder

RTL = "rtl"


def rtl_sampler(config: Config, directory: Path, *, listener: Listener) -> RtlSampler:
    """Build the artefact folder unless it is up to date, compile its RTL, and return it as a sinter sampler."""
    Flow(config=config, directory=directory, listener=listener).run(["build"])
    decoder = VerilatedDecoder(
        spec=UnionFindSpec.load(directory / "spec.json"),
        verilog=(directory / "rtl" / f"{TOP}.v").read_text(),
        corrections=config.decoder.corrections,
        cache=directory / "sim" / "library",
    )
    listener("library", "compiling the RTL")
    decoder.build()
    listener("library", "done")
    return RtlSampler(decoder=decoder, weights=config.decoder.weights, weight_bits=config.decoder.weight_bits)
