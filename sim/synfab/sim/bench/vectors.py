# SPDX-License-Identifier: Apache-2.0
"""Stored vectors: shots with the reference's answers, as flat files with a manifest."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

FORMAT = "synfab.vectors/1"


class Answer(NamedTuple):
    """What a decoder answers to one shot.

    Attributes
    ----------
    observables : int
        Predicted observable flips, observable 0 in bit 0.
    corrections : int or None
        Flipped edges, edge 0 in bit 0; None where the decoder does not report them.
    """

    observables: int
    corrections: int | None


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors in one folder.

    ``manifest.json`` names the files, each a row of equally long records, one a shot: ``detections`` (detection
    events, detector 0 in bit 0 of byte 0, as in Stim's ``b8``), ``observables``, and perhaps ``corrections``.
    """

    directory: Path

    @cached_property
    def manifest(self) -> dict:
        """The manifest, checked for its format.

        Raises
        ------
        ValueError
            If it is not one that synfab wrote.
        """
        manifest = json.loads((self.directory / "manifest.json").read_text())
        if manifest.get("format") != FORMAT:
            raise ValueError(
                f"{self.directory / 'manifest.json'} must have the format {FORMAT!r}, not {manifest.get('format')!r}"
            )
        return manifest

    def __len__(self) -> int:
        """Return the number of shots."""
        return self.manifest["shots"]

    @property
    def rounds(self) -> list[list[int]]:
        """Detectors of each input beat, bit 0 first."""
        return self.manifest["rounds"]

    @property
    def has_corrections(self) -> bool:
        """Whether the answers hold the flipped edges."""
        return "corrections" in self.manifest["files"]

    def detections(self, shot: int) -> int:
        """Return the detection events of a shot, detector 0 in bit 0."""
        return self._record("detections", shot)

    def answer(self, shot: int) -> Answer:
        """Return the reference's answer to a shot."""
        corrections = self._record("corrections", shot) if self.has_corrections else None
        return Answer(self._record("observables", shot), corrections)

    @cached_property
    def _files(self) -> dict[str, bytes]:
        files = {}
        for name, entry in self.manifest["files"].items():
            path = self.directory / entry["file"]
            files[name] = path.read_bytes()
            if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
                raise ValueError(f"{path} must have the hash that the manifest gives; write the vectors again")
        return files

    def _record(self, name: str, shot: int) -> int:
        width = self.manifest["files"][name]["bytes_per_shot"]
        return int.from_bytes(self._files[name][shot * width : (shot + 1) * width], "little")
