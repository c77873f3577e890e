# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as folders: the model, the state of training, and what they are, each an item of its own."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import lightning
import torch
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from synfab.errors import InputError

MODEL, STATE, METADATA = "model.safetensors", "training.pt", "metadata.json"
LAST = "last-step="
# What is written, or removed, by half has no name of a checkpoint.
_PARTIAL = ".partial"
_REMEDY = "remove it, and training goes on from the one before it, or from the beginning of the stage"


class FolderCheckpoints(CheckpointIO):
    """Writes a checkpoint as a folder, whole or not at all.

    ``model.safetensors`` has the weights, ``training.pt`` the optimizer and the loop, ``metadata.json`` what a person
    or a script wants to know. A folder appears under its name when all of it is on disk.

    Parameters
    ----------
    metadata : callable
        Returns what is put beside the step.
    """

    def __init__(self, metadata: Callable[[], dict[str, Any]]) -> None:
        self._metadata = metadata

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint. One of the same name is of a run that was killed before it went on, and makes room."""
        path = Path(path)
        partial = path.with_name(_PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        rest = dict(checkpoint)
        weights = {name: value.detach().cpu().contiguous().clone() for name, value in rest.pop("state_dict").items()}
        save_file(weights, partial / MODEL)
        torch.save(rest, partial / STATE)
        metadata = self._metadata() | {"step": checkpoint["global_step"]}
        (partial / METADATA).write_text(json.dumps(metadata, indent=1) + "\n")
        for item in partial.iterdir():
            with item.open("rb") as file:
                os.fsync(file.fileno())
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)

    def load_checkpoint(self, path: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Read a checkpoint.

        Raises
        ------
        InputError
            If it is not whole.
        """
        path = Path(path)
        try:
            rest = torch.load(path / STATE, map_location="cpu", weights_only=False)
            return rest | {"state_dict": load_file(path / MODEL)}
        except (OSError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
            raise InputError(
                f"{path} must be a whole checkpoint ({MODEL}, {STATE}, {METADATA}), not one that is torn ({error}); "
                f"{_REMEDY}"
            ) from error

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint, if it is there."""
        path = Path(path)
        partial = path.with_name(_PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        if path.exists():
            path.rename(partial)
            shutil.rmtree(partial, ignore_errors=True)


class LastCheckpoints(Checkpoint):
    """Keeps the two latest states of a stage, which a run can go on from.

    One is written every so many seconds, one a step ahead of each evaluation, and one after it: a kill amid an
    evaluation costs that and a step. None is written between a batch and its evaluation, since Lightning would go
    on from there without the evaluation.

    Parameters
    ----------
    directory : Path
    seconds : float
    every_steps : int
        From one evaluation to the next.
    """

    def __init__(self, directory: Path, *, seconds: float, every_steps: int) -> None:
        self.directory, self.seconds, self.every_steps = directory, seconds, every_steps
        self._saved = time.monotonic()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin to count the seconds."""
        self._saved = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save what is due."""
        ahead = -trainer.global_step % self.every_steps
        # Of several processes all save, or none: the first one's clock counts.
        if ahead == 1 or (ahead and trainer.strategy.broadcast(time.monotonic() - self._saved >= self.seconds)):
            self._save(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save what the evaluation has cost."""
        self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> None:
        trainer.save_checkpoint(self.directory / f"{LAST}{trainer.global_step}")
        self._saved = time.monotonic()
        for path in last_checkpoints(self.directory)[:-2]:
            trainer.strategy.remove_checkpoint(path)


def last_checkpoints(directory: Path) -> list[Path]:
    """Return the latest states of a stage, the latest one last."""
    return sorted(directory.glob(f"{LAST}*"), key=lambda path: int(path.name.removeprefix(LAST)))


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a checkpoint.

    Raises
    ------
    InputError
        If they are not whole.
    """
    try:
        return load_file(path / MODEL)
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} must have a whole {MODEL}, not one that is torn ({error}); remove {path.parent} to train this "
            "stage again"
        ) from error


def metadata_of(path: Path) -> dict[str, Any]:
    """Return what a checkpoint says of itself: at least its ``step``.

    Raises
    ------
    InputError
        If it has no whole metadata.
    """
    try:
        content = json.loads((path / METADATA).read_text())
        return content | {"step": int(content["step"])}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} must have a whole {METADATA}, not one that is torn ({error}); {_REMEDY}") from error
