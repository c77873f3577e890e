# SPDX-License-Identifier: Apache-2.0
"""From Verilog and a harness in C++ to a shared library, kept by the hash of what made it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

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
    # The tools run in this folder.
    folder = cache.resolve() / digest(verilog, harness, beside, [*verilator.FLAGS, *defines])[:16]
    library = folder / "libdecoder.so"
    if library.exists():
        return library
    try:
        environment = verilator.environment()
    except verilator.MissingSimulatorError as error:
        raise MissingToolError(str(error)) from error
    write_text(folder / "decoder.v", verilog)
    write_text(folder / "harness.cpp", harness)
    if prepare:
        _call(prepare, folder, environment, tool="yosys")
    objects = folder / "objects"
    shutil.rmtree(objects, ignore_errors=True)
    options = ["--prefix", "Vdecoder", "--top-module", top, "-CFLAGS", "-fPIC", "-Mdir", str(objects)]
    _call(["verilator", "--cc", "--build", "-j", "2", *verilator.FLAGS, *options, design], folder, environment)
    root = subprocess.check_output(["verilator", "--getenv", "VERILATOR_ROOT"], env=environment, text=True).strip()
    includes = [f"-I{objects}", f"-I{root}/include", f"-I{root}/include/vltstd"]
    archives = [str(objects / "libVdecoder.a"), str(objects / "libverilated.a"), "-pthread"]
    compile_flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-o", "partial.so", *defines]
    _call(["g++", *compile_flags, *includes, "harness.cpp", *archives], folder, environment)
    shutil.rmtree(objects)
    for name in ("lanes.v", "lanes.json"):
        (folder / name).unlink(missing_ok=True)
    os.replace(folder / "partial.so", library)
    return library


def _call(command: Sequence[str], folder: Path, environment: dict[str, str], *, tool: str | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ToolError(f"{tool or command[0]} must compile the decoder, but it failed:\n{tail}")
