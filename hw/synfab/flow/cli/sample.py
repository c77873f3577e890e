# SPDX-License-Identifier: Apache-2.0
"""``synfab sample``: logical error rates of any decoder, over a sweep."""

from typing import Annotated

import typer
from pydantic import ValidationError
from rich.table import Table

from synfab.errors import InputError
from synfab.flow.accuracy import decoder_names, pipeline_decoder, task
from synfab.flow.build import Problem
from synfab.flow.cli.console import output, print_json, progress
from synfab.flow.cli.options import ConfigFile, Json, OutputFolder
from synfab.flow.config import CodeSection, Config, load_config
from synfab.flow.config_refusal import options_refusal
from synfab.flow.rtl_sampler import RTL, rtl_sampler, rtl_sweep


def sample(
    config: ConfigFile,
    directory: OutputFolder,
    decoder: Annotated[
        list[str] | None,
        typer.Option(
            help="synfab_w4, synfab_unit, pymatching, ..., or rtl: the config's own RTL; again for more. "
            "Default: those of the config."
        ),
    ] = None,
    p: Annotated[list[float] | None, typer.Option(help="Error strength; again for a sweep. Needs [code].")] = None,
    distance: Annotated[list[int] | None, typer.Option(help="Code distance; again for a sweep.")] = None,
    shots: Annotated[int | None, typer.Option(min=1, help="At most so many for each point.")] = None,
    max_errors: Annotated[int | None, typer.Option(min=1, help="Stop a point at about so many errors.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes.")] = None,
    json: Json = False,
) -> None:
    """Measure logical error rates through sinter.

    DIR/samples.csv is sinter's format: the same command goes on where it stopped, and `sinter plot` reads it.
    DIR/samples.svg shows the rates with 95 % Wilson intervals. With `--decoder rtl` the RTL itself decodes, and
    the custom counts are a histogram of its cycles; each point of a sweep has its RTL in DIR/points.

    A sweep: `synfab sample examples/memory_d5.toml -o out/sweep --distance 3 --distance 5 --p 0.002 --p 0.004`
    """
    from synfab.sampling import collect, plot_ler
    from synfab.sampling.collection import SinterDecoder

    settings = load_config(config)
    swept = bool(distance or p)
    if swept and settings.predecoder and RTL not in (decoder or []):
        raise InputError(
            "a sweep with a [predecoder] must be decoded by its RTL, for other decoders have none; add --decoder rtl"
        )
    points = _points(settings, distance or [], p or [])
    with progress() as listener:
        custom: dict[str, SinterDecoder] = {}
        if settings.predecoder and not swept and not decoder:
            custom |= pipeline_decoder(settings, Problem.from_config(settings))
        names = decoder or decoder_names(settings, custom)
        if RTL in names:
            custom[RTL] = (
                rtl_sweep(points, directory, listener=listener)
                if swept
                else rtl_sampler(settings, directory, listener=listener)
            )
        rows = collect(
            tasks=[task(point, *point.dem()) for point in points.values()],
            decoders=names,
            max_shots=shots or settings.sample.shots,
            max_errors=max_errors or settings.sample.max_errors,
            workers=workers or settings.sample.workers,
            csv=directory / "samples.csv",
            custom_decoders=custom,
            progress_callback=lambda state: listener("sample", state.status_message),
        )
        listener("sample", "done")
    if all("p" in row.metadata for row in rows):
        plot_ler(rows, directory / "samples.svg")
    if json:
        fields = (
            "decoder",
            "metadata",
            "shots",
            "errors",
            "discards",
            "logical_error_rate",
            "interval",
            "custom_counts",
        )
        print_json([{name: getattr(row, name) for name in fields} for row in rows])
        return
    table = Table("decoder", "problem", "shots", "errors", "logical error rate", "95 % interval (Wilson)")
    for row in rows:
        low, high = row.interval
        problem = ", ".join(f"{key}={value}" for key, value in row.metadata.items())
        rate = f"{row.logical_error_rate:.3g}"
        table.add_row(row.decoder, problem, f"{row.shots:,}", f"{row.errors:,}", rate, f"{low:.3g} .. {high:.3g}")
    output.print(table)


def _points(config: Config, distances: list[int], strengths: list[float]) -> dict[str, Config]:
    """Return a config for every combination of distance and strength, by the name of its folder, or the config.

    Raises
    ------
    InputError
        If there is no such config, or nothing to sweep.
    """
    if config.code is None:
        if distances or strengths:
            raise InputError("a sweep over --distance or --p needs a [code] in the config, not a circuit or dem file")
        return {config.name: config}
    points = {}
    for distance in distances or [config.code.distance]:
        # A sweep over distances keeps the shape of the block: d rounds if the config has d rounds.
        follows = config.code.rounds in (None, config.code.distance)
        rounds = distance if follows and config.code.noise != "code_capacity" else config.code.rounds
        for strength in strengths or [config.code.p]:
            values = config.code.model_dump() | {"distance": distance, "rounds": rounds, "p": strength}
            try:
                code = CodeSection.model_validate(values)
            except ValidationError as error:
                options = f"--distance {distance} --p {strength:g} of a sweep"
                raise options_refusal(options, CodeSection.model_json_schema(), error) from error
            points[f"d{distance}_p{strength}"] = config.model_copy(update={"code": code})
    return points
