# SPDX-License-Identifier: Apache-2.0
"""What training says of a model: its config, the tools, how long it took."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from synfab.predecoder.training.config import TrainingConfig
from synfab.zoo.documents import load_json


class Metadata(BaseModel):
    """``metadata.json``. What else training writes there is kept and not looked at."""

    model_config = ConfigDict(frozen=True, extra="allow")

    config: TrainingConfig
    tools: Mapping[str, str] = Field(description="Version of each tool that took part")
    step: int = Field(ge=0, description="Of the last stage: that of the checkpoint that became the model")
    wall_seconds: float | None = Field(default=None, gt=0, description="Of all stages")
    processes: int = Field(default=1, ge=1, description="That trained together; a step takes a batch of each")


def load_metadata(path: Path) -> Metadata:
    """Read ``metadata.json``.

    Raises
    ------
    InputError
        If it is not there, or not what training writes.
    """
    return load_json(path, Metadata, noun="the metadata that training writes")
