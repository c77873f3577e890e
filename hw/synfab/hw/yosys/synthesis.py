# SPDX-License-Identifier: Apache-2.0
"""An estimate from Verilog: yosys in a process of its own, so that its crash or a kill costs no one else."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from synfab.artefact import write_json
from synfab.errors import InputError, MissingToolError, SynfabError
from synfab.hw.yosys.estimate import Estimate, LogicPath, ModuleCount, PathStep, resources_from_cells

Family = Literal["xcup", "xcu", "xc7"]
Progress = Callable[[str, float], None]

# Word-level bits up to which "auto" synthesises flat. CPU time on one core, flat: union-find fabrics of 7,785
# bits (1.5k LUT) 9 s, of 56,201 (10k) 65 s; minimum-flooding ones of 6,456 (2.6k) 12 s, 38,449 (15k) 81 s,
# 63,419 (27k) 156 s, this one hierarchically 27 s.
FLAT_LIMIT = 25_000
PYOSYS = "pyosys==0.70"


def estimate(
    verilog: Sequence[Path],
    *,
    top: str,
    flatten: bool | Literal["auto"] = "auto",
    family: Family = "xcup",
    uram: bool = False,
    log: Path | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Synthesise ``verilog`` with yosys and count what it takes.

    The script is ``synth_xilinx -family FAMILY -noiopad -noclkbuf`` (with ``-flatten``) cut into pieces; it gives
    the very cells of that one command.

    Parameters
    ----------
    verilog : sequence of Path
        Files that together hold the design; ``.sv`` is read as SystemVerilog.
    top : str
        Name of the top module.
    flatten : bool or "auto"
        True: dissolve the hierarchy first; constants fold into every element, logic is optimised across them,
        and time grows as N^1.4: what designs should be compared by. False: map each distinct module once, and
        get a bound soon. "auto": flat up to :data:`FLAT_LIMIT` word-level bits.
    family : {"xcup", "xcu", "xc7"}
        Yosys' name for the architecture; Versal has none, ``xcup`` is its proxy.
    uram : bool
        Let large memories become UltraRAM.
    log : Path or None
        Where yosys' output goes, line by line; None: a temporary file that is kept only after a failure.
    progress : callable or None
        Called with the step that begins, in words, and the fraction done before it.

    Raises
    ------
    InputError
        If yosys refuses the design, with its own message.
    MissingToolError
        If pyosys is not installed.
    SynfabError
        If the process of yosys was killed or crashed.
    """
    files = _files(verilog)
    _check(top=top, flatten=flatten, family=family)
    if importlib.util.find_spec("pyosys") is None:
        raise MissingToolError(
            f"an estimate needs yosys, but the Python package pyosys is not installed; type: pip install {PYOSYS}"
        )
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="synfab-yosys-") as folder:
        scratch = Path(folder)
        log_path = _fresh_log(log)
        job = {
            "verilog": [str(path) for path in files],
            "top": top,
            "flatten": flatten,
            "flat_limit": FLAT_LIMIT,
            "family": family,
            "uram": uram,
            "log": str(log_path),
            "errors": str(scratch / "errors.txt"),
            "result": str(scratch / "result.json"),
        }
        _run(write_json(scratch / "job.json", job), log_path, progress or (lambda step, fraction: None))
        result = json.loads((scratch / "result.json").read_text())
    if log is None:
        log_path.unlink()
    if progress:
        progress("done", 1.0)
    return _estimate_from_result(result, family=family, top=top, seconds=time.monotonic() - began)


def _files(verilog: Sequence[Path]) -> list[Path]:
    if not verilog:
        raise InputError("an estimate needs at least one Verilog file, not []; build the design first")
    for path in verilog:
        if not Path(path).is_file():
            raise InputError(f"a Verilog file must exist, not {str(path)!r}; build the design first")
        if '"' in str(path):
            raise InputError(f"the name of a Verilog file must be without quotes, not {str(path)!r}; rename it")
    return [Path(path).resolve() for path in verilog]


def _check(*, top: str, flatten: Any, family: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][\w.$]*", top):
        raise InputError(f"top must be the name of a Verilog module, not {top!r}; give one that the files define")
    if flatten not in (True, False, "auto"):
        raise InputError(f"flatten must be True, False or 'auto', not {flatten!r}; 'auto' decides by size")
    if family not in get_args(Family):
        raise InputError(
            f"family must be one of {', '.join(get_args(Family))}, not {family!r}; xcup stands in for Versal"
        )


def _fresh_log(log: Path | None) -> Path:
    if log is None:
        handle, name = tempfile.mkstemp(prefix="synfab-yosys-", suffix=".log")
        os.close(handle)
        return Path(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    return log.resolve()


def _run(job: Path, log: Path, progress: Progress) -> None:
    """Run the worker on ``job`` in the job's folder; raise what its end means."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "synfab.hw.yosys.worker", str(job)],
        cwd=job.parent,
        # abc's temporary folders go with the scratch folder even after a kill.
        env=os.environ | {"TMPDIR": str(job.parent)},
        stdout=subprocess.PIPE,
        text=True,
        # abc runs as a child of the worker: both end with the group.
        start_new_session=True,
    )
    step = "starting"
    try:
        assert worker.stdout is not None
        with worker.stdout:
            for line in worker.stdout:
                step, fraction = json.loads(line)
                progress(step, fraction)
        code = worker.wait()
    except BaseException:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        raise
    errors = job.parent / "errors.txt"
    said = errors.read_text(errors="replace") if errors.exists() else ""
    with log.open("a") as file:
        file.write(said)
    if code:
        raise _failure(code, said, step, log)


def _failure(code: int, said: str, step: str, log: Path) -> SynfabError:
    if code < 0:
        return SynfabError(
            f"yosys was killed by {signal.Signals(-code).name} while {step} (out of memory, if nobody ended it); "
            f"nothing of the estimate is kept, run it again; its log is {log}"
        )
    refused = re.search(r"^.*ERROR: ?.*$", said, re.MULTILINE)
    if not refused:
        return SynfabError(f"yosys crashed with exit code {code} while {step}; its log is {log}")
    way_out = "mend the Verilog"
    if "OPTION_ABITS" in refused[0]:
        way_out = (
            "a memory of this depth with one address for reading and writing has no LUT memory to map to: "
            'give it (* ram_style = "block" *), or another address to each port'
        )
    return InputError(f"yosys refused the design while {step}: {refused[0].strip()}; {way_out}; its log is {log}")


def _path(data: dict[str, Any] | None) -> LogicPath | None:
    if data is None:
        return None
    steps = tuple(PathStep(**step) for step in data["steps"])
    return LogicPath(length=data["length"], start=data["start"], end=data["end"], steps=steps)


def _estimate_from_result(result: dict[str, Any], *, family: str, top: str, seconds: float) -> Estimate:
    version = re.search(r"\d+\.\d+\S*", result["version"])
    return Estimate(
        stage=f"yosys-{family} estimate",
        tool="yosys",
        version=version[0] if version else result["version"],
        family=family,
        top=top,
        way=result["way"],
        word_bits=result["word_bits"],
        cells=result["cells"],
        modules=tuple(ModuleCount(**module) for module in result["modules"]),
        levels=_path(result["levels"]),
        delay=_path(result["delay"]),
        loops=result["loops"],
        untimed=tuple(result["untimed"]),
        seconds=round(seconds, 2),
        **resources_from_cells(result["cells"]),
    )
