# SPDX-License-Identifier: Apache-2.0
"""The integer net by torch's convolutions, many times faster than the reference: for Monte Carlo."""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import conv3d

from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS, LayoutName
from synfab.predecoder.planes import require_volumes

# Single precision holds all integers up to this.
EXACT = 1 << 24
# So few shots stay in the processor's caches, which is several times as fast.
BLOCK_SHOTS = 64


class IntegerNet:
    """The logits of a spec, equal to :meth:`PredecoderSpec.logits`, of planes as any net takes them.

    Products are summed in single precision, which is exact: it holds every partial sum.

    Parameters
    ----------
    spec : PredecoderSpec

    Raises
    ------
    InputError
        If a sum could pass what single precision holds.
    """

    def __init__(self, spec: PredecoderSpec) -> None:
        most = max(max(-low, high) for low, high in (layer.sum_range for layer in spec.layers))
        if most > EXACT:
            raise InputError(f"sums must stay within {EXACT} for single precision, not reach {most}; use spec.logits")
        self._spec = spec
        self._inputs_per_one = np.float32(1 << INPUT_FRACTION_BITS[cast(LayoutName, spec.layout)])
        self._layers = [
            (
                torch.from_numpy(layer.weights.astype(np.float32)),
                torch.from_numpy(layer.bias.astype(np.float32)),
                torch.from_numpy(np.exp2(-layer.shift).astype(np.float32))[:, None, None, None],
                layer,
            )
            for layer in spec.layers
        ]

    @torch.inference_mode()
    def __call__(self, planes: npt.NDArray) -> npt.NDArray[np.float32]:
        """Return the logits of planes, (shots, inputs, rounds, rows, columns), as integers in floating point.

        Planes are those of :func:`~synfab.predecoder.inputs.input_planes`, from 0 to 1.

        Raises
        ------
        InputError
            If the planes have another shape or no round, or hold what is no input of the net.
        """
        require_volumes(planes.shape, num_inputs=self._spec.num_inputs, layout=self._spec.layout)
        sites = torch.from_numpy(planes.astype(np.float32, copy=False) * self._inputs_per_one)
        return torch.cat([self._logits(block) for block in sites.split(BLOCK_SHOTS)]).numpy()

    def _logits(self, sites: torch.Tensor) -> torch.Tensor:
        self._require_inputs(sites)
        for weights, bias, scale, layer in self._layers:
            sites = conv3d(sites, weights, bias, padding=tuple(side // 2 for side in layer.kernel))
            if layer.activation_bits is not None:
                sites = torch.clamp(torch.floor(sites * scale), 0, (1 << layer.activation_bits) - 1)
        return sites

    def _require_inputs(self, sites: torch.Tensor) -> None:
        """Raise InputError unless the net takes these numbers. Of a block, which is in caches, this costs little."""
        most, unit = (1 << self._spec.input_bits) - 1, 1 / float(self._inputs_per_one)
        inputs = sites.floor().clamp_(0, most)
        if not torch.equal(inputs, sites):
            wrong = float(sites[inputs != sites][0]) * unit
            raise InputError(
                f"planes must hold multiples of {unit:g} from 0 to {most * unit:g}, as the net has the layout "
                f"{self._spec.layout!r}, not {wrong:g}; make them with input_planes"
            )
