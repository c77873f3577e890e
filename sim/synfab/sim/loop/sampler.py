# SPDX-License-Identifier: Apache-2.0
"""The RTL as a sinter sampler: logical errors and cycles from the same shots."""

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import sinter
import stim

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.sim.loop.decoder import RtlDecoder

if TYPE_CHECKING:
    from synfab.predecoder.pipeline import PipelineSpec

CYCLES = "latency_cycles="
DIFFERS = "differs_from_reference"


@dataclass(frozen=True, kw_only=True)
class RtlSampler(sinter.Sampler):
    """Samples a circuit with Stim and decodes it by the RTL, in each of sinter's workers.

    sinter adds up ``custom_counts``: a shot counts once under ``latency_cycles=N``, and under
    ``differs_from_reference`` if its prediction is not the reference's (which must never be).

    Parameters
    ----------
    decoder : RtlDecoder
        Call its ``build`` first, so that the workers find the library.
    weights, weight_bits
        As for :meth:`UnionFindSpec.compile`: to check that a task is the decoder's problem.
    pipeline : PipelineSpec or None
        What the RTL must answer, if there is a pre-decoder in front.
    """

    decoder: RtlDecoder
    weights: Literal["log_likelihood", "unit"]
    weight_bits: int
    pipeline: "PipelineSpec | None" = None

    def compiled_sampler_for_task(self, task: sinter.Task) -> sinter.CompiledSampler:
        """Return the sampler of a task whose model is the one that the RTL was made from.

        Raises
        ------
        InputError
            If the task needs another decoder.
        """
        if not self.is_for(task):
            raise InputError("the RTL must sample the problem that it was built for, not another; build it anew")
        assert task.circuit is not None
        return _CompiledRtl(
            decoder=self.decoder,
            reference=self.pipeline or self.decoder.spec,
            circuit_sampler=task.circuit.compile_detector_sampler(),
        )

    def is_for(self, task: sinter.Task) -> bool:
        """Return whether the RTL was made from the task's model.

        Raises
        ------
        InputError
            If the task lacks a model or a circuit.
        """
        if task.circuit is None or task.detector_error_model is None:
            raise InputError("the RTL must sample a task with a circuit and its model, not one without; give both")
        graph = DecodingGraph.from_dem(task.detector_error_model)
        return self.decoder.spec == UnionFindSpec.compile(graph, weights=self.weights, weight_bits=self.weight_bits)


@dataclass(frozen=True, kw_only=True)
class RtlSweep(sinter.Sampler):
    """Samples several problems, each by the RTL that was made from it.

    Parameters
    ----------
    samplers : tuple of RtlSampler
    """

    samplers: tuple[RtlSampler, ...]

    def compiled_sampler_for_task(self, task: sinter.Task) -> sinter.CompiledSampler:
        """Return the sampler of the task's problem.

        Raises
        ------
        InputError
            If none was built for it.
        """
        for sampler in self.samplers:
            if sampler.is_for(task):
                return sampler.compiled_sampler_for_task(task)
        raise InputError("the RTL must sample a problem that it was built for, not another; build it anew")


@dataclass(frozen=True, kw_only=True)
class _CompiledRtl(sinter.CompiledSampler):
    decoder: RtlDecoder
    reference: "UnionFindSpec | PipelineSpec"
    circuit_sampler: stim.CompiledDetectorSampler

    def sample(self, suggested_shots: int) -> sinter.AnonTaskStats:
        started = time.monotonic()
        detections, flips = self.circuit_sampler.sample(suggested_shots, separate_observables=True, bit_packed=True)
        played = self.decoder.play(detections)
        expected = self.reference.decode_batch(detections, bit_packed_shots=True)
        actual = np.unpackbits(flips, axis=1, bitorder="little", count=self.decoder.spec.num_observables)
        counts = Counter({f"{CYCLES}{cycles}": shots for cycles, shots in played.histogram.items()})
        if differing := int(np.any(played.predictions != expected, axis=1).sum()):
            counts[DIFFERS] = differing
        return sinter.AnonTaskStats(
            shots=suggested_shots,
            errors=int(np.any(played.predictions != actual, axis=1).sum()),
            seconds=time.monotonic() - started,
            custom_counts=counts,
        )
