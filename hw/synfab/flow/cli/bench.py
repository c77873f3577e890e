# SPDX-License-Identifier: Apache-2.0
"""``synfab bench``: the project's own benchmarks, each from scratch and resumable."""

from pathlib import Path
from typing import Annotated

import typer

from synfab.flow.cli.console import output, progress
from synfab.flow.cli.zoo import Directory
from synfab.flow.pretrained import opened_zoo

UNION_FIND = Path("benchmarks/union_find.json")

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
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = UNION_FIND,
    page: Annotated[
        Path | None,
        typer.Option(
            help="The page made of it; its plots go to figures/ beside it. Default: docs/union_find.md, or beside a "
            "JSON file that is named.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One small fabric, to see that it works.")] = False,
) -> None:
    """The union-find fabric beside Helios: cycles from RTL in the loop, area by yosys.

    Points that the file holds are not measured again unless the RTL has changed. All of them take hours; a run that
    is stopped goes on where it was.
    """
    from synfab.flow.benchmarks import extent, fabric
    from synfab.flow.benchmarks.page import write_page

    with progress() as listener:
        done = fabric.run(path, extent=extent.QUICK if quick else extent.FULL, progress=listener)
    # What was measured elsewhere must not replace the project's own page.
    page = page or (Path("docs/union_find.md") if path == UNION_FIND else path.with_suffix(".md"))
    write_page(done, page)
    output.print(f"written: {path}, {page}")


@bench.command()
def labels(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/labels.json"),
    quick: Annotated[bool, typer.Option("--quick", help="One small volume, to see that it works.")] = False,
) -> None:
    """Labelled samples for the pre-decoder beside Stim's plain detector sampler, on one core in one run."""
    from synfab.benchmarks import labels as benchmark

    benchmark.run(path, extent=benchmark.QUICK if quick else None)
    output.print(f"written: {path}")


@bench.command()
def predecoder(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/predecoder.json"),
    page: Annotated[Path, typer.Option(help="The page made of it; its plot goes to figures/ beside it.")] = Path(
        "docs/predecoder_results.md"
    ),
    zoo: Directory = None,
    names: Annotated[list[str] | None, typer.Option("--model", help="One of them; all unless given.")] = None,
    cards: Annotated[bool, typer.Option("--cards", help="Put what was found on the models' cards.")] = False,
    cost: Annotated[
        Path, typer.Option(help="The JSON file of what the nets cost in hardware; nothing else with --only-cost.")
    ] = Path("benchmarks/predecoder_cost.json"),
    cost_page: Annotated[Path, typer.Option(help="The page made of it.")] = Path("docs/predecoder_cost.md"),
    only_cost: Annotated[bool, typer.Option("--only-cost", help="Decode nothing.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Few shots at one point, to see that it works.")] = False,
) -> None:
    """Pre-decoders of the zoo: what they cost in hardware, and logical errors in front of union-find and PyMatching.

    Points and shots that the files hold are not measured again. All of them take hours; a run that is stopped goes on
    where it was.
    """
    models = opened_zoo(zoo)
    from synfab.benchmarks import predecoder as benchmark
    from synfab.flow.benchmarks import predecoder_cost
    from synfab.flow.benchmarks.predecoder_cost_page import write_cost_page

    specs = {name: models.model(name).spec for name in names or models.names()}
    with progress() as listener:
        extent = predecoder_cost.QUICK if quick else predecoder_cost.FULL
        write_cost_page(predecoder_cost.run(cost, specs, extent=extent, progress=listener), cost_page)
    if only_cost:
        output.print(f"written: {cost}, {cost_page}")
        return
    done = benchmark.run(path, specs, extent=benchmark.QUICK if quick else benchmark.FULL)
    benchmark.write_page(done, page)
    if cards:
        for name in specs:
            models.judged(name, benchmark.results(done, name))
    output.print(f"written: {path}, {page}, {cost}, {cost_page}")


@bench.command()
def frontier(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/frontier.json"),
    page: Annotated[Path, typer.Option(help="The page made of it; its plot goes to figures/ beside it.")] = Path(
        "docs/predecoder_frontier.md"
    ),
    runs: Annotated[Path, typer.Option(help="The trainings' folders.")] = Path("out/bench/frontier"),
    zoo: Directory = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two tiny nets, to see that it works.")] = False,
) -> None:
    """Accuracy of pre-decoders against parameters, bits and training samples: trains small nets, and judges them.

    Beside them stand the models of the zoo.

    Nets that the file holds are not trained again. All of them take an hour or two; a run that is stopped goes on
    where it was.
    """
    models = opened_zoo(zoo)
    from synfab.benchmarks.predecoder import frontier as benchmark
    from synfab.benchmarks.predecoder.frontier_page import write_page

    with progress() as listener:
        done = benchmark.run(
            path,
            extent=benchmark.QUICK if quick else benchmark.FULL,
            runs=runs,
            models={name: models.model(name) for name in models.names()},
            progress=listener,
        )
    write_page(done, page)
    output.print(f"written: {path}, {page}")


@bench.command()
def fusion(
    path: Annotated[Path, typer.Option("-o", "--output", help="The JSON file.")] = Path("benchmarks/fusion.json"),
    page: Annotated[Path, typer.Option(help="The page whose tables are made of it.")] = Path("docs/fusion.md"),
    cost: Annotated[
        Path, typer.Option(help="The JSON file of what the hardware costs; nothing else with --only-cost.")
    ] = Path("benchmarks/fusion_cost.json"),
    cost_page: Annotated[Path, typer.Option(help="The page whose tables are made of it.")] = Path("docs/fusion_rtl.md"),
    only_cost: Annotated[bool, typer.Option("--only-cost", help="Decode nothing in software.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Few shots at few points, to see that it works.")] = False,
) -> None:
    """Fusion of blocks and windows over them: cycles and area of the RTL, logical errors beside global decoding.

    Shots and points that the files hold are not done again. All of them take hours; a run that is stopped goes on
    where it was.
    """
    from synfab.benchmarks import fusion as benchmark
    from synfab.flow.benchmarks import fusion_cycles
    from synfab.flow.benchmarks.fusion_cost_page import write_cost_page

    with progress() as listener:
        extent = fusion_cycles.QUICK if quick else fusion_cycles.FULL
        write_cost_page(fusion_cycles.run(cost, extent=extent, progress=listener), cost_page)
    if only_cost:
        output.print(f"written: {cost}, {cost_page}")
        return
    done = benchmark.run(path, extent=benchmark.QUICK if quick else benchmark.FULL)
    benchmark.write_page(done, page)
    output.print(f"written: {path}, {page}, {cost}, {cost_page}")
