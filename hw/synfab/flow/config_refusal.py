# SPDX-License-Identifier: Apache-2.0
"""One sentence for everything that is wrong with a config: file, line, key, what was expected, what came."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synfab.errors import InputError
from synfab.flow.toml_lines import Place, key_lines


class KeyRefusedError(ValueError):
    """What a validator raises.

    Parameters
    ----------
    sentence : str
        What follows the key: "must be ..., not ...".
    key : str or None
        The key below the validated place that is to blame; None for the place itself.
    """

    def __init__(self, sentence: str, key: str | None = None) -> None:
        super().__init__(sentence)
        self.key = key


def syntax_refusal(path: Path, text: str, error: ValueError) -> InputError:
    """Return the refusal of a text that is not TOML, from tomllib's error."""
    reason, line = str(error), text.rstrip().count("\n") + 1
    match = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", reason)
    if match:
        reason = reason[: match.start()]
        line = int(match[1] or line)
    lines = text.split("\n")
    came = lines[min(line, len(lines)) - 1].strip()
    return InputError(f"{path}, line {line}: the line must be TOML, not {came!r}: {reason[:1].lower()}{reason[1:]}")


def content_refusal(path: Path, text: str, schema: dict[str, Any], error: ValidationError) -> InputError:
    """Return the refusal of TOML that is no config, all its mistakes in the order of their lines.

    Parameters
    ----------
    path : Path
        The file, as the user wrote it.
    text : str
        What stands in it.
    schema : dict
        JSON schema of the config; each key's expectation is put into words from it.
    error : ValidationError
        What pydantic found; keys by their alias.
    """
    lines = key_lines(text)
    ordered = sorted((_line(place, lines), sentence) for place, sentence in _sentences(error, schema).items())
    return InputError(f"{path}, " + "; and ".join(f"line {line}: {sentence}" for line, sentence in ordered))


def options_refusal(options: str, schema: dict[str, Any], error: ValidationError) -> InputError:
    """Return the refusal of values that options of the command line put into a table.

    Parameters
    ----------
    options : str
        The options, as the user wrote them.
    schema : dict
        JSON schema of the table.
    error : ValidationError
        What pydantic found.
    """
    return InputError(f"{options}: " + "; and ".join(_sentences(error, schema).values()))


def _sentences(error: ValidationError, schema: dict[str, Any]) -> dict[Place, str]:
    """Return a sentence for each place that is to blame."""
    found: dict[Place, str] = {}
    for problem in error.errors():
        # A default that depends on another key cannot be made while that key is wrong.
        if problem["type"] != "default_factory_not_called":
            place, sentence = _sentence(problem, schema)
            found.setdefault(place, sentence)
    return found


def _line(place: Place, lines: dict[Place, int]) -> int:
    """Return the line of the innermost table or key around ``place`` that was written down."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _sentence(problem: Any, schema: dict[str, Any]) -> tuple[Place, str]:
    """Return the place to blame and the sentence about it."""
    place, known = _known_place(problem["loc"], schema)
    refusal = problem.get("ctx", {}).get("error")
    if problem["type"] == "extra_forbidden":
        return problem["loc"], _unknown_key(problem["loc"], known["properties"], schema["properties"])
    if isinstance(refusal, KeyRefusedError):
        place = place if refusal.key is None else (*place, refusal.key)
        return place, f"{_name(place)} {refusal}"
    if problem["type"] == "missing":
        return place, f"{_table(place[:-1])} must have the key {place[-1]!r}, {expectation(known)}; add it"
    return place, f"{_name(place)} must be {expectation(known)}, not {_came(problem['input'])}"


def _known_place(place: Place, schema: dict[str, Any]) -> tuple[Place, dict[str, Any]]:
    """Follow ``place`` as far as the schema knows it; pydantic appends the names of a union's members."""
    known = _resolved(schema, schema)
    for depth, step in enumerate(place):
        if isinstance(step, int) and "items" in known:
            known = _resolved(known["items"], schema)
        elif step in known.get("properties", {}):
            known = _resolved(known["properties"][step], schema)
        else:
            return place[:depth], known
    return place, known


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and leave out that a key may be absent."""
    if "$ref" in part:
        return _resolved(schema["$defs"][part["$ref"].rsplit("/", 1)[1]], schema)
    members = [member for member in part.get("anyOf", ()) if member.get("type") != "null"]
    return _resolved(members[0], schema) if len(members) == 1 else part


def _unknown_key(place: Place, keys: Iterable[str], top_keys: Iterable[str]) -> str:
    key, table = str(place[-1]), _table(place[:-1])
    sentence = f"a key of {table} must be one of {', '.join(keys)}, not {key!r}"
    close = difflib.get_close_matches(key, keys, n=1)
    if close:
        return f"{sentence}; did you mean {close[0]!r}?"
    if key in top_keys:
        return f"{sentence}, which belongs above the first table"
    return f"{sentence}; remove it"


def expectation(known: dict[str, Any]) -> str:
    """Put the JSON schema of one value into words."""
    if "anyOf" in known:
        return " or ".join(expectation(member) for member in known["anyOf"])
    if "enum" in known:
        return f"one of {', '.join(map(repr, known['enum']))}"
    if "const" in known:
        return repr(known["const"])
    if known["type"] in ("integer", "number"):
        return _number(known)
    if known["type"] == "array":
        few = " at least one of" if known.get("minItems") else ""
        return f"an array of{few} {expectation(known['items']).removeprefix('one of ')}"
    if known.get("format") == "path":
        return "the path of a file, as a string"
    return {"boolean": "true or false", "string": "a string", "object": "a table"}[known["type"]]


def _number(known: dict[str, Any]) -> str:
    noun = {"integer": "an integer", "number": "a number"}[known["type"]]
    least, above, most = (known.get(bound) for bound in ("minimum", "exclusiveMinimum", "maximum"))
    if least is not None and most is not None:
        return f"{noun} from {least} to {most}"
    bounds = [
        f"{words} {bound:g}"
        for words, bound in (("of at least", least), ("above", above), ("at most", most))
        if bound is not None
    ]
    return " ".join([noun, " and ".join(bounds)]).strip()


def _table(place: Place) -> str:
    return f"[{_name(place)}]" if place else "the top level"


def _name(place: Place) -> str:
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return name.removeprefix(".") or "the config"


def _came(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else repr(value)
