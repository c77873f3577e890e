# SPDX-License-Identifier: Apache-2.0
"""Where a detector stands in its block, and to which block or face an edge belongs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synfab.circuits.layout import Basis, Position

Home = tuple[int, int, int]
"""A place among the blocks in doubled coordinates (x, y, time): all even a block; one odd the face between two
blocks; two odd the line where four blocks meet, three odd the point where eight do."""


class Place(NamedTuple):
    """A detector by its block and its place there.

    Attributes
    ----------
    block : tuple of int
        (column, row, step).
    local : tuple of int
        (column, row, layer), each 0 .. distance.
    """

    block: tuple[int, int, int]
    local: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The numbering of the detectors of one kind in blocks of distance d.

    A block holds every check position of one kind in its cell, (d+1)^2 / 2 of them, in d + 1 layers: one a round, and
    one for the read-out that ends a patch. A detector that a circuit does not have is a vertex without edges. The
    number of a vertex in its block is ``layer * (d+1)^2/2 + row * (d+1)/2 + column // 2``.

    Attributes
    ----------
    distance : int
    kind : {"X", "Z"}
        X checks stand where row + column is odd, Z checks where it is even.
    """

    distance: int
    kind: Basis

    @property
    def layer_size(self) -> int:
        """Vertices in a layer."""
        return (self.distance + 1) ** 2 // 2

    @property
    def block_size(self) -> int:
        """Vertices in a block."""
        return (self.distance + 1) * self.layer_size

    def vertex(self, local: tuple[int, int, int]) -> int:
        """Return the number of a place in its block."""
        column, row, layer = local
        return layer * self.layer_size + row * ((self.distance + 1) // 2) + column // 2

    def local(self, vertex: int) -> tuple[int, int, int]:
        """Return the (column, row, layer) of a vertex."""
        layer, rest = divmod(vertex, self.layer_size)
        row, half = divmod(rest, (self.distance + 1) // 2)
        return 2 * half + (row + (self.kind == "X")) % 2, row, layer

    def place(self, position: Position, step: int, layer: int) -> Place:
        """Return where the detector of a check position stands."""
        (column, i), (row, j) = (divmod(c // 2, self.distance + 1) for c in position)
        return Place((column, row, step), (i, j, layer))

    def home(self, places: Sequence[Place]) -> Home:
        """Return the block or face that owns an edge between one or two places.

        Coordinate by coordinate. An edge between two cells (or steps) belongs between them. One within a cell belongs
        inside, unless what lies beyond has a say in it: if it touches the first or last row, column or layer, or if
        it leads to the boundary from so near that another state beyond would put a detector at its other end. That
        is one column (or row, or layer) from the last, and two in the direction in which an error of an ancilla
        spreads over two data qubits: rows for X, columns for Z. With distance 3 a detector of a seam is as near as
        that to both ends of the seam; its edges to the boundary belong to the seam.
        """
        one, other = places[0], places[-1]
        home = []
        for axis in range(3):
            block, further = one.block[axis], other.block[axis]
            if block != further:
                home.append(block + further)
                continue
            margin = self._reach(axis, one) if len(places) == 1 else 0
            low, high = sorted((one.local[axis], other.local[axis]))
            home.append(2 * block - (low <= margin) + (high >= self.distance - margin))
        x, y, t = home
        return x, y, t

    def _reach(self, axis: int, place: Place) -> int:
        """Return how far from the last row, column or layer an edge to the boundary still depends on what is beyond."""
        spread = 1 if self.kind == "X" else 0
        if axis != spread:
            return 1
        if self.distance > 3:
            return 2
        return 0 if place.local[1 - spread] in (0, self.distance) else 1
