# SPDX-License-Identifier: Apache-2.0
"""Floating-point nets as streams of rounds."""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import conv3d

from synfab.circuits.parameters import require_integer
from synfab.errors import InputError
from synfab.predecoder.nets.floating import FloatNet, ResidualBlock, require_type
from synfab.predecoder.planes import require_shape
from synfab.predecoder.streaming import Chain, RoundStream, Sum, Windowed


class FloatStream:
    """Takes the rounds of volumes and gives the logits of each round ``look_ahead`` rounds later.

    They are those of the net on whole volumes, but for the order in which floating-point sums are taken.

    Parameters
    ----------
    net : FloatNet
        In evaluation mode.
    shots, rows, columns : int
        So many volumes of planes of this size at a time.

    Raises
    ------
    InputError
        If the net is in training mode, where batch normalization needs the whole batch; or a size is below 1.
    """

    def __init__(self, net: FloatNet, *, shots: int, rows: int, columns: int) -> None:
        if net.training:
            raise InputError("a net must be in evaluation mode to be streamed, not in training; call net.eval()")
        for name, size in (("shots", shots), ("rows", rows), ("columns", columns)):
            require_integer(name, size, 1)
        self._net, self._shape = net, (shots, net.architecture.num_inputs, rows, columns)
        self.look_ahead = net.architecture.look_ahead
        self._layers = Chain(list(_streams(net.layers, (shots, rows, columns))))

    @torch.no_grad()
    def push(self, planes: Tensor) -> Tensor | None:
        """Take a round, ``(shots, inputs, rows, columns)``; return logits, ``(shots, outputs, rows, columns)``.

        Raises
        ------
        InputError
            If the round has another shape or type.
        """
        require_shape("a round", planes.shape, self._shape, repair="take the rounds of one batch of volumes")
        require_type(planes, self._net)
        return self._layers.push(planes)

    @torch.no_grad()
    def finish(self) -> list[Tensor]:
        """End the volume: return the logits of the rounds that are left. The next round begins another volume."""
        return self._layers.finish()


def _streams(modules: nn.Sequential, size: tuple[int, int, int]) -> Iterator[RoundStream[Tensor]]:
    """Yield the streams of a stack of layers."""
    for module in modules:
        if isinstance(module, nn.Sequential):
            yield from _streams(module, size)
        elif isinstance(module, nn.Conv3d):
            shots, rows, columns = size
            empty = torch.zeros(shots, module.in_channels, rows, columns, dtype=module.weight.dtype)
            yield Windowed(module.kernel_size[0], empty, partial(_convolved, module))
        elif isinstance(module, ResidualBlock):
            inner, skip = (Chain(list(_streams(part, size))) for part in (module.inner, nn.Sequential(module.skip)))
            yield Sum(inner, skip, partial(_joined, module.last))
        else:
            yield Windowed(1, torch.zeros(0), partial(_applied, module))


def _convolved(layer: nn.Conv3d, rounds: Sequence[Tensor]) -> Tensor:
    _, rows, columns = layer.kernel_size
    stacked = torch.stack(list(rounds), dim=2)
    return conv3d(stacked, layer.weight, layer.bias, padding=(0, rows // 2, columns // 2)).squeeze(2)


def _applied(module: nn.Module, rounds: Sequence[Tensor]) -> Tensor:
    """Apply what looks at single sites."""
    return module(rounds[0].unsqueeze(2)).squeeze(2)


def _joined(last: nn.Module, inner: Tensor, skip: Tensor) -> Tensor:
    return last(inner + skip)
