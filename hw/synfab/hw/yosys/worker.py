# SPDX-License-Identifier: Apache-2.0
"""The process in which yosys runs: ``python -m synfab.hw.yosys.worker JOB.json``, started by :func:`estimate`.

On its standard output it says, a line of JSON each, which step begins; yosys' own output goes to the log, its
errors to a file beside. The result is written last and whole.
"""

import ctypes
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from synfab.artefact import write_json, write_text
from synfab.hw.yosys.estimate import LogicPath, modules_from_stat
from synfab.hw.yosys.netlist import without_dangling_outputs
from synfab.hw.yosys.paths import Registers, delay_from_sta, levels_from_ltp

# abc9 costs 1.5 s of set-up a call, and within one call a time for every module that grows with the whole
# design. Between them, groups of about this many modules are fastest, by a factor of two for 120 modules.
GROUP = 8
# Techmap refuses a cell whose parameters its template does not have; these are the ones that delays depend on.
TIMING_PARAMETERS = {"DOA_REG", "DOB_REG", "AMULTSEL", "USE_MULT"} | {
    f"{stage}REG" for stage in ("A", "AD", "B", "C", "D", "M", "P")
}
HERE = Path(__file__).parent

# A binary module without stubs.
ys: Any = import_module("pyosys.libyosys")

Step = Callable[[str, float], None]


def run(*commands: str) -> None:
    """Run yosys commands; on an error yosys prints it and ends the process with code 1."""
    for command in commands:
        ys.run_pass(command)


def text_of(command: str) -> str:
    """Return what one yosys command prints, which the log has too."""
    run(f"tee -o printed.txt {command}")
    return Path("printed.txt").read_text()


def stat_of(options: str = "") -> dict[str, Any]:
    """Return what `stat -json` says of the design."""
    run(f"tee -q -o stat.json stat -json {options}")
    return json.loads(Path("stat.json").read_text())


def chosen(modules: Sequence[str]) -> str:
    """Return the command that selects whole modules by their exact names."""
    return "select " + " ".join(f"={name}" for name in modules)


def word_bits() -> int:
    """Return the widths of all word-level cells added up, over all instances, once equal ones are merged."""
    run("design -push-copy", "opt_expr", "opt_merge", "opt_clean")
    total = 0
    for kind, count in stat_of("-width")["design"]["num_cells_by_type"].items():
        if match := re.fullmatch(r"\$\w+?_(\d+)(?:_\d+)*", kind):
            total += count * int(match[1])
    run("design -pop")
    return total


def read_library() -> None:
    """Read the cells with their delays and keep them for :func:`map_modules`.

    Each step starts from this copy. What synthesis derives from it for a cell's parameters loses its delays,
    and `sta` would take that one: no path would then start at a flip-flop, and the figure would be far too low.
    """
    run("read_verilog -lib -specify +/xilinx/cells_sim.v", "read_verilog -lib +/xilinx/cells_xtra.v")
    run("design -save library")


def map_modules(script: str, step: Step) -> None:
    """Map the design, prepared up to `map_luts`, group by group; leaves the mapped hierarchy loaded."""
    modules = [name.removeprefix("\\") for name in stat_of()["modules"]]
    groups = [modules[i : i + GROUP] for i in range(0, len(modules), GROUP)]
    for index, group in enumerate(groups):
        run(chosen(group), f"write_rtlil -selected prepared_{index}.il", "select -clear")
    run(chosen(modules), "blackbox", "write_rtlil -selected shells.il", "select -clear")
    for index, group in enumerate(groups):
        first = index * GROUP
        said = f"mapping to LUTs, modules {first + 1} to {first + len(group)} of {len(modules)}"
        step(said, 0.2 + 0.7 * index / len(groups))
        run("design -load library", "read_rtlil shells.il", f"read_rtlil -overwrite prepared_{index}.il")
        run(f"{script} -run map_luts:check", chosen(group))
        run(f"write_rtlil -selected mapped_{index}.il", "select -clear")
    run("design -load library", *(f"read_rtlil mapped_{index}.il" for index in range(len(groups))))


def map_to_timed_cells() -> None:
    """Replace newer cells of the flat design by those of the 7 series, which have delays."""
    dump = text_of("dump t:RAM* t:DSP48* %u")
    parameters = set(re.findall(r"^\s+parameter (?:signed |real )?\\(\w+)", dump, re.MULTILINE))
    for name in sorted(parameters - TIMING_PARAMETERS):
        run(f"setparam -unset {name} t:RAM* t:DSP48* %u")
    run(f'techmap -autoproc -map "{HERE / "seven_series.v"}"', "clean")


def levels(registers: Registers) -> LogicPath | None:
    """Return the longest path in cells; changes the design."""
    run(f'techmap -autoproc -map "{HERE / "lutram_read.v"}"', "clean")
    # A DSP block without registers is logic like any other.
    run("select -set logic_dsp t:DSP48* r:AREG=0 %i r:BREG=0 %i r:CREG=0 %i r:MREG=0 %i r:PREG=0 %i")
    run("select -set seq t:FD* t:LD* t:SRL* t:RAM* t:URAM* t:DSP48* @logic_dsp %d")
    said = text_of("ltp @seq %n")
    run("ltp -select @seq %n")
    path = levels_from_ltp(said, registers, text_of("dump"))
    run("select -clear")
    return path


def longest_paths(top: str) -> dict[str, Any]:
    """Return the longest paths of the flat mapped design, in cells and in ps; nothing else is kept of it."""
    map_to_timed_cells()
    loops = int(re.findall(r"Found (\d+) SCCs\.", text_of("scc -specify"))[-1])
    if loops:
        return {"levels": None, "delay": None, "loops": loops, "untimed": ()}
    registers = Registers.from_dump(text_of("dump t:FD* t:LD* %u t:SRL* %u t:RAM* %u t:DSP48* %u"))
    run(chosen([top]), "write_rtlil -selected timed.il", "select -clear")
    logic = levels(registers)
    write_text(Path("timed.il"), without_dangling_outputs(Path("timed.il").read_text()))
    run("design -load library", "read_rtlil timed.il")
    sta = text_of("sta")
    return {
        "levels": plain(logic),
        "delay": plain(delay_from_sta(sta, registers)),
        "loops": 0,
        "untimed": sorted(set(re.findall(r"Module '(\w+)' has no timing arcs", sta))),
    }


def plain(path: LogicPath | None) -> dict[str, Any] | None:
    """Return ``path`` as JSON takes it."""
    return asdict(path) if path else None


def synthesise(job: dict[str, Any], step: Step) -> dict[str, Any]:
    """Return what :func:`estimate` makes an Estimate of, as plain data."""
    script = f"synth_xilinx -family {job['family']} -noiopad -noclkbuf" + (" -uram" if job["uram"] else "")
    top = job["top"]
    step("reading Verilog", 0.0)
    read_library()
    for path in job["verilog"]:
        run(f'read_verilog {"-sv " if path.endswith(".sv") else ""}-defer "{path}"')
    run(f"hierarchy -check -top {top}", "proc")
    bits = word_bits()
    flat = bits <= job["flat_limit"] if job["flatten"] == "auto" else job["flatten"]
    step("preparing, " + ("flat" if flat else "module by module"), 0.03)
    if not flat:
        # Marks the wires after which registers are named in the end; flattening gives each net many names.
        run("setattr -set register 1 t:$*ff* %co1:+[Q] w:* %i")
    flatten = " -flatten" if flat else ""
    run(f"{script}{flatten} -top {top} -run prepare:map_luts")
    map_modules(script, step)
    step("counting", 0.9)
    run(f"hierarchy -check -top {top}")
    modules = modules_from_stat(stat_of(), top)
    run("setattr -mod -unset keep_hierarchy *", "flatten -noscopeinfo", "clean")
    run("delete t:$scopeinfo")
    cells = stat_of()["design"]["num_cells_by_type"]
    step("finding the longest paths", 0.93)
    if not flat:
        run("rename -hide w:* a:register %d", "clean")
    run("rename -wire")
    return {
        "version": ys.yosys_maybe_version(),
        "way": "flat" if len(modules) == 1 else "hierarchical",
        "word_bits": bits,
        "modules": [asdict(module) for module in modules],
        "cells": cells,
        **longest_paths(top),
    }


def main() -> None:
    """Run the job of the file named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text())
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG: a parent that is killed cannot stop this process, which may have minutes to go.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    said = os.fdopen(os.dup(1), "w", buffering=1)
    with open(job["log"], "ab") as log, open(job["errors"], "ab") as errors:
        os.dup2(log.fileno(), 1)
        os.dup2(errors.fileno(), 2)

    def step(text: str, fraction: float) -> None:
        print(json.dumps([text, fraction]), file=said)

    write_json(Path(job["result"]), synthesise(job, step))


if __name__ == "__main__":
    main()
