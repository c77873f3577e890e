# SPDX-License-Identifier: Apache-2.0
"""What is trained, on what, and for how long."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synfab.circuits.layout import Basis
from synfab.predecoder.experiment import Noise
from synfab.predecoder.nets.architecture import ARCHITECTURES, Architecture


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(_Table):
    """Samples, fresh from Stim or stored. A batch is of one distance, basis and error rate, drawn anew each time."""

    distances: tuple[int, ...] = Field(default=(7,), min_length=1, description="Odd; as wide as the net sees, or wider")
    rounds: int | None = Field(default=None, ge=2, description="Of each block; as many as the distance unless given")
    bases: tuple[Basis, ...] = Field(default=("X", "Z"), min_length=1)
    noise: Noise = Field(
        default="circuit", description="Of samples and evaluations; stored samples of any PauliNoise are depolarizing's"
    )
    p: tuple[float, ...] = Field(default=(0.002, 0.003, 0.006), min_length=1, description="Strengths of the noise")
    reach: int = Field(default=1, ge=0, le=3, description="Of the labels' homological equivalence")
    shots: int = Field(default=256, ge=64, multiple_of=64, description="In a batch")
    stored: tuple[Path, ...] = Field(
        default=(), description="Folders of 'synfab data sample' to take all batches from, in place of fresh samples"
    )


class Stage(_Table):
    """One stage of training: so many batches, with a learning rate that rises, stays, and falls like a cosine."""

    steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    ema_decay: float = Field(default=0.999, ge=0, lt=1, description="Of the moving average of weights that is kept")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(default="32-true", description="Lightning's")


class QuantizedStage(Stage):
    """The stage in quantized arithmetic."""

    weight_bits: tuple[Annotated[int, Field(ge=2, le=8)], ...] = Field(description="Of each layer")
    activation_bits: int = Field(default=4, ge=2, le=8)
    start: Path | None = Field(
        default=None, description="Folder of a model of this net and widths to go on from, in place of a float stage"
    )


class Evaluation(_Table):
    """How nets are compared: logical errors with the decoder behind them, over those of the decoder alone."""

    every_steps: int = Field(default=1000, ge=1)
    shots: int = Field(default=16384, ge=64, multiple_of=64, description="At each point; the same ones every time")
    distances: tuple[int, ...] | None = Field(default=None, description="Those of the data unless given")
    p: tuple[float, ...] = (0.006,)
    patience: int = Field(default=3, ge=1, description="Evaluations without a better net before a stage ends early")
    keep: int = Field(default=3, ge=1, description="So many best checkpoints are kept")


class TrainingConfig(_Table):
    """A training run."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    architecture: str | Architecture = Field(default="M", description="A known one, or one of your own")
    seed: int = Field(default=1, ge=0)
    checkpoint_seconds: float = Field(
        default=30.0, gt=0, description="A kill costs so much training at most, or an evaluation"
    )
    data: Data = Data()
    float_stage: Stage = Field(default=Stage(steps=20_000, learning_rate=2e-3), alias="float")
    quantized_stage: QuantizedStage | None = Field(default=None, alias="quantized")
    evaluation: Evaluation = Evaluation()

    @model_validator(mode="after")
    def _knows(self) -> Self:
        if isinstance(self.architecture, str) and self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ValueError(f"architecture must be one of {known}, or a table of its own, not {self.architecture!r}")
        stage = self.quantized_stage
        if stage is not None and len(stage.weight_bits) != len(self.net.filters):
            raise ValueError(
                f"weight_bits must be as many as layers, {len(self.net.filters)}, not {len(stage.weight_bits)}"
            )
        return self

    @property
    def net(self) -> Architecture:
        """The architecture."""
        return ARCHITECTURES[self.architecture] if isinstance(self.architecture, str) else self.architecture

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a config from TOML."""
        import tomllib

        return cls.model_validate(tomllib.loads(path.read_text()))
