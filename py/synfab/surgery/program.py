# SPDX-License-Identifier: Apache-2.0
"""Lattice surgery as a program: patches on a grid, steps of d rounds, operations, conditions on decoded results."""

import tomllib
from collections.abc import Iterator
from importlib import resources
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from synfab.circuits.layout import Basis
from synfab.errors import InputError

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
_Coordinate = Annotated[int, Field(ge=0, strict=True)]
Cell = tuple[_Coordinate, _Coordinate]
Condition = Annotated[str, Field(pattern=r"^!?[A-Za-z][A-Za-z0-9_]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class _Operation(_Table):
    condition: tuple[Condition, ...] = Field(default=(), alias="if")
    """Results that must have come out 1, or 0 behind a "!", for the operation to take place."""

    @model_validator(mode="before")
    @classmethod
    def _one_condition(cls, data: Any) -> Any:
        """Take one condition without brackets."""
        if isinstance(data, dict) and isinstance(data.get("if"), str):
            return {**data, "if": (data["if"],)}
        return data


class Prepare(_Operation):
    """Begin a patch before the step's first round, all its data qubits in one basis."""

    prepare: Name
    """The patch."""
    basis: Basis = "Z"
    """Z begins in logical 0, X in logical plus."""


class Idle(_Operation):
    """Say that a patch is there and nothing else happens to it; patches that are not named idle as well."""

    idle: Name
    """The patch."""


class Merge(_Operation):
    """Merge neighbouring patches from this step on, until a split or a read-out."""

    merge: tuple[Name, ...] = Field(min_length=2)
    """Patches, each a neighbour of the one before."""
    result: Name | None = None
    """The joint parity of the first and the last: XX for patches in a row, ZZ in a column. Decoded with this step."""


class Split(_Operation):
    """End the merge of neighbouring patches before this step's first round."""

    split: tuple[Name, ...] = Field(min_length=2)
    """Patches, each merged with the one before."""


class Move(_Operation):
    """Move a patch in a straight line over free cells: it spans them during this step and keeps the last."""

    move: Name
    """The patch."""
    to: Cell
    """Column and row."""


class Measure(_Operation):
    """Read a patch out after the step's last round; its merges end with it."""

    measure: Name
    """The patch."""
    basis: Basis = "Z"
    """Basis of the read-out."""
    result: Name
    """The logical operator's value, with the patch's frame."""


_OPERATIONS = {"prepare": Prepare, "idle": Idle, "merge": Merge, "split": Split, "move": Move, "measure": Measure}


def _tag(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, BaseModel) else ()
    found = [name for name in _OPERATIONS if name in keys]
    return found[0] if len(found) == 1 else None


Operation = Annotated[
    Annotated[Prepare, Tag("prepare")]
    | Annotated[Idle, Tag("idle")]
    | Annotated[Merge, Tag("merge")]
    | Annotated[Split, Tag("split")]
    | Annotated[Move, Tag("move")]
    | Annotated[Measure, Tag("measure")],
    Discriminator(
        _tag,
        custom_error_type="operation",
        custom_error_message=f"must have exactly one of the keys {', '.join(_OPERATIONS)}",
    ),
]


class Step(_Table):
    """One time step of d rounds of every patch."""

    ops: tuple[Operation, ...] = ()
    """What happens, in any order: splits, preparations, moves and merges come first, read-outs last."""


class Output(_Table):
    """A parity of results."""

    name: Name
    parity: tuple[Name, ...] = Field(min_length=1)
    """Results, each once; one whose operation did not take place counts as 0."""


class Patch(_Table):
    """Where a patch is prepared."""

    at: Cell
    """Column and row."""
    distance: Annotated[int, Field(strict=True)] | None = None
    """The program's, if given."""


class Program(_Table):
    """A program; see :func:`synfab.surgery.check` for what it must keep to beyond its form."""

    name: Name
    distance: int = Field(ge=3, strict=True)
    """Odd; one for all patches."""
    patches: dict[Name, Patch] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(alias="step")
    outputs: tuple[Output, ...] = Field(default=(), alias="output")

    @model_validator(mode="before")
    @classmethod
    def _positions_without_table(cls, data: Any) -> Any:
        """Take ``a = [0, 0]`` for ``a = { at = [0, 0] }``."""
        if isinstance(data, dict) and isinstance(data.get("patches"), dict):
            patches = {k: {"at": v} if isinstance(v, (list, tuple)) else v for k, v in data["patches"].items()}
            return {**data, "patches": patches}
        return data

    @classmethod
    def from_toml(cls, text: str, *, source: str = "the program") -> Self:
        """Read a program.

        Raises
        ------
        InputError
            If it is not TOML or not of a program's form; the sentence begins with ``source`` and names every place.
        """
        try:
            return cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{source} must be TOML: {error}") from error
        except ValidationError as error:
            raise InputError(f"{source}: {'; and '.join(_sentences(error))}") from error

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a file, or one of :func:`shipped_programs` by its name."""
        if str(path) in shipped_programs():
            return cls.from_toml(_shipped(str(path)).read_text(), source=str(path))
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(shipped_programs())
            raise InputError(
                f"a program must be a readable TOML file or one of {known}, not {str(path)!r}; check the path"
            ) from error
        return cls.from_toml(text, source=str(path))


def _shipped(name: str) -> Any:
    return resources.files("synfab.surgery") / "programs" / f"{name}.toml"


def shipped_programs() -> tuple[str, ...]:
    """Return the names of the programs that come with synfab: the micro-benchmarks of DecoNet's table II."""
    folder = resources.files("synfab.surgery") / "programs"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def _sentences(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        # An operation's own name stands in the place twice: as which kind it is, and as its first key.
        path = [
            part for part, following in zip_longest(problem["loc"], problem["loc"][1:]) if not _is_tag(part, following)
        ]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
        said = _EXPECTATIONS.get(problem["type"], problem["msg"]).replace("Input should", "must")
        came = "" if problem["type"] == "missing" else f", not {_came(problem['input'])}"
        yield f"{place or 'a program'} {said.format(**problem.get('ctx', {}))}{came}"


_EXPECTATIONS = {
    "missing": "must be there",
    "extra_forbidden": "must not be there: it is no key of this table",
    "too_short": "must have at least {min_length} parts",
    "too_long": "must have at most {max_length} parts",
    "string_pattern_mismatch": "must match {pattern}",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}


def _is_tag(part: int | str, following: int | str | None) -> bool:
    return part in _OPERATIONS and following is not None


def _came(value: Any) -> str:
    return f"a table with {', '.join(map(repr, value))}" if isinstance(value, dict) else repr(value)
