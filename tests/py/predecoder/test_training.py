# SPDX-License-Identifier: Apache-2.0
"""A training run: what it learns and leaves behind, that a kill costs little, and what it refuses."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from synfab.circuits import Memory
from synfab.data import open_samples, write_samples
from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.layouts import layout_by_name
from synfab.predecoder.nets import ARCHITECTURES
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import execute_qonnx
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
from synfab.predecoder.training.batches import Batches
from synfab.predecoder.training.checkpoints import METADATA, MODEL, metadata_of
from synfab.predecoder.training.config import Data, TrainingConfig
from synfab.predecoder.training.module import masked_loss
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
    with (run / "float" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
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


def killed_beyond(process: subprocess.Popen, last: Path, step: int) -> dict:
    """Kill a run once its last checkpoint is of a later step; return what that one says of itself."""
    try:
        deadline = time.monotonic() + 120
        # A checkpoint takes the place of the one before in two renames.
        while not (last / METADATA).exists() or metadata_of(last)["step"] <= step:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return metadata_of(last)


def test_killed_run_goes_on_where_it_was(tmp_path):
    last = tmp_path / "run" / "float" / "last"
    before = killed_beyond(started(tmp_path, steps=100_000), last, 20)
    first = load_file(last / MODEL)
    after = killed_beyond(started(tmp_path, steps=100_000), last, before["step"])
    # It has gone on from there, rather than begun again: a fresh run would have to pass through less.
    assert after["step"] > before["step"]
    assert after["wall_seconds"] > before["wall_seconds"]
    name = "net.layers.1.weight"
    assert not torch.equal(load_file(last / MODEL)[name], first[name])


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
    with (tmp_path / "run" / "float" / "metrics.csv").open() as file:
        steps = [row["step"] for row in csv.DictReader(file) if row["ler_ratio"]]
    assert steps == ["19"]


def test_torn_checkpoint_is_refused(tmp_path):
    config, folder = config_of(tmp_path), tmp_path / "run"
    last = folder / "float" / "last"
    last.mkdir(parents=True)
    with pytest.raises(InputError, match=r"must have a whole metadata\.json, not one that is torn"):
        train(config, folder, accelerator="cpu")
    (last / METADATA).write_text('{"step": 4}')
    (last / MODEL).write_bytes(b"torn")
    (last / "training.pt").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"must be a whole checkpoint .*remove it"):
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
        ({"reach": 2}, r"the reach of stored samples must be what the config's data say, 2, not 1"),
        ({"shots": 704}, r"a part of stored samples must have the 704 shots of a batch, not 640"),
        ({"stored": (Path("nowhere"),)}, r"nowhere must be a folder of samples with a manifest\.json"),
    ],
)
def test_stored_samples_of_something_else_are_refused(stored, change, sentence):
    data = Data.model_validate({"distances": (3,), "shots": 128, "stored": stored} | change)
    with pytest.raises(InputError, match=sentence):
        Batches(data, architecture=ARCHITECTURES["S"], seed=2)


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
