# SPDX-License-Identifier: Apache-2.0
"""The command line ``synfab``."""

import sys

import typer

from synfab.errors import InputError, SynfabError
from synfab.flow.cli.bench import bench
from synfab.flow.cli.choose import choose
from synfab.flow.cli.console import complain
from synfab.flow.cli.data import data
from synfab.flow.cli.hls import hls
from synfab.flow.cli.inspection import boards, graph
from synfab.flow.cli.program import program
from synfab.flow.cli.sample import sample
from synfab.flow.cli.steps import build, estimate, report, run, verify
from synfab.flow.cli.train import train
from synfab.flow.cli.zoo import zoo

HELP = """From a quantum error correction problem to verified FPGA logic.

A config (TOML) names a code, a Stim circuit or a detector error model; `synfab run CONFIG -o DIR` makes the
decoder, proves its RTL equal to the Python reference, estimates its size, and writes DIR/report.html. The steps can
be run on their own, and what is up to date is not done again.

Exit codes: 0 done; 2 bad input; 3 a tool is missing; 4 the RTL differs from its reference; 5 too large for the board;
6 a tool failed.
"""

app = typer.Typer(
    help=HELP, no_args_is_help=True, rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False
)
for command in (run, build, verify, estimate, report, sample, choose, train, hls, graph, boards):
    app.command()(command)
app.add_typer(bench, name="bench")
app.add_typer(data, name="data")
app.add_typer(program, name="program")
app.add_typer(zoo, name="zoo")


def main() -> None:
    """Run the command line; a user's mistake ends with one sentence and a non-zero exit code."""
    try:
        app()
    except SynfabError as error:
        complain(error)
        sys.exit(error.exit_code)
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        complain(
            InputError(
                f"a file or folder that is named must be one that can be read or written, not {error.filename!r} "
                f"({error.strerror}); give another"
            )
        )
        sys.exit(InputError.exit_code)
