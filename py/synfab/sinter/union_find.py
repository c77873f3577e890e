# SPDX-License-Identifier: Apache-2.0
"""The union-find reference as a sinter decoder, its parameters in its name."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import sinter
import stim

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.quantize import MAX_WEIGHT_BITS

if TYPE_CHECKING:
    from synfab.predecoder.pipeline import PipelineSpec

# Widths that `decoders` offers; any other has a name too.
_WEIGHT_BITS = range(2, 9)


@dataclass(frozen=True, kw_only=True)
class CompiledSpec(sinter.CompiledDecoder):
    """A spec behind sinter's interface; the predictions are those of ``spec.decode_batch``."""

    spec: "UnionFindSpec | PipelineSpec"

    def decode_shots_bit_packed(self, *, bit_packed_detection_event_data: npt.NDArray[np.uint8]) -> np.ndarray:
        """Predict the observable flips: uint8 ``(shots, ceil(num_detectors / 8))`` -> ``(shots, ceil(num_obs / 8))``.

        Detector 0 and observable 0 are bit 0 of byte 0. No shot is discarded.
        """
        return self.spec.decode_batch(
            bit_packed_detection_event_data, bit_packed_shots=True, bit_packed_predictions=True
        )


@dataclass(frozen=True, kw_only=True)
class UnionFindDecoder(sinter.Decoder):
    """Weighted union-find for sinter: holds parameters, pickles, and compiles for a detector error model.

    ``decode_via_files`` is sinter's own, on top of :meth:`compile_decoder_for_dem`.

    Attributes
    ----------
    weights : {"log_likelihood", "unit"}
    weight_bits : int
        Width of a log-likelihood weight, 2 to 16; unit weights have no use for it.

    Raises
    ------
    InputError
        If a parameter is none of these.
    """

    weights: Literal["log_likelihood", "unit"] = "log_likelihood"
    weight_bits: int = 4

    def __post_init__(self) -> None:
        if self.weights not in ("log_likelihood", "unit"):
            raise InputError(f"weights must be 'log_likelihood' or 'unit', not {self.weights!r}")
        if not 2 <= self.weight_bits <= MAX_WEIGHT_BITS:
            raise InputError(f"weight_bits must lie in 2..{MAX_WEIGHT_BITS}, not {self.weight_bits!r}")

    @property
    def name(self) -> str:
        """Name of the decoder and its parameters; sinter tells results apart by the name alone."""
        return "synfab_unit" if self.weights == "unit" else f"synfab_w{self.weight_bits}"

    def spec_for_dem(self, dem: stim.DetectorErrorModel) -> UnionFindSpec:
        """Return the integers that decide, for example to build hardware that answers the same.

        Raises
        ------
        InputError
            If an error of ``dem`` cannot be matched.
        """
        graph = DecodingGraph.from_dem(dem)
        return UnionFindSpec.compile(graph, weights=self.weights, weight_bits=self.weight_bits)

    def compile_decoder_for_dem(self, *, dem: stim.DetectorErrorModel) -> CompiledSpec:
        """Compile for the model, kernels included; raises as :meth:`spec_for_dem` does."""
        compiled = CompiledSpec(spec=self.spec_for_dem(dem))
        # Loads the kernels now, so that sinter does not count the time as that of the first shots.
        num_bytes = (dem.num_detectors + 7) // 8
        compiled.decode_shots_bit_packed(bit_packed_detection_event_data=np.zeros((0, num_bytes), np.uint8))
        return compiled


def decoders() -> dict[str, sinter.Decoder]:
    """Return synfab's decoders by name: ``synfab_unit``, and ``synfab_w2`` to ``synfab_w8`` by bits a weight."""
    offered = [UnionFindDecoder(weights="unit"), *(UnionFindDecoder(weight_bits=bits) for bits in _WEIGHT_BITS)]
    return {decoder.name: decoder for decoder in offered}


def union_find_from_name(name: str) -> UnionFindDecoder:
    """Return the decoder that has this :attr:`UnionFindDecoder.name`.

    Raises
    ------
    InputError
        If there is none.
    """
    if name == "synfab_unit":
        return UnionFindDecoder(weights="unit")
    if width := re.fullmatch(r"synfab_w([1-9]\d*)", name):
        return UnionFindDecoder(weight_bits=int(width[1]))
    raise InputError(
        f"a decoder of synfab must be named 'synfab_unit' or 'synfab_w' and its bits a weight (2 to "
        f"{MAX_WEIGHT_BITS}), for example 'synfab_w4', not {name!r}"
    )
