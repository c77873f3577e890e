# SPDX-License-Identifier: Apache-2.0
"""``synfab bench``: the project's own benchmarks, each from scratch and resumable."""

from pathlib import Path
from typing import Annotated

import typer

from synfab.flow.cli.console import output, progress

bench = typer.Typer(help="Measure, and write a JSON file under benchmarks/.", no_args_is_help=True)


@bench.command()
def reference(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/reference.json"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer shots, to see that it works.")] = False,
) -> None:
    """The union-find reference against PyMatching: speed in one run, accuracy on the same shots."""
    from synfab.benchmarks import reference as benchmark

    benchmark.run(path, extent=benchmark.QUICK if quick else None)
    output.print(f"written: {path}")


@bench.command()
def union_find(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/union_find.json"),
    quick: Annotated[bool, typer.Option("--quick", help="One small fabric, to see that it works.")] = False,
) -> None:
    """The union-find fabric beside Helios: cycles from RTL in the loop, area by yosys.

    Points that the file holds are not measured again unless the RTL has changed.
    """
    from synfab.flow.benchmarks import fabric

    with progress() as listener:
        fabric.run(path, extent=fabric.QUICK if quick else None, progress=listener)
    output.print(f"written: {path}")
