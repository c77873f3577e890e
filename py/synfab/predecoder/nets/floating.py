# SPDX-License-Identifier: Apache-2.0
"""Nets in floating point, as they are trained first."""

from collections.abc import Iterator
from itertools import pairwise

from torch import Tensor, nn

from synfab.predecoder.nets.architecture import Architecture


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
        """Return the logits."""
        return self.layers(planes)


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
