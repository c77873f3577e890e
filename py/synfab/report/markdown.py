# SPDX-License-Identifier: Apache-2.0
"""Measured figures in Markdown pages: tables, and the places between markers where they stand."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from synfab.errors import InputError


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def cells(*values: float | str | None) -> list[str]:
    """Return values as they stand in a table: thousands apart, floats with two digits, nothing for None."""
    shown = {int: lambda value: f"{value:,}", float: lambda value: f"{value:.2f}", type(None): lambda value: ""}
    return [shown.get(type(value), str)(value) for value in values]


def marked_page(path: Path) -> str:
    """Return the text of a page that is to be filled; raises InputError if there is none."""
    try:
        return path.read_text()
    except OSError as error:
        raise InputError(
            f"the page must be a file with the markers of the tables, not {str(path)!r}: {error}"
        ) from error


def between(text: str, name: str, content: str) -> str:
    """Return a page with something else between the markers of ``name``; raises InputError if it lacks them."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise InputError(f"the page must have the markers {begin.strip()} and {end} once each, not otherwise")
    head, rest = text.split(begin)
    return f"{head}{begin}{content}\n{end}{rest.split(end)[1]}"
