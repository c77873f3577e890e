# SPDX-License-Identifier: Apache-2.0
"""The integer net as a stream: a round in, a round of logits out."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from synfab.circuits.parameters import require_integer
from synfab.predecoder.integers.convolution import Convolution
from synfab.predecoder.integers.spec import PredecoderSpec
from synfab.predecoder.integers.sums import windows_of
from synfab.predecoder.planes import require_shape
from synfab.predecoder.streaming import Chain, Windowed

Round = npt.NDArray[np.integer]


class LogitStream:
    """Takes the rounds of one volume and gives the logits of each round as soon as they are settled.

    The logits of a round come with the round ``spec.look_ahead`` later, and the last ones when the volume ends. They
    are those of :meth:`PredecoderSpec.logits`.

    Parameters
    ----------
    spec : PredecoderSpec
    rows, columns : int
        Of a plane.

    Raises
    ------
    InputError
        If a plane has no row or no column.
    """

    def __init__(self, spec: PredecoderSpec, *, rows: int, columns: int) -> None:
        require_integer("rows", rows, 1)
        require_integer("columns", columns, 1)
        self.spec = spec
        self._shape = (spec.num_inputs, rows, columns)
        self._layers = Chain[Round]([_streamed(layer, rows, columns) for layer in spec.layers])

    def push(self, planes: npt.NDArray[np.integer]) -> Round | None:
        """Take the next round of planes, ``(num_inputs, rows, columns)``.

        Returns
        -------
        ndarray of int32, (num_outputs, rows, columns), or None
            The logits of the round ``spec.look_ahead`` before; None if there is no such round.

        Raises
        ------
        InputError
            If the round has another shape, or holds anything but integers of ``spec.input_bits``.
        """
        require_shape("a round", planes.shape, self._shape, repair="take the rounds of one volume")
        self.spec.require_inputs(planes)
        return self._layers.push(planes.astype(np.int32))

    def finish(self) -> list[Round]:
        """End the volume: return the logits of the rounds that are left. The next round begins another volume."""
        return self._layers.finish()


def _streamed(layer: Convolution, rows: int, columns: int) -> Windowed[Round]:
    empty = np.zeros((layer.num_inputs, rows, columns), np.int32)
    return Windowed(layer.kernel[0], empty, partial(_outputs, layer))


def _outputs(layer: Convolution, rounds: Sequence[Round]) -> Round:
    _, kernel_rows, kernel_columns = layer.kernel
    sides = [(kernel_rows // 2,) * 2, (kernel_columns // 2,) * 2]
    stacked = np.pad(np.concatenate(rounds), [(0, 0), *sides])
    windows = windows_of(stacked, (kernel_rows, kernel_columns), first_axis=1)
    # The rounds of a channel lie apart in the stack: (rounds, inputs) first in both.
    weights = np.moveaxis(layer.weights, 2, 1).reshape(layer.num_outputs, -1, kernel_rows, kernel_columns)
    sums = np.einsum("oiyx,irsyx->rso", weights, windows) + layer.bias
    return np.moveaxis(layer.activations(sums.astype(np.int32)), -1, 0)
