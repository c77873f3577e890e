# SPDX-License-Identifier: Apache-2.0
"""A training run: what it learns and leaves behind, that a kill costs little, and what it refuses."""

import csv
import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from synfab.artefact import write_json
from synfab.circuits import Memory, PauliNoise
from synfab.data import open_samples, write_samples
from synfab.errors import InputError
from synfab.predecoder.experiment import Noise, memory_experiment
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.layouts import layout_by_name
from synfab.predecoder.nets import ARCHITECTURES
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import execute_qonnx
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
from synfab.predecoder.training import checkpoints
from synfab.predecoder.training.batches import Batches
from synfab.predecoder.training.checkpoints import (
    METADATA,
    MODEL,
    STATE,
    FolderCheckpoints,
    last_checkpoints,
    metadata_of,
)
from synfab.predecoder.training.config import Data, TrainingConfig
from synfab.predecoder.training.metrics import FILE, Metrics
from synfab.predecoder.training.module import Learner, masked_loss
from synfab.predecoder.training.run import train

CONFIG = """
name = "tiny"
architecture = "S"
seed = 3
checkpoint_seconds = 0.5

[data]
distances = [3]
shots = 64
p = [0.006, 0.01]

[float]
steps = {steps}
learning_rate = 5e-3
warmup_steps = 10
ema_decay = 0.9

[quantized]
steps = 40
learning_rate = 5e-4
weight_bits = [8, 8]
ema_decay = 0

[evaluation]
every_steps = 20
shots = 512
p = [0.01]
keep = 2
"""
EXAMPLES = Path(__file__).parents[3] / "examples" / "predecoder"
SCRIPT = """
import sys
from pathlib import Path
from synfab.predecoder.training.config import TrainingConfig
from synfab.predecoder.training.run import train
if __name__ == "__main__":
    train(TrainingConfig.load(Path(sys.argv[1])), Path(sys.argv[2]), accelerator="cpu")
"""


def config_of(folder: Path, *, steps: int = 60) -> TrainingConfig:
    path = folder / "config.toml"
    path.write_text(CONFIG.format(steps=steps))
    return TrainingConfig.load(path)


def started(folder: Path, *, steps: int) -> subprocess.Popen:
    config_of(folder, steps=steps)
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(folder / "script.py"), str(folder / "config.toml"), str(folder / "run")]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    train(config_of(folder), folder / "run", accelerator="cpu")
    return folder / "run"


def test_loss_falls_and_nets_are_judged(run):
    rows = rows_of(run / "float")
    assert [row["ler_ratio"] for row in rows if row["ler_ratio"]]
    assert all(float(row["density_reduction"]) > 0 for row in rows if row["density_reduction"])
    data = Data(distances=(3,), shots=64, p=(0.006, 0.01))
    (best,) = [run / "float" / json.loads((run / "float" / "done.json").read_text())["best"]]
    weights = load_file(best / MODEL)
    untrained, trained = FloatNet(ARCHITECTURES["S"]).eval(), FloatNet(ARCHITECTURES["S"]).eval()
    trained.load_state_dict({name.removeprefix("net."): value for name, value in weights.items()})
    batch = Batches(data, architecture=ARCHITECTURES["S"], seed=99).batch(0)
    with torch.no_grad():
        assert masked_loss(trained, batch) < 0.5 * masked_loss(untrained, batch)


def test_best_checkpoints_are_kept_with_what_they_are(run):
    kept = sorted(path.name for path in (run / "float").iterdir() if path.is_dir())
    assert sum(name.startswith("best-step=") for name in kept) == 2
    for name in kept:
        metadata = json.loads((run / "float" / name / METADATA).read_text())
        assert metadata["config"]["name"] == "tiny"
        assert set(metadata["tools"]) >= {"torch", "stim", "brevitas"}
        assert metadata["step"] > 0
        assert metadata["wall_seconds"] > 0


def test_model_is_the_quantized_net_in_three_forms(run):
    model = run / "model"
    net = QuantizedNet(ARCHITECTURES["S"], Quantization(weight_bits=(8, 8), activation_bits=4))
    net.load_state_dict(load_file(model / "net.safetensors"))
    spec = PredecoderSpec.load(model / "spec.json")
    assert spec_of_net(net).sha256 == spec.sha256
    planes = np.random.default_rng(1).integers(0, 2, (1, 8, 5, 2, 2))
    logits = execute_qonnx(model / "net.onnx", planes).astype(float)
    assert np.array_equal(logits * 2.0**spec.logit_fraction_bits, spec.logits(planes))


def test_finished_run_is_not_run_again(run):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors") if "model" not in path.parts}
    train(config_of(run.parent), run, accelerator="cpu")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_run_of_another_config_is_refused(run):
    with pytest.raises(InputError, match="must be a new directory or one of the same config, not one of another"):
        train(config_of(run.parent, steps=61), run, accelerator="cpu")


def rows_of(stage: Path) -> list[dict[str, str]]:
    with (stage / FILE).open() as file:
        return list(csv.DictReader(file))


def last_step(stage: Path) -> int:
    return max((metadata_of(path)["step"] for path in last_checkpoints(stage)), default=0)


def train_until(monkeypatch, method: str, stop, config: TrainingConfig, folder: Path) -> list[int]:
    """Train until ``stop(step, batch)`` when a method of the learner is called; return the steps it was called at."""
    steps: list[int] = []
    original = getattr(Learner, method)

    def called(self, batch, index):
        steps.append(self.trainer.global_step)
        if stop(self.trainer.global_step, batch):
            raise SystemExit
        return original(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, method, called)
        with pytest.raises(SystemExit):
            train(config, folder, accelerator="cpu")
    return steps


def test_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    process = started(tmp_path, steps=100_000)
    stage = tmp_path / "run" / "float"
    try:
        deadline = time.monotonic() + 240
        while last_step(stage) <= 60:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before, rows = metadata_of(last_checkpoints(stage)[-1]), rows_of(stage)
    config, batches = config_of(tmp_path, steps=100_000), []

    def goes_on(step: int, batch) -> bool:
        batches.append(batch)
        return last_step(stage) > before["step"]

    steps = train_until(monkeypatch, "training_step", goes_on, config, tmp_path / "run")
    assert steps == list(range(before["step"], before["step"] + len(steps)))
    made = Batches(config.data, architecture=config.net, seed=config.seed)
    for step, batch in zip(steps[:3], batches, strict=False):
        assert all(torch.equal(*pair) for pair in zip(batch, made.batch(step), strict=True))
    assert metadata_of(last_checkpoints(stage)[-1])["wall_seconds"] > before["wall_seconds"]
    kept = [row for row in rows if int(row["step"]) < before["step"]]
    assert kept
    assert rows_of(stage)[: len(kept)] == kept


def test_run_that_was_killed_ends_as_if_it_was_not(run, tmp_path, monkeypatch):
    # Without the clock it is known which checkpoints there are.
    changes = {"checkpoint_seconds": 1000.0, "quantized_stage": None}
    config, folder = config_of(tmp_path).model_copy(update=changes), tmp_path / "run"
    stage = folder / "float"

    def killed(method: str, at: int) -> int:
        return train_until(monkeypatch, method, lambda step, _: step == at, config, folder)[0]

    def last() -> list[int]:
        return [metadata_of(path)["step"] for path in last_checkpoints(stage)]

    # An evaluation that did not come to its end is made again.
    assert killed("validation_step", 40) == 20
    assert last() == [20, 39]
    # What was logged at step 49 is not in a checkpoint.
    assert killed("training_step", 55) == 39
    assert last() == [39, 40]
    assert rows_of(stage)[-1]["step"] == "49"
    torn = last_checkpoints(stage)[-1]
    (torn / STATE).write_bytes(b"torn")
    with pytest.raises(InputError, match="remove it, and training goes on from the one before it, or from the begin"):
        train(config, folder, accelerator="cpu")
    shutil.rmtree(torn)
    assert killed("training_step", 48) == 39
    assert killed("validation_step", 60) == 60
    assert last() == [40, 59]
    train(config, folder, accelerator="cpu")
    for name in ("done.json", FILE):
        assert (stage / name).read_text() == (run / "float" / name).read_text()
    best = sorted(path.name for path in stage.glob("best-*"))
    assert best == sorted(path.name for path in (run / "float").glob("best-*"))
    for name in best:
        assert (stage / name / MODEL).read_bytes() == (run / "float" / name / MODEL).read_bytes()


def test_checkpoint_is_whole_wherever_writing_ends(tmp_path):
    """What is on disk before each line that is run while one is written and one removed: what a kill there leaves."""
    folders, folder = FolderCheckpoints(lambda: {"config": {}}), tmp_path / "stage"
    snapshots: dict[tuple, Path] = {}

    def write(step: int) -> None:
        weights = {"weight": torch.full((3,), float(step))}
        folders.save_checkpoint({"state_dict": weights, "global_step": step}, folder / f"last-step={step}")

    def trace(frame, event: str, _):
        if frame.f_code.co_filename not in (checkpoints.__file__, shutil.__file__):
            return None
        state = tuple((path, path.stat().st_size) for path in sorted(folder.rglob("*")))
        if state not in snapshots:
            snapshots[state] = shutil.copytree(folder, tmp_path / str(len(snapshots)))
        return trace

    write(1)
    write(2)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        write(3)
        folders.remove_checkpoint(folder / "last-step=1")
    finally:
        sys.settrace(before)
    found = []
    for snapshot in snapshots.values():
        there = [folders.load_checkpoint(path) | metadata_of(path) for path in last_checkpoints(snapshot)]
        assert all(torch.equal(one["state_dict"]["weight"], torch.full((3,), float(one["step"]))) for one in there)
        found.append([one["step"] for one in there])
    assert [steps for steps, _ in itertools.groupby(found)] == [[1, 2], [1, 2, 3], [2, 3]]
    # Neither a checkpoint's items one by one, nor their removal, is seen by who looks for one.
    assert [len(list(group)) > 3 for _, group in itertools.groupby(found)] == [True, False, True]


def test_log_goes_on_after_what_is_whole(tmp_path):
    """Rows of an older version, without later columns, and with a last one that is torn."""
    (tmp_path / FILE).write_bytes(b"epoch,loss,step\r\n0,0.5,49\r\n0,0.4,99\r\n0,0.3,149\r\n0,0.2,1")
    log = Metrics(tmp_path, start=100)
    log.log_metrics({"loss": 0.25, "epoch": 0}, step=149)
    assert (tmp_path / FILE).read_text() == (
        "density_reduction,epoch,ler_ratio,loss,step\n,0,,0.5,49\n,0,,0.4,99\n,0,,0.25,149\n"
    )


def test_stage_ends_early_when_no_net_is_better(tmp_path, monkeypatch):
    config = TrainingConfig.model_validate(
        {
            "name": "still",
            "architecture": "S",
            "data": {"distances": [3], "shots": 64, "noise": "phenomenological"},
            "float": {"steps": 100, "learning_rate": 1e-12, "ema_decay": 0},
            "evaluation": {"every_steps": 5, "shots": 512, "patience": 2},
        }
    )
    noises = set()
    judged = Learner.validation_step

    def validation_step(self, batch, index):
        noises.add(self.judges[index].setting.noise)
        return judged(self, batch, index)

    monkeypatch.setattr(Learner, "validation_step", validation_step)
    train(config, tmp_path, accelerator="cpu")
    stage = tmp_path / "float"
    assert [row["step"] for row in rows_of(stage)] == ["4", "9", "14"]
    assert json.loads((stage / "done.json").read_text())["best"].startswith("best-step=5-")
    assert last_step(stage) == 15
    # Nets are judged under the noise that they are trained on.
    assert noises == {"phenomenological"}
    # A kill before it was noted that the stage is over: no step more.
    noted = (stage / "done.json").read_text()
    (stage / "done.json").unlink()
    train(config, tmp_path, accelerator="cpu")
    assert (stage / "done.json").read_text() == noted
    assert [row["step"] for row in rows_of(stage)] == ["4", "9", "14"]
    assert last_step(stage) == 15


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_stage_of_an_example_can_end_early(path):
    config = TrainingConfig.load(path)
    assert config.evaluation.patience < config.float_stage.steps // config.evaluation.every_steps


def test_processes_of_torchs_launcher_train_one_net(tmp_path):
    config_of(tmp_path, steps=20)
    (tmp_path / "script.py").write_text(SCRIPT)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [str(tmp_path / "script.py"), str(tmp_path / "config.toml"), str(tmp_path / "run")]
    done = subprocess.run([*launcher, *command], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    model = tmp_path / "run" / "model"
    metadata = json.loads((model / METADATA).read_text())
    assert metadata["processes"] == 2
    net = QuantizedNet(ARCHITECTURES["S"], Quantization(weight_bits=(8, 8), activation_bits=4))
    net.load_state_dict(load_file(model / "net.safetensors"))
    assert spec_of_net(net).sha256 == PredecoderSpec.load(model / "spec.json").sha256
    # One of them writes: a line for each judgement.
    assert [row["step"] for row in rows_of(tmp_path / "run" / "float") if row["ler_ratio"]] == ["19"]


def test_torn_checkpoint_is_refused(tmp_path):
    config, folder = config_of(tmp_path), tmp_path / "run"
    last = folder / "float" / "last-step=4"
    last.mkdir(parents=True)
    with pytest.raises(InputError, match=r"must have a whole metadata\.json, not one that is torn"):
        train(config, folder, accelerator="cpu")
    (last / METADATA).write_text('{"step": 4}')
    (last / MODEL).write_bytes(b"torn")
    (last / STATE).write_bytes(b"torn")
    with pytest.raises(InputError, match=r"must be a whole checkpoint .*remove it"):
        train(config, folder, accelerator="cpu")
    write_json(folder / "float" / "done.json", {"best": last.name})
    with pytest.raises(InputError, match=r"must have a whole model\.safetensors, .*float to train this stage again"):
        train(config, folder, accelerator="cpu")


def test_batch_is_the_same_whenever_it_is_made():
    data = Data(distances=(3, 5), shots=64)
    batches = Batches(data, architecture=ARCHITECTURES["S"], seed=7)
    seventh = batches.batch(7)
    late = iter(Batches(data, architecture=ARCHITECTURES["S"], seed=7, start=6))
    next(late)
    for one, other in zip(seventh, next(late), strict=True):
        assert torch.equal(one, other)
    assert not all(torch.equal(one, other) for one, other in zip(seventh, batches.batch(8), strict=False))
    sizes = {tuple(batches.batch(number)[0].shape[2:]) for number in range(12)}
    assert sizes == {(4, 2, 2), (6, 3, 3)}


def test_processes_that_train_together_share_the_batches():
    data = Data(distances=(3,), shots=64)
    alone = Batches(data, architecture=ARCHITECTURES["S"], seed=7, start=6)
    both = [iter(Batches(data, architecture=ARCHITECTURES["S"], seed=7, start=3, rank=k, ranks=2)) for k in (0, 1)]
    shared = [next(both[k]) for _ in range(2) for k in (0, 1)]
    for one, other in zip(shared, alone, strict=False):
        assert torch.equal(one[0], other[0])


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> tuple[Path, ...]:
    """Shards of one basis and a Zarr group of the other, of 15 and 10 batches."""
    folders = tuple(tmp_path_factory.mktemp("stored") / name for name in ("shards", "zarr"))
    for folder, basis, storage, shots in zip(folders, ("X", "Z"), ("webdataset", "zarr"), (1920, 1280), strict=True):
        memory = Memory(code="rotated_surface", distance=3, basis=basis, p=0.02)
        write_samples(folder, memory=memory, storage=storage, shots=shots, part_shots=640, seed=1)
    return folders


def test_stored_samples_come_once_in_a_pass(stored):
    data = Data(distances=(3,), shots=128, stored=stored)
    batches = Batches(data, architecture=ARCHITECTURES["S"], seed=2)
    passes = [[batches.batch(number) for number in range(first, first + 25)] for first in (0, 25)]
    layout = layout_by_name("supercell", 3)
    there = [batch for folder in stored for batch in open_samples(folder).batches(shots=64, layout="supercell")]
    expected = sorted(row.tobytes() for batch in there for row in np.concatenate([batch.events, batch.targets], axis=1))
    for one in passes:
        rows = [torch.cat([planes[:, :4], targets], dim=1).numpy() for planes, targets, _ in one]
        assert sorted(row.astype(np.uint8).tobytes() for row in np.concatenate(rows)) == expected
    assert not all(torch.equal(one[0], other[0]) for one, other in zip(*passes, strict=True))
    masks = [torch.from_numpy(layout.target_mask(open_samples(folder).volume)) for folder in stored]
    found = [[torch.equal(batch[2], mask) for batch in passes[0]].count(True) for mask in masks]
    assert found == [15, 10]
    # Wherever a run begins: the k-th batch is the same.
    late = Batches(data, architecture=ARCHITECTURES["S"], seed=2, start=30)
    assert all(torch.equal(*pair) for pair in zip(next(iter(late)), passes[1][5], strict=True))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"distances": (5,)}, r"the distance of stored samples must be what the config's data say, 5, not 3, as in"),
        ({"bases": ("X",)}, r"the basis of stored samples must be what the config's data say, X, not Z"),
        ({"rounds": 4}, r"the rounds of stored samples must be what the config's data say, 4, not 3"),
        (
            {"noise": "depolarizing"},
            r"the noise of stored samples must be what the config's data say, depolarizing, not circuit",
        ),
        ({"reach": 2}, r"the reach of stored samples must be what the config's data say, 2, not 1"),
        ({"shots": 704}, r"a part of stored samples must have the 704 shots of a batch, not 640"),
        ({"stored": (Path("nowhere"),)}, r"nowhere must be a folder of samples with a manifest\.json"),
    ],
)
def test_stored_samples_of_something_else_are_refused(stored, change, sentence):
    data = Data.model_validate({"distances": (3,), "shots": 128, "stored": stored} | change)
    with pytest.raises(InputError, match=sentence):
        Batches(data, architecture=ARCHITECTURES["S"], seed=2)


def test_stored_samples_of_any_pauli_noise_are_judged_under_depolarizing(tmp_path):
    noise = PauliNoise.random(0.01, generator=np.random.default_rng(1))
    memory = Memory(code="rotated_surface", distance=3, basis="X", noise=noise)
    write_samples(tmp_path / "zarr", memory=memory, storage="zarr", shots=128, part_shots=128, seed=1)
    data = Data(distances=(3,), shots=128, stored=(tmp_path / "zarr",), noise="depolarizing")
    assert Batches(data, architecture=ARCHITECTURES["S"], seed=2).batch(0)[0].shape[0] == 128
    with pytest.raises(InputError, match=r"the noise of stored samples must be .*, circuit, not depolarizing, as in"):
        Batches(data.model_copy(update={"noise": "circuit"}), architecture=ARCHITECTURES["S"], seed=2)


@pytest.mark.parametrize("noise", get_args(Noise))
def test_batches_have_the_noise_that_is_asked_for(noise):
    data = Data(distances=(3,), bases=("X",), p=(0.01,), shots=16384, noise=noise)
    planes, *_ = Batches(data, architecture=ARCHITECTURES["S"], seed=1).batch(0)
    circuit = memory_experiment(distance=3, rounds=None, basis="X", noise=noise, p=0.01).circuit()
    events = np.sum(circuit.compile_detector_sampler(seed=1).sample(16384))
    # Some 10,000 events or more each: 5 % are five standard errors; the three noises lie further apart.
    assert float(planes[:, :4].sum()) == pytest.approx(float(events), rel=0.05)


def test_net_is_trained_on_stored_samples(stored, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG.format(steps=20))
    config = TrainingConfig.load(tmp_path / "config.toml")
    data = config.data.model_copy(update={"stored": stored})
    alone = config.model_copy(update={"data": data, "quantized_stage": None})
    model = train(alone, tmp_path / "run", accelerator="cpu")
    assert set(load_file(model / "net.safetensors")) == set(FloatNet(ARCHITECTURES["S"]).state_dict())
    assert json.loads((model / METADATA).read_text())["config"]["data"]["stored"] == list(map(str, stored))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_batch_has_what_the_net_takes_and_gives(name):
    architecture = ARCHITECTURES[name]
    planes, targets, mask = Batches(Data(distances=(5,), shots=64), architecture=architecture, seed=1).batch(0)
    side = 3 if architecture.layout == "supercell" else 5
    assert planes.shape == (64, architecture.num_inputs, 6, side, side)
    assert targets.shape == (64, architecture.num_outputs, 6, side, side)
    assert mask.shape == targets.shape[1:]
    assert not targets[:, ~mask].any()
    values = set(planes.unique().tolist())
    assert values == ({0, 0.5, 1} if architecture.layout == "grid" else {0, 1})


def test_nets_of_2022_see_the_ends_of_time():
    planes, *_ = Batches(Data(distances=(5,), shots=64), architecture=ARCHITECTURES["six_layers"], seed=1).batch(0)
    assert [bool(layer.all()) for layer in planes[0, 4]] == [True, False, False, False, False, True]
    assert not planes[0, 4, 1:-1].any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"architecture": "L"}, "architecture must be one of S, M, .*, not 'L'"),
        (
            {"quantized": {"steps": 1, "learning_rate": 1.0, "weight_bits": [8]}},
            "weight_bits must be as many as layers",
        ),
        (
            {"quantized": {"steps": 1, "learning_rate": 1.0, "weight_bits": [9, 8]}},
            "less than or equal to 8",
        ),
        ({"data": {"shots": 100}}, "multiple of 64"),
        ({"data": {"distances": []}}, "at least 1 item"),
    ],
)
def test_impossible_configs_are_refused(change, sentence):
    with pytest.raises(ValidationError, match=sentence):
        TrainingConfig.model_validate({"name": "x", "architecture": "S"} | change)
