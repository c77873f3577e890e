# SPDX-License-Identifier: Apache-2.0
"""What a model was found to do: logical errors with it and without it, on the same shots."""

import math
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synfab.circuits.layout import Basis
from synfab.predecoder.evaluation import GlobalDecoder, Setting
from synfab.predecoder.paired import Paired
from synfab.zoo.documents import load_json

Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Result(BaseModel):
    """One point: a memory experiment, what is done with the logits, and the decoder alone that it is paired with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis
    distance: int = Field(ge=3)
    rounds: int = Field(ge=1)
    p: float = Field(gt=0, le=0.5, description="Circuit-level error rate")
    shots: int = Field(ge=1)
    name: str = Field(pattern=r"^[^|\r\n]+$", description="What is done with the logits, such as: hints, union-find")
    beside: GlobalDecoder = Field(description="The decoder alone that it is paired with")
    together: Count = Field(description="Shots that fail with the pre-decoder")
    alone: Count = Field(description="Shots in which the decoder alone fails")
    both: Count = Field(description="Shots in which both fail")
    ratio: Ratio | None = Field(description="together over alone; null where alone is 0")
    ratio_error: Ratio | None = Field(description="Its standard error, of paired shots; null where alone is 0")
    density_reduction: Ratio | None = Field(description="Detection events before over after; null where none is left")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.both > min(self.together, self.alone) or self.together + self.alone - self.both > self.shots:
            raise ValueError(
                f"together, alone and both must be counts over {self.shots} shots, not {self.together}, {self.alone} "
                f"and {self.both}"
            )
        paired = Paired(shots=self.shots, alone=self.alone, together=self.together, both=self.both)
        for name in ("ratio", "ratio_error"):
            wanted, found = _or_none(getattr(paired, name)), getattr(self, name)
            if not _same(found, wanted):
                raise ValueError(f"{name} must be what the counts give, {wanted!r}, not {found!r}")
        return self

    @classmethod
    def of(cls, paired: Paired, *, setting: Setting, name: str, beside: GlobalDecoder) -> Self:
        """Return what a judge counted in a setting."""
        return cls(
            basis=setting.basis,
            distance=setting.distance,
            rounds=setting.rounds or setting.distance,
            p=setting.p,
            shots=paired.shots,
            name=name,
            beside=beside,
            together=paired.together,
            alone=paired.alone,
            both=paired.both,
            ratio=_or_none(paired.ratio),
            ratio_error=_or_none(paired.ratio_error),
            density_reduction=_or_none(paired.density_reduction),
        )


def load_results(path: Path) -> tuple[Result, ...]:
    """Read ``results.json``.

    Raises
    ------
    InputError
        If it is not there, not a list of results, or one contradicts itself.
    """
    return load_json(path, tuple[Result, ...], noun="a list of results")


def _same(found: float | None, wanted: float | None) -> bool:
    """Compare but for the last digits: those of a root may be others on another machine."""
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9)


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
