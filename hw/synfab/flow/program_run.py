# SPDX-License-Identifier: Apache-2.0
"""Runs a lattice-surgery program on the Verilated fusion fabric: results, and cycles step by step."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from synfab.artefact import digest, write_bytes, write_text
from synfab.benchmarks.models import MeasuredBy, Record
from synfab.circuits.layout import Basis
from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.errors import InputError
from synfab.interval import wilson_interval
from synfab.report.drawing import drawing
from synfab.rtl.fusion import FusionFabric
from synfab.sim.loop import require_verilator
from synfab.sim.loop.fusion import VerilatedFusion
from synfab.surgery import Parts, Piece, Place, Program, Sampler, Sheet, Stage, branches, check
from synfab.surgery.floor import Floor
from synfab.surgery.history import History
from synfab.surgery.sampling import KINDS, Bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CELLS = 256
"""Of a floor that is built for a program."""

Progress = Callable[[str, str], None]
"""Hears of each stage, by name: that it runs, and when it is done."""


class StepLatency(Record):
    """Cycles from the transfer of a step's last beat to the first offer of its answer."""

    kind: Basis
    step: int = Field(ge=0)
    histogram: Mapping[int, int] = Field(description="Plays by cycles, those for conditions included")

    @property
    def mean(self) -> float:
        """Cycles."""
        return sum(cycles * shots for cycles, shots in self.histogram.items()) / sum(self.histogram.values())


class OutputCount(Record):
    """How often an output came out as 1, in one branch."""

    branch: Mapping[str, bool]
    output: str
    random: bool = Field(description="Nothing determines it; else 1 is a logical error")
    shots: int = Field(ge=1)
    ones: int = Field(ge=0)
    interval: tuple[float, float] | None = Field(description="95 % Wilson interval of the rate, unless random")


class BuiltFloor(Record):
    """The hardware of one kind of check."""

    kind: Basis
    columns: int
    rows: int
    slots: int
    num_detectors: int
    num_edges: int
    num_states: int = Field(description="Of all faces")
    verilog: str = Field(description="File name")
    verilog_sha256: str


class ProgramRun(MeasuredBy):
    """What a program did on the fabric."""

    schema_version: Literal["1.0.0"] = "1.0.0"
    stage: Literal["rtl-sim"] = "rtl-sim"
    program: str
    distance: int
    noise: Literal["phenomenological", "circuit"]
    p: float
    shots: int
    seed: int | None
    alone: Literal["block", "step"]
    floors: tuple[BuiltFloor, ...]
    steps: tuple[StepLatency, ...]
    outputs: tuple[OutputCount, ...]
    histories: int = Field(description="That were played, those for conditions included")
    events_sha256: str = Field(description="Of their detection events")
    mismatches: int = Field(description="Histories whose commitments are not the reference's")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a program is run.

    Attributes
    ----------
    program : Program
    noise : {"phenomenological", "circuit"}
    p : float
    weight_bits : int or None
        None: all edges weigh the same.
    slots : int
    alone : {"block", "step"}
        As of the fabric.
    """

    program: Program
    noise: Literal["phenomenological", "circuit"]
    p: float
    weight_bits: int | None = None
    slots: int = 2
    alone: Literal["block", "step"] = "block"

    def floor(self, kind: Basis) -> Floor:
        """Return the floor of all branches.

        Raises
        ------
        InputError
            If the noise cannot be, or the rectangle of the patches has too many cells.
        """
        parts = Parts(distance=self.program.distance, noise=self.noise, p=self.p, kind=kind)
        pieces: list[Piece] = []
        for branch in branches(self.program):
            before = None
            for plan in branch.plans:
                stage = Stage(plan=plan, before=before)
                pieces += [*stage.pieces(parts), *stage.horizon(parts)]
                before = plan.slab
        blocks = [block for piece in pieces for block in piece.blocks]
        columns, rows = (1 + max(block[axis] for block in blocks) for axis in range(2))
        if columns * rows > MAX_CELLS:
            raise InputError(
                f"the patches of a program that is run must lie in a rectangle of at most {MAX_CELLS} cells from "
                f"(0, 0) on, not of {columns} x {rows}: every cell of it is hardware; move them together"
            )
        return Floor.of(parts, pieces, columns=columns, rows=rows, weight_bits=self.weight_bits)


@dataclass
class FabricDecoder:
    """Decodes the blocks of a program by RTL, and beside it by the reference.

    Attributes
    ----------
    cycles : dict of (Basis, int) to Counter
        By kind and step.
    histories, mismatches : int
        That were played; whose commitments were not the reference's.
    events_sha256 : str
        Of their detection events.
    """

    setting: Setting
    fabrics: Mapping[Basis, VerilatedFusion]
    cycles: dict[tuple[Basis, int], Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    histories: int = 0
    mismatches: int = 0
    events_sha256: str = ""

    def __call__(
        self, kind: Basis, pieces: Sequence[Piece], places: Sequence[Place], events: Bits, sheets: Sequence[Sheet]
    ) -> Bits:
        """Play the history of every shot; return the flips of the sheets."""
        fabric, setting = self.fabrics[kind], self.setting
        history = History.of(fabric.floor, pieces)
        detections = history.events(places, events)
        self.events_sha256 = digest([self.events_sha256, np.packbits(detections).tobytes().hex()])
        schedule = Schedule.in_time(history.spec, keep=setting.slots - 1, alone=setting.alone, to_the_last=True)
        reference = FusionDecoder(spec=history.spec, schedule=schedule, release="commit")
        flips = np.zeros((len(events), len(sheets)), bool)
        for shot, edges in enumerate(reference.decode_to_edges(detections)):
            played = fabric.play(history, detections[shot], one_by_one=True)
            self.histories += 1
            self.mismatches += played.committed != history.by_home(edges)
            for step, cycles in enumerate(played.cycles.tolist()):
                self.cycles[kind, step][cycles] += 1
            marks = history.named(played.committed)
            flips[shot] = [len(marks & sheet) % 2 for sheet in sheets]
        return flips


def run_program(
    setting: Setting, directory: Path, *, shots: int, seed: int | None = None, progress: Progress = lambda _, __: None
) -> ProgramRun:
    """Build the fabrics of a program, run it on them, and write all of it into a folder.

    The folder gets ``fusion_x.v`` and ``fusion_z.v``, ``program.json`` and ``program.svg``, the latency of each step.
    Where a condition follows, its results come from the fabric's answers to the history so far; each branch is then
    played as a history of its own.

    Raises
    ------
    InputError
        If the program cannot be executed, or the folder not be written to.
    MissingToolError
        If Verilator or the compiler is not installed.
    """
    program = setting.program
    check(program)
    require_verilator()
    fabrics, floors = {}, []
    for kind in KINDS:
        name = f"fusion_{kind.lower()}.v"
        progress(f"build {kind}", "running")
        floor = setting.floor(kind)
        _require_folder(directory)
        verilog = FusionFabric(floor, slots=setting.slots, alone=setting.alone, instances=True).verilog()
        write_text(directory / name, verilog)
        fabric = VerilatedFusion(floor=floor, slots=setting.slots, verilog=verilog, cache=directory / "verilated")
        fabric.build()
        fabrics[kind] = fabric
        floors.append(
            BuiltFloor(
                kind=kind,
                columns=floor.columns,
                rows=floor.rows,
                slots=setting.slots,
                num_detectors=setting.slots * len(floor.vertices),
                num_edges=len(floor.edges),
                num_states=sum(len(home.parts) for home in floor.homes),
                verilog=name,
                verilog_sha256=digest(verilog),
            )
        )
        progress(f"build {kind}", "done")
    progress("run", "running")
    decoder = FabricDecoder(setting=setting, fabrics=fabrics)
    found = Sampler(program=program, noise=setting.noise, p=setting.p, block_decoder=decoder).sample(shots, seed=seed)
    outputs = []
    for branch in found:
        for name, bits in branch.outputs.items():
            random, ones = name in branch.random_outputs, int(bits.sum())
            interval = None if random else wilson_interval(ones, branch.shots)
            outputs.append(
                OutputCount(
                    branch=branch.values, output=name, random=random, shots=branch.shots, ones=ones, interval=interval
                )
            )
    done = ProgramRun(
        tools={name: version(name) for name in ("synfab", "amaranth", "verilator", "stim", "numba", "numpy")},
        program=program.name,
        distance=program.distance,
        noise=setting.noise,
        p=setting.p,
        shots=shots,
        seed=seed,
        alone=setting.alone,
        floors=tuple(floors),
        steps=tuple(
            StepLatency(kind=kind, step=step, histogram=dict(sorted(counts.items())))
            for (kind, step), counts in sorted(decoder.cycles.items())
        ),
        outputs=tuple(outputs),
        histories=decoder.histories,
        events_sha256=decoder.events_sha256,
        mismatches=decoder.mismatches,
    )
    write_bytes(
        directory / "program.svg", drawing(f"{program.name}: latency of each step", lambda axes: _plot(axes, done))
    )
    write_text(directory / "program.json", done.model_dump_json(indent=1) + "\n")
    progress("run", "done")
    return done


def _require_folder(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise InputError(
            f"the output must be a folder that can be written to, not {str(directory)!r} ({error.strerror}); give "
            "another"
        ) from error


def _plot(axes: "Axes", done: ProgramRun) -> None:
    for number, kind in enumerate(KINDS):
        steps = [one for one in done.steps if one.kind == kind]
        if steps:
            places = [one.step + 0.2 * (2 * number - 1) for one in steps]
            axes.bar(places, [one.mean for one in steps], width=0.38, color=f"C{number}", label=f"{kind} checks, mean")
            longest = [max(one.histogram) for one in steps]
            axes.plot(places, longest, "v", color=f"C{number}", label=f"{kind} checks, longest")
    axes.set_xticks(sorted({one.step for one in done.steps}))
    axes.set_xlabel("step")
    axes.set_ylabel("cycles from the last round to the answer")
