# SPDX-License-Identifier: Apache-2.0
"""What can be said of an HLS project before the vendor's tool has seen it."""

from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np

from synfab.boards import Board
from synfab.errors import OversizeError
from synfab.hw.hls.settings import HlsSettings, require_packages
from synfab.predecoder.integers import Convolution, PredecoderSpec

# Products of so many bits are taken to be logic: a choice that refuses too little, for the vendor documents no bound.
LOGIC_BITS = 16


@dataclass(frozen=True, kw_only=True)
class LayerEstimate:
    """Figures of one convolution.

    Attributes
    ----------
    macs : int
        Multiplications and additions a round, those with weights 0 included.
    multipliers : int
        hls4ml's ``multiplier_limit``: weights that are not 0, over the reuse factor. In the first layer, whose
        inputs are narrow, and for narrow weights they are logic, not DSP slices.
    dsp : int
        The multipliers, if their products have more than ``LOGIC_BITS`` bits, and 0 otherwise: at least so many DSP
        slices.
    interval_cycles : int
        Clock cycles between rounds.
    state_bits : int
        Of the rounds that it keeps.
    """

    macs: int
    multipliers: int
    dsp: int
    interval_cycles: int
    state_bits: int


@dataclass(frozen=True, kw_only=True)
class HlsEstimate:
    """Figures that follow from the net and the pragmas that hls4ml writes; no synthesis has been done.

    Layers work at the same time, so the slowest sets the interval. It is what the pragmas ask for: a lower bound,
    which synthesis may miss.

    Attributes
    ----------
    layers : tuple of LayerEstimate
    clock_mhz : float
        That the net is to be built for.
    stage, tool, version : str
    """

    layers: tuple[LayerEstimate, ...]
    clock_mhz: float
    stage: str = "hls-estimate"
    tool: str = "hls4ml"
    version: str = field(default_factory=lambda: version("hls4ml"))

    @property
    def macs(self) -> int:
        """Multiplications and additions a round."""
        return sum(layer.macs for layer in self.layers)

    @property
    def multipliers(self) -> int:
        """Of all layers."""
        return sum(layer.multipliers for layer in self.layers)

    @property
    def dsp(self) -> int:
        """DSP slices, at least."""
        return sum(layer.dsp for layer in self.layers)

    @property
    def interval_cycles(self) -> int:
        """Clock cycles between rounds, at least."""
        return max(layer.interval_cycles for layer in self.layers)

    @property
    def interval_ns(self) -> float:
        """The same at the target clock."""
        return round(1000 * self.interval_cycles / self.clock_mhz, 3)

    @property
    def state_bits(self) -> int:
        """Of all rounds that are kept."""
        return sum(layer.state_bits for layer in self.layers)


def estimate(spec: PredecoderSpec, settings: HlsSettings) -> HlsEstimate:
    """Return the figures of a net under settings.

    Raises
    ------
    MissingToolError
        If hls4ml, whose version they carry, is not installed.
    """
    require_packages()
    layers = tuple(_layer(layer, settings) for layer in spec.layers)
    return HlsEstimate(layers=layers, clock_mhz=settings.clock_mhz)


def require_room(spec: PredecoderSpec, settings: HlsSettings, board: Board) -> None:
    """Refuse a net of which the multipliers alone that are no logic are more than the DSP slices of a board.

    Raises
    ------
    OversizeError
        How many there are, and how many slices.
    """
    # As constants, weights are added and subtracted, whatever their widths.
    need = estimate(spec, settings).dsp if settings.strategy == "resource" else 0
    if need > board.dsp:
        raise OversizeError(
            f"the net must fit the board {board.name}, which has {board.dsp:,} DSP slices, but its multipliers with "
            f"products of more than {LOGIC_BITS} bits are {need:,} at reuse_factor {settings.reuse_factor}; choose a "
            "larger one, a larger board, or a net of narrower weights or activations"
        )


def _layer(layer: Convolution, settings: HlsSettings) -> LayerEstimate:
    rounds, *sides = layer.kernel
    sites, padded = (
        (settings.rows + border * (sides[0] - 1)) * (settings.columns + border * (sides[1] - 1)) for border in (0, 1)
    )
    weights, reuse = layer.weights.size, settings.reuse_factor
    zeros = weights - int(np.count_nonzero(layer.weights))
    multipliers = -(-weights // reuse) - zeros // reuse
    return LayerEstimate(
        macs=sites * weights,
        multipliers=multipliers,
        dsp=multipliers if layer.weight_bits + layer.input_bits > LOGIC_BITS else 0,
        # Streams bring the border of zeros along, a site a step.
        interval_cycles=reuse * (padded if settings.io == "stream" else sites),
        state_bits=(rounds - 1) * sites * layer.num_inputs * layer.input_bits,
    )
