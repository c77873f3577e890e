# SPDX-License-Identifier: Apache-2.0
"""``synfab data`` and ``synfab bench labels``: what they write, and the sentences of their refusals."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synfab.benchmarks.labels import QUICK, STIM, LabelsBenchmark, run
from synfab.circuits import PauliNoise
from synfab.data import load_manifest, open_samples
from synfab.errors import InputError
from synfab.flow.cli import app
from synfab.predecoder.layouts import LAYOUTS

runner = CliRunner()
SMALL = ["--distance", "3", "--shots", "1000", "--part-shots", "512"]


def sample(directory: Path, *options: str) -> str:
    result = runner.invoke(app, ["data", "sample", "-o", str(directory), *SMALL, *options])
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.mark.parametrize("storage", ["webdataset", "zarr"])
def test_sample_and_show(tmp_path, storage) -> None:
    said = sample(tmp_path, "--p", "0.01", "--storage", storage, "--basis", "X", "--rounds", "5")
    assert "1,024 shots in 2 parts" in said
    result = runner.invoke(app, ["data", "show", str(tmp_path), "--check", "--json"])
    facts = json.loads(result.stdout)
    assert (facts["storage"], facts["distance"], facts["rounds"], facts["basis"]) == (storage, 3, 5, "X")
    assert (facts["shots"], facts["parts"]) == (1024, 2)
    assert facts["noise"] == {"model": "depolarizing", "p": 0.01, **asdict(PauliNoise.depolarizing(0.01))}
    assert set(facts["ones_a_shot"]) == set(load_manifest(tmp_path).parts[0].counts)
    assert "supercell" in runner.invoke(app, ["data", "show", str(tmp_path)]).stdout


@pytest.mark.parametrize("noise", ["circuit", "phenomenological"])
def test_named_noise(tmp_path, noise) -> None:
    sample(tmp_path, "--noise", noise, "--p", "0.01")
    assert load_manifest(tmp_path).noise == {"model": noise, "p": 0.01}


def test_noise_of_a_file(tmp_path) -> None:
    (tmp_path / "noise.toml").write_text("cx_xx = 0.01\nmeasurement_z = 0.02\n")
    sample(tmp_path / "samples", "--noise-file", str(tmp_path / "noise.toml"))
    assert dict(load_manifest(tmp_path / "samples").noise) == {
        "model": "pauli",
        **asdict(PauliNoise(cx_xx=0.01, measurement_z=0.02)),
    }


def test_it_goes_on(tmp_path) -> None:
    sample(tmp_path, "--p", "0.01")
    assert "1,536 shots in 3 parts" in sample(tmp_path, "--p", "0.01", "--shots", "1500")
    assert len(open_samples(tmp_path)) == 1536


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "the noise must have a strength (--p) or 25 probabilities (--noise-file): give one of the two"),
        (["--p", "0.7"], "p must be a probability above 0 and at most 0.5, not 0.7"),
        (["--p", "0.1", "--basis", "Y"], "basis must be one of 'X', 'Z', not 'Y'"),
        (["--p", "0.1", "--distance", "2"], "distance must be an integer of at least 3, not 2"),
        (["--p", "0.1", "--rounds", "1"], "rounds must be an integer of at least 2, not 1"),
        (["--p", "0.1", "--layout", "ring"], "layout must be one of 'grid', 'supercell', not 'ring'"),
        (["--p", "0.1", "--storage", "csv"], "storage must be one of 'webdataset', 'zarr', not 'csv'"),
        (
            ["--p", "0.1", "--noise", "thermal"],
            "noise must be one of 'depolarizing', 'circuit', 'phenomenological', not 'thermal'",
        ),
        (["--p", "0.1", "--reach", "4"], "reach must be at most 3, the checks of the largest generator, not 4"),
    ],
)
def test_bad_options(tmp_path, options, sentence) -> None:
    with pytest.raises(InputError) as caught:
        sample(tmp_path / "new", *options)
    assert str(caught.value) == sentence
    assert not (tmp_path / "new" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cx_xx = ", "must be a TOML file of probabilities"),
        ("cx_ii = 0.1", "must name probabilities of a PauliNoise, not 'cx_ii'; they are preparation_x, "),
        ("cx_xx = 2.0", "cx_xx must be a probability, from 0 to 1, not 2.0"),
    ],
)
def test_bad_noise_file(tmp_path, text, sentence) -> None:
    (tmp_path / "noise.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        sample(tmp_path / "new", "--noise-file", str(tmp_path / "noise.toml"))
    assert sentence in str(caught.value)


class TestBenchmark:
    def test_run_and_go_on(self, tmp_path) -> None:
        output = tmp_path / "deep" / "labels.json"
        result = runner.invoke(app, ["bench", "labels", "-o", str(output), "--quick"])
        assert result.exit_code == 0
        first = LabelsBenchmark.model_validate_json(output.read_text())
        (point,) = first.speed
        assert (point.distance, point.rounds, point.p) == (5, 5, 0.006)
        assert set(point.ratio_to_stim) == {STIM, "raw", "canonical", *LAYOUTS}
        assert point.ratio_to_stim[STIM] == 1
        assert all(ratio > 0 for ratio in point.ratio_to_stim.values())
        assert run(output, extent=QUICK, show_progress=False) == first

    def test_something_else_in_its_place(self, tmp_path) -> None:
        (tmp_path / "labels.json").write_text("{}")
        with pytest.raises(InputError, match="must be a benchmark that synfab wrote"):
            run(tmp_path / "labels.json", extent=QUICK, show_progress=False)

    def test_the_stored_result_has_the_target(self) -> None:
        """100,000 samples a second at distance 9, as measured on one core when it was written."""
        stored = Path(__file__).parents[2] / "benchmarks" / "labels.json"
        points = LabelsBenchmark.model_validate_json(stored.read_text()).speed
        (nine,) = [point for point in points if (point.distance, point.p) == (9, 0.006)]
        assert nine.samples_per_second["canonical"] >= 100_000
        assert min(nine.samples_per_second[name] for name in LAYOUTS) >= 100_000
