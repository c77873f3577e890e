# SPDX-License-Identifier: Apache-2.0
"""The model card: metadata that the Hugging Face Hub understands, and a page made of what the model's files say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yaml import YAMLError

from synfab.errors import InputError
from synfab.predecoder.experiment import Noise, memory_experiment
from synfab.zoo.contents import CARD, REQUIRED, Item
from synfab.zoo.documents import faults

if TYPE_CHECKING:
    from synfab.zoo.model import Model
    from synfab.zoo.results import Result

LIBRARY = "synfab"
LICENSE = "apache-2.0"
DATASET = "stim-rotated-surface-memory"
"""Not one of the Hub's: samples are drawn while the net is trained."""
NOISES: dict[Noise, str] = {
    "circuit": "`circuit` of `synfab.circuits.Memory`, one strength p at all places",
    "phenomenological": "`phenomenological` of `synfab.circuits.Memory`, data and measurements err with p",
    "depolarizing": "`PauliNoise.depolarizing` of `synfab.circuits`, 25 probabilities of one strength p",
}
"""What batches that are drawn in training have."""
TAGS = ("quantum-error-correction", "surface-code", "pre-decoder", "fpga", "qonnx", "quantized")


class _Head(BaseModel):
    """What the metadata of a card must have; the Hub's own class has seen to the rest."""

    model_config = ConfigDict(extra="ignore")

    library_name: str = Field(pattern=f"^{LIBRARY}$")
    license: str = Field(min_length=1)
    tags: tuple[str, ...] = Field(min_length=1)
    files: tuple[Item, ...]


def card_of(model: Model, *, name: str, items: tuple[Item, ...]) -> ModelCard:
    """Return the card of a model; every word of it that is not the same for all comes from the model's files.

    Parameters
    ----------
    name : str
        Of the model in the zoo.
    items : tuple of Item
        Its files.
    """
    results = [result for one in model.results for result in _eval_results(one)]
    data = ModelCardData(
        license=LICENSE,
        library_name=LIBRARY,
        tags=[*TAGS, model.spec.layout],
        datasets=[DATASET],
        metrics=sorted({result.metric_type for result in results}) or None,
        model_name=name if results else None,
        eval_results=results or None,
        files=[item.model_dump() for item in items],
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_page(model, name=name, items=items)}")


def load_card(directory: Path) -> ModelCard:
    """Read the card of a model.

    Raises
    ------
    InputError
        If there is none, or its metadata are not such as the Hub takes.
    """
    path = directory / CARD
    try:
        return ModelCard(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{directory} must be a model of a zoo, with a model card {CARD}, not a folder without one; 'synfab zoo "
            "add' makes one of what training leaves"
        ) from error
    # A mapping or a list where the Hub's class has looked for the other ends in one of the last two.
    except (ValueError, YAMLError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} must have metadata that the Hugging Face Hub takes: {reason}") from error


def load_items(directory: Path, card: ModelCard) -> tuple[Item, ...]:
    """Return the files that a card names.

    Raises
    ------
    InputError
        If it is not the card of a pre-decoder, or does not name all of its files.
    """
    path = directory / CARD
    try:
        items = _Head.model_validate(card.data.to_dict()).files
    except ValidationError as error:
        raise InputError(f"{path} must be the card of a pre-decoder that synfab wrote: {faults(error)}") from error
    named = [item.name for item in items]
    if missing := [name for name in REQUIRED if named.count(name) != 1]:
        raise InputError(f"{path} must name {missing[0]} with its digest, once, not {named.count(missing[0])} times")
    return items


def _eval_results(result: Result) -> list[EvalResult]:
    """Return what the Hub shows of a result; it has no place for an error but a metric's name."""
    paired = f"{result.name}, over {result.beside} alone"
    values = [
        ("ler_ratio", result.ratio, f"Logical errors, {paired} (± {result.ratio_error or 0:.2g}, one standard error)"),
        ("density_reduction", result.density_reduction, f"Detection events before over after, {result.name}"),
    ]
    return [
        EvalResult(
            task_type="quantum-error-correction",
            task_name="Pre-decoding",
            dataset_type=DATASET,
            dataset_name=f"Rotated surface code, distance {result.distance}, {result.rounds} rounds, basis "
            f"{result.basis}, p = {result.p:g}",
            dataset_config=f"d{result.distance}-r{result.rounds}-{result.basis.lower()}-p{result.p:g}",
            metric_type=metric,
            metric_value=value,
            metric_name=words,
            metric_args={
                "shots": result.shots,
                "together": result.together,
                "alone": result.alone,
                "both": result.both,
            },
        )
        for metric, value, words in values
        if value is not None
    ]


def _page(model: Model, *, name: str, items: tuple[Item, ...]) -> str:
    environment = Environment(
        loader=PackageLoader("synfab.zoo"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(amount=lambda count: f"{count:,}", listed=lambda values: ", ".join(map(str, values)))
    config = model.metadata.config
    data = config.data
    # As the trainer's batches are made.
    memory = memory_experiment(
        distance=min(data.distances), rounds=data.rounds, basis=data.bases[0], noise=data.noise, p=max(data.p)
    )
    return environment.get_template("card.md.j2").render(
        name=name, model=model, config=config, spec=model.spec, memory=memory, noise=NOISES[data.noise], items=items
    )
