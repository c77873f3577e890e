# SPDX-License-Identifier: Apache-2.0
"""The pre-decoder's net as frozen integers: everything that defines its logits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import numpy.typing as npt

from synfab.artefact import digest, write_text
from synfab.circuits.parameters import require_choice
from synfab.errors import InputError
from synfab.predecoder.integers.convolution import Convolution
from synfab.predecoder.nets.architecture import LayoutName

FORMAT = "synfab.predecoder/1"
ARRAYS = ("weights", "bias", "shift")
SCALARS = ("weight_bits", "activation_bits", "input_bits")


@dataclass(frozen=True, kw_only=True, eq=False)
class PredecoderSpec:
    """A fully convolutional net of integers, for volumes of any size.

    Attributes
    ----------
    layout : str
        How detectors and corrections lie in planes: ``supercell``, ``grid`` or ``grid_2022``.
    layers : tuple of Convolution
        Each layer's inputs are the activations of the one before; the first one's are detection events and masks in
        the unit of the layout (:func:`~synfab.predecoder.inputs.integer_planes`), a bit in most.
    logit_fraction_bits : int
        A logit is the last layer's sum times ``2**-logit_fraction_bits``, the natural logarithm of the odds that a
        correction is due.

    Raises
    ------
    InputError
        If layers do not fit each other, or there is no such layout.
    """

    layout: str
    layers: tuple[Convolution, ...]
    logit_fraction_bits: int

    def __post_init__(self) -> None:
        require_choice("layout", self.layout, get_args(LayoutName))
        if not self.layers:
            raise InputError("a pre-decoder must have at least one layer, not none")
        for number, (before, after) in enumerate(pairwise(self.layers)):
            if before.activation_bits is None or before.activation_bits != after.input_bits:
                raise InputError(
                    f"layer {number + 1} must take the {before.activation_bits!r} bits that layer {number} hands on, "
                    f"not {after.input_bits!r}"
                )
            if before.num_outputs != after.num_inputs:
                raise InputError(
                    f"layer {number + 1} must take the {before.num_outputs} channels of layer {number}, not "
                    f"{after.num_inputs}"
                )
        if (bits := self.layers[-1].activation_bits) is not None:
            raise InputError(f"the last layer must hand on sums, not activations of {bits} bits; give it none")

    @cached_property
    def sha256(self) -> str:
        """Hash of the spec's content: names everything that is made from it."""
        return digest(self.content())

    @property
    def num_inputs(self) -> int:
        """Planes of a round that the net takes."""
        return self.layers[0].num_inputs

    @property
    def input_bits(self) -> int:
        """Of an input, an unsigned number."""
        return self.layers[0].input_bits

    @property
    def num_outputs(self) -> int:
        """Planes of a round of logits."""
        return self.layers[-1].num_outputs

    @property
    def num_parameters(self) -> int:
        """Weights and biases."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    @property
    def look_ahead(self) -> int:
        """Rounds after its own that a logit sees: the latency of the streaming form in rounds."""
        return sum(layer.look_ahead for layer in self.layers)

    def logits(self, planes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """Return the logits of whole volumes.

        Parameters
        ----------
        planes : ndarray of integers, (shots, num_inputs, rounds, rows, columns)
            Of ``input_bits``, unsigned.

        Returns
        -------
        ndarray of int32, (shots, num_outputs, rounds, rows, columns)
            In units of ``2**-logit_fraction_bits``.

        Raises
        ------
        InputError
            If the planes have another shape or no round, or hold anything but integers of ``input_bits``.
        """
        from synfab.predecoder.integers.sums import logits

        return logits(self, planes)

    def require_inputs(self, planes: npt.NDArray[np.integer]) -> None:
        """Raise InputError unless the net takes all numbers of planes: integers, or bits as booleans."""
        if planes.dtype.kind not in "iub":
            raise InputError(f"planes must be integers, not {planes.dtype}; make them with integer_planes")
        most = (1 << self.input_bits) - 1
        if planes.size and (planes.min() < 0 or planes.max() > most):
            raise InputError(
                f"planes must hold 0 {'and' if most == 1 else 'to'} {most}, not numbers from {planes.min()} to "
                f"{planes.max()}; make them with integer_planes"
            )

    def save(self, path: Path) -> Path:
        """Write the spec as JSON, whole or not at all."""
        return write_text(path, json.dumps(self.content()) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a spec.

        Raises
        ------
        InputError
            If the file is not a whole spec of this format.
        """
        try:
            content = json.loads(path.read_text())
            found = content.get("format") if isinstance(content, dict) else None
            if found != FORMAT:
                raise InputError(f"{path} must have the format {FORMAT!r}, not {found!r}; make it anew")
            return cls.from_content(content)
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{path} must hold a whole pre-decoder spec, not one without {error}") from error

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """Return the spec of a :meth:`content`."""
        layers = tuple(
            Convolution(
                **{name: np.array(layer[name]) for name in ARRAYS},
                **{name: layer[name] for name in SCALARS},
            )
            for layer in content["layers"]
        )
        return cls(layout=content["layout"], layers=layers, logit_fraction_bits=content["logit_fraction_bits"])

    def content(self) -> dict[str, Any]:
        """Return all of the spec, for JSON."""
        return {
            "format": FORMAT,
            "layout": self.layout,
            "logit_fraction_bits": self.logit_fraction_bits,
            "layers": [
                {name: getattr(layer, name).tolist() for name in ARRAYS}
                | {name: getattr(layer, name) for name in SCALARS}
                for layer in self.layers
            ],
        }
