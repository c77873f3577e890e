# SPDX-License-Identifier: Apache-2.0
"""``synfab program``: lattice-surgery programs checked, drawn, sampled, and run on the hardware."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from synfab.artefact import write_text
from synfab.flow.cli.console import output, print_json, progress
from synfab.flow.cli.options import Json

if TYPE_CHECKING:
    from synfab.surgery import Program
    from synfab.surgery.global_decoding import Decoder

program = typer.Typer(
    help="Lattice surgery: check, draw and sample a program, and run it on the hardware.", no_args_is_help=True
)

ProgramFile = Annotated[
    str, typer.Argument(metavar="PROGRAM", help="A TOML file, or the name of a program that comes with synfab.")
]


class Noise(StrEnum):
    """The noise models of a program."""

    phenomenological = "phenomenological"
    circuit = "circuit"


class ProgramDecoder(StrEnum):
    """Who decodes a program's blocks: all at once, or by fusion, in space and then in time."""

    pymatching = "pymatching"
    union_find = "union_find"
    fusion = "fusion"


def _load(file: str, distance: int | None) -> "Program":
    from synfab.surgery import Program

    loaded = Program.load(file)
    return loaded if distance is None else loaded.model_copy(update={"distance": distance})


def _decode(decoder: ProgramDecoder, *, distance: int, weight_bits: int) -> "Decoder":
    from synfab.decoders.fusion.program import program_fusion
    from synfab.surgery.global_decoding import matching, union_find

    if decoder is ProgramDecoder.fusion:
        return program_fusion(distance=distance, weight_bits=weight_bits)
    return matching if decoder is ProgramDecoder.pymatching else union_find(weight_bits=weight_bits)


@program.command()
def check(file: ProgramFile, json: Json = False) -> None:
    """Follow every branch; refuse with a sentence what cannot be done, else say what the program has."""
    from synfab.surgery import check as checked

    summary = asdict(checked(_load(file, None)))
    if json:
        print_json(summary)
        return
    table = Table("property", "value", title=file)
    for name, value in summary.items():
        shown = ", ".join(value) or "none" if isinstance(value, tuple) else str(value)
        table.add_row(name.replace("_", " ").replace("num ", ""), shown)
    output.print(table)


@program.command()
def draw(
    file: ProgramFile,
    svg: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.svg", help="Write the timeline of the branch, too.")
    ] = None,
    branch: Annotated[int, typer.Option(min=0, help="Which branch, in the order of the conditions' values.")] = 0,
) -> None:
    """Draw every step of a branch, and the timeline of its blocks and faces as an SVG."""
    from synfab.errors import InputError
    from synfab.surgery import branches, picture, timeline
    from synfab.surgery import check as checked

    loaded = _load(file, None)
    checked(loaded)
    found = sorted(branches(loaded), key=lambda one: tuple(one.values.values()))
    if branch >= len(found):
        raise InputError(f"--branch must be below {len(found)}, the number of branches, not {branch!r}")
    chosen = found[branch]
    condition = ", ".join(f"{name} = {value:d}" for name, value in chosen.values.items())
    title = f"{loaded.name} with {condition}" if condition else loaded.name
    output.print(title)
    for plan in chosen.plans:
        output.print(picture(plan), markup=False, highlight=False, soft_wrap=True)
    if svg is not None:
        try:
            write_text(svg, timeline(chosen.plans, title=title))
        except OSError as error:
            raise InputError(
                f"--output must be a file that can be written, not {str(svg)!r} ({error.strerror}); give another"
            ) from error
        output.print(f"written: {svg}")


@program.command()
def sample(
    file: ProgramFile,
    shots: Annotated[int, typer.Option(min=1, help="Shots.")] = 10_000,
    p: Annotated[float, typer.Option(help="Error strength.")] = 0.001,
    noise: Annotated[Noise, typer.Option(help="Noise model.")] = Noise.circuit,
    distance: Annotated[int | None, typer.Option(help="In place of the program's.")] = None,
    decoder: Annotated[
        ProgramDecoder, typer.Option(help="Who decodes: all blocks at once, or fusion, block by block.")
    ] = ProgramDecoder.pymatching,
    weight_bits: Annotated[int, typer.Option(min=2, max=16, help="Of union_find and fusion.")] = 4,
    seed: Annotated[int | None, typer.Option(min=0, help="For the same shots again.")] = None,
    json: Json = False,
) -> None:
    """Sample a program: branches from decoded results, logical values of the outputs, and how often they are wrong."""
    from synfab.interval import wilson_interval
    from synfab.surgery import Sampler
    from synfab.surgery import check as checked

    loaded = _load(file, distance)
    checked(loaded)
    decode = _decode(decoder, distance=loaded.distance, weight_bits=weight_bits)
    model: Literal["phenomenological", "circuit"] = noise.value
    found = Sampler(program=loaded, noise=model, p=p, decoder=decode).sample(shots, seed=seed)
    rows = []
    for branch in found:
        for name, bits in branch.outputs.items():
            random = name in branch.random_outputs
            row = {"branch": branch.values, "output": name, "random": random, "shots": branch.shots}
            row["ones"] = int(bits.sum())
            row["interval"] = None if random else list(wilson_interval(row["ones"], branch.shots))
            rows.append(row)
    if json:
        print_json(rows)
        return
    table = Table("branch", "output", "shots", "1", "rate", "95 % interval (Wilson)", title=loaded.name)
    for row in rows:
        way = ", ".join(f"{name}={value:d}" for name, value in row["branch"].items())
        rate = f"{row['ones'] / row['shots']:.3g}"
        interval = "random" if row["interval"] is None else "{:.3g} .. {:.3g}".format(*row["interval"])
        table.add_row(way, row["output"], f"{row['shots']:,}", f"{row['ones']:,}", rate, interval)
    output.print(table)


class Alone(StrEnum):
    """What grows before it is fused with more."""

    block = "block"
    step = "step"


@program.command()
def run(
    file: ProgramFile,
    directory: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where everything goes.")],
    shots: Annotated[int, typer.Option(min=1, help="Shots.")] = 1000,
    p: Annotated[float, typer.Option(help="Error strength.")] = 0.001,
    noise: Annotated[Noise, typer.Option(help="Noise model.")] = Noise.phenomenological,
    distance: Annotated[int | None, typer.Option(help="In place of the program's.")] = None,
    weight_bits: Annotated[
        int | None, typer.Option(min=2, max=16, help="Of log-likelihood weights; by default all edges weigh the same.")
    ] = None,
    slots: Annotated[int, typer.Option(min=2, help="Steps that the hardware holds.")] = 2,
    alone: Annotated[
        Alone, typer.Option(help="What grows before it is fused with more: every block, or all of a step.")
    ] = Alone.block,
    seed: Annotated[int | None, typer.Option(min=0, help="For the same shots again.")] = None,
    json: Json = False,
) -> None:
    """Run a program on its fusion fabric, Verilated: results, and cycles from each step's last round to its answer.

    Writes the Verilog of both kinds of check, program.json and a plot of the steps' latencies. Every commitment is
    compared with the reference's.
    """
    from synfab.errors import ToolError
    from synfab.flow.program_run import Setting, run_program

    model: Literal["phenomenological", "circuit"] = noise.value
    first: Literal["block", "step"] = alone.value
    setting = Setting(
        program=_load(file, distance), noise=model, p=p, weight_bits=weight_bits, slots=slots, alone=first
    )
    with progress() as listener:
        done = run_program(setting, directory, shots=shots, seed=seed, progress=listener)
    if json:
        print(done.model_dump_json(indent=2))
    else:
        steps = Table("checks", "step", "mean cycles", "longest", title=f"{done.program}: last round to answer")
        for one in done.steps:
            steps.add_row(one.kind, str(one.step), f"{one.mean:.2f}", str(max(one.histogram)))
        output.print(steps)
        table = Table("branch", "output", "shots", "1", "95 % interval (Wilson)", title=done.program)
        for one in done.outputs:
            way = ", ".join(f"{name}={value:d}" for name, value in one.branch.items())
            interval = "random" if one.interval is None else "{:.3g} .. {:.3g}".format(*one.interval)
            table.add_row(way, one.output, f"{one.shots:,}", f"{one.ones:,}", interval)
        output.print(table)
        output.print(f"written: {directory}; {done.histories:,} histories played, {done.mismatches} differ")
    if done.mismatches:
        raise ToolError(f"the RTL must commit what the reference does, not differ in {done.mismatches} histories")
