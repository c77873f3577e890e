# SPDX-License-Identifier: Apache-2.0
"""The layout for hardware: four ancilla places a cell, a quarter of the positions, twice the reach a layer."""

from functools import lru_cache

import numpy as np

from synfab.predecoder.layouts.plane_layout import PlaneLayout
from synfab.predecoder.volume import Volume, require_distance


@lru_cache(maxsize=32)
def supercell(distance: int) -> PlaneLayout:
    """Return the supercell layout: (d+1)/2 rows and columns, 4 event channels, 12 target channels.

    The ancillas of both kinds stand on one (d+1) x (d+1) grid, (row, column) = (y/2, x/2), whose corners and every
    second place of its sides are empty. Its 2 x 2 blocks are the cells; place (row, column) is channel
    2 (row mod 2) + column mod 2 of its cell. X checks have row + column odd: channels 1 and 2; Z checks 0 and 3.

    Data qubits are laid out alike, each at the ancilla place to its top left, which has its row and column in the
    d x d grid of data. Target channels: Z flips 0 to 3, X flips 4 to 7, outcomes of the checks 8 to 11.
    """
    require_distance(distance)
    volume = Volume(distance=distance, rounds=2, basis="Z")
    side = (distance + 1) // 2
    ancillas = np.array([[_site(c.position[1] // 2, c.position[0] // 2, side) for c in row] for row in volume.checks])
    data = np.array([_site(y // 2, x // 2, side) for x, y in volume.data])
    return PlaneLayout(
        name="supercell",
        distance=distance,
        rows=side,
        cols=side,
        event_channels=4,
        target_channels=12,
        event_sites=ancillas.astype(np.int32),
        data_sites=np.stack([data, data + 4 * side * side]).astype(np.int32),
        timelike_sites=(ancillas + 8 * side * side).astype(np.int32),
    )


def _site(row: int, column: int, side: int) -> int:
    channel = 2 * (row % 2) + column % 2
    return (channel * side + row // 2) * side + column // 2
