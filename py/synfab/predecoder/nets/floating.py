# SPDX-License-Identifier: Apache-2.0
"""Nets in floating point, as they are trained first."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from synfab.errors import InputError
from synfab.predecoder.nets.architecture import Architecture
from synfab.predecoder.planes import require_volumes


def layer_channels(architecture: Architecture) -> Iterator[tuple[int, int, int]]:
    """Yield each layer's inputs, outputs, and kernel side."""
    channels = (architecture.num_inputs, *architecture.filters)
    for (inputs, outputs), side in zip(pairwise(channels), architecture.kernels, strict=True):
        yield inputs, outputs, side


class FloatNet(nn.Module):
    """A net of any architecture.

    Takes ``(shots, inputs, rounds, rows, columns)``, 0 and 1 as floats, and returns logits of the same sites.

    Parameters
    ----------
    architecture : Architecture
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        layers = [convolution(*parts) for parts in layer_channels(architecture)]
        norms = architecture.batch_norm
        if architecture.residual:
            pairs = zip(layers[::2], layers[1::2], strict=True)
            self.layers = nn.Sequential(*(ResidualBlock(first, second) for first, second in pairs))
        else:
            hidden = [
                nn.Sequential(
                    layer,
                    *([nn.BatchNorm3d(layer.out_channels)] if norms else []),
                    nn.ReLU() if architecture.activation == "relu" else nn.GELU(approximate="tanh"),
                )
                for layer in layers[:-1]
            ]
            self.layers = nn.Sequential(*hidden, layers[-1])

    def forward(self, planes: Tensor) -> Tensor:
        """Return the logits.

        Raises
        ------
        InputError
            If the net takes planes of another shape or type.
        """
        require_inputs(planes, self)
        return self.layers(planes)


def require_inputs(planes: Tensor, net: nn.Module) -> None:
    """Raise InputError unless a net with an ``architecture`` takes planes of this shape and type."""
    architecture: Any = net.architecture
    require_volumes(planes.shape, num_inputs=architecture.num_inputs, layout=architecture.layout)
    require_type(planes, net)


def require_type(planes: Tensor, net: nn.Module) -> None:
    """Raise InputError unless planes have the type of a net's weights."""
    if planes.dtype != (wanted := next(net.parameters()).dtype):
        raise InputError(f"planes must be of {wanted}, as the net's weights, not of {planes.dtype}; convert them")


def convolution(inputs: int, outputs: int, side: int) -> nn.Conv3d:
    """Return a convolution whose outputs lie where its inputs do."""
    return nn.Conv3d(inputs, outputs, side, padding=side // 2)


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalization, and a skip connection around them.

    Where channels change, the skip is a projection (figure 15 of arXiv:2604.12841); the sum is rectified, but not at
    the last block, which gives logits.
    """

    def __init__(self, first: nn.Conv3d, second: nn.Conv3d) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            first, nn.BatchNorm3d(first.out_channels), nn.ReLU(), second, nn.BatchNorm3d(second.out_channels)
        )
        expands = first.in_channels < second.out_channels
        changes = first.in_channels != second.out_channels
        self.skip = convolution(first.in_channels, second.out_channels, 1) if changes else nn.Identity()
        self.last = nn.Identity() if changes and not expands else nn.ReLU()

    def forward(self, planes: Tensor) -> Tensor:
        """Return the block's outputs."""
        return self.last(self.inner(planes) + self.skip(planes))
