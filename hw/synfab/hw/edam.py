# SPDX-License-Identifier: Apache-2.0
"""EDAM, the description of a design that edalize and FuseSoC read (edalize documentation, "EDA Metadata")."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synfab.artefact import write_json
from synfab.boards import Board
from synfab.errors import InputError

VERSION = "0.2.1"

FILE_TYPES = {".v": "verilogSource-2005", ".sv": "systemVerilogSource", ".xdc": "xdc"}


def edam(
    directory: Path,
    *,
    name: str,
    top: str,
    files: Sequence[Path],
    board: Board,
    parameters: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the EDAM description of a design.

    Parameters
    ----------
    directory : Path
        Folder that file names are relative to: where ``edam.json`` lies, and the tool's working folder.
    name, top : str
        Project and top module.
    files : sequence of Path
        Verilog, SystemVerilog and XDC files, in reading order.
    board : Board
        Gives Vivado its part.
    parameters : mapping of str to int, optional
        Verilog parameters of the top module.

    Returns
    -------
    dict
        JSON-ready, with options for Vivado (part) and Verilator (lint).

    Raises
    ------
    InputError
        If a file has another suffix than .v, .sv or .xdc.
    """
    return {
        "version": VERSION,
        "name": name,
        "toplevel": top,
        "files": [_file(directory, path) for path in files],
        "parameters": {
            key: {"datatype": "int", "paramtype": "vlogparam", "default": value}
            for key, value in (parameters or {}).items()
        },
        "tool_options": {
            "vivado": {"part": board.part},
            "verilator": {"mode": "lint-only", "verilator_options": ["-Wno-fatal"]},
        },
    }


def write_edam(directory: Path, **design: Any) -> Path:
    """Write ``directory/edam.json`` from the arguments of :func:`edam`."""
    return write_json(directory / "edam.json", edam(directory, **design))


def _file(directory: Path, path: Path) -> dict[str, str]:
    if path.suffix not in FILE_TYPES:
        raise InputError(
            f"a file of an EDAM description must end in {', '.join(FILE_TYPES)}, not {path.name!r}; leave it out"
        )
    return {"name": Path(os.path.relpath(path, directory)).as_posix(), "file_type": FILE_TYPES[path.suffix]}
