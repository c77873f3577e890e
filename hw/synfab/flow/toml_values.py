# SPDX-License-Identifier: Apache-2.0
"""Values of a TOML document put anew, line by line, so that comments stay."""

import json
import tomllib
from collections.abc import Mapping

from synfab.errors import InputError
from synfab.flow.toml_lines import key_lines

Value = str | int | bool


def lines_of(values: Mapping[str, Value]) -> list[str]:
    """Return a line of TOML for each key."""
    # JSON's strings without control characters, its integers and its booleans are TOML's.
    return [f"{key} = {json.dumps(value)}" for key, value in values.items()]


def with_values(text: str, table: str, values: Mapping[str, Value]) -> str:
    """Return a TOML document with some keys of a table set.

    Parameters
    ----------
    text : str
        A valid document. The table's keys stand on lines of their own below its header, or it is not there yet.
    table : str
        Below the top.
    values : mapping

    Raises
    ------
    InputError
        If the table is written in another way.
    """
    known, lines = key_lines(text), text.split("\n")
    new = [line for key, line in zip(values, lines_of(values), strict=True) if (table, key) not in known]
    for key, line in zip(values, lines_of(values), strict=True):
        if (table, key) in known:
            lines[known[table, key] - 1] = line
    if (table,) in known:
        lines[known[(table,)] : known[(table,)]] = new
    else:
        lines += [f"[{table}]", *new, ""]
    result, expected = "\n".join(lines), tomllib.loads(text)
    expected[table] = expected.get(table, {}) | dict(values)
    try:
        fits = tomllib.loads(result) == expected
    except tomllib.TOMLDecodeError:
        fits = False
    if not fits:
        raise InputError(
            f"the table [{table}] must have a header and a line for each key, or be left out, not another form of "
            "TOML; put the keys in by hand"
        )
    return result
