# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as folders: the model, the state of training, and what they are, each an item of its own."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from synfab.errors import InputError

MODEL, STATE, METADATA = "model.safetensors", "training.pt", "metadata.json"


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
        """Write a checkpoint in place of one of the same name."""
        path = Path(path)
        partial = path.with_name(f".{path.name}.partial")
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
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.rename(old)
        partial.rename(path)
        shutil.rmtree(old, ignore_errors=True)

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
                "remove it, and training goes on from the one before"
            ) from error

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        shutil.rmtree(path, ignore_errors=True)


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
        raise InputError(f"{path} must have a whole {METADATA}, not one that is torn ({error}); remove it") from error
