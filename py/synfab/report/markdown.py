# SPDX-License-Identifier: Apache-2.0
"""Tables of measured figures for Markdown pages."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def cells(*values: float | str | None) -> list[str]:
    """Return values as they stand in a table: thousands apart, floats with two digits, nothing for None."""
    shown = {int: lambda value: f"{value:,}", float: lambda value: f"{value:.2f}", type(None): lambda value: ""}
    return [shown.get(type(value), str)(value) for value in values]
