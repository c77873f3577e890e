# SPDX-License-Identifier: Apache-2.0
"""The stored blocks of events, which the tests of all lowerings of a net play (tests/golden/predecoder_vectors.py)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from synfab.circuits.layout import Basis
from synfab.predecoder.inputs import integer_planes
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.volume import Volume

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True, kw_only=True)
class StoredBlocks:
    """Blocks of memory experiments of a distance and a basis.

    Attributes
    ----------
    folder : Path
    distance : int
    basis : {"X", "Z"}
    layout : str
    spec_sha256 : dict of str to str
        Of each net.
    """

    folder: Path
    distance: int
    basis: Basis
    layout: LayoutName
    spec_sha256: dict[str, str]

    @property
    def events(self) -> list[npt.NDArray[np.uint8]]:
        """Of each block, (event_channels, layers, rows, columns)."""
        return self._arrays("events")

    @property
    def planes(self) -> list[npt.NDArray[np.uint8]]:
        """What a net is given for each block, constants included: (num_inputs, layers, rows, columns)."""
        planes = []
        for events in self.events:
            volume = Volume(distance=self.distance, rounds=events.shape[1] - 1, basis=self.basis)
            planes += list(integer_planes(events[np.newaxis], name=self.layout, volume=volume))
        return planes

    def logits(self, net: str) -> list[npt.NDArray[np.int32]]:
        """Return what a net must answer to each block, (num_outputs, layers, rows, columns)."""
        return self._arrays(net)

    def _arrays(self, name: str) -> list[npt.NDArray[Any]]:
        with np.load(self.folder / f"{name}.npz") as archive:
            return [archive[f"block_{number}"] for number in range(len(archive))]


@pytest.fixture(scope="session")
def stored_blocks() -> dict[int, StoredBlocks]:
    """The stored blocks, by distance."""
    stored = {}
    for path in GOLDEN.glob("predecoder_*/manifest.json"):
        manifest = json.loads(path.read_text())
        parts = {name: manifest[name] for name in ("distance", "basis", "layout", "spec_sha256")}
        stored[manifest["distance"]] = StoredBlocks(folder=path.parent, **parts)
    return stored
