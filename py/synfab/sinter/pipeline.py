# SPDX-License-Identifier: Apache-2.0
"""A pre-decoder with its union-find as a sinter decoder."""

from dataclasses import dataclass

import sinter
import stim

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.predecoder.pipeline import PipelineSpec
from synfab.sinter.union_find import CompiledSpec


@dataclass(frozen=True, kw_only=True)
class PipelineDecoder(sinter.Decoder):
    """A pipeline for sinter: of one experiment, and for no other.

    Attributes
    ----------
    spec : PipelineSpec
    model : str
        What the net is called.
    """

    spec: PipelineSpec
    model: str

    @property
    def name(self) -> str:
        """Name of the decoder; sinter tells results apart by the name alone, so the spec's hash is part of it."""
        return f"synfab_{self.model}_w{self.spec.decoder.weight_bits}_{self.spec.sha256[:8]}"

    def compile_decoder_for_dem(self, *, dem: stim.DetectorErrorModel) -> CompiledSpec:
        """Return the decoder of the model that the spec was made from.

        Raises
        ------
        InputError
            If the model is another.
        """
        graph = DecodingGraph.from_dem(dem)
        if UnionFindSpec.compile(graph, weight_bits=self.spec.decoder.weight_bits) != self.spec.decoder:
            raise InputError("a pipeline must decode the experiment that it was made for, not another; make it anew")
        return CompiledSpec(spec=self.spec)
