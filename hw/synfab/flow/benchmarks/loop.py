# SPDX-License-Identifier: Apache-2.0
"""Shots a second of the RTL in the loop, beside the cocotb bench on the same design, in one run."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import stim

from synfab.artefact import write_text
from synfab.errors import ToolError
from synfab.flow.build import TOP
from synfab.sampling import task_from_dem
from synfab.sim.folder import write_bench
from synfab.sim.loop import RtlSampler
from synfab.sim.vectors import write_vectors

COCOTB_SHOTS = 2000
LEAST_SECONDS = 2.0
TEST = "without_pauses"


@dataclass(frozen=True, kw_only=True)
class LoopSpeed:
    """Shots a second on one core, each without its compilation.

    Attributes
    ----------
    loop : float
        Of a sinter worker of ``--decoder rtl``: sampling and the comparison with the reference included.
    cocotb : float
        Of the bench without pauses on Verilator.
    """

    loop: float
    cocotb: float


def loop_speed(sampler: RtlSampler, dem: stim.DetectorErrorModel, folder: Path) -> LoopSpeed:
    """Measure one after the other.

    Raises
    ------
    ToolError
        If the bench fails.
    """
    compiled = sampler.compiled_sampler_for_task(task_from_dem(dem, metadata={}))
    # The first call loads the library and compiles the reference.
    compiled.sample(64)
    shots, seconds = 1024, 0.0
    while seconds < LEAST_SECONDS:
        shots *= 4
        began = time.perf_counter()
        compiled.sample(shots)
        seconds = time.perf_counter() - began
    return LoopSpeed(loop=shots / seconds, cocotb=COCOTB_SHOTS / _cocotb_seconds(sampler, dem, folder))


def _cocotb_seconds(sampler: RtlSampler, dem: stim.DetectorErrorModel, folder: Path) -> float:
    decoder = sampler.decoder
    write_text(folder / "rtl" / f"{TOP}.v", decoder.verilog)
    detections, _, _ = dem.compile_sampler(seed=1).sample(COCOTB_SHOTS, bit_packed=True)
    write_vectors(folder / "sim" / "vectors", decoder.spec, detections, corrections=decoder.corrections)
    write_bench(folder / "sim")
    command = [sys.executable, "-m", "synfab.sim.bench.run", "--test", TEST, str(folder / "sim")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"the bench must pass, but it failed:\n{(done.stdout + done.stderr)[-2000:]}")
    (case,) = ElementTree.parse(folder / "sim" / "build" / "verilator" / "results.xml").iter("testcase")
    return float(case.attrib["time"])
