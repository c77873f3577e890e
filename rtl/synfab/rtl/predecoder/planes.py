# SPDX-License-Identifier: Apache-2.0
"""What a net is given: events, which come round by round, and constants, which are known by position and round."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.predecoder.inputs import input_planes, plane_layout
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.volume import Volume

FIRST, INNER, LAST = range(3)

Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class InputPlanes:
    """The input channels of a net: those of events, then the constant ones.

    Attributes
    ----------
    layout : str
        Of the net that they are for.
    event_channels : int
    constants : ndarray of uint8, (channels, 3, rows, columns)
        0 or 1, in the first, in an inner, and in the last round of a block. A round that is both is taken for the last.

    Raises
    ------
    InputError
        If the constants have another shape, or are no bits.
    """

    layout: str
    event_channels: int
    constants: npt.NDArray

    def __post_init__(self) -> None:
        shape = self.constants.shape
        if len(shape) != 4 or shape[1] != 3 or 0 in shape[2:]:
            raise InputError(f"constants must have the shape (channels, 3, rows, columns), not {shape}")
        if other := sorted(set(np.unique(self.constants).tolist()) - {0, 1}):
            raise InputError(
                f"constant planes of the layout {self.layout!r} must hold 0 and 1, not {other[0]!r}; a net of integers "
                "takes bits"
            )
        if self.event_channels < 1:
            raise InputError(f"event_channels must be at least 1, not {self.event_channels!r}")

    @classmethod
    def of(cls, layout: LayoutName, *, distance: int, basis: Basis) -> Self:
        """Return the planes of a layout's nets in memory experiments of a distance and a basis, of any length.

        Raises
        ------
        InputError
            If there is no such layout or distance, or the layout has constants that are no bits.
        """
        volume = Volume(distance=distance, rounds=2, basis=basis)
        places = plane_layout(layout, distance)
        events = np.zeros((1, places.event_channels, volume.layers, places.rows, places.cols), np.uint8)
        constants = input_planes(events, name=layout, volume=volume)[0, places.event_channels :]
        return cls(layout=layout, event_channels=places.event_channels, constants=constants)

    @property
    def rows(self) -> int:
        """Of a plane."""
        return self.constants.shape[2]

    @property
    def columns(self) -> int:
        """Of a plane."""
        return self.constants.shape[3]

    @property
    def num_inputs(self) -> int:
        """Channels of a net."""
        return self.event_channels + len(self.constants)

    def block(self, events: Bits) -> Bits:
        """Return what a net takes for a block of events, ``(event_channels, rounds, rows, columns)``.

        Returns
        -------
        ndarray of uint8, (num_inputs, rounds, rows, columns)
        """
        return np.concatenate([events, self._constants(events.shape[1])])

    def _constants(self, rounds: int) -> Bits:
        kinds = [INNER] * rounds
        kinds[0] = FIRST
        kinds[-1] = LAST
        return self.constants[:, kinds].astype(np.uint8)

    def folded(self, spec: PredecoderSpec) -> tuple[Convolution, npt.NDArray[np.int32]]:
        """Take the constants out of a net's first layer.

        Returns
        -------
        events : Convolution
            What is left of the layer.
        biases : ndarray of int32, (rows * columns, ages, rests, outputs)
            What takes the place of its bias, by position and by how many rounds of the block are before and after:
            from 0 to half a kernel and one, which stands for more.
        """
        layer = spec.layers[0]
        events = replace(layer, weights=layer.weights[:, : self.event_channels])
        constant = replace(layer, weights=layer.weights[:, self.event_channels :], activation_bits=None)
        alone = PredecoderSpec(layout=spec.layout, layers=(constant,), logit_fraction_bits=0)
        counts = range(layer.look_ahead + 2)
        biases = [
            [alone.logits(self._constants(age + rest + 1)[np.newaxis])[0, :, age] for rest in counts] for age in counts
        ]
        table = np.array(biases).reshape(len(counts), len(counts), layer.num_outputs, -1)
        return events, np.moveaxis(table, -1, 0)
