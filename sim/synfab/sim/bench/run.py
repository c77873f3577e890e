# SPDX-License-Identifier: Apache-2.0
"""Build and run the bench of an artefact folder with Verilator, Icarus, or any simulator that cocotb knows."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from synfab.sim.bench import verilator
from synfab.sim.bench.vectors import Vectors, VectorsError
from synfab.sim.bench.verilator import MissingSimulatorError

TOP = "union_find"
TESTS = "synfab.sim.bench.union_find_tests"
WAVEFORMS = {"verilator": "dump.vcd", "icarus": f"{TOP}.fst"}
INSTALL = {"icarus": "apt-get install iverilog"}
SHOWN_LINES = 20


class FolderError(ValueError):
    """The artefact folder cannot be played as asked; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; return 0 if every test passed, 1 if one failed, 2 for wrong input, 3 if a tool is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="the artefact's sim folder")
    parser.add_argument("--sim", default="verilator", help="verilator, icarus, questa, ...")
    parser.add_argument("--test", help="run this test alone")
    parser.add_argument("--shot", type=int, help="play this shot alone")
    parser.add_argument("--shots", type=int, help="play at most so many shots")
    parser.add_argument("--seed", type=int, help="seed of the random pauses")
    parser.add_argument("--waves", action="store_true", help="record a waveform")
    options = parser.parse_args(arguments)
    try:
        return run(**vars(options))
    except (FolderError, VectorsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except MissingSimulatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3


def run(
    directory: Path,
    *,
    sim: str = "verilator",
    test: str | None = None,
    shot: int | None = None,
    shots: int | None = None,
    seed: int | None = None,
    waves: bool = False,
) -> int:
    """Build ``directory/../rtl/union_find.v`` and play ``directory/vectors`` to it.

    Results go to ``directory/results``, a file a test; those of a single ``shot`` to ``directory/replay``, so that a
    replay does not overwrite what it is to explain.

    Returns
    -------
    int
        0 if every test passed, else 1.

    Raises
    ------
    FolderError
        If there is no Verilog, no such test, or no port for the vectors' weights.
    VectorsError
        If the vectors are not whole, or there is no such shot.
    MissingSimulatorError
        If cocotb or the simulator is not installed.
    """
    directory = directory.resolve()
    _check(directory, shot, shots)
    require_simulator(sim)
    runner = _runner(sim)
    build = directory / "build" / (sim + ("_waves" if waves else ""))
    common = {"hdl_toplevel": TOP, "build_dir": build, "waves": waves, "timescale": ("1ns", "1ps")}
    sources = [directory.parent / "rtl" / f"{TOP}.v"]
    if sim == "verilator":
        sources.insert(0, _visible(directory))
    flags = list(verilator.FLAGS) if sim == "verilator" else []
    log = _fresh(build / "build.log")
    if not _completed(lambda: runner.build(sources=sources, build_args=flags, log_file=log, **common)):
        tail = "\n".join(log.read_text().splitlines()[-SHOWN_LINES:]) if log.exists() else ""
        print(f"error: {sim} must build the Verilog, but it failed; {log} ends:\n{tail}", file=sys.stderr)
        return 1
    results = directory / ("results" if shot is None else "replay")
    for old in results.glob(f"{test or '*'}.json"):
        old.unlink()
    environment = {
        "SYNFAB_VECTORS": str(directory / "vectors"),
        "SYNFAB_RESULTS": str(results),
        "SYNFAB_SHOT": "" if shot is None else str(shot),
        "SYNFAB_SHOTS": "" if shots is None else str(shots),
        "SYNFAB_SEED": "" if seed is None else str(seed),
    }
    xml = build / "results.xml"
    _completed(
        lambda: runner.test(
            test_module=TESTS, testcase=test, test_dir=build, extra_env=environment, results_xml=str(xml), **common
        )
    )
    if waves:
        print(f"waveform: {os.path.relpath(build / WAVEFORMS.get(sim, ''))}")
    return _verdict(xml, test)


def require_simulator(sim: str) -> None:
    """Raise MissingSimulatorError unless cocotb, the simulator and what it needs are installed."""
    if importlib.util.find_spec("cocotb") is None:
        raise MissingSimulatorError("the bench needs cocotb 2: pip install cocotb==2.1.0")
    if sim == "verilator":
        verilator.environment()
    else:
        _other_runner(sim)


def _check(directory: Path, shot: int | None, shots: int | None) -> None:
    verilog = directory.parent / "rtl" / f"{TOP}.v"
    if not verilog.is_file():
        raise FolderError(f"the design must be the file {verilog}, which is not there; build the artefact again")
    vectors = Vectors(directory=directory / "vectors")
    vectors.check()
    if vectors.has_weights and not _has_weight_port(directory):
        raise FolderError(f"the design must have a weight port, as the vectors have weights; {verilog} has none")
    if shot is not None:
        vectors.detections(shot)
    if shots is not None and shots < 1:
        raise FolderError(f"the number of shots must be at least 1, not {shots}")


def _has_weight_port(directory: Path) -> bool:
    return "  input w__valid;" in (directory.parent / "rtl" / f"{TOP}.v").read_text().splitlines()


def _verdict(results: Path, test: str | None) -> int:
    from cocotb_tools.check_results import get_results

    try:
        ran, failed = get_results(results)
    except RuntimeError:
        print("error: the simulation must run to its end, but it stopped; see above", file=sys.stderr)
        return 1
    if not ran:
        raise FolderError(f"TEST must name a test of {TESTS}, not {test!r}")
    return 1 if failed else 0


def _completed(step: Callable[[], object]) -> bool:
    """Return whether a step of cocotb's runner went well; where it did not, the runner raises or exits."""
    sys.stdout.flush()
    try:
        step()
    except (RuntimeError, SystemExit):
        return False
    return True


def _runner(sim: str):
    from cocotb_tools import runner

    if sim != "verilator":
        return _other_runner(sim)

    class QuietVerilator(runner.Verilator):
        """Verilator with the top level's ports visible and nothing else, which is several times faster."""

        def _build_command(self) -> list:
            return [[word for word in command if word != "--public-flat-rw"] for command in super()._build_command()]

    os.environ.update(verilator.environment())
    return QuietVerilator()


def _other_runner(sim: str):
    from cocotb_tools import runner

    try:
        return runner.get_runner(sim)
    except (ValueError, SystemExit) as error:
        hint = INSTALL.get(sim, "install it, or take SIM=verilator")
        raise MissingSimulatorError(f"{sim} must be a simulator on the path: {hint} ({error})") from error


def _visible(directory: Path) -> Path:
    """Write the Verilator control file that makes the ports visible to cocotb."""
    path = directory / "build" / "visible.vlt"
    streams = "iow" if _has_weight_port(directory) else "io"
    signals = ["clk", "rst", *(f"{stream}__{part}" for stream in streams for part in ("payload", "valid", "ready"))]
    lines = [f'public_flat_rw -module "{TOP}" -var "{signal}"\n' for signal in signals]
    text = "`verilator_config\n" + "".join(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path


def _fresh(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
