# SPDX-License-Identifier: Apache-2.0
"""``synfab choose``: the design that holds what the user demands."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from synfab.artefact import write_text
from synfab.boards import board
from synfab.errors import InputError
from synfab.flow.cli.console import output, print_json, progress
from synfab.flow.cli.options import ConfigFile, Json, OutputFolder
from synfab.flow.config import load_config
from synfab.flow.toml_values import lines_of, with_values


def choose(
    config: ConfigFile,
    directory: OutputFolder,
    fits: Annotated[
        float | None, typer.Option(help="Share of the board that the decoder may take, such as 0.25.")
    ] = None,
    round_ns: Annotated[
        float | None, typer.Option(help="Time a round that decoding may take on average, so that no backlog arises.")
    ] = None,
    latency_cycles: Annotated[int | None, typer.Option(help="Most cycles from the last round to the answer.")] = None,
    at: Annotated[str, typer.Option(help="Of which blocks: mean, p50, p99, p99.9 or max.")] = "max",
    shots: Annotated[int, typer.Option(min=1, help="Sampled for the cycles of each candidate.")] = 10_000,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a copy of the config with the chosen design.")
    ] = None,
    json: Json = False,
) -> None:
    """Choose the micro-architecture: you say what must hold, measurements say which design holds it.

    Candidates are a processing element a detector, and shared ones of 1, 2, 4, ... detectors up to the whole block.
    Among those that hold every demand the smallest is chosen; if --fits is the only one, the fastest. LUTs are yosys'
    estimate, cycles come from the RTL in the loop at the config's noise. Measurements are kept in DIR/choice, so the
    same command goes on where it stopped.
    """
    from synfab.flow.build import Problem
    from synfab.flow.candidates import Workbench
    from synfab.flow.choice import Chooser, Demands, decoder_keys

    demands = Demands(fits=fits, round_ns=round_ns, latency_cycles=latency_cycles, at=at)
    settings = load_config(config)
    if settings.predecoder is not None:
        raise InputError("choose is for a union-find alone, not for one with a [predecoder]; leave that section out")
    if write is not None and write.resolve() == config.resolve():
        raise InputError(f"--write must name another file than the config, not {str(write)!r}; choose a new name")
    with progress() as listener:
        problem = Problem.from_config(settings)
        workbench = Workbench(config=settings, problem=problem, directory=directory, shots=shots, listener=listener)
        chooser = Chooser(config=settings, demands=demands, workbench=workbench)
        choice = chooser.choose()
    keys = decoder_keys(choice.design)
    if write is not None:
        text = with_values(config.read_text(encoding="utf-8"), "decoder", keys)
        write_text(write, text)
        load_config(write)
    if json:
        print_json(
            {
                "decoder": keys,
                "demands": asdict(demands),
                "candidates": [
                    asdict(found) | {"excess": chooser.excess(found), "chosen": found.design == choice.design}
                    for found in choice.candidates
                ],
            }
        )
        return
    target = board(settings.target.board)
    table = Table("design", "LUT", f"of {target.name}", "mean cycles", demands.at, "ns a round", "holds")
    for found in choice.candidates:
        area, cycles = found.area, found.cycles
        excess = chooser.excess(found)
        table.add_row(
            found.name,
            f"{area.lut:,}" if area else "",
            f"{area.largest_share(target)[1]:.2%}" if area else "",
            f"{cycles.mean:.2f}" if cycles else "",
            f"{cycles.at(demands.at):,.4g}" if cycles else "",
            f"{chooser.round_ns(cycles):,.1f}" if cycles else "",
            "chosen" if found.design == choice.design else "no" if max(excess.values(), default=0) > 1 else "",
        )
    output.print(table)
    output.print("\n".join(["[decoder]", *lines_of(keys)]), markup=False, highlight=False)
    if write is not None:
        output.print(f"written: {write}", markup=False, highlight=False, soft_wrap=True)
