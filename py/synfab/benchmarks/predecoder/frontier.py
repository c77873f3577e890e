# SPDX-License-Identifier: Apache-2.0
"""How accuracy goes with parameters, bits and training samples: small nets, each trained for it in the same way."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import Field

from synfab.artefact import write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.benchmarks.predecoder.extent import MAIN, Extent, Point
from synfab.benchmarks.predecoder.models import Judged
from synfab.benchmarks.predecoder.run import run as judge
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets.architecture import ARCHITECTURES, Architecture
from synfab.predecoder.training.config import Data, Evaluation, QuantizedStage, Stage, TrainingConfig
from synfab.zoo.contents import METADATA, SPEC
from synfab.zoo.metadata import Metadata, load_metadata
from synfab.zoo.model import Model

Study = Literal["parameters", "bits", "samples", "layout"]
SHOTS_A_STEP = 128
# Long enough that a net of many parameters is ahead of one of few.
FLOAT_STEPS, QUANTIZED_STEPS = 2000, 500


class FrontierNet(Record):
    """A net, how it was trained, and what it does."""

    name: str
    studies: tuple[Study, ...] = Field(description="Which rows it stands in")
    layout: str
    filters: tuple[int, ...]
    parameters: int = Field(ge=1, description="Weights and biases of the integers")
    weight_bits: tuple[int, ...] = Field(description="Of each layer")
    activation_bits: int
    float_samples: int = Field(ge=0, description="Shots of the float stage at most, none twice")
    quantized_samples: int = Field(ge=0, description="Of the stage in quantized arithmetic, until it was best")
    spec_sha256: str
    judged: tuple[Judged, ...]


class Frontier(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["reference"] = "reference"
    nets: tuple[FrontierNet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A net to be trained, and the rows that it stands in."""

    name: str
    studies: tuple[Study, ...]
    architecture: Architecture
    weight_bits: tuple[int, ...]
    activation_bits: int = 4
    float_steps: int = FLOAT_STEPS
    quantized_steps: int = QUANTIZED_STEPS

    @property
    def config(self) -> TrainingConfig:
        """How it is trained: as the models of the zoo, but not as long."""
        return TrainingConfig(
            name=self.name,
            architecture=self.architecture,
            data=Data(distances=(5, 7, 9), shots=SHOTS_A_STEP),
            float=Stage(steps=self.float_steps, learning_rate=2e-3, precision="bf16-mixed"),
            quantized=QuantizedStage(
                steps=self.quantized_steps,
                learning_rate=5e-4,
                ema_decay=0,
                weight_bits=self.weight_bits,
                activation_bits=self.activation_bits,
            ),
            evaluation=Evaluation(
                every_steps=min(500, self.float_steps, self.quantized_steps), shots=2048, distances=(7,)
            ),
        )


@dataclass(frozen=True, kw_only=True)
class FrontierExtent:
    """All nets, and where they are judged."""

    trials: Sequence[Trial]
    judging: Extent


def run(
    output: Path,
    *,
    extent: FrontierExtent,
    runs: Path,
    models: Mapping[str, Model] = MappingProxyType({}),
    progress: Callable[[str, str], None] = lambda net, message: None,
) -> Frontier:
    """Train and judge each net that ``output`` does not hold, and write it after each.

    A training that was killed goes on where it was. Nets of the same float stage share it.

    Parameters
    ----------
    runs : Path
        The trainings' folders are kept here.
    models : mapping of str to Model
        Of the zoo, which are judged beside: they have seen many more samples.

    Raises
    ------
    InputError
        If ``output`` holds something else, or a folder of ``runs`` is that of another config.
    """
    from synfab.predecoder.training.run import train

    tools = {name: version(name) for name in ("synfab", "stim", "pymatching", "torch", "brevitas", "lightning")}
    done = begun(output, Frontier(tools=tools))

    def keep(name: str, studies: tuple[Study, ...], trained: Metadata, spec: PredecoderSpec) -> None:
        nonlocal done
        progress(name, "judging")
        found = judge(runs / name / "judged.json", {name: spec}, extent=extent.judging, show_progress=False)
        net = _net(name, studies, trained, spec, found.judged)
        done = done.model_copy(update={"nets": (*(one for one in done.nets if one.name != name), net)})
        write_text(output, done.model_dump_json(indent=1) + "\n")

    for number, trial in enumerate(extent.trials):
        if not any(net.name == trial.name for net in done.nets):
            progress(trial.name, "training")
            _share_float_stage(extent.trials[:number], trial, runs)
            folder = train(trial.config, runs / trial.name)
            keep(trial.name, trial.studies, load_metadata(folder / METADATA), PredecoderSpec.load(folder / SPEC))
    for name, model in models.items():
        if not any((net.name, net.spec_sha256) == (name, model.spec.sha256) for net in done.nets):
            keep(name, ("samples",), model.metadata, model.spec)
    return done


def _net(
    name: str, studies: tuple[Study, ...], trained: Metadata, spec: PredecoderSpec, judged: tuple[Judged, ...]
) -> FrontierNet:
    config = trained.config
    stage = config.quantized_stage
    assert stage is not None
    return FrontierNet(
        name=name,
        studies=studies,
        layout=spec.layout,
        filters=config.net.filters,
        parameters=spec.num_parameters,
        weight_bits=stage.weight_bits,
        activation_bits=stage.activation_bits,
        float_samples=config.float_stage.steps * config.data.shots,
        quantized_samples=trained.step * config.data.shots,
        spec_sha256=spec.sha256,
        judged=judged,
    )


def _share_float_stage(before: Sequence[Trial], trial: Trial, runs: Path) -> None:
    """Take the float stage of a net that differs in bits alone, if it is there."""
    target = runs / trial.name / "float"
    for other in before:
        source = runs / other.name / "float"
        same = (other.architecture, other.float_steps) == (trial.architecture, trial.float_steps)
        evaluated_alike = other.config.evaluation == trial.config.evaluation
        if same and evaluated_alike and (source / "done.json").exists() and not target.exists():
            shutil.copytree(source, target)


def _supercell(*filters: int) -> Architecture:
    return Architecture(layout="supercell", filters=(*filters, 12), kernels=(3,) * (len(filters) + 1))


_S, _M = ARCHITECTURES["S"], ARCHITECTURES["M"]
# As model 1 of the 2026 paper, with fewer filters, and ReLU, which integers can have.
_GRID = Architecture(layout="grid", filters=(24, 24, 24, 4), kernels=(3, 3, 3, 3))
FULL = FrontierExtent(
    trials=(
        Trial(name="s", studies=("parameters", "samples", "layout"), architecture=_S, weight_bits=(8, 8)),
        Trial(name="m", studies=get_args(Study), architecture=_M, weight_bits=(8, 8, 8)),
        Trial(name="small", studies=("parameters",), architecture=_supercell(8), weight_bits=(8, 8)),
        Trial(name="wide", studies=("parameters",), architecture=_supercell(32), weight_bits=(8, 8)),
        Trial(name="three-layers", studies=("parameters",), architecture=_supercell(20, 20), weight_bits=(8, 8, 8)),
        Trial(name="m-848", studies=("bits",), architecture=_M, weight_bits=(8, 4, 8)),
        Trial(name="m-828", studies=("bits",), architecture=_M, weight_bits=(8, 2, 8)),
        Trial(name="m-444", studies=("bits",), architecture=_M, weight_bits=(4, 4, 4)),
        Trial(name="m-868-a6", studies=("bits",), architecture=_M, weight_bits=(8, 6, 8), activation_bits=6),
        Trial(name="m-848-a2", studies=("bits",), architecture=_M, weight_bits=(8, 4, 8), activation_bits=2),
        Trial(name="s-quarter", studies=("samples",), architecture=_S, weight_bits=(8, 8), float_steps=500),
        Trial(name="s-four-times", studies=("samples",), architecture=_S, weight_bits=(8, 8), float_steps=8000),
        Trial(name="m-quarter", studies=("samples",), architecture=_M, weight_bits=(8, 8, 8), float_steps=500),
        Trial(name="m-four-times", studies=("samples",), architecture=_M, weight_bits=(8, 8, 8), float_steps=8000),
        Trial(name="grid", studies=("layout",), architecture=_GRID, weight_bits=(8, 8, 8, 8)),
    ),
    judging=Extent(
        points=[Point(distance=7, p=p, shots=1 << 16, follow_ups=MAIN) for p in (0.006, 0.003)], processes=1
    ),
)
_TINY = Trial(
    name="tiny",
    studies=("samples",),
    architecture=_supercell(4),
    weight_bits=(4, 4),
    float_steps=4,
    quantized_steps=2,
)
QUICK = FrontierExtent(
    trials=(_TINY, replace(_TINY, name="tiny-bits", studies=("bits",), weight_bits=(2, 2), activation_bits=2)),
    judging=Extent(points=[Point(distance=5, p=0.006, shots=1 << 10, follow_ups=MAIN)], piece=1 << 10, processes=1),
)
