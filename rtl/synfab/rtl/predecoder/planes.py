# SPDX-License-Identifier: Apache-2.0
"""What a net is given: events, which come round by round, and constants, which are known by position and round."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.predecoder.inputs import integer_planes, plane_layout
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.volume import Volume

FIRST, INNER, LAST = range(3)

# The widest input.
MAX_INPUT = 255

Bits = npt.NDArray[np.uint8]
Inputs = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class InputPlanes:
    """The input channels of a net: those of events, then the constant ones; small unsigned integers.

    Attributes
    ----------
    layout : str
        Of the net that they are for.
    event_channels : int
    constants : ndarray of integers, (channels, 3, rows, columns)
        In the first, in an inner, and in the last round of a block. A round that is both is taken for the last.
    event : int
        What an event counts as: 1, or 2 where constants are in units of 1/2.

    Raises
    ------
    InputError
        If the constants have another shape, or a number is no such integer.
    """

    layout: str
    event_channels: int
    constants: npt.NDArray
    event: int = 1

    def __post_init__(self) -> None:
        shape = self.constants.shape
        if len(shape) != 4 or shape[1] != 3 or 0 in shape[2:]:
            raise InputError(f"constants must have the shape (channels, 3, rows, columns), not {shape}")
        if other := sorted(set(np.unique(self.constants).tolist()) - set(range(MAX_INPUT + 1))):
            raise InputError(
                f"constant planes must hold integers from 0 to {MAX_INPUT}, not {other[0]!r}; take integer_planes, "
                "which has them in units of a fraction"
            )
        if self.event_channels < 1:
            raise InputError(f"event_channels must be at least 1, not {self.event_channels!r}")
        if self.event not in range(1, MAX_INPUT + 1):
            raise InputError(f"an event must count as an integer from 1 to {MAX_INPUT}, not {self.event!r}")

    @classmethod
    def of(cls, layout: LayoutName, *, distance: int, basis: Basis) -> Self:
        """Return the planes of a layout's nets in memory experiments of a distance and a basis, of any length.

        Raises
        ------
        InputError
            If there is no such layout or distance.
        """
        volume = Volume(distance=distance, rounds=2, basis=basis)
        places = plane_layout(layout, distance)
        channels = places.event_channels
        events = np.ones((1, channels, volume.layers, places.rows, places.cols), np.uint8)
        (planes,) = integer_planes(events, name=layout, volume=volume)
        event = int(planes[:channels].max())
        return cls(layout=layout, event_channels=channels, constants=planes[channels:], event=event)

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

    @property
    def input_bits(self) -> int:
        """Of the widest number."""
        return max(self.event, int(self.constants.max(initial=0))).bit_length()

    def block(self, events: Bits) -> Inputs:
        """Return what a net takes for a block of events, ``(event_channels, rounds, rows, columns)``.

        Returns
        -------
        ndarray of uint8, (num_inputs, rounds, rows, columns)
        """
        return np.concatenate([events * np.uint8(self.event), self._constants(events.shape[1])])

    def _constants(self, rounds: int) -> Inputs:
        kinds = [INNER] * rounds
        kinds[0] = FIRST
        kinds[-1] = LAST
        return self.constants[:, kinds].astype(np.uint8)

    def folded(self, spec: PredecoderSpec) -> tuple[Convolution, npt.NDArray[np.int32]]:
        """Take the constants out of a net's first layer.

        Returns
        -------
        events : Convolution
            What is left of the layer: of events as bits, their weights as many times what an event counts as.
        biases : ndarray of int32, (rows * columns, ages, rests, outputs)
            What takes the place of its bias, by position and by how many rounds of the block are before and after:
            from 0 to half a kernel and one, which stands for more.
        """
        layer = spec.layers[0]
        events = replace(
            layer,
            weights=layer.weights[:, : self.event_channels] * self.event,
            weight_bits=layer.weight_bits + (self.event - 1).bit_length(),
            input_bits=1,
        )
        constant = replace(layer, weights=layer.weights[:, self.event_channels :], activation_bits=None)
        alone = PredecoderSpec(layout=spec.layout, layers=(constant,), logit_fraction_bits=0)
        counts = range(layer.look_ahead + 2)
        biases = [
            [alone.logits(self._constants(age + rest + 1)[np.newaxis])[0, :, age] for rest in counts] for age in counts
        ]
        table = np.array(biases).reshape(len(counts), len(counts), layer.num_outputs, -1)
        return events, np.moveaxis(table, -1, 0)
