# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of the pre-decoders leaves behind, as JSON."""

from typing import Literal

from pydantic import Field

from synfab.benchmarks.models import MeasuredBy, Record
from synfab.benchmarks.predecoder.extent import ON_CARDS
from synfab.circuits.layout import Basis
from synfab.predecoder.evaluation import GlobalDecoder, Setting
from synfab.predecoder.experiment import Noise
from synfab.predecoder.paired import Paired
from synfab.zoo.results import Result


class Judged(Record):
    """A model and what follows it beside a global decoder alone, in one setting, on the same shots."""

    model: str = Field(description="Of the zoo; or no net")
    spec_sha256: str = Field(description="Of the model's integers; empty without a net")
    distance: int = Field(ge=3)
    rounds: int = Field(ge=2)
    basis: Basis
    noise: Noise = "circuit"
    p: float = Field(gt=0, le=0.5, description="Strength of the noise")
    follow_up: str = Field(description="What is done with the logits, and the global decoder behind it")
    beside: GlobalDecoder = Field(description="The decoder alone")
    shots: int = Field(ge=64)
    alone: int = Field(ge=0, description="Logical errors of the decoder alone")
    together: int = Field(ge=0, description="Logical errors with the pre-decoder")
    both: int = Field(ge=0, description="Shots in which both failed")
    events_before: int = Field(ge=0, description="Detection events")
    events_after: int = Field(ge=0, description="Detection events left to the global decoder")
    seconds_alone: float = Field(
        ge=0, description="CPU time of the decoder alone; its ratio to the next means something"
    )
    seconds_together: float = Field(ge=0, description="CPU time of the global decoder behind the pre-decoder")

    @property
    def setting(self) -> Setting:
        """The experiment."""
        return Setting(distance=self.distance, rounds=self.rounds, basis=self.basis, noise=self.noise, p=self.p)

    @property
    def paired(self) -> Paired:
        """The counts, with what follows from them."""
        return Paired(**{name: getattr(self, name) for name in Paired.__dataclass_fields__})


class PredecoderBenchmark(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["reference"] = "reference"
    problem: str = "rotated surface code, memory, d rounds, circuit-level noise"
    judged: tuple[Judged, ...] = ()


def results(benchmark: PredecoderBenchmark, model: str) -> list[Result]:
    """Return what was found of a model, as its card has it: under Stim's noise, by hard outputs and two-bit hints."""
    return [
        Result.of(
            one.paired,
            setting=one.setting,
            name=one.follow_up,
            beside=one.beside,
        )
        for one in benchmark.judged
        if one.model == model and one.follow_up in ON_CARDS and one.noise == "circuit"
    ]
