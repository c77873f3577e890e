# SPDX-License-Identifier: Apache-2.0
"""``synfab train``: a pre-decoder's net, from a config."""

from pathlib import Path
from typing import Annotated

import typer

from synfab.flow.cli.console import output
from synfab.flow.config import load_model


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML: net, data, stages, evaluation.")],
    directory: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Gets checkpoints and the model.")],
    accelerator: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
) -> None:
    """Train a pre-decoder: float first, then quantized; judged by logical errors with the decoder behind it.

    A run that was killed goes on when it is started again, at most half a minute of work behind.

    `synfab train examples/predecoder/s.toml -o out/s`
    """
    from synfab.flow.curves import write_curves
    from synfab.predecoder.training.config import TrainingConfig
    from synfab.predecoder.training.run import train as run

    model = run(load_model(config, TrainingConfig), directory, accelerator=accelerator)
    output.print(f"written: {model}, {write_curves(directory)}")
