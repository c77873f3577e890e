# SPDX-License-Identifier: Apache-2.0
"""Commands that look and change nothing: ``synfab graph`` and ``synfab boards``."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from synfab import boards as known
from synfab.dem import DecodingGraph, Refusal, read_dem, survey
from synfab.errors import InputError
from synfab.flow.cli.console import output, print_json
from synfab.flow.cli.options import Json

SHOWN_REFUSALS = 10


def graph(
    dem: Annotated[Path, typer.Argument(metavar="FILE.dem", help="A detector error model as Stim writes it.")],
    json: Json = False,
) -> None:
    """Show what a detector error model holds, what cannot be matched, and why.

    The exit code is 2 if some error cannot be matched.
    """
    found, refusals = survey(read_dem(dem))
    facts = _facts(found)
    if json:
        print_json(facts | {"unmatchable": [refusal._asdict() for refusal in refusals]})
    else:
        table = Table("property", "value", title=dem.name)
        for name, value in facts.items():
            table.add_row(name.replace("_", " "), str(value))
        output.print(table)
        _print(refusals)
    if refusals:
        raise InputError(f"every error must be matchable, not {len(refusals)} that are not; the way out stands above")


def boards(json: Json = False) -> None:
    """List the boards that a config can name, with their resources and where the figures come from."""
    if json:
        print_json({name: board.capacity | {"part": board.part} for name, board in known.boards().items()})
        return
    table = Table("board", "part", "LUT", "FF", "BRAM36", "URAM", "DSP", "clock MHz")
    for name, board in known.boards().items():
        counts = (board.lut, board.ff, board.bram36, board.uram, board.dsp)
        table.add_row(name, board.part, *(f"{count:,}" for count in counts), f"{board.default_clock_mhz:g}")
    output.print(table)
    for name, board in known.boards().items():
        output.print(f"{name}: {board.title}", highlight=False)
        for figure, source in board.sources.items():
            output.print(f"  {figure}: {source}", highlight=False, soft_wrap=True)


def _facts(found: DecodingGraph) -> dict[str, int | float | str]:
    degree = Counter(detector for edge in found.edges for detector in edge.detectors)
    pairs = Counter(edge.detectors for edge in found.edges)
    probabilities = [edge.probability for edge in found.edges]
    return {
        "detectors": found.num_detectors,
        "observables": found.num_observables,
        "rounds": len(found.rounds),
        "edges": len(found.edges),
        "edges_to_the_boundary": sum(len(edge.detectors) == 1 for edge in found.edges),
        "parallel_edges": sum(count - 1 for count in pairs.values()),
        "edges_above_one_half": sum(probability > 0.5 for probability in probabilities),
        "largest_degree": max(degree.values(), default=0),
        "detectors_without_errors": found.num_detectors - len(degree),
        "errors_without_detectors": len(found.undetectable),
        "smallest_probability": min(probabilities, default=0.0),
        "largest_probability": max(probabilities, default=0.0),
    }


def _print(refusals: list[Refusal]) -> None:
    for refusal in refusals[:SHOWN_REFUSALS]:
        output.print(f"{refusal.instruction}\n  {refusal.reason}", markup=False, highlight=False, soft_wrap=True)
    if len(refusals) > SHOWN_REFUSALS:
        output.print(f"... and {len(refusals) - SHOWN_REFUSALS} more")
