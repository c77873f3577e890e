# SPDX-License-Identifier: Apache-2.0
"""What a user chooses for an HLS project, and what the backend cannot do, said before it runs."""

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from synfab.errors import InputError, MissingToolError
from synfab.predecoder.integers import Convolution, PredecoderSpec

Io = Literal["stream", "parallel"]
Strategy = Literal["latency", "resource"]

# Single precision, in which QONNX holds constants and hls4ml's test bench reads numbers, has all integers up to this.
EXACT = 1 << 24
SHOWN = 12
HLS4ML = "hls4ml==1.3.0"


@dataclass(frozen=True, kw_only=True)
class HlsSettings:
    """A plane, and how hls4ml is to build the net for it.

    Attributes
    ----------
    rows, columns : int
        Of a plane.
    clock_mhz : float
        Target clock.
    reuse_factor : int
        Multiplications that a multiplier does for one site, in each layer: hls4ml's ``ReuseFactor``.
    strategy : {"resource", "latency"}
        hls4ml's ``Strategy``: weights in memories, or as constants in logic.
    io : {"stream", "parallel"}
        hls4ml's ``IOType``: a site at a time, all of its channels; or whole planes as arrays of registers.

    Raises
    ------
    InputError
        If one of them is out of range.
    """

    rows: int
    columns: int
    clock_mhz: float
    reuse_factor: int = 1
    strategy: Strategy = "resource"
    io: Io = "stream"

    def __post_init__(self) -> None:
        for name in ("rows", "columns", "reuse_factor"):
            if (value := getattr(self, name)) < 1:
                raise InputError(f"{name} must be at least 1, not {value!r}")
        if not self.clock_mhz > 0:
            raise InputError(f"clock_mhz must be positive, not {self.clock_mhz!r}; write it in MHz, such as 300")
        for name, known in (("strategy", get_args(Strategy)), ("io", get_args(Io))):
            if (value := getattr(self, name)) not in known:
                raise InputError(f"{name} must be {' or '.join(map(repr, known))}, not {value!r}")

    @cached_property
    def clock_period_ns(self) -> float:
        """Target clock period."""
        return round(1000 / self.clock_mhz, 3)


def require_packages() -> None:
    """Raise MissingToolError unless hls4ml is installed, and what it reads nets with."""
    for name in ("hls4ml", "onnx", "qonnx"):
        if importlib.util.find_spec(name) is None:
            raise MissingToolError(
                f"an HLS project needs the Python package {name}, which is not installed; type: pip install {HLS4ML} "
                "'synfab[predecoder]'"
            )


def require_buildable(spec: PredecoderSpec, settings: HlsSettings) -> None:
    """Raise InputError if the backend cannot build a net exactly, or not as the settings say."""
    for number, layer in enumerate(spec.layers):
        low, high = layer.sum_range
        if max(-low, high) > EXACT:
            raise InputError(
                f"sums of layer {number} must stay within {EXACT}, which is what QONNX and hls4ml hold exactly, in "
                f"single precision, not reach {max(-low, high)}; take narrower weights or activations"
            )
    known = valid_reuse_factors(spec)
    if settings.reuse_factor not in known:
        some = sorted(known, key=lambda each: abs(each - settings.reuse_factor))[:SHOWN]
        raise InputError(
            "reuse_factor must divide the inputs of a site in every layer, "
            f"{' and '.join(str(taps(layer)) for layer in spec.layers)}, not {settings.reuse_factor!r}; "
            f"choose one of {', '.join(map(str, sorted(some)))}"
        )


def taps(layer: Convolution) -> int:
    """Return how many inputs an output is made of."""
    return layer.weights[0].size


def valid_reuse_factors(spec: PredecoderSpec) -> list[int]:
    """Return the reuse factors that hls4ml builds in every layer as they are, up to all inputs of a site."""
    least = min(taps(layer) for layer in spec.layers)
    return [each for each in range(1, least + 1) if all(taps(layer) % each == 0 for layer in spec.layers)]
