# SPDX-License-Identifier: Apache-2.0
"""Verification: plays the stored vectors to the RTL, by the same command that a user runs in the folder."""

import json
import os
import re
import subprocess
import sys
import textwrap
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

from synfab.artefact import file_digest
from synfab.errors import MismatchError, MissingToolError, ToolError
from synfab.flow.build import TOP
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions
from synfab.sim.bench import run as bench
from synfab.sim.bench.verilator import MissingSimulatorError

SHOWN_LINES = 40


def require_simulator(config: Config) -> None:
    """Raise MissingToolError unless the config's simulator is installed, and what it needs."""
    try:
        bench.require_simulator(config.verify.simulator)
    except MissingSimulatorError as error:
        raise MissingToolError(str(error)) from error


def verify(config: Config, folder: Folder) -> Outcome:
    """Run the bench of the artefact folder on the config's simulator.

    Returns
    -------
    Outcome
        ``tests``: what each test of the bench wrote (shots, mismatches, histograms of cycles, tool versions).

    Raises
    ------
    MismatchError
        If an answer differs from the reference: which shot, what was expected, and how to replay it.
    MissingToolError
        If the simulator or the compiler is not installed.
    """
    inputs = {
        "verilog": file_digest(folder.path / "rtl" / f"{TOP}.v"),
        "vectors": file_digest(folder.path / "sim" / "vectors" / "manifest.json"),
        "verify": config.verify.model_dump(exclude={"search_shots"}),
        "bench": source_digest("synfab.sim"),
        "versions": versions("cocotb", "verilator"),
    }
    return folder.step("verify", inputs, lambda: _verify(config, folder))


def _verify(config: Config, folder: Folder) -> dict[str, Any]:
    directory = (folder.path / "sim").resolve()
    folder.remove("sim/results")
    command = [sys.executable, "-m", "synfab.sim.bench.run", "--sim", config.verify.simulator, str(directory)]
    if not config.verify.backpressure:
        command += ["--test", "without_pauses"]
    paths = os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": paths}
    log = directory / "verify.log"
    with log.open("w") as output:
        process = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if process.returncode == 3:
        raise MissingToolError(log.read_text().strip().splitlines()[-1].removeprefix("error: "))
    tests = [json.loads(path.read_text()) for path in sorted((directory / "results").glob("*.json"))]
    if any(test["mismatches"] for test in tests):
        raise MismatchError(_complaint(log, folder.path))
    if process.returncode or not tests:
        raise ToolError(f"the simulation must run to its end, but it stopped; {_tail(log)}")
    return {"tests": tests}


def _complaint(log: Path, directory: Path) -> str:
    """Return what the log says of the first test's mismatches."""
    lines = iter(log.read_text().splitlines())
    first = next(line for line in lines if re.search(r"AssertionError: \d+ of \d+ answers differ", line))
    rest = takewhile(lambda line: not re.match(r"\s*[\d.]+ns ", line), lines)
    shown = textwrap.dedent("\n".join([first.replace("AssertionError:", " " * 15), *islice(rest, SHOWN_LINES)]))
    return f"the RTL must equal its reference, but {shown.strip()}\n(make -C {directory / 'sim'}; log in {log})"


def _tail(log: Path) -> str:
    return "\n".join([f"the end of its log {log}:", *log.read_text().splitlines()[-SHOWN_LINES:]])
