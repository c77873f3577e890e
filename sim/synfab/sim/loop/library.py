# SPDX-License-Identifier: Apache-2.0
"""From Verilog and a harness in C++ to a shared library, kept by the hash of what made it."""

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from synfab.artefact import digest, write_text
from synfab.errors import MissingToolError, ToolError
from synfab.sim.bench import verilator


def build(
    *, verilog: str, top: str, harness: str, defines: Sequence[str], cache: Path, side_by_side: bool = False
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
    side_by_side : bool
        Whether the class of ``Vdecoder.h`` is 64 of the design (:mod:`~synfab.sim.loop.graph`) or, made by Verilator,
        one.

    Raises
    ------
    MissingToolError
        If Verilator or the compiler is not installed.
    ToolError
        If one of them fails.
    """
    environment = require_verilator()
    made_by = _graph_tools() if side_by_side else [_call(["verilator", "--version"], Path(), environment)]
    name = digest(verilog, top, harness, *verilator.FLAGS, *defines, *made_by)[:16]
    library = cache.resolve() / name / "libdecoder.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    # The tools run in a folder of their own, which goes with all that they leave.
    with TemporaryDirectory(dir=library.parent) as scratch:
        folder = Path(scratch)
        write_text(folder / "decoder.v", verilog)
        write_text(folder / "harness.cpp", harness)
        flags = (_graph if side_by_side else _verilated)(folder, top, environment)
        compile_flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-o", "partial.so", *defines]
        _call(["g++", *compile_flags, "harness.cpp", *flags], folder, environment)
        os.replace(folder / "partial.so", library)
    return library


def _verilated(folder: Path, top: str, environment: dict[str, str]) -> list[str]:
    """Make ``Vdecoder.h`` of ``decoder.v`` by Verilator; return what the compiler needs beside the harness."""
    options = ["--prefix", "Vdecoder", "--top-module", top, "-CFLAGS", "-fPIC", "-Mdir", "objects"]
    command = ["verilator", "--cc", "--build", "-j", "2", *verilator.FLAGS, *options, "decoder.v"]
    _call(command, folder, environment)
    root = _call(["verilator", "--getenv", "VERILATOR_ROOT"], folder, environment)
    includes = ["-Iobjects", f"-I{root}/include", f"-I{root}/include/vltstd"]
    return [*includes, "objects/libVdecoder.a", "objects/libverilated.a", "-pthread"]


def _graph(folder: Path, top: str, environment: dict[str, str]) -> list[str]:
    """Make ``Vdecoder.h`` of ``decoder.v`` by yosys, in a process of its own; return as :func:`_verilated`."""
    write_text(folder / "aig.hpp", _source("aig.hpp"))
    _call([sys.executable, "-m", "synfab.sim.loop.graph", "decoder.v", top, "."], folder, environment, tool="yosys")
    return ["-I."]


def _graph_tools() -> list[str]:
    return [_source("graph.py"), _source("aig.hpp"), version("pyosys")]


def _source(name: str) -> str:
    return (files("synfab.sim.loop") / name).read_text()


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
