# SPDX-License-Identifier: Apache-2.0
"""``synfab zoo``: trained pre-decoders on disk and on the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markdown import Markdown
from rich.table import Table

from synfab.errors import InputError
from synfab.flow.cli.console import complain, messages, output, print_json
from synfab.flow.cli.options import Json
from synfab.flow.pretrained import opened_zoo

if TYPE_CHECKING:
    from synfab.zoo import Model

zoo = typer.Typer(help="Trained pre-decoders: list, show, get, add.", no_args_is_help=True)

Directory = Annotated[
    Path | None, typer.Option("--zoo", metavar="DIR", help="A folder of models; the one of synfab unless given.")
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A model of the zoo, or hf:OWNER/NAME@REVISION, a commit or a tag.")
]
Revision = Annotated[
    str | None,
    typer.Option(help="For hf:OWNER/NAME: a branch, or whatever else names a commit now; says which it is."),
]


@zoo.command("list")
def list_models(directory: Directory = None, json: Json = False) -> None:
    """List the models of a zoo; the exit code is 2 if one is not whole."""
    opened, facts, broken = opened_zoo(directory), {}, []
    for name in opened.names():
        try:
            facts[name] = _facts(opened.model(name))
        except InputError as error:
            broken.append(error)
    if json:
        print_json(facts)
    else:
        table = Table("model", "net", "layout", "parameters", "bits", "trained at d", "p", "best ratio")
        for name, row in facts.items():
            numbers = (", ".join(map(str, row[key])) for key in ("distances", "p"))
            table.add_row(
                name, row["architecture"], row["layout"], f"{row['parameters']:,}", row["bits"], *numbers, _ratio(row)
            )
        output.print(table)
    for error in broken:
        complain(error)
    if broken:
        raise typer.Exit(InputError.exit_code)


@zoo.command()
def show(name: Name, directory: Directory = None, revision: Revision = None, json: Json = False) -> None:
    """Show the card of a model: its net, its training, its results, its limits."""
    model = _model(name, directory, revision)
    from synfab.zoo import load_card

    if json:
        print_json(_facts(model) | {"results": [result.model_dump(mode="json") for result in model.results]})
        return
    output.print(Markdown(load_card(model.directory).text))


@zoo.command()
def get(
    name: Name,
    target: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Becomes the model; must be new.")],
    directory: Directory = None,
    revision: Revision = None,
) -> None:
    """Copy a model out of the zoo, or fetch it from the Hub; whole, or not at all.

    `synfab zoo get hf:OWNER/NAME@v1 -o out/model`
    """
    model = _model(name, directory, revision)
    from synfab.zoo import copy_model

    output.print(f"written: {copy_model(model, target)}")


@zoo.command()
def add(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The model/ of a training run.")],
    name: Annotated[str | None, typer.Option(help="Of the model; that of its config unless given.")] = None,
    results: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON: what it was found to do.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a model of that name.")] = False,
    directory: Directory = None,
) -> None:
    """Put a trained model into the zoo, with a card made of its files, once its three forms are seen to be one net.

    `synfab zoo add out/s/model --name surface-s --results results.json`
    """
    model = opened_zoo(directory).add(source, name=name, results=results, replace=replace)
    output.print(f"written: {model.directory}")


def _model(name: str, directory: Path | None, revision: str | None) -> "Model":
    opened = opened_zoo(directory)
    from synfab.zoo import HubModel
    from synfab.zoo.hub import PREFIX

    if not name.startswith(PREFIX):
        if revision is not None:
            raise InputError(f"--revision must be for a model on the Hub, {PREFIX}OWNER/NAME, not for {name!r}")
        return opened.model(name)
    pinned = HubModel.parse(name, revision=revision).pinned()
    messages.print(f"taken: {pinned}", highlight=False, soft_wrap=True)
    return pinned.read()


def _facts(model: "Model") -> dict[str, Any]:
    data, best = model.metadata.config.data, model.best
    return {
        "architecture": model.architecture_name,
        "layout": model.spec.layout,
        "parameters": model.spec.num_parameters,
        "bits": model.widths,
        "look_ahead": model.spec.look_ahead,
        "bases": list(data.bases),
        "distances": list(data.distances),
        "p": list(data.p),
        "spec_sha256": model.spec.sha256,
        "best": None if best is None else best.model_dump(mode="json"),
    }


def _ratio(facts: dict[str, Any]) -> str:
    best = facts["best"]
    if best is None:
        return "–"
    place = f"d={best['distance']}, p={best['p']}, {best['name']} / {best['beside']}"
    return f"{best['ratio']:.3f} ± {best['ratio_error']:.3f} ({place})"
