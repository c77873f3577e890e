# SPDX-License-Identifier: Apache-2.0
"""A program in a config: from the fabrics to the report, and what is refused before minutes are spent."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synfab.errors import InputError
from synfab.flow.cli import app
from synfab.flow.config import load_config
from synfab.flow.run import Flow

LONE = """
name = "lone"
distance = 3
[patches]
qubit = [0, 0]
[[step]]
ops = [{ prepare = "qubit" }]
[[step]]
ops = [{ measure = "qubit", result = "z" }]
[[output]]
name = "kept"
parity = ["z"]
"""
CONFIG = """
[program]
file = "lone.toml"
p = 0.01
shots = 40

[decoder]
weights = "unit"
"""


def config(folder: Path, text: str = CONFIG) -> Path:
    (folder / "lone.toml").write_text(LONE)
    path = folder / "lone_d3.toml"
    path.write_text(text)
    return path


def test_whole_run_and_a_second_one_that_has_nothing_to_do(tmp_path: Path):
    path, folder = config(tmp_path), tmp_path / "out"
    result = CliRunner().invoke(app, ["run", str(path), "-o", str(folder)])
    assert result.exit_code == 0, result.exception
    found = json.loads((folder / "report.json").read_text())
    (verification,) = found["verification"]
    assert (verification["vectors"], verification["mismatches"]) == (40, 0)
    assert [one["label"] for one in found["latency_cycles"]] == ["step 0, Z checks", "step 1, Z checks"]
    assert all(sum(shots for _, shots in one["histogram"]) == 40 for one in found["latency_cycles"])
    assert [one["scope"] for one in found["resources"]] == ["fabric, X checks", "fabric, Z checks"]
    assert all(one["lut"] > 500 for one in found["resources"])
    (output,) = found["accuracy"]
    assert (output["decoder"], output["shots"]) == ("output kept", 40)
    assert "step 1, Z checks" in (folder / "report.html").read_text()

    again = Flow(config=load_config(path), directory=folder)
    again.run()
    assert [outcome.fresh for outcome in again.outcomes.values()] == [False, False]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"lone.toml"', '"none.toml"', "program.file must be the path of a file that exists, not 'none.toml'"),
        ("[program]", 'dem = "mine.dem"\n[program]', "dem must be the path of a file that exists"),
        ("p = 0.01", "p = 0.01\nslots = 1", "program.slots must be"),
        ('weights = "unit"', "corrections = true", "program must come with weights and weight_bits of the decoder"),
        ("[decoder]", "[code]\ncode = 'repetition'\ndistance = 3\np = 0.1\n[decoder]", "not beside code"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, sentence: str):
    path = config(tmp_path, CONFIG.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_config(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("command", ["build", "verify", "estimate", "sample"])
def test_other_commands_say_what_to_run(tmp_path: Path, command: str):
    result = CliRunner().invoke(app, [command, str(config(tmp_path)), "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert "must be run as a whole, by 'synfab run'" in str(result.exception)


def test_a_distance_that_the_program_cannot_have_is_refused(tmp_path: Path):
    path = config(tmp_path, CONFIG.replace("p = 0.01", "p = 0.01\ndistance = 4"))
    result = CliRunner().invoke(app, ["run", str(path), "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, InputError)
    assert not (tmp_path / "out").exists()
