# SPDX-License-Identifier: Apache-2.0
"""A training run: its stages one after the other, each resumable, and the model that comes out."""

import json
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint, RichProgressBar
from lightning.pytorch.utilities import rank_zero_only
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from synfab.artefact import write_json
from synfab.errors import InputError
from synfab.predecoder.evaluation import Judge, Setting
from synfab.predecoder.nets.conversion import spec_of_net
from synfab.predecoder.nets.exchange import write_qonnx
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
from synfab.predecoder.training.batches import Batches
from synfab.predecoder.training.checkpoints import (
    LAST,
    METADATA,
    FolderCheckpoints,
    LastCheckpoints,
    last_checkpoints,
    metadata_of,
    weights_of,
)
from synfab.predecoder.training.config import QuantizedStage, Stage, TrainingConfig
from synfab.predecoder.training.metrics import Metrics
from synfab.predecoder.training.module import RATIO, Learner

WALL = "wall_seconds"
PROCESSES = "processes"
WEIGHTS = "net.safetensors"
# Of the QONNX file; the net itself takes any volume.
EXPORTED_ROUNDS = 5

Metadata = Callable[[], dict[str, Any]]


def train(config: TrainingConfig, directory: Path, *, accelerator: str = "auto") -> Path:
    """Train, or go on where a killed run was; return the folder of the model.

    ``directory/float`` and ``directory/quantized`` hold the stages' checkpoints (the best ones by ``ler_ratio``, and
    the last two), ``metrics.csv`` and, when they are over, ``done.json``. ``directory/model`` has the weights as
    safetensors, and of a quantized net the spec and QONNX.

    Parameters
    ----------
    accelerator : str
        Lightning's: ``auto``, ``cpu``, ``gpu``. One device, unless torch's launcher (``torchrun``) starts a process for
        each of several, on one machine or more: then a step takes a batch of each.

    Raises
    ------
    InputError
        If the directory is that of another config, or a checkpoint is torn.
    """
    _claim(config, directory)
    model = directory / "model"
    metadata = partial(_metadata, config, time.monotonic() - _spent(directory))
    # Small nets are several times slower with more.
    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    lightning.seed_everything(config.seed, verbose=False)
    stage = config.quantized_stage
    if stage is not None and stage.start is not None:
        quantized = _started(config, stage)
    else:
        net = FloatNet(config.net)
        best = _stage(config, config.float_stage, net, directory / "float", accelerator=accelerator, metadata=metadata)
        _load(net, best)
        if stage is None:
            _write_model(config, net, best, model)
            return model
        quantized = QuantizedNet.of_float(net, _quantization(stage))
    best = _stage(config, stage, quantized, directory / "quantized", accelerator=accelerator, metadata=metadata)
    _load(quantized, best)
    _write_model(config, quantized, best, model)
    return model


def _quantization(stage: QuantizedStage) -> Quantization:
    return Quantization(weight_bits=stage.weight_bits, activation_bits=stage.activation_bits)


def _started(config: TrainingConfig, stage: QuantizedStage) -> QuantizedNet:
    """Return the net that the quantized stage goes on from."""
    assert stage.start is not None
    path = stage.start / WEIGHTS
    net = QuantizedNet(config.net, _quantization(stage))
    try:
        net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"start must be the folder of a trained model of this net and these widths, not {str(stage.start)!r} "
            f"({reason}); give such a folder, or leave start out"
        ) from None
    return net


def _claim(config: TrainingConfig, directory: Path) -> None:
    """Note the config in the directory, or see that it is the one noted there."""
    path = directory / "config.json"
    if path.exists() and not _is_noted(config, path):
        raise InputError(
            f"{directory} must be a new directory or one of the same config, not one of another; take another"
        )
    if not path.exists():
        write_json(path, config.model_dump(mode="json", by_alias=True))


def _is_noted(config: TrainingConfig, path: Path) -> bool:
    # By what they mean: a key that the noted one did not have yet has its default.
    try:
        return TrainingConfig.model_validate_json(path.read_text()) == config
    except ValidationError:
        return False


def _stage(
    config: TrainingConfig, stage: Stage, net: nn.Module, directory: Path, *, accelerator: str, metadata: Metadata
) -> Path:
    """Train a net through a stage; return its best checkpoint."""
    done = directory / "done.json"
    if done.exists():
        return directory / json.loads(done.read_text())["best"]
    last = next(reversed(last_checkpoints(directory)), None)
    start = metadata_of(last)["step"] if last else 0
    learner = Learner(net, stage=stage, judges=_judges(config), shots=config.evaluation.shots)
    best = _FolderCheckpoint(
        dirpath=directory,
        filename=f"best-{{step}}-{{{RATIO}:.4f}}",
        monitor=RATIO,
        save_top_k=config.evaluation.keep,
        enable_version_counter=False,
    )
    every = config.evaluation.every_steps
    recent = LastCheckpoints(directory, seconds=config.checkpoint_seconds, every_steps=every)
    averaging = [EMAWeightAveraging(decay=stage.ema_decay)] if stage.ema_decay else []
    devices, machines = _launched()
    trainer = lightning.Trainer(
        accelerator=accelerator,
        devices=devices,
        num_nodes=machines,
        precision=stage.precision,
        max_steps=stage.steps,
        val_check_interval=every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=50,
        logger=Metrics(directory, start=start),
        callbacks=[
            best,
            recent,
            _LastingStop(RATIO, patience=config.evaluation.patience),
            RichProgressBar(),
            *averaging,
        ],
        plugins=[FolderCheckpoints(metadata)],
        enable_model_summary=False,
        # Of several processes each draws batches of its own, and all judge at the same points: they agree on the best.
        use_distributed_sampler=False,
    )
    batches = Batches(
        config.data,
        architecture=config.net,
        seed=config.seed,
        start=start,
        rank=trainer.global_rank,
        ranks=trainer.world_size,
    )
    points = DataLoader(TensorDataset(torch.arange(len(learner.judges))), batch_size=1)
    loader = DataLoader(batches, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    trainer.fit(learner, loader, points, ckpt_path=last)
    if not best.best_model_path:
        raise InputError(
            f"a stage must have an evaluation within its {stage.steps} steps, not one every {every}; "
            "evaluate more often"
        )
    write_json(done, {"best": Path(best.best_model_path).name, RATIO: float(best.best_model_score or 0)})
    # The first process writes the checkpoints that all of them read now.
    trainer.strategy.barrier()
    return Path(best.best_model_path)


def _launched() -> tuple[int, int]:
    """Return the processes that torch's launcher started on this machine, and on how many machines it did."""
    if not TorchElasticEnvironment.detect():
        return 1, 1
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    return here, int(os.environ["WORLD_SIZE"]) // here


class _FolderCheckpoint(ModelCheckpoint):
    """Checkpoints that are folders have no ending."""

    FILE_EXTENSION = ""


class _LastingStop(EarlyStopping):
    """An early end that outlasts a kill: a run that goes on from it makes no step more."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """End at once, if the run before has waited as long as it may."""
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


def _judges(config: TrainingConfig) -> list[Judge]:
    evaluation, data = config.evaluation, config.data
    return [
        Judge(
            setting=Setting(distance=distance, rounds=data.rounds, basis=basis, noise=data.noise, p=p),
            layout=config.net.layout,
            seed=config.seed,
        )
        for distance in evaluation.distances or data.distances
        for basis in data.bases
        for p in evaluation.p
    ]


def _metadata(config: TrainingConfig, began: float) -> dict[str, Any]:
    tools = {name: version(name) for name in ("synfab", "torch", "brevitas", "lightning", "stim")}
    content = {"config": config.model_dump(mode="json", by_alias=True), "tools": tools}
    devices, machines = _launched()
    return content | {WALL: round(time.monotonic() - began, 1), PROCESSES: devices * machines}


def _spent(directory: Path) -> float:
    """Return the seconds that all runs before this one have spent on what is kept."""
    return max((metadata_of(path).get(WALL, 0.0) for path in directory.glob(f"*/{LAST}*")), default=0.0)


def _load(net: nn.Module, checkpoint: Path) -> None:
    net.load_state_dict({name.removeprefix("net."): value for name, value in weights_of(checkpoint).items()})
    net.eval()


@rank_zero_only
def _write_model(config: TrainingConfig, net: nn.Module, checkpoint: Path, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), directory / WEIGHTS)
    if isinstance(net, QuantizedNet):
        side = (min(config.data.distances) + 1) // 2 if config.net.layout == "supercell" else min(config.data.distances)
        spec_of_net(net).save(directory / "spec.json")
        write_qonnx(net, directory / "net.onnx", rounds=EXPORTED_ROUNDS, rows=side, columns=side)
    write_json(directory / METADATA, json.loads((checkpoint / METADATA).read_text()))
