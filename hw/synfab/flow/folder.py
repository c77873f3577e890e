# SPDX-License-Identifier: Apache-2.0
"""The artefact folder, and which of its parts are up to date."""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synfab.artefact import digest, write_json


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step left behind.

    Attributes
    ----------
    result : dict
        JSON values, as stored in ``steps/NAME.json``.
    fresh : bool
        Whether the step ran now; False if what it made before was still good.
    """

    result: dict[str, Any]
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class Folder:
    """An artefact folder: everything that one config makes.

    A step's record is written after everything that the step made, so that a killed run is taken up where it
    stood; a record counts only as long as the hash of the step's inputs is the same and its files exist.
    """

    path: Path

    def step(
        self, name: str, inputs: Mapping[str, Any], make: Callable[[], dict[str, Any]], *, files: Iterable[str] = ()
    ) -> Outcome:
        """Return what the step made before if it is up to date; make it otherwise.

        Parameters
        ----------
        name : str
        inputs : mapping
            JSON values: everything that the result depends on, versions of tools among them.
        make : callable
            Makes the files and returns the result, JSON values.
        files : iterable of str
            Paths in the folder that must exist for the result to count.
        """
        if self.holds(name, inputs, files=files):
            return Outcome(result=self._record(name)["result"], fresh=False)
        self._record_path(name).unlink(missing_ok=True)
        result = make()
        record = {"step": name, "key": digest(dict(inputs)), "inputs": dict(inputs), "result": result}
        write_json(self._record_path(name), record)
        return Outcome(result=json.loads(json.dumps(result)), fresh=True)

    def holds(self, name: str, inputs: Mapping[str, Any], *, files: Iterable[str] = ()) -> bool:
        """Return whether what the step made before is up to date."""
        return self._record(name).get("key") == digest(dict(inputs)) and all(
            (self.path / file).exists() for file in files
        )

    def remove(self, relative: str) -> None:
        """Remove a part of the folder, if it is there, before it is made anew."""
        path = self.path / relative
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _record_path(self, name: str) -> Path:
        return self.path / "steps" / f"{name}.json"

    def _record(self, name: str) -> dict[str, Any]:
        try:
            return json.loads(self._record_path(name).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
