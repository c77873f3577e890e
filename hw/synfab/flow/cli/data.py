# SPDX-License-Identifier: Apache-2.0
"""``synfab data``: samples for training and analysis."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.parameters import require_choice, require_probability
from synfab.errors import InputError
from synfab.flow.cli.console import messages, output, print_json
from synfab.flow.cli.options import Json

if TYPE_CHECKING:
    from synfab.data import Manifest

NOISES = ("depolarizing", "circuit", "phenomenological")

data = typer.Typer(help="Labelled samples for the pre-decoder.", no_args_is_help=True)


@data.command("sample")
def sample(
    directory: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of samples.")],
    shots: Annotated[int, typer.Option(help="So many in all; rounded up to whole parts.")],
    distance: Annotated[int, typer.Option(help="Code distance, odd.")],
    rounds: Annotated[int | None, typer.Option(help="By default the distance.")] = None,
    basis: Annotated[str, typer.Option(help="X or Z.")] = "Z",
    noise: Annotated[str, typer.Option(help="depolarizing (CX circuits), circuit (Stim's), phenomenological.")] = (
        "depolarizing"
    ),
    p: Annotated[float | None, typer.Option(help="Strength of the noise.")] = None,
    noise_file: Annotated[
        Path | None, typer.Option(help="TOML with some of the 25 probabilities of a PauliNoise, instead of --p.")
    ] = None,
    storage: Annotated[str, typer.Option(help="webdataset, for training; zarr, for analysis.")] = "webdataset",
    layout: Annotated[str, typer.Option(help="Planes it is meant for: supercell or grid.")] = "supercell",
    reach: Annotated[int, typer.Option(help="Of the homological equivalence, 1 to 3; 0: none.")] = 1,
    seed: Annotated[int, typer.Option(help="From which the seeds of all parts follow.")] = 0,
    part_shots: Annotated[int, typer.Option(help="Shots of a part (a shard), a multiple of 64.")] = 65536,
) -> None:
    """Sample a memory experiment of the rotated surface code with its labels into a folder.

    Every part is written whole; the same command goes on where it stopped, also with more shots.

    `synfab data sample -o out/d7 --distance 7 --p 0.006 --shots 1000000`
    """
    from synfab.data import write_samples

    memory = _memory(distance, rounds, basis, noise, p, noise_file)
    columns = TextColumn("sampling"), BarColumn(), MofNCompleteColumn(), TextColumn("shots"), TimeElapsedColumn()
    with Progress(*columns, console=messages) as progress:
        bar = progress.add_task("", total=shots)
        manifest = write_samples(
            directory,
            memory=memory,
            shots=shots,
            storage=storage,  # pyright: ignore[reportArgumentType] -- checked there, with a sentence
            layout=layout,
            reach=reach,
            seed=seed,
            part_shots=part_shots,
            listener=lambda done: progress.update(bar, completed=done, total=max(shots, done)),
        )
    output.print(f"{manifest.shots:,} shots in {len(manifest.parts)} parts: {directory}")


@data.command("show")
def show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of samples.")],
    check: Annotated[bool, typer.Option("--check", help="Read every part, and compare it with the manifest.")] = False,
    json: Json = False,
) -> None:
    """Show what a folder of samples holds: problem, noise, parts, densities."""
    from synfab.data import open_samples

    source = open_samples(directory)
    if check:
        shots = sum(labels.shots for labels in source.labels())
        messages.print(f"{shots:,} shots are what the manifest says")
    facts = _facts(source.manifest)
    if json:
        print_json(facts)
        return
    table = Table("property", "value", title=str(directory))
    for name, value in facts.items():
        shown = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else value
        table.add_row(name.replace("_", " "), str(shown))
    output.print(table)


def _memory(
    distance: int, rounds: int | None, basis: str, noise: str, p: float | None, noise_file: Path | None
) -> Memory:
    require_choice("noise", noise, NOISES)
    require_choice("basis", basis, ("X", "Z"))
    if (p is None) == (noise_file is None):
        raise InputError("the noise must have a strength (--p) or 25 probabilities (--noise-file): give one of the two")
    model: dict = {"noise": noise, "p": p}
    if noise_file is not None:
        model = {"noise": _noise_from(noise_file)}
    elif noise == "depolarizing":
        require_probability("p", p)
        assert p is not None
        model = {"noise": PauliNoise.depolarizing(p)}
    return Memory(
        code="rotated_surface",
        distance=distance,
        rounds=rounds,
        basis=basis,  # pyright: ignore[reportArgumentType] -- one of the two, see above
        **model,
    )


def _noise_from(path: Path) -> PauliNoise:
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} must be a TOML file of probabilities: {error}") from error
    unknown = sorted(set(values) - set(PauliNoise.__dataclass_fields__))
    if unknown:
        names = ", ".join(PauliNoise.__dataclass_fields__)
        raise InputError(f"{path} must name probabilities of a PauliNoise, not {unknown[0]!r}; they are {names}")
    return PauliNoise(**values)


def _facts(manifest: "Manifest") -> dict:
    counts = {name: sum(part.counts[name] for part in manifest.parts) for name in manifest.parts[0].counts}
    return {
        "storage": manifest.storage,
        "distance": manifest.distance,
        "rounds": manifest.rounds,
        "basis": manifest.basis,
        "noise": dict(manifest.noise),
        "layout": manifest.layout,
        "reach": manifest.reach,
        "shots": manifest.shots,
        "parts": len(manifest.parts),
        "seed": manifest.seed,
        "circuit_sha256": manifest.circuit_sha256,
        "ones_a_shot": {name: round(count / manifest.shots, 4) for name, count in counts.items()},
        "tools": dict(manifest.tools),
    }
