# SPDX-License-Identifier: Apache-2.0
"""Writes the Vivado folder of a design."""

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from synfab.artefact import digest, write_bytes, write_text
from synfab.boards import Board
from synfab.errors import InputError

from .constraints import constraint

SCRIPTS = ("reporting.tcl", "system.tcl", "build.tcl")
"""The scripts of every project, the one that starts a build last."""

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_FILE_NAME = re.compile(r"[\w.+-]+\.s?v", re.ASCII)


def write_project(
    directory: Path,
    *,
    name: str,
    verilog: Sequence[Path],
    top: str,
    board: Board,
    clock_mhz: float | None = None,
    clock_port: str = "clk",
    full_top: str | None = None,
    full_clock_port: str = "aclk",
    weight_stream: bool = False,
    weight_status: bool = False,
    pins: Path | None = None,
) -> Path:
    """Write ``directory/vivado``, a folder that builds the design on a machine with Vivado and nothing else.

    ``vivado -mode batch -source build.tcl`` builds ``top`` out of context; with ``-tclargs full`` it builds the
    board's image: on Versal a block design of the processing system, a stream FIFO and ``full_top``, on
    UltraScale+ ``full_top`` alone at the user's pins. The folder holds copies of all sources and may be moved.
    Reports of an earlier project stay; :func:`synfab.hw.vivado.read_reports` knows them by the design they name.

    Parameters
    ----------
    directory : Path
        Artefact folder.
    name : str
        Names the image, ``output/full/{name}.pdi`` or ``.bit``.
    verilog : sequence of Path
        Sources of ``top`` and ``full_top``; copied to ``vivado/src``, so their names must differ.
    top : str
        Module of the decoder.
    board : Board
        Part, family and pins file.
    clock_mhz : float, optional
        Target clock; the board's default if None.
    clock_port, full_clock_port : str
        Clock ports of ``top`` and ``full_top``.
    full_top : str, optional
        AXI4-Stream wrapper of ``top``: ``aclk``, ``aresetn``, ``s_axis_*`` and ``m_axis_*`` with 64-bit
        ``tdata``, ``tvalid``, ``tready``, ``tlast``, and ``s_axis_tuser``. Without it only the out-of-context build
        is possible.
    weight_stream : bool
        ``full_top`` also has ``w_axis_*``: ``tdata``, ``tvalid``, ``tready``. On Versal it gets a FIFO of its own.
    weight_status : bool
        With ``weight_stream``: ``full_top`` also has ``refused``. On Versal it gets a register of its own.
    pins : Path, optional
        User's XDC with pins, in place of the board's.

    Returns
    -------
    Path
        ``directory/vivado/build.tcl``.

    Raises
    ------
    InputError
        If a source or the pins file is missing, two sources share a name, a name is not an identifier, the
        clock is not positive, or there is a weight status without its stream.
    """
    clock_mhz = board.default_clock_mhz if clock_mhz is None else clock_mhz
    if weight_status and not weight_stream:
        raise InputError("weight_status must come with weight_stream, not without; nothing can be refused")
    if not clock_mhz > 0:
        raise InputError(f"clock_mhz must be positive, not {clock_mhz!r}; write it in MHz, such as 100")
    names = {"name": name, "top": top, "clock_port": clock_port, "full_clock_port": full_clock_port}
    _check_identifiers(names | ({"full_top": full_top} if full_top else {}))
    sources = _sources(verilog)
    constraints = _constraints(
        board=board,
        period_ns=1000 / clock_mhz,
        clock_port=clock_port,
        full_clock_port=full_clock_port if full_top else None,
        pins=pins,
    )
    settings = {
        "name": name,
        "top": top,
        "full_top": full_top or "",
        "part": board.part,
        "family": board.family,
        "clock_mhz": f"{clock_mhz:.3f}",
        "weight_stream": str(int(weight_stream)),
        "weight_status": str(int(weight_status)),
        "sources": " ".join(f"src/{source}" for source in sources),
        "pins": "constraints/pins.xdc" if "pins.xdc" in constraints else "",
    }
    settings["design"] = digest(settings, constraints, list(sources), *sources.values())
    return _write_folder(directory / "vivado", sources, constraints, settings)


def _write_folder(
    folder: Path, sources: dict[str, bytes], constraints: dict[str, str], settings: dict[str, str]
) -> Path:
    build = folder / "build.tcl"
    # A killed run leaves no build.tcl, so no project that starts with half of its files.
    build.unlink(missing_ok=True)
    _write_files(folder / "src", sources)
    _write_files(folder / "constraints", {name: text.encode() for name, text in constraints.items()})
    header = "# SPDX-License-Identifier: Apache-2.0\n# What build.tcl builds; paths are relative to this file.\n"
    lines = (f"set {key} {{{value}}}\n" for key, value in settings.items())
    write_text(folder / "settings.tcl", header + "".join(lines))
    for script in SCRIPTS:
        write_text(folder / script, (resources.files("synfab.hw.vivado") / script).read_text("utf-8"))
    return build


def _check_identifiers(names: dict[str, str]) -> None:
    for key, value in names.items():
        if not _IDENTIFIER.fullmatch(value):
            raise InputError(f"{key} must be a Verilog identifier, not {value!r}; use letters, digits and underscores")


def _sources(verilog: Sequence[Path]) -> dict[str, bytes]:
    sources: dict[str, bytes] = {}
    for path in verilog:
        if not path.is_file():
            raise InputError(f"a Verilog source must be a file, not {str(path)!r}; run 'synfab build' first")
        if not _FILE_NAME.fullmatch(path.name):
            raise InputError(
                f"a Verilog source must be named with letters, digits and _ + - . and end in .v or .sv, "
                f"not {path.name!r}; rename it"
            )
        if path.name in sources:
            raise InputError(f"Verilog sources must have distinct names, not {path.name!r} twice; rename one")
        sources[path.name] = path.read_bytes()
    if not sources:
        raise InputError("a Vivado project must have a Verilog source, not an empty list; run 'synfab build' first")
    return sources


def _constraints(
    *, board: Board, period_ns: float, clock_port: str, full_clock_port: str | None, pins: Path | None
) -> dict[str, str]:
    period = f"{period_ns:.3f}"
    texts = {
        "timing.xdc": constraint("timing.xdc", clock_port=clock_port, period_ns=period),
        "ooc.xdc": constraint("ooc.xdc", clock_port=clock_port),
    }
    if full_clock_port and board.family != "versal":
        texts["timing_full.xdc"] = constraint("timing.xdc", clock_port=full_clock_port, period_ns=period)
    if pins is not None:
        if not pins.is_file():
            raise InputError(f"the pins file must be a file, not {str(pins)!r}; correct the path to your XDC")
        texts["pins.xdc"] = pins.read_text(encoding="utf-8")
    elif board.pins is not None:
        texts["pins.xdc"] = constraint(board.pins)
    return texts


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Make ``folder`` hold exactly these files."""
    for name, data in files.items():
        write_bytes(folder / name, data)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
