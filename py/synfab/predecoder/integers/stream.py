# SPDX-License-Identifier: Apache-2.0
"""The net as a stream: a round in, a round of logits out, with a state of a few rounds a layer."""

from collections import deque

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError
from synfab.predecoder.integers.convolution import Convolution
from synfab.predecoder.integers.spec import PredecoderSpec
from synfab.predecoder.integers.sums import windows_of

Round = npt.NDArray[np.integer]


class LogitStream:
    """Takes the rounds of one volume and gives the logits of each round as soon as they are settled.

    The logits of a round come with the round ``spec.look_ahead`` later, and the last ones when the volume ends. They
    are those of :meth:`PredecoderSpec.logits`. A three-dimensional convolution is a two-dimensional one of its last
    rounds side by side: a layer keeps as many rounds as its kernel is deep.

    Parameters
    ----------
    spec : PredecoderSpec
    rows, columns : int
        Of a plane.
    """

    def __init__(self, spec: PredecoderSpec, *, rows: int, columns: int) -> None:
        self.spec = spec
        self._shape = (spec.num_inputs, rows, columns)
        self._layers = [_LayerStream(layer, rows, columns) for layer in spec.layers]

    def push(self, planes: npt.NDArray[np.integer]) -> Round | None:
        """Take the next round, ``(num_inputs, rows, columns)`` of 0 and 1.

        Returns
        -------
        ndarray of int32, (num_outputs, rows, columns), or None
            The logits of the round ``spec.look_ahead`` before; None if there is no such round.

        Raises
        ------
        InputError
            If the round has another shape.
        """
        if planes.shape != self._shape:
            raise InputError(f"a round must have the shape {self._shape}, not {planes.shape}")
        return self._through(self._layers, planes.astype(np.int32))

    def finish(self) -> list[Round]:
        """End the volume: return the logits of the rounds that are left. The next round begins another volume."""
        rest = []
        for number, layer in enumerate(self._layers):
            following = self._layers[number + 1 :]
            outputs = (self._through(following, activations) for activations in layer.finish())
            rest += [logits for logits in outputs if logits is not None]
        return rest

    @staticmethod
    def _through(layers: "list[_LayerStream]", values: Round) -> Round | None:
        current: Round | None = values
        for layer in layers:
            if current is None:
                return None
            current = layer.push(current)
        return current


class _LayerStream:
    """The last rounds of one layer's inputs."""

    def __init__(self, layer: Convolution, rows: int, columns: int) -> None:
        self._layer = layer
        self._empty = np.zeros((layer.num_inputs, rows, columns), np.int32)
        self._begin()

    def _begin(self) -> None:
        depth = self._layer.kernel[0]
        self._window: deque[Round] = deque([self._empty] * depth, maxlen=depth)
        self._taken = 0

    def push(self, inputs: Round) -> Round | None:
        self._window.append(inputs)
        self._taken += 1
        return self._outputs() if self._taken > self._layer.look_ahead else None

    def finish(self) -> list[Round]:
        """Return the rounds that were still to come: beyond the volume's last round all inputs are 0."""
        rest = []
        for _ in range(self._layer.look_ahead):
            self._window.append(self._empty)
            self._taken += 1
            if self._taken > self._layer.look_ahead:
                rest.append(self._outputs())
        self._begin()
        return rest

    def _outputs(self) -> Round:
        layer = self._layer
        _, kernel_rows, kernel_columns = layer.kernel
        sides = [(kernel_rows // 2,) * 2, (kernel_columns // 2,) * 2]
        stacked = np.pad(np.concatenate(self._window), [(0, 0), *sides])
        windows = windows_of(stacked, (kernel_rows, kernel_columns), first_axis=1)
        # The rounds of a channel lie apart in the stack: (rounds, inputs) first in both.
        weights = np.moveaxis(layer.weights, 2, 1).reshape(layer.num_outputs, -1, kernel_rows, kernel_columns)
        sums = np.einsum("oiyx,irsyx->rso", weights, windows) + layer.bias
        return np.moveaxis(layer.activations(sums.astype(np.int32)), -1, 0)
