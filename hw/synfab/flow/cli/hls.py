# SPDX-License-Identifier: Apache-2.0
"""``synfab hls``: a pre-decoder as a project of Vitis HLS."""

from dataclasses import asdict
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from synfab.boards import board as board_by_name
from synfab.errors import InputError
from synfab.flow.cli.console import output, print_json
from synfab.flow.cli.options import Json, OutputFolder
from synfab.flow.cli.zoo import opened_zoo

SPEC, QONNX = "spec.json", "net.onnx"

if TYPE_CHECKING:
    from synfab.predecoder.integers import PredecoderSpec


class Strategy(StrEnum):
    """hls4ml's strategies that build every net exactly."""

    resource = "resource"
    latency = "latency"


class Io(StrEnum):
    """How planes come in and go out."""

    stream = "stream"
    parallel = "parallel"


class Basis(StrEnum):
    """Of a memory experiment."""

    x = "X"
    z = "Z"


def hls(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's folder, or its name in the zoo.")],
    directory: OutputFolder,
    distance: Annotated[int, typer.Option(help="Of the code whose planes the project is for.")] = 5,
    board: Annotated[str, typer.Option(help="Its part is the target; see 'synfab boards'.")] = "vmk180",
    part: Annotated[str | None, typer.Option(help="In place of the board's.")] = None,
    clock_mhz: Annotated[float | None, typer.Option(help="Target clock; the board's unless given.")] = None,
    reuse_factor: Annotated[int, typer.Option(help="Multiplications that a multiplier does for a site.")] = 1,
    strategy: Annotated[Strategy, typer.Option(help="Weights in memories, or as constants.")] = Strategy.resource,
    io: Annotated[Io, typer.Option(help="A site at a time, or whole planes.")] = Io.stream,
    basis: Annotated[Basis, typer.Option(help="Of the experiment that the test bench plays.")] = Basis.z,
    p: Annotated[float, typer.Option(help="Its error strength.")] = 0.006,
    shots: Annotated[int, typer.Option(min=1, help="Its shots, one after the other.")] = 400,
    seed: Annotated[int | None, typer.Option(min=0, help="For the same shots again.")] = None,
    test: Annotated[
        bool, typer.Option("--test", help="Compile with g++; every logit must be the reference's.")
    ] = False,
    report: Annotated[bool, typer.Option("--report", help="Write nothing; show what Vitis made of DIR/hls.")] = False,
    json: Json = False,
) -> None:
    """Write DIR/hls, the net as a project of hls4ml for Vitis HLS, a round a call.

    `vitis-run --mode hls --tcl build_prj.tcl` in DIR/hls builds it. What is shown follows from the net and the
    pragmas, and is no synthesis; `--report` shows the tools' figures beside it once they have run.

    `synfab hls surface-s -o out/s --reuse-factor 4 --clock-mhz 300 --test`
    """
    from synfab.circuits import Memory
    from synfab.hw.hls import CSimulation, HlsSettings, require_compiler, write_project
    from synfab.hw.hls.volumes import memory_volumes

    if test:
        require_compiler()
    folder, spec = _net(model)
    if report:
        _show(_facts(directory / "hls", spec, reports=True), json=json)
        return
    target = board_by_name(board)
    memory = Memory(code="rotated_surface", distance=distance, basis=basis.value, p=p)
    volumes = memory_volumes(spec.layout, memory, shots=shots, seed=seed)
    _, _, rows, columns = volumes[0].shape
    settings = HlsSettings(
        rows=rows,
        columns=columns,
        clock_mhz=target.default_clock_mhz if clock_mhz is None else clock_mhz,
        reuse_factor=reuse_factor,
        strategy=strategy.value,
        io=io.value,
    )
    project = write_project(
        directory,
        spec=spec,
        qonnx=folder / QONNX,
        board=target,
        settings=settings,
        volumes=volumes,
        part=part,
    )
    facts = _facts(project, spec, reports=False)
    if test:
        rounds = sum(volume.shape[1] for volume in volumes)
        equal = CSimulation(project).compare(volumes)
        tool = {"tool": "hls4ml", "version": version("hls4ml")}
        facts["hls-csim"] = tool | {"rounds": rounds, "equal_logits": equal}
    _show(facts, json=json)


def _net(model: str) -> tuple[Path, "PredecoderSpec"]:
    """Return the folder of a model, and its integers."""
    from synfab.predecoder.integers import PredecoderSpec

    folder = Path(model)
    if not folder.is_dir():
        folder = opened_zoo(None).model(model).directory
    for name in (SPEC, QONNX):
        if not (folder / name).is_file():
            raise InputError(
                f"a model must hold {name}, but {folder} does not; 'synfab train' writes DIR/model, 'synfab zoo list' "
                "shows others"
            )
    return folder, PredecoderSpec.load(folder / SPEC)


def _facts(project: Path, spec: "PredecoderSpec", *, reports: bool) -> dict[str, Any]:
    """Return the figures of a project by their stage."""
    from synfab.hw.hls import estimate, read_reports
    from synfab.hw.hls.project import load_settings
    from synfab.predecoder.integers import PredecoderSpec

    settings = load_settings(project)
    guess = estimate(spec, settings)
    figures = ("tool", "version", "macs", "multipliers", "interval_cycles", "interval_ns", "state_bits")
    facts: dict[str, Any] = {"project": str(project), "settings": asdict(settings)}
    facts[guess.stage] = {figure: getattr(guess, figure) for figure in figures}
    if not reports:
        return facts
    if PredecoderSpec.load(project / SPEC).sha256 != spec.sha256:
        raise InputError(f"{project} must be of the model that is named, not of another; name that one")
    found = read_reports(project)
    if found.csynth is None and found.vivado is None:
        raise InputError(f"{project} must hold a report of Vitis HLS, and there is none; run build_prj.tcl there first")
    for stage, tables in (("hls-csynth", found.csynth), ("vivado-synth", found.vivado)):
        if tables is not None:
            facts[stage] = {"tool": "vivado"} | asdict(tables)
    return facts


def _show(facts: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(facts)
        return
    table = Table("stage", "figure", "value", title=facts["project"])
    for stage, figures in facts.items():
        if isinstance(figures, dict):
            for name, value in figures.items():
                shown = f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)
                table.add_row(stage, name.replace("_", " "), shown)
    output.print(table)
