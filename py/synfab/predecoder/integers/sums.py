# SPDX-License-Identifier: Apache-2.0
"""The net on whole volumes: vectorised integers."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synfab.predecoder.integers.convolution import Convolution
from synfab.predecoder.planes import require_volumes

if TYPE_CHECKING:
    from synfab.predecoder.integers.spec import PredecoderSpec

# Numbers of gathered inputs that are in memory at a time.
CHUNK = 1 << 24


def logits(spec: "PredecoderSpec", planes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Return the logits; see :meth:`PredecoderSpec.logits`."""
    require_volumes(planes.shape, num_inputs=spec.num_inputs, layout=spec.layout)
    spec.require_inputs(planes)
    taps = max(layer.num_inputs * int(np.prod(layer.kernel)) for layer in spec.layers)
    shots = max(1, CHUNK // max(1, taps * int(np.prod(planes.shape[2:]))))
    parts = [_logits(spec, planes[first : first + shots]) for first in range(0, len(planes), shots)]
    return np.concatenate(parts) if parts else np.zeros((0, spec.num_outputs, *planes.shape[2:]), np.int32)


def _logits(spec: "PredecoderSpec", planes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    # Channels last: a site's inputs side by side.
    sites: npt.NDArray[np.integer] = np.ascontiguousarray(np.moveaxis(planes, 1, -1))
    for layer in spec.layers:
        sites = layer.activations(convolved(layer, sites))
    return np.ascontiguousarray(np.moveaxis(sites, -1, 1), np.int32)


def convolved(layer: Convolution, sites: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Return the sums of a layer, bias included.

    The products are taken in floating point, which is exact here: every partial sum is an integer that the format
    holds, as ``layer.sum_range`` proves.

    Parameters
    ----------
    sites : ndarray of integers, (shots, rounds, rows, columns, inputs)

    Returns
    -------
    ndarray of int32, (shots, rounds, rows, columns, outputs)
    """
    low, high = layer.sum_range
    reach = max(-low, high) + int(np.abs(layer.bias).max(initial=0))
    exact = np.float32 if reach < 1 << 24 else np.float64
    padding = [(0, 0), *((side // 2, side // 2) for side in layer.kernel), (0, 0)]
    padded = np.pad(sites.astype(exact), padding)
    windows = windows_of(padded, layer.kernel, first_axis=1)
    # (shots, rounds, rows, columns, inputs, *kernel) against (outputs, inputs, *kernel), as one product of matrices:
    # many small ones are each divided among all cores, which takes many times as long.
    kernel = layer.weights.reshape(layer.num_outputs, -1).T.astype(exact)
    *positions, _ = sites.shape
    sums = windows.reshape(math.prod(positions), len(kernel)) @ kernel
    return sums.reshape(*positions, layer.num_outputs).astype(np.int32) + layer.bias


def windows_of(array: npt.NDArray, sides: Sequence[int], *, first_axis: int) -> npt.NDArray:
    """Return a view of all windows of an array, along as many axes from ``first_axis`` as it has sides."""
    axes: Any = tuple(range(first_axis, first_axis + len(sides)))
    shape: Any = tuple(sides)
    return np.lib.stride_tricks.sliding_window_view(array, shape, axis=axes)
