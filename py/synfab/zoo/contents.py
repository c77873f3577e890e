# SPDX-License-Identifier: Apache-2.0
"""The files of a model, with size and digest, as its card names them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from synfab.artefact import file_digest
from synfab.errors import InputError

CARD = "README.md"
WEIGHTS, SPEC, QONNX, METADATA, RESULTS = "net.safetensors", "spec.json", "net.onnx", "metadata.json", "results.json"
REQUIRED = (WEIGHTS, SPEC, QONNX, METADATA)
NAMES = (*REQUIRED, RESULTS)


class Item(BaseModel):
    """A file of a model, beside its card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # A card comes from anywhere: a name that it makes up leads nowhere.
    name: Literal["net.safetensors", "spec.json", "net.onnx", "metadata.json", "results.json"]
    size: int = Field(ge=0, description="In bytes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


def inventory(directory: Path) -> tuple[Item, ...]:
    """Return the files of a model that are there."""
    paths = [directory / name for name in NAMES if (directory / name).is_file()]
    return tuple(
        Item.model_validate({"name": path.name, "size": path.stat().st_size, "sha256": file_digest(path)})
        for path in paths
    )


def require_files(directory: Path) -> None:
    """Raise InputError unless the files that training writes for a quantized net are there."""
    for name in REQUIRED:
        if not (directory / name).is_file():
            raise InputError(
                f"{directory} must be a model as 'synfab train' leaves it in DIR/model after a quantized stage, not "
                f"one without {name}; train it, or name another folder"
            )


def require_items(directory: Path, items: Iterable[Item]) -> None:
    """Raise InputError unless every file is there, and is the one that the card names."""
    for item in items:
        path = directory / item.name
        if not path.is_file():
            raise InputError(f"{path} must be there, as the model card says, and is not; {REPAIR}")
        if (size := path.stat().st_size) != item.size:
            raise InputError(
                f"{path} must have the {item.size:,} bytes that the model card names, not {size:,}; {REPAIR}"
            )
        if (found := file_digest(path)) != item.sha256:
            raise InputError(
                f"{path} must have the SHA-256 {item.sha256[:12]}... that the model card names, not {found[:12]}...; "
                f"{REPAIR}"
            )


REPAIR = "get the model anew, or add it again"
