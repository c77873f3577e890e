# SPDX-License-Identifier: Apache-2.0
"""The flow on a tiny problem: everything that it makes, what it does again, and how it fails."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph, read_dem
from synfab.flow.build import PRODUCTS
from synfab.flow.config import load_config
from synfab.flow.run import STEPS, Flow
from synfab.report import load_report

EXAMPLES = Path(__file__).parents[2] / "examples"

TINY = """
name = "tiny"
[code]
code = "repetition"
distance = 3
rounds = 2
noise = "phenomenological"
p = 0.05
[decoder]
weights = "unit"
[verify]
shots = 300
search_shots = 1500
[sample]
shots = 2000
max_errors = 50
"""


def synfab(*arguments: object, **settings) -> subprocess.CompletedProcess:
    """Run the command line as a user does."""
    command = [str(Path(sys.executable).with_name("synfab")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **settings)


def config_file(folder: Path, text: str = TINY) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def artefact(tmp_path_factory) -> Path:
    """The artefact folder of a whole run."""
    folder = tmp_path_factory.mktemp("flow")
    done = synfab("run", config_file(folder), "-o", folder / "out")
    assert done.returncode == 0, done.stderr
    assert "report:" in done.stdout
    return folder / "out"


def test_run_makes_everything(artefact):
    for product in (*PRODUCTS, "samples.csv", "report.json", "report.html"):
        assert (artefact / product).stat().st_size > 0, product


def test_spec_is_that_of_the_problem(artefact):
    graph = DecodingGraph.from_dem(read_dem(artefact / "problem.dem"))
    assert UnionFindSpec.load(artefact / "spec.json") == UnionFindSpec.compile(graph, weights="unit")


def test_report_holds_what_was_measured(artefact):
    report = load_report(artefact / "report.json")
    assert report.verified is True
    assert {record.label: record.vectors for record in report.verification}["without pauses"] == 300
    latency = next(record for record in report.latency_cycles if record.label == "latency")
    assert latency.shots == 300
    assert latency.histogram[0][0] == 2
    (worst,) = report.worst_case
    assert (worst.stage, worst.tool, worst.shots, worst.seed) == ("rtl-sim", "pyosys", 2048, 7)
    assert latency.max <= worst.slowest_cycles <= worst.max_cycles == report.spec.max_cycles
    assert worst.detection_events
    (resources,) = report.resources
    assert resources.is_estimate
    assert 0 < resources.lut < report.board.lut
    assert {record.decoder for record in report.accuracy} == {"synfab_unit", "pymatching"}
    assert all(record.shots > 0 for record in report.accuracy)


def test_second_run_does_nothing_again(artefact):
    before = {path: path.stat().st_mtime_ns for path in artefact.glob("steps/*.json")}
    done = synfab("run", artefact.parent / "tiny.toml", "-o", artefact)
    assert done.returncode == 0
    assert done.stderr.count("up to date") == 5
    assert before == {path: path.stat().st_mtime_ns for path in artefact.glob("steps/*.json")}


def test_only_what_a_change_touches_is_done_again(artefact, tmp_path):
    shutil.copytree(artefact, tmp_path / "out")
    text = TINY.replace("shots = 2000", "shots = 3000")
    flow = Flow(config=load_config(config_file(tmp_path, text)), directory=tmp_path / "out")
    flow.run(STEPS)
    assert {name: outcome.fresh for name, outcome in flow.outcomes.items()} == {
        "build": False,
        "verify": False,
        "search": False,
        "estimate": False,
        "sample": True,
    }


def test_missing_product_is_made_again(artefact, tmp_path):
    shutil.copytree(artefact, tmp_path / "out")
    (tmp_path / "out" / "spec.json").unlink()
    flow = Flow(config=load_config(config_file(tmp_path)), directory=tmp_path / "out")
    flow.run(["build"])
    assert flow.outcomes["build"].fresh
    assert (tmp_path / "out" / "spec.json").exists()


def test_json_output_is_json(artefact):
    done = synfab("estimate", artefact.parent / "tiny.toml", "-o", artefact, "--json")
    assert json.loads(done.stdout)["estimate"]["lut"] > 0


def test_broken_rtl_is_a_mismatch_with_its_replay_line(artefact, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(artefact, folder)
    verilog = folder / "rtl" / "union_find.v"
    text = verilog.read_text()
    broken = text.replace("o__payload <= ", "o__payload <= ~", 1)
    assert broken != text
    verilog.write_text(broken)
    done = synfab("verify", artefact.parent / "tiny.toml", "-o", folder)
    assert done.returncode == 4
    assert "the RTL must equal its reference" in done.stderr
    assert "expected" in done.stderr
    assert "replay with a waveform: make SHOT=" in done.stderr
    assert not (folder / "steps" / "verify.json").exists()


def test_bound_that_is_exceeded_is_a_mismatch(artefact, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(artefact, folder)
    record = json.loads((folder / "steps" / "build.json").read_text())
    assert record["result"]["max_cycles"] == load_report(folder / "report.json").spec.max_cycles
    record["result"]["max_cycles"] = 4
    (folder / "steps" / "build.json").write_text(json.dumps(record))
    done = synfab("verify", artefact.parent / "tiny.toml", "-o", folder)
    assert done.returncode == 4
    assert "the RTL must answer every block within 4 cycles, as proved, but it takes" in " ".join(done.stderr.split())
    assert not (folder / "steps" / "search.json").exists()


def test_larger_search_goes_on(artefact, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(artefact, folder)
    libraries = {path: path.stat().st_mtime_ns for path in folder.rglob("libdecoder.so")}
    flow = Flow(config=load_config(config_file(tmp_path, TINY.replace("1500", "4096"))), directory=folder)
    flow.run(["verify"])
    assert {name: outcome.fresh for name, outcome in flow.outcomes.items()} == {
        "build": False,
        "verify": False,
        "search": True,
    }
    assert flow.outcomes["search"].result["shots"] == 4096
    assert libraries == {path: path.stat().st_mtime_ns for path in folder.rglob("libdecoder.so")}
    without = Flow(config=load_config(config_file(tmp_path, TINY.replace("1500", "0"))), directory=folder)
    without.run(["verify"])
    assert [*without.outcomes] == ["build", "verify"]


def test_killed_run_leaves_nothing_half_written_and_resumes(tmp_path):
    config = config_file(tmp_path)
    command = [str(Path(sys.executable).with_name("synfab")), "run", str(config), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "out" / "steps" / "build.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for path in (tmp_path / "out").rglob("*.json"):
        json.loads(path.read_text())
    assert not (tmp_path / "out" / "report.json").exists()
    done = synfab("run", config, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "build: up to date" in done.stderr
    assert load_report(tmp_path / "out" / "report.json").verified


def test_design_larger_than_its_board_is_refused_by_how_much(artefact, tmp_path, monkeypatch):
    import dataclasses

    from synfab import boards
    from synfab.flow import assemble, build, estimate

    small = dataclasses.replace(boards.board("vmk180"), lut=100)
    for module in (assemble, build, estimate):
        monkeypatch.setattr(module, "board", lambda name: small)
    shutil.copytree(artefact, tmp_path / "out")
    (tmp_path / "out" / "steps" / "estimate.json").unlink()
    from synfab.errors import OversizeError

    flow = Flow(config=load_config(config_file(tmp_path)), directory=tmp_path / "out")
    with pytest.raises(
        OversizeError, match=r"must fit the board vmk180, but .* needs [\d,]+ LUT \([\d.]+ times its 100"
    ):
        flow.run(["estimate", "report"])
    assert (tmp_path / "out" / "report.html").exists()


def test_missing_compiler_says_how_to_install(artefact, tmp_path):
    shutil.copytree(artefact, tmp_path / "out")
    (tmp_path / "out" / "steps" / "verify.json").unlink()
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(sys.executable)
    done = synfab("verify", artefact.parent / "tiny.toml", "-o", tmp_path / "out", env={"PATH": str(tools)})
    assert done.returncode == 3
    assert "apt-get install g++ make" in done.stderr


@pytest.mark.parametrize(
    "command", [("run",), ("verify",), ("sample", "--decoder", "rtl"), ("sample", "--decoder", "rtl", "--p", "0.01")]
)
def test_missing_compiler_is_said_before_anything_is_emitted(tmp_path, command):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python3").symlink_to(sys.executable)
    done = synfab(*command, config_file(tmp_path), "-o", tmp_path / "out", env={"PATH": str(tools)})
    assert done.returncode == 3
    assert "apt-get install g++ make" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command", ["run", "build", "verify", "estimate", "report", "sample", "choose", "graph", "boards", "bench"]
)
def test_help_teaches(command):
    done = synfab(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 20


@pytest.mark.parametrize(
    "command",
    [("run",), ("build",), ("verify",), ("estimate",), ("sample", "--shots", "10"), ("choose", "--fits", "0.5")],
)
def test_file_in_place_of_the_folder_is_refused(tmp_path, command):
    taken = tmp_path / "out"
    taken.write_text("mine")
    done = synfab(*command, config_file(tmp_path), "-o", taken)
    assert done.returncode == 2
    assert "a file or folder that is named must be one that can be read or written" in done.stderr
    assert str(taken) in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
    assert taken.read_text() == "mine"


def test_missing_config_is_one_sentence(tmp_path):
    done = synfab("run", tmp_path / "none.toml", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "none.toml" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_unmatchable_model_is_refused_before_anything_is_built(tmp_path):
    (tmp_path / "color.dem").write_text("error(0.1) D0 D1 D2\n")
    config = config_file(tmp_path, 'dem = "color.dem"\n')
    done = synfab("run", config, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "'error(0.1) D0 D1 D2' cannot be matched" in done.stderr
    assert not (tmp_path / "out").exists()


def test_graph_shows_what_is_in_a_model_and_what_cannot_be_matched(tmp_path):
    path = tmp_path / "mixed.dem"
    path.write_text("error(0.1) D0 D1\nerror(0.2) D1 L0\nerror[why](0.3) D0 D1 D2\n")
    done = synfab("graph", path, "--json")
    assert done.returncode == 2
    facts = json.loads(done.stdout)
    assert (facts["detectors"], facts["edges"], facts["edges_to_the_boundary"]) == (3, 2, 1)
    (refusal,) = facts["unmatchable"]
    assert refusal["instruction"] == "error[why](0.3) D0 D1 D2"
    assert "decompose_errors=True" in refusal["reason"]
    path.write_text("error(0.1) D0 D1\n")
    assert synfab("graph", path).returncode == 0
    assert synfab("graph", tmp_path / "none.dem").returncode == 2


def test_sample_sweeps_and_resumes(tmp_path):
    config = config_file(tmp_path)
    sweep = ["sample", config, "-o", tmp_path / "out", "--p", 0.02, "--p", 0.05, "--decoder", "pymatching", "--json"]
    first = synfab(*sweep, "--shots", 500)
    assert first.returncode == 0, first.stderr
    rows = json.loads(first.stdout)
    assert [row["metadata"]["p"] for row in rows] == [0.02, 0.05]
    more = json.loads(synfab(*sweep, "--shots", 500).stdout)
    assert [row["errors"] for row in more] == [row["errors"] for row in rows]
    assert (tmp_path / "out" / "samples.svg").read_text().count("<svg") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ("--p", 0.02, "--p", 0.7),
            "--distance 3 --p 0.7 of a sweep: p must be a number above 0 and at most 0.5, not 0.7",
        ),
        (
            ("--distance", 1, "--p", 0.01),
            "--distance 1 --p 0.01 of a sweep: distance must be an integer of at least 2, not 1",
        ),
        (("--decoder", "rtl", "--workers", 0), "Invalid value for '--workers'"),
        (("--shots", 0), "Invalid value for '--shots'"),
        (("--max-errors", -1), "Invalid value for '--max-errors'"),
    ],
)
def test_sample_refuses_what_cannot_be_sampled(tmp_path, options, sentence):
    done = synfab("sample", config_file(tmp_path), "-o", tmp_path / "out", *options)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_sample_takes_the_rtl_of_the_folder(artefact, tmp_path):
    shutil.copytree(artefact, tmp_path / "out")
    sample = ["sample", config_file(tmp_path), "-o", tmp_path / "out", "--decoder", "rtl", "--json"]
    done = synfab(*sample, "--shots", 400)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert sum(row["custom_counts"].values()) == row["shots"] >= 400
    assert all(key.startswith("latency_cycles=") for key in row["custom_counts"])


@pytest.mark.parametrize("decoder", ["", 'micro_architecture = "shared"\ndetectors_per_element = 3\n'])
def test_sample_takes_the_rtl_of_every_point_of_a_sweep(tmp_path, decoder):
    config = config_file(tmp_path, TINY.replace("[decoder]\n", f"[decoder]\n{decoder}"))
    sweep = [
        "sample",
        config,
        "-o",
        tmp_path / "out",
        "--decoder",
        "rtl",
        "--distance",
        3,
        "--distance",
        5,
        "--p",
        0.02,
    ]
    done = synfab(*sweep, "--shots", 300, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["metadata"]["distance"] for row in rows] == [3, 5]
    for row in rows:
        assert sum(row["custom_counts"].values()) == row["shots"] >= 300
        assert all(key.startswith("latency_cycles=") for key in row["custom_counts"])
    points = tmp_path / "out" / "points"
    assert sorted(path.name for path in points.iterdir()) == ["d3_p0.02", "d5_p0.02"]
    libraries = {path: path.stat().st_mtime_ns for path in points.rglob("libdecoder.so")}
    assert len(libraries) == 2
    again = json.loads(synfab(*sweep, "--shots", 300, "--json").stdout)
    assert [row["errors"] for row in again] == [row["errors"] for row in rows]
    assert libraries == {path: path.stat().st_mtime_ns for path in points.rglob("libdecoder.so")}


def test_boards_are_listed():
    listed = json.loads(synfab("boards", "--json").stdout)
    assert listed["vmk180"]["part"] == "xcvm1802-vsva2197-2MP-e-S"
    assert listed["vu19p"]["part"] == "xcvu19p-fsva3824-2-e"
