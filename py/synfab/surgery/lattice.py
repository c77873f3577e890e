# SPDX-License-Identifier: Apache-2.0
"""The plane of data qubits and checks that patches, seams and crossings share."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from synfab.circuits.layout import ROTATED_STEPS, Basis, Check, Position, rotated

Site = tuple[int, int]
"""A place among the cells in doubled coordinates (x, y): (even, even) a cell, (odd, even) the seam between two cells
of a row, (even, odd) the seam between two cells of a column, (odd, odd) the crossing of four seams."""

SiteKind = Literal["cell", "x", "y", "crossing"]
_KINDS: dict[tuple[int, int], SiteKind] = {(0, 0): "cell", (1, 0): "x", (0, 1): "y", (1, 1): "crossing"}


def site_kind(site: Site) -> SiteKind:
    """Return what stands at a site: a cell, a seam along which x or y crosses, or a crossing of seams."""
    return _KINDS[site[0] & 1, site[1] & 1]


def cell_site(cell: tuple[int, int]) -> Site:
    """Return the site of the cell at (column, row)."""
    return 2 * cell[0], 2 * cell[1]


def neighbour_cells(site: Site) -> tuple[Site, ...]:
    """Return the cells that touch a site, row by row: itself, the two of a seam, or the four of a crossing."""
    columns, rows = ((c,) if c % 2 == 0 else (c - 1, c + 1) for c in site)
    return tuple((x, y) for y in rows for x in columns)


def crossing_seams(crossing: Site) -> tuple[tuple[Site, Site], tuple[Site, Site]]:
    """Return the x seams above and below a crossing, and the y seams left and right of it."""
    x, y = crossing
    return ((x, y - 1), (x, y + 1)), ((x - 1, y), (x + 1, y))


def seam_crossings(seam: Site) -> tuple[Site, Site]:
    """Return the crossings at the two ends of a seam, the lower coordinate first."""
    x, y = seam
    return ((x, y - 1), (x, y + 1)) if site_kind(seam) == "x" else ((x - 1, y), (x + 1, y))


def seam_basis(seam: Site) -> Basis:
    """Return the basis in which the data qubits of a seam or of a crossing are prepared and measured out.

    A merge across an x seam measures XX: its data qubits are in Z. Across a y seam it is the other way round. The
    qubit of a crossing goes with the x seams.
    """
    return "X" if site_kind(seam) == "y" else "Z"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Which cells hold a patch and which seams are merged, at one time."""

    patches: frozenset[Site]
    merged: frozenset[Site]

    @property
    def crossings(self) -> frozenset[Site]:
        """Crossings whose four seams are all merged: they hold a data qubit."""
        ends = {crossing for seam in self.merged for crossing in seam_crossings(seam)}
        return frozenset(c for c in ends if all(seam in self.merged for pair in crossing_seams(c) for seam in pair))


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Patches of one odd distance on a grid whose cells are d+1 data qubits apart.

    Data qubits stand at odd (x, y), checks at even. The cell at (column, row) owns the (d+1)^2 check positions from
    (2(d+1) column, 2(d+1) row) on, half of them X, half Z; its patch has the d^2 data qubits between them. The data
    qubits of seams and crossings stand between cells. A check position is X where (x + y) / 2 is odd, in every cell.

    All patches lie as :func:`synfab.circuits.rotated` has it: logical X is the left column, logical Z the top row.
    """

    distance: int

    @property
    def pitch(self) -> int:
        """Distance of neighbouring cells in coordinates."""
        return 2 * (self.distance + 1)

    def origin(self, site: Site) -> Position:
        """Return the first check position of a cell, or the corner of the gap before which a seam lies."""
        return (site[0] // 2) * self.pitch, (site[1] // 2) * self.pitch

    def data(self, site: Site) -> tuple[Position, ...]:
        """Return the data qubits of a patch, a seam or a crossing, row by row."""
        (x0, y0), inside, gap = self.origin(site), range(1, 2 * self.distance, 2), (2 * self.distance + 1,)
        columns, rows = ((gap if c % 2 else inside) for c in site)
        return tuple((x0 + x, y0 + y) for y in rows for x in columns)

    def reference(self, site: Site, kind: Basis) -> tuple[Position, ...]:
        """Return the data qubits of a cell or seam on the logical operator of ``kind``: left column or top row."""
        axis = 0 if kind == "X" else 1
        first = self.origin(site)[axis] + 1
        return tuple(position for position in self.data(site) if position[axis] == first)

    def kind(self, position: Position) -> Basis:
        """Return what is measured at a check position."""
        return "X" if sum(position) // 2 % 2 else "Z"

    def own_checks(self, cell: Site) -> tuple[Position, ...]:
        """Return the check positions of a patch, whatever it is merged with."""
        x0, y0 = self.origin(cell)
        return tuple((x0 + x, y0 + y) for x, y in _patch_checks(self.distance))

    def seam_checks(self, seam: Site) -> tuple[Position, ...]:
        """Return the d+1 check positions whose product is the joint parity of a merge across ``seam``.

        Those at the ends stand at the seam's crossings; see :meth:`checks` for when they are measured.
        """
        x0, y0 = self.origin(seam)
        gap, along = (2 * self.distance, self.pitch), range(0, self.pitch, 2)
        if site_kind(seam) == "x":
            positions = [(x0 + x, y0 + y) for y in along for x in gap]
            return tuple(position for position in positions if self.kind(position) == "X")
        positions = [(x0 + x, y0 + y) for y in gap for x in along]
        return tuple(position for position in positions if self.kind(position) == "Z")

    def checks(self, pattern: Pattern) -> tuple[Check, ...]:
        """Return the checks that a pattern measures, by rows.

        A check reads those of its four data qubits that are there. A patch has its own checks at any time and a
        merged seam those of :meth:`seam_checks`, but where both x and y seams are merged at a crossing its two X and
        its two Z checks need not commute. With four merged seams they do. With three, the kind of the pair of
        opposite seams stays, so that the end of a slit is no boundary of another kind; with two at a corner Z stays.
        """
        data = {
            position for site in (*pattern.patches, *pattern.merged, *pattern.crossings) for position in self.data(site)
        }
        positions = {position for cell in pattern.patches for position in self.own_checks(cell)}
        for seam in pattern.merged:
            positions.update(self.seam_checks(seam))
        for crossing in {c for seam in pattern.merged for c in seam_crossings(seam)}:
            across_x, across_y = (sum(s in pattern.merged for s in pair) for pair in crossing_seams(crossing))
            if across_x and across_y and across_x + across_y < 4:
                dropped = "Z" if across_x > across_y else "X"
                positions -= {
                    position for position in self._crossing_checks(crossing) if self.kind(position) == dropped
                }
        return tuple(self._check(position, data) for position in sorted(positions, key=lambda p: (p[1], p[0])))

    def _crossing_checks(self, crossing: Site) -> tuple[Position, ...]:
        ((x, y),) = self.data(crossing)
        return tuple((x + dx, y + dy) for dy in (-1, 1) for dx in (-1, 1))

    def _check(self, position: Position, data: set[Position]) -> Check:
        x, y = position
        kind = self.kind(position)
        corners = ((x + dx, y + dy) for dx, dy in ROTATED_STEPS[kind])
        return Check(
            position=position, kind=kind, steps=tuple(corner if corner in data else None for corner in corners)
        )


@cache
def _patch_checks(distance: int) -> tuple[Position, ...]:
    return tuple(check.position for check in rotated(distance).checks)
