# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of a report: ``python -m synfab.report.schema [FILE]``."""

import argparse
import json
from pathlib import Path
from typing import Any

from synfab.artefact import write_text
from synfab.report.models import Report


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of :class:`~synfab.report.Report`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}


def schema_json() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write the schema to the file named, or print it."""
    parser = argparse.ArgumentParser(description="Write the JSON schema of report.json.")
    parser.add_argument("file", nargs="?", type=Path, help="where to write it; printed if left out")
    file = parser.parse_args(arguments).file
    if file is None:
        print(schema_json(), end="")
    else:
        write_text(file, schema_json())


if __name__ == "__main__":
    main()
