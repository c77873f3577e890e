# SPDX-License-Identifier: Apache-2.0
"""Build and run the bench of an artefact folder with Verilator, Icarus, or any simulator that cocotb knows."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from synfab.sim.bench import verilator
from synfab.sim.bench.verilator import MissingSimulatorError

WAVE_HINT = {"verilator": "dump.vcd", "icarus": ".fst file"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; return 0 if every test passed, 1 if one failed, 3 if a tool is missing."""
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
    """Build the Verilog in ``directory/../rtl`` and play ``directory/vectors``; results go to ``directory/results``.

    Returns
    -------
    int
        0 if every test passed, else 1.

    Raises
    ------
    MissingSimulatorError
        If cocotb or the simulator is not installed.
    """
    if importlib.util.find_spec("cocotb") is None:
        raise MissingSimulatorError("the bench needs cocotb 2: pip install cocotb==2.1.0")
    directory = directory.resolve()
    top = directory.parent / "rtl" / "union_find.v"
    runner = _runner(sim)
    build = directory / "build" / (sim + ("_waves" if waves else ""))
    log = _fresh(build / "build.log")
    built = _completed(
        lambda: runner.build(
            sources=[*([_visible(directory, top.stem)] if sim == "verilator" else []), top],
            hdl_toplevel=top.stem,
            build_dir=build,
            build_args=list(verilator.FLAGS) if sim == "verilator" else [],
            waves=waves,
            timescale=("1ns", "1ps"),
            log_file=log,
        )
    )
    if not built:
        print(log.read_text(), end="")
        return 1
    environment = {
        "SYNFAB_VECTORS": str(directory / "vectors"),
        "SYNFAB_RESULTS": str(directory / "results"),
        "SYNFAB_SHOT": "" if shot is None else str(shot),
        "SYNFAB_SHOTS": "" if shots is None else str(shots),
        "SYNFAB_SEED": "" if seed is None else str(seed),
    }
    log = _fresh(build / "test.log")
    passed = _completed(
        lambda: runner.test(
            test_module="synfab.sim.bench.union_find_tests",
            hdl_toplevel=top.stem,
            testcase=test,
            build_dir=build,
            test_dir=build,
            extra_env=environment,
            waves=waves,
            timescale=("1ns", "1ps"),
            results_xml=str(build / "results.xml"),
            log_file=log,
        )
    )
    print(log.read_text(), end="")
    if waves:
        print(f"waveform: {WAVE_HINT.get(sim, 'as the simulator names it')} in {os.path.relpath(build)}")
    return 0 if passed and _all_passed(build / "results.xml") else 1


def _all_passed(results: Path) -> bool:
    from cocotb_tools.check_results import get_results

    try:
        ran, failed = get_results(results)
    except RuntimeError:
        return False
    return ran > 0 and not failed


def _completed(step: Callable[[], object]) -> bool:
    """Return whether a step of cocotb's runner went well; it ends the program where it did not."""
    try:
        step()
    except SystemExit:
        return False
    return True


def _runner(sim: str):
    from cocotb_tools import runner

    if sim != "verilator":
        try:
            return runner.get_runner(sim)
        except (ValueError, SystemExit) as error:
            raise MissingSimulatorError(f"{sim} must be a simulator that cocotb finds on the path: {error}") from error

    class QuietVerilator(runner.Verilator):
        """Verilator with the top level's ports visible and nothing else, which is several times faster."""

        def _build_command(self) -> list:
            return [[word for word in command if word != "--public-flat-rw"] for command in super()._build_command()]

    os.environ.update(verilator.environment())
    return QuietVerilator()


def _visible(directory: Path, top: str) -> Path:
    """Write the Verilator control file that makes the ports visible to cocotb."""
    path = directory / "build" / "visible.vlt"
    signals = ["clk", "rst", *(f"{stream}__{part}" for stream in "io" for part in ("payload", "valid", "ready"))]
    lines = [f'public_flat_rw -module "{top}" -var "{signal}"\n' for signal in signals]
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
