# SPDX-License-Identifier: Apache-2.0
"""`synfab run` with a pre-decoder, from the config to the report."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from synfab.flow.cli import app
from synfab.predecoder.pipeline import PipelineSpec

ROOT = Path(__file__).parents[2]
CONFIG = """
[code]
code = "rotated_surface"
distance = 3
rounds = 2
p = 0.01
[predecoder]
model = "{model}"
weights = "loaded"
multipliers = "dsp"
cycles_per_beat = 27
[verify]
shots = 40
[estimate]
flatten = false
[sample]
shots = 2000
"""


@pytest.mark.slow
def test_run_makes_hardware_that_answers_as_the_spec(tmp_path, small_model):
    config, out = tmp_path / "small.toml", tmp_path / "out"
    config.write_text(CONFIG.format(model=small_model))
    result = CliRunner().invoke(app, ["run", str(config), "-o", str(out)])
    assert result.exit_code == 0, result.output
    report = json.loads((out / "report.json").read_text())
    jsonschema.validate(report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))

    spec = PipelineSpec.load(out / "spec.json")
    assert (report["spec"]["kind"], report["spec"]["sha256"]) == ("pipeline", spec.sha256)
    assert len(report["verification"]) > 3
    assert all(test["mismatches"] == 0 < test["vectors"] for test in report["verification"])
    latency = next(each for each in report["latency_cycles"] if each["label"] == "latency")
    cycles = report["spec"]["parameters"]["predecoder"]
    assert cycles["cycles_to_fabric"] < latency["mean"] <= latency["max"] <= report["spec"]["max_cycles"]

    *stages, whole = report["stages"]
    assert [stage["name"] for stage in stages] == ["rounds ahead", "net", "after the net", "fabric"]
    assert whole["rounds"] == stages[0]["rounds"] == cycles["look_ahead_rounds"]
    assert sum(stage["max"] for stage in stages[:3]) == cycles["cycles_to_fabric"]
    for name in ("mean", "p99", "max"):
        assert sum(stage[name] for stage in stages) == pytest.approx(whole[name])
        assert whole[name] == latency[name]

    (events,) = report["events"]
    shots = np.unpackbits(
        np.fromfile(out / "sim" / "vectors" / "detections.b8", np.uint8).reshape(40, -1),
        axis=1,
        bitorder="little",
        count=report["problem"]["num_detectors"],
    )
    assert (events["shots"], events["before"]) == (40, shots.sum())
    assert events["after"] == spec.decided(shots).left.sum()
    assert '<section id="stages">' in (out / "report.html").read_text()

    scopes = {each["scope"]: each for each in report["resources"]}
    assert list(scopes) == ["decoder", "net", "decisions", "residual", "fabric"]
    assert scopes["decoder"]["lut"] > max(scopes["net"]["lut"], scopes["fabric"]["lut"])
    assert scopes["net"]["dsp"] > 0
    assert [row["decoder"].rsplit("_", 1)[0] for row in report["accuracy"]] == [
        "synfab_model_w4",
        "synfab",
        "pymatching",
    ]
    assert (out / "report.html").stat().st_size > 10_000
    assert len(json.loads((out / "net_weights.json").read_text())["numbers"]) > spec.net.num_parameters

    again = CliRunner().invoke(app, ["run", str(config), "-o", str(out)])
    assert again.exit_code == 0
    assert json.loads((out / "report.json").read_text())["resources"] == report["resources"]
