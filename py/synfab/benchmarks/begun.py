# SPDX-License-Identifier: Apache-2.0
"""Taking up a benchmark where it stopped."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from synfab.benchmarks.models import MeasuredBy
from synfab.errors import InputError

Benchmark = TypeVar("Benchmark", bound=MeasuredBy)


def begun(output: Path, fresh: Benchmark) -> Benchmark:
    """Return the benchmark in ``output``, or ``fresh`` if there is none, or one by other versions of the tools.

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    if not output.exists():
        return fresh
    try:
        found = type(fresh).model_validate_json(output.read_text())
    except ValidationError as error:
        raise InputError(
            f"{output} must be a benchmark that synfab wrote, to be gone on with; move it away or name another: "
            f"{error.error_count()} faults, first: {error.errors()[0]['msg']}"
        ) from error
    return found if found.tools == fresh.tools else fresh
