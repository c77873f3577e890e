# SPDX-License-Identifier: Apache-2.0
"""JSON files of a model, read with a sentence for what is wrong."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from synfab.errors import InputError

T = TypeVar("T")


def load_json(path: Path, kind: type[T] | Any, *, noun: str) -> T:
    """Return what a JSON file holds.

    Parameters
    ----------
    kind : type
        Whatever pydantic can check.
    noun : str
        What the file must be, for the sentence.

    Raises
    ------
    InputError
        If it is not there or holds something else.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} must be {noun}, but it cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path} must be {noun}: {faults(error)}") from error


def faults(error: ValidationError) -> str:
    """Return how many faults were found, and the first one."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{error.error_count()} faults, first: {place + ': ' if place else ''}{first['msg']}"
