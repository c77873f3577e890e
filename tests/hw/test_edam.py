# SPDX-License-Identifier: Apache-2.0
"""The EDAM description, as edalize documents it and as edalize itself takes it."""

import json
from pathlib import Path
from typing import Any

import pytest

from synfab.boards import board
from synfab.errors import InputError
from synfab.hw.edam import edam, write_edam

FILE_KEYS = {"name", "file_type", "core", "is_include_file", "include_path", "logical_name", "tags", "define"}
KEYS = {"name", "toplevel", "version", "files", "parameters", "tool_options", "flow_options", "hooks", "vpi"}


@pytest.fixture
def design(tmp_path: Path) -> dict[str, Any]:
    return {
        "name": "memory_d5",
        "top": "union_find",
        "files": [tmp_path / "top.v", tmp_path / "vivado" / "constraints" / "timing.xdc"],
        "board": board("vmk180"),
        "parameters": {"WIDTH": 24},
    }


def test_description(tmp_path: Path, design: dict[str, Any]):
    assert edam(tmp_path, **design) == {
        "version": "0.2.1",
        "name": "memory_d5",
        "toplevel": "union_find",
        "files": [
            {"name": "top.v", "file_type": "verilogSource-2005"},
            {"name": "vivado/constraints/timing.xdc", "file_type": "xdc"},
        ],
        "parameters": {"WIDTH": {"datatype": "int", "paramtype": "vlogparam", "default": 24}},
        "tool_options": {
            "vivado": {"part": "xcvm1802-vsva2197-2MP-e-S"},
            "verilator": {"mode": "lint-only", "verilator_options": ["-Wno-fatal"]},
        },
    }


def test_written_file_has_documented_keys_only(tmp_path: Path, design: dict[str, Any]):
    path = write_edam(tmp_path, **design)
    assert path == tmp_path / "edam.json"
    data = json.loads(path.read_text())
    assert data == edam(tmp_path, **design)
    assert data.keys() <= KEYS
    for file in data["files"]:
        assert file.keys() <= FILE_KEYS


def test_other_files_are_refused(tmp_path: Path, design: dict[str, Any]):
    design["files"] = [tmp_path / "spec.json"]
    with pytest.raises(
        InputError,
        match=r"^a file of an EDAM description must end in \.v, \.sv, \.xdc, not 'spec\.json'; leave it out$",
    ):
        edam(tmp_path, **design)


def test_edalize_takes_it_for_vivado(tmp_path: Path, design: dict[str, Any]):
    flow = pytest.importorskip("edalize.flows.vivado", reason="edalize is not installed")
    description = json.loads(write_edam(tmp_path, **design).read_text())
    flow.Vivado(
        edam=description | {"flow_options": description["tool_options"]["vivado"]}, work_root=tmp_path
    ).configure()
    script = (tmp_path / "memory_d5.tcl").read_text()
    assert "read_verilog {top.v}" in script
    assert "read_xdc {vivado/constraints/timing.xdc}" in script
    assert "xcvm1802-vsva2197-2MP-e-S" in script
    assert "set_property top union_find" in script
    assert "WIDTH=24" in script


def test_edalize_takes_it_for_verilator(tmp_path: Path, design: dict[str, Any]):
    module = pytest.importorskip("edalize.tools.verilator", reason="edalize is not installed")
    tool = module.Verilator()
    tool.work_root = tmp_path
    tool.setup(json.loads(write_edam(tmp_path, **design).read_text()))
    assert tool.tool_options["mode"] == "lint-only"
    assert tool.toplevel == "union_find"
