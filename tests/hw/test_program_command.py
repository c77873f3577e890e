# SPDX-License-Identifier: Apache-2.0
"""``synfab program``: what it prints, what it writes, how it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synfab.errors import InputError
from synfab.flow.cli import app


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["program", *arguments])


def test_check_prints_the_summary():
    found = json.loads(invoke("check", "cnot", "--json").stdout)
    assert {key: found[key] for key in ("num_cells", "num_steps", "num_branches", "num_blocks")} == {
        "num_cells": 3,
        "num_steps": 3,
        "num_branches": 1,
        "num_blocks": 9,
    }
    assert found["random_outputs"] == []
    assert "ancilla_z" in invoke("check", "cnot").stdout


def test_check_takes_a_file_and_refuses_with_its_sentence(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\nops = [{ idle = "a" }]\n')
    result = invoke("check", str(file))
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "step 0: idle 'a': the patch 'a' must be there, but it is not; prepare it first"


def test_draw_prints_steps_and_writes_the_timeline(tmp_path: Path):
    svg = tmp_path / "feedback.svg"
    result = invoke("draw", "feedback", "--branch", "1", "-o", str(svg))
    assert result.exit_code == 0
    assert "feedback with coin = 1" in result.stdout
    assert "X[qubit]X" in result.stdout
    assert svg.read_text().startswith("<svg")


def test_draw_refuses_a_branch_that_is_not_there():
    result = invoke("draw", "cnot", "--branch", "1")
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == "--branch must be below 1, the number of branches, not 1"


@pytest.mark.parametrize("decoder", ["pymatching", "union_find", "fusion"])
def test_sample_counts_by_branch_and_output(decoder):
    arguments = ("sample", "feedback", "--shots", "200", "--distance", "3", "--p", "0.002", "--seed", "1")
    rows = json.loads(invoke(*arguments, "--noise", "phenomenological", "--decoder", decoder, "--json").stdout)
    assert [row["branch"] for row in rows] == [{"coin": False}, {"coin": True}]
    assert sum(row["shots"] for row in rows) == 200
    assert all(row["output"] == "kept" and not row["random"] and row["ones"] <= row["shots"] for row in rows)
    assert "95 %" in invoke(*arguments, "--decoder", decoder).stdout


def test_run_on_the_fabric(tmp_path: Path):
    """A condition on a decoded result, both of its branches, and what the hardware says of them."""
    arguments = ("run", "feedback", "-o", str(tmp_path), "--shots", "60", "--distance", "3", "--p", "0.01")
    result = invoke(*arguments, "--seed", "3", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert json.loads((tmp_path / "program.json").read_text()) == found
    assert found["mismatches"] == 0
    # Those of the coin, decoded from the first step alone, and those of the branches.
    assert found["histories"] >= 120
    assert [one["branch"] for one in found["outputs"]] == [{"coin": False}, {"coin": True}]
    assert sum(one["shots"] for one in found["outputs"]) == 60
    for kind in "XZ":
        floor = next(one for one in found["floors"] if one["kind"] == kind)
        assert (
            f"module {floor['verilog'].removesuffix('.v').split('_')[0]}(" in (tmp_path / floor["verilog"]).read_text()
        )
        steps = [one for one in found["steps"] if one["kind"] == kind]
        assert [one["step"] for one in steps] == list(range(len(steps)))
        assert all(min(map(int, one["histogram"])) >= 3 for one in steps)
    assert (tmp_path / "program.svg").read_text().startswith("<?xml")


FAR = """
name = "far"
distance = 3
[patches]
near = [0, 0]
away = [100, 2]
[[step]]
ops = [{ prepare = "near" }, { prepare = "away" }]
"""


@pytest.mark.parametrize(
    ("file", "options", "sentence"),
    [
        ("feedback", ("--distance", "4"), "distance must be odd, "),
        ("feedback", ("--distance", "2"), "distance must be at least 3, not 2; "),
        ("feedback", ("--distance", "999"), "distance must be at most 51, "),
        ("feedback", ("--p", "2"), "p must be above 0 and at most 0.5, not 2.0; "),
        ("feedback", ("--p", "0"), "p must be above 0 and at most 0.5, not 0.0; "),
        (FAR, (), "the patches of a program that is run must lie in a rectangle of at most 256 cells from (0, 0) on, "),
    ],
)
def test_run_refuses_before_anything_is_built(tmp_path: Path, file: str, options: tuple[str, ...], sentence: str):
    if file == FAR:
        (tmp_path / "far.toml").write_text(FAR)
        file = str(tmp_path / "far.toml")
    result = invoke("run", file, "-o", str(tmp_path / "new"), *options)
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith(sentence)
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    """A file where a folder must be, and a folder where a file must be."""
    file = tmp_path / "file"
    file.write_text("mine")
    for result, sentence in (
        (invoke("run", "feedback", "-o", str(file), "--distance", "3"), "the output must be a folder that can be"),
        (invoke("draw", "feedback", "-o", str(tmp_path)), "--output must be a file that can be written"),
    ):
        assert isinstance(result.exception, InputError)
        assert str(result.exception).startswith(sentence)
    assert file.read_text() == "mine"


def test_sample_refuses_what_cannot_be():
    for options, sentence in (
        (("--p", "2"), "p must be above 0"),
        (("--distance", "2"), "distance must be at least 3"),
    ):
        result = invoke("sample", "feedback", "--shots", "10", *options)
        assert isinstance(result.exception, InputError)
        assert str(result.exception).startswith(sentence)
