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


class VectorsError(ValueError):
    """The stored vectors cannot be played; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """The vectors in one folder.

    ``manifest.json`` names the files, each a row of equally long records, one a shot: ``detections`` (detection
    events, detector 0 in bit 0 of byte 0, as in Stim's ``b8``), ``observables``, and perhaps ``corrections`` and
    ``weights`` (of every edge, in one byte, or two if ``weight_bits`` exceeds 8, low byte first).
    """

    directory: Path

    @cached_property
    def manifest(self) -> dict:
        """The manifest, checked for its format.

        Raises
        ------
        VectorsError
            If it is not one that synfab wrote.
        """
        path = self.directory / "manifest.json"
        try:
            manifest = json.loads(path.read_text())
            version = manifest.get("format")
        except (OSError, ValueError, AttributeError) as error:
            raise VectorsError(f"{path} must be a manifest of vectors: {error}; write the vectors again") from error
        if version != FORMAT:
            raise VectorsError(f"{path} must have the format {FORMAT!r}, not {version!r}; write the vectors again")
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

    @property
    def has_weights(self) -> bool:
        """Whether each shot has weights of its own."""
        return "weights" in self.manifest["files"]

    def check(self) -> None:
        """Read all files.

        Raises
        ------
        VectorsError
            If one is missing, or is not the one that the manifest was written for.
        """
        if not self._files:
            raise VectorsError(f"{self.directory / 'manifest.json'} must name files; write the vectors again")

    def detections(self, shot: int) -> int:
        """Return the detection events of a shot, detector 0 in bit 0."""
        return self._record("detections", shot)

    def answer(self, shot: int) -> Answer:
        """Return the reference's answer to a shot."""
        corrections = self._record("corrections", shot) if self.has_corrections else None
        return Answer(self._record("observables", shot), corrections)

    def overrides(self, shot: int) -> dict[int, int]:
        """Return the weights of a shot that are not the spec's, by edge; 0 is an erased edge."""
        if not self.has_weights:
            return {}
        record = self._record("weights", shot)
        width = 8 if self.manifest["weight_bits"] <= 8 else 16
        own = (record >> width * edge & (1 << width) - 1 for edge in range(self.manifest["num_edges"]))
        return {edge: weight for edge, weight in enumerate(own) if weight != self.manifest["weights"][edge]}

    @cached_property
    def _files(self) -> dict[str, bytes]:
        files = {}
        for name, entry in self.manifest["files"].items():
            path = self.directory / entry["file"]
            try:
                files[name] = path.read_bytes()
            except OSError as error:
                raise VectorsError(f"{path} must be there, as the manifest says; write the vectors again") from error
            if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
                raise VectorsError(f"{path} must have the hash that the manifest gives; write the vectors again")
            if len(files[name]) != len(self) * entry["bytes_per_shot"]:
                raise VectorsError(
                    f"{path} must hold {len(self)} records of {entry['bytes_per_shot']} bytes, not {len(files[name])} "
                    "bytes; write the vectors again"
                )
        return files

    def _record(self, name: str, shot: int) -> int:
        if not 0 <= shot < len(self):
            raise VectorsError(f"a shot must lie in 0..{len(self) - 1}, not {shot}")
        width = self.manifest["files"][name]["bytes_per_shot"]
        return int.from_bytes(self._files[name][shot * width : (shot + 1) * width], "little")
