# SPDX-License-Identifier: Apache-2.0
"""The layout of the pre-decoder paper: a d x d grid, one position a data qubit."""

from functools import lru_cache

import numpy as np

from synfab.predecoder.layouts.plane_layout import PlaneLayout
from synfab.predecoder.volume import Indices, Volume, require_distance


@lru_cache(maxsize=32)
def grid(distance: int) -> PlaneLayout:
    """Return the d x d layout: 2 event channels (X checks, Z checks), 4 target channels.

    Target channels: Z flips, X flips, outcomes of X checks, outcomes of Z checks. A data qubit stands in its own row
    and column. A check stands at one of its data qubits: Z checks, which close left and right, at the top left one, or
    the upper of two; X checks, which close top and bottom, at the top right one, or the right of two.

    Notes
    -----
    Section IV.2.1 and figure 5 of the pre-decoder paper, with X and Z exchanged: there X checks close left and right.
    """
    require_distance(distance)
    volume = Volume(distance=distance, rounds=2, basis="Z")
    area = distance * distance
    anchors = np.array([[_anchor(*check.position, check.kind, distance) for check in row] for row in volume.checks])
    channels = np.array([[0], [1]])
    return PlaneLayout(
        name="grid",
        distance=distance,
        rows=distance,
        cols=distance,
        event_channels=2,
        target_channels=4,
        event_sites=_sites(channels * area + anchors),
        data_sites=_sites(channels * area + np.arange(area)),
        timelike_sites=_sites((channels + 2) * area + anchors),
    )


def _anchor(x: int, y: int, kind: str, distance: int) -> int:
    """Return row * distance + column of the data qubit at which the check at (x, y) stands."""
    row = max(y // 2 - 1, 0)
    column = max(x // 2 - 1, 0) if kind == "Z" else min(x // 2, distance - 1)
    return row * distance + column


def _sites(table: np.ndarray) -> Indices:
    return table.astype(np.int32)
