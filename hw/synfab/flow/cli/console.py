# SPDX-License-Identifier: Apache-2.0
"""What the terminal shows: progress and complaints on stderr, results on stdout."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from synfab.errors import SynfabError
from synfab.flow.run import Listener

output = Console()
messages = Console(stderr=True)


def complain(error: SynfabError) -> None:
    """Print the sentence of an error."""
    messages.print("error:", style="bold red", end=" ")
    messages.print(str(error), markup=False, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print ``value`` for another program to read."""
    print(json.dumps(value, indent=2))


@contextmanager
def progress() -> Iterator[Listener]:
    """Show each step on a line with a spinner, its state and its time; plain lines if stderr is no terminal."""
    if not messages.is_terminal:
        yield lambda step, message: messages.print(f"{step}: {message.splitlines()[-1]}", highlight=False)
        return
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.fields[step]:<9}"), TimeElapsedColumn()
    with Progress(*columns, TextColumn("{task.description}"), console=messages) as bar:
        tasks: dict[str, TaskID] = {}

        def listen(step: str, message: str) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task("", total=1, step=step)
            finished = message in ("done", "up to date")
            line = message.splitlines()[-1] if message else ""
            bar.update(tasks[step], description=line, completed=int(finished))

        yield listen
