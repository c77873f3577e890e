# SPDX-License-Identifier: Apache-2.0
"""A report on disk: ``report.json``, and ``report.html`` made from it."""

import json
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from synfab.artefact import write_text
from synfab.errors import InputError
from synfab.report.models import SCHEMA_VERSION, Report
from synfab.report.page import page

_REPAIR = "write it again with `synfab report`"


class ReportFiles(NamedTuple):
    """Where a report was written."""

    json: Path
    html: Path


def write_report(report: Report, directory: Path | str) -> ReportFiles:
    """Write ``report.json`` and ``report.html`` into ``directory``, each whole or not at all.

    Equal reports give equal bytes.
    """
    folder = Path(directory)
    html = page(report)
    return ReportFiles(
        json=write_text(folder / "report.json", report.model_dump_json(indent=2) + "\n"),
        html=write_text(folder / "report.html", html),
    )


def load_report(path: Path | str) -> Report:
    """Return the report in a ``report.json``.

    Raises
    ------
    InputError
        If the file cannot be read, is not JSON, has another schema version or does not fit the schema.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = json.loads(text)
    except OSError as error:
        raise InputError(
            f"A report must be a file that can be read, not {str(path)!r} ({error.strerror}); {_REPAIR}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The report {str(path)!r} must hold JSON ({error}); {_REPAIR}.") from error
    if not isinstance(content, dict):
        raise InputError(f"The report {str(path)!r} must hold a JSON object, not {_shown(content)}; {_REPAIR}.")
    _check_version(path, content.get("schema_version"))
    try:
        # From the text, not the parsed content: only JSON's own rules let an array be a tuple when strict.
        return Report.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise InputError(f"The report {str(path)!r} {_first_fault(error)}; {_REPAIR}.") from error


def _check_version(path: Path | str, version: object) -> None:
    major_minor = SCHEMA_VERSION.rpartition(".")[0]
    if not isinstance(version, str) or version.rpartition(".")[0] != major_minor:
        raise InputError(
            f"The report {str(path)!r} must have schema_version {major_minor}.x, not {_shown(version)}; "
            "read it with the synfab that wrote it, or write it again with `synfab report`."
        )


def _first_fault(error: ValidationError) -> str:
    """Return the first fault as the end of a sentence, with the number of the others."""
    faults = error.errors(include_url=False, include_context=False)
    first = faults[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    others = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"does not fit the schema at {place}: {message}, not {_shown(first['input'])}{others}"


def _shown(value: object) -> str:
    """Return a value's repr, cut where it would drown the sentence."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
