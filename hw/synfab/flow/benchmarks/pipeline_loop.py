# SPDX-License-Identifier: Apache-2.0
"""Pre-decoder and union-find as one RTL, in the loop: logical errors and cycles, shot by shot beside the software."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from synfab.artefact import digest
from synfab.benchmarks.models import Record
from synfab.predecoder.integers import PredecoderSpec

if TYPE_CHECKING:
    import stim

    from synfab.predecoder.pipeline import PipelineSpec

SAMPLER_SEED = 20_261_121
CLOSED_CLUSTERS = 2.5


@dataclass(frozen=True, kw_only=True)
class LoopPoint:
    """A pipeline to be measured."""

    model: str
    distance: int
    p: float
    positions_per_cycle: int = 1
    commit: str = "hard"
    shots: int = 20_000


class PipelineLoop(Record):
    """A pipeline's RTL, Verilated, on sampled shots.

    Cycles run from the transfer of a block's last round to the first cycle in which the answer is offered.
    """

    model: str
    spec_sha256: str = Field(description="Of the pipeline: net, decisions, union-find")
    verilog_sha256: str = Field(description="Of the RTL that was measured")
    distance: int = Field(ge=3)
    p: float = Field(gt=0, le=0.5)
    commit: str
    positions_per_cycle: int = Field(ge=1)
    shots: int = Field(ge=1)
    mismatches: int = Field(ge=0, description="Shots in which the RTL does not answer as the spec does")
    errors: int = Field(ge=0, description="Logical errors of the RTL")
    errors_of_spec: int = Field(ge=0, description="Of the software, on the same shots")
    errors_of_union_find: int = Field(ge=0, description="Of the union-find alone, on the same shots")
    cycles_to_fabric: int = Field(ge=1, description="The same for every block")
    max_cycles: int = Field(ge=1, description="That no block exceeds")
    histogram: Mapping[int, int] = Field(description="Shots by cycles")
    mean_interval: float = Field(description="Cycles a block when blocks follow each other without a pause")

    @property
    def mean(self) -> float:
        """Cycles."""
        return sum(cycles * count for cycles, count in self.histogram.items()) / self.shots


def _circuit(point: LoopPoint) -> "stim.Circuit":
    from synfab.circuits import Memory

    return Memory(code="rotated_surface", distance=point.distance, p=point.p).circuit()


def compiled(point: LoopPoint, net: PredecoderSpec) -> "PipelineSpec":
    """Return the spec of a pipeline: two-bit hints, or closed clusters without hints."""
    from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp
    from synfab.predecoder.pipeline import PipelineSpec

    closed = FollowUp(commit="closed", above=CLOSED_CLUSTERS, weight_bits=TWO_BIT_HINTS.weight_bits)
    follow_up = closed if point.commit == "closed" else TWO_BIT_HINTS
    return PipelineSpec.compile(net, _circuit(point), follow_up=follow_up)


def loop(point: LoopPoint, net: PredecoderSpec, stored: PipelineLoop | None, *, cache: Path) -> PipelineLoop:
    """Measure a pipeline; return ``stored`` if it is of the same RTL and as many shots."""
    from synfab.rtl.predecoder import Pipeline
    from synfab.sim.loop import RtlDecoder

    circuit, spec = _circuit(point), compiled(point, net)
    hardware = Pipeline(spec, positions_per_cycle=point.positions_per_cycle, instances=True)
    verilog = hardware.verilog()
    if stored and stored.verilog_sha256 == digest(verilog) and stored.shots >= point.shots:
        return stored
    decoder = RtlDecoder(spec=spec.decoder, verilog=verilog, cache=cache)
    sampler = circuit.compile_detector_sampler(seed=SAMPLER_SEED)
    detections, flips = sampler.sample(point.shots, separate_observables=True, bit_packed=True)
    actual = flips[:, :1] & 1
    played, streamed = (decoder.play(detections, back_to_back=together) for together in (False, True))
    expected = spec.decode_batch(detections, bit_packed_shots=True)
    alone = spec.decoder.decode_batch(detections, bit_packed_shots=True)
    differ = (played.predictions != expected) | (streamed.predictions != expected)
    return PipelineLoop(
        model=point.model,
        spec_sha256=spec.sha256,
        verilog_sha256=digest(verilog),
        distance=point.distance,
        p=point.p,
        commit=point.commit,
        positions_per_cycle=point.positions_per_cycle,
        shots=point.shots,
        mismatches=int(differ.sum()),
        errors=int((played.predictions != actual).sum()),
        errors_of_spec=int((expected != actual).sum()),
        errors_of_union_find=int((alone != actual).sum()),
        cycles_to_fabric=hardware.cycles_to_fabric,
        max_cycles=hardware.max_cycles,
        histogram=played.histogram,
        mean_interval=streamed.interval_cycles,
    )
