# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The TOML config; see examples/.")]
OutputFolder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The artefact folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for another program.")]
