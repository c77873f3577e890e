# SPDX-License-Identifier: Apache-2.0
"""From Verilog and a harness in C++ to a shared library, kept by the hash of what made it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from synfab.artefact import digest, write_text
from synfab.errors import MissingToolError, ToolError
from synfab.sim.bench import verilator


def build(
    *,
    verilog: str,
    top: str,
    harness: str,
    defines: Sequence[str],
    cache: Path,
    beside: str = "",
    prepare: Sequence[str] = (),
    design: str = "decoder.v",
) -> Path:
    """Compile a library unless it is there; return its path.

    Parameters
    ----------
    verilog, top : str
        The design, and its top module.
    harness : str
        C++ that includes ``Vdecoder.h``.
    defines : sequence of str
        Flags of the compiler for the harness.
    cache : Path
        Libraries are kept here.
    beside : str
        Whatever else decides what comes out.
    prepare : sequence of str
        A command that makes ``design`` of ``decoder.v``; none if that is the design.
    design : str

    Raises
    ------
    MissingToolError
        If Verilator or the compiler is not installed.
    ToolError
        If one of them fails.
    """
    environment = require_verilator()
    simulator = _call(["verilator", "--version"], Path(), environment)
    name = digest(verilog, harness, beside, [*verilator.FLAGS, *defines], simulator)[:16]
    library = cache.resolve() / name / "libdecoder.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    # The tools run in a folder of their own, which goes with all that they leave.
    with TemporaryDirectory(dir=library.parent) as scratch:
        folder = Path(scratch)
        write_text(folder / "decoder.v", verilog)
        write_text(folder / "harness.cpp", harness)
        if prepare:
            _call(prepare, folder, environment, tool="yosys")
        options = ["--prefix", "Vdecoder", "--top-module", top, "-CFLAGS", "-fPIC", "-Mdir", "objects"]
        _call(["verilator", "--cc", "--build", "-j", "2", *verilator.FLAGS, *options, design], folder, environment)
        root = _call(["verilator", "--getenv", "VERILATOR_ROOT"], folder, environment)
        includes = ["-Iobjects", f"-I{root}/include", f"-I{root}/include/vltstd"]
        archives = ["objects/libVdecoder.a", "objects/libverilated.a", "-pthread"]
        compile_flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-o", "partial.so", *defines]
        _call(["g++", *compile_flags, *includes, "harness.cpp", *archives], folder, environment)
        os.replace(folder / "partial.so", library)
    return library


def require_verilator() -> dict[str, str]:
    """Return the environment to compile in; raise MissingToolError unless Verilator and the compiler are installed."""
    try:
        return verilator.environment()
    except verilator.MissingSimulatorError as error:
        raise MissingToolError(str(error)) from error


def _call(command: Sequence[str], folder: Path, environment: dict[str, str], *, tool: str | None = None) -> str:
    """Run a tool; return what it says."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ToolError(f"{tool or command[0]} must compile the decoder, but it failed:\n{tail}")
    return done.stdout.strip()
