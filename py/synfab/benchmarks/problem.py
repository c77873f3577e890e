# SPDX-License-Identifier: Apache-2.0
"""A memory experiment with its decoders compiled, as every benchmark takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sinter
import stim

from synfab.circuits import Memory
from synfab.dem import DecodingGraph
from synfab.sinter import union_find_from_name

Shots = npt.NDArray[np.uint8]
"""Bit-packed, one row a shot."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A circuit to sample and decoders, by name, that all get the same shots."""

    memory: Memory
    num_detectors: int
    num_edges: int
    sampler: stim.CompiledDetectorSampler
    decoders: dict[str, sinter.CompiledDecoder]

    def shots(self, count: int) -> tuple[Shots, Shots]:
        """Sample bit-packed detection events and observable flips."""
        detections, observables = self.sampler.sample(count, separate_observables=True, bit_packed=True)
        return np.asarray(detections), np.asarray(observables)


def rotated_memory(distance: int, p: float, names: Sequence[str]) -> Problem:
    """Return the rotated surface code, memory Z, d rounds, circuit-level noise, with the decoders named."""
    memory = Memory(code="rotated_surface", distance=distance, basis="Z", noise="circuit", p=p)
    dem = memory.dem()
    decoders = {name: sinter.BUILT_IN_DECODERS.get(name) or union_find_from_name(name) for name in names}
    return Problem(
        memory=memory,
        num_detectors=dem.num_detectors,
        num_edges=len(DecodingGraph.from_dem(dem).edges),
        sampler=memory.circuit().compile_detector_sampler(),
        decoders={name: decoder.compile_decoder_for_dem(dem=dem) for name, decoder in decoders.items()},
    )
