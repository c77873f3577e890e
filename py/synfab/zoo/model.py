# SPDX-License-Identifier: Apache-2.0
"""A model: its training, its integers, and what it was found to do, in agreement with each other."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from safetensors import SafetensorError, safe_open

from synfab.errors import InputError
from synfab.predecoder.inputs import plane_layout
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets import Architecture
from synfab.predecoder.training.config import QuantizedStage
from synfab.zoo.card import load_card, load_items
from synfab.zoo.contents import METADATA, RESULTS, SPEC, WEIGHTS, require_files, require_items
from synfab.zoo.metadata import Metadata, load_metadata
from synfab.zoo.results import Result, load_results


@dataclass(frozen=True, kw_only=True)
class Model:
    """A quantized net with what is known of it.

    Attributes
    ----------
    directory : Path
        Where its files lie.
    metadata : Metadata
    spec : PredecoderSpec
        The net as integers.
    results : tuple of Result

    Raises
    ------
    InputError
        If they are not of the same net.
    """

    directory: Path
    metadata: Metadata
    spec: PredecoderSpec
    results: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        wanted = _trained(self.architecture, self.stage)
        for name, found in _built(self.spec).items():
            if found != wanted[name]:
                raise InputError(
                    f"{self.directory / SPEC} must have the {name} of {METADATA}, {wanted[name]!r}, not {found!r}; "
                    "take files of one training"
                )
        trained = self.metadata.config.data.bases
        if foreign := sorted({result.basis for result in self.results} - set(trained)):
            raise InputError(
                f"results must be of the bases that the model was trained for, {', '.join(trained)}, not {foreign[0]}; "
                "take those of this model"
            )

    @property
    def architecture(self) -> Architecture:
        """What the net looks like."""
        return self.metadata.config.net

    @property
    def architecture_name(self) -> str:
        """Its name, if it is a known one."""
        named = self.metadata.config.architecture
        return named if isinstance(named, str) else "of its own"

    @property
    def stage(self) -> QuantizedStage:
        """The stage of training that it comes from.

        Raises
        ------
        InputError
            If it is a net in floating point.
        """
        stage = self.metadata.config.quantized_stage
        if stage is None:
            raise InputError(f"{self.directory} must be a quantized net, not one of the float stage; train it further")
        return stage

    @property
    def widths(self) -> str:
        """Bits of weights and activations, written 8-4-8/A4."""
        return "-".join(str(layer.weight_bits) for layer in self.spec.layers) + f"/A{self.stage.activation_bits}"

    @property
    def float_shots(self) -> int:
        """Shots of the float stage, if it was not ended early; none if training went on from a model."""
        return 0 if self.stage.start else self.metadata.config.float_stage.steps * self._shots_of_step

    @property
    def quantized_shots(self) -> int:
        """Shots of the quantized stage, up to the model."""
        return self.metadata.step * self._shots_of_step

    @property
    def training_work(self) -> float:
        """Multiply-accumulates of the net on all shots that it was trained with, forward only.

        A batch draws its distance, so this is the mean over the draws. It does not depend on the machine. Gradients,
        which take about twice as many again, are not counted.
        """
        data = self.metadata.config.data
        sites = []
        for distance in data.distances:
            layout = plane_layout(self.architecture.layout, distance)
            sites.append(((data.rounds or distance) + 1) * layout.rows * layout.cols)
        products = sum(layer.weights.size for layer in self.spec.layers)
        return (self.float_shots + self.quantized_shots) * products * fmean(sites)

    @property
    def best(self) -> Result | None:
        """The result whose ratio, two standard errors added, is the least."""
        known = [result for result in self.results if result.ratio is not None]
        return min(known, key=lambda result: (result.ratio or 0) + 2 * (result.ratio_error or 0), default=None)

    @property
    def _shots_of_step(self) -> int:
        return self.metadata.config.data.shots * self.metadata.processes

    @classmethod
    def load(cls, directory: Path, *, results: Path | None = None) -> Self:
        """Read a model as training leaves it, with a card or without.

        Parameters
        ----------
        results : Path or None
            A file elsewhere, in place of the folder's own ``results.json``.

        Raises
        ------
        InputError
            If a file is missing or torn, or they are not of the same net.
        """
        require_files(directory)
        if results is None and (directory / RESULTS).is_file():
            results = directory / RESULTS
        spec = PredecoderSpec.load(directory / SPEC)
        _require_weights(directory / WEIGHTS, spec)
        return cls(
            directory=directory,
            metadata=load_metadata(directory / METADATA),
            spec=spec,
            results=() if results is None else load_results(results),
        )


def read_model(directory: Path) -> Model:
    """Read a model of a zoo: card first, then the files that it names, then what they hold.

    Raises
    ------
    InputError
        If it is not whole.
    """
    require_items(directory, load_items(directory, load_card(directory)))
    return Model.load(directory)


def _trained(architecture: Architecture, stage: QuantizedStage) -> dict[str, Any]:
    return {
        "layout": architecture.layout,
        "inputs": architecture.num_inputs,
        "filters": architecture.filters,
        "kernels": tuple((side, side, side) for side in architecture.kernels),
        "weight bits": stage.weight_bits,
        "activation bits": (stage.activation_bits,) * (len(architecture.filters) - 1),
    }


def _built(spec: PredecoderSpec) -> dict[str, Any]:
    return {
        "layout": spec.layout,
        "inputs": spec.num_inputs,
        "filters": tuple(layer.num_outputs for layer in spec.layers),
        "kernels": tuple(layer.kernel for layer in spec.layers),
        "weight bits": tuple(layer.weight_bits for layer in spec.layers),
        "activation bits": tuple(layer.activation_bits for layer in spec.layers[:-1]),
    }


def _require_weights(path: Path, spec: PredecoderSpec) -> None:
    """Raise InputError unless the file is whole and has a tensor for each layer."""
    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            for number, layer in enumerate(spec.layers):
                name = f"convolutions.{number}.weight"
                found = tuple(file.get_slice(name).get_shape()) if name in names else None
                if found != layer.weights.shape:
                    raise InputError(
                        f"{path} must have {name} of the spec's shape {layer.weights.shape}, not {found}; take files "
                        "of one training"
                    )
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} must be whole safetensors, not torn ({error}); take it from its training") from error
