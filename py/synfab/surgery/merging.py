# SPDX-License-Identifier: Apache-2.0
"""Merges of two neighbouring cells: where the seam is, and whether it measures their joint parity."""

from itertools import pairwise

from synfab.circuits.layout import Basis, opposite
from synfab.surgery.lattice import Site, crossing_seams, seam_basis, seam_crossings, site_kind


def seam_between(one: Site, other: Site) -> Site | None:
    """Return the seam between two cells, None if they are no neighbours."""
    apart = abs(one[0] - other[0]) + abs(one[1] - other[1])
    return ((one[0] + other[0]) // 2, (one[1] + other[1]) // 2) if apart == 2 and 0 in difference(one, other) else None


def difference(one: Site, other: Site) -> tuple[int, int]:
    """Return how far a site is from another, in columns and rows doubled."""
    return one[0] - other[0], one[1] - other[1]


def joint_kind(seam: Site) -> Basis:
    """Return which joint parity a merge across a seam measures."""
    return opposite(seam_basis(seam))


def path_seams(path: tuple[Site, ...]) -> tuple[Site, ...]:
    """Return the seams between consecutive cells of a straight path."""
    return tuple(((one[0] + other[0]) // 2, (one[1] + other[1]) // 2) for one, other in pairwise(path))


def measures_parity(seam: Site, merged: frozenset[Site], held: frozenset[Site]) -> bool:
    """Whether a seam that begins to be merged measures the joint parity of its two patches.

    At each end its check must be measured (see :meth:`Lattice.checks`), and whatever else that check touches must
    have been prepared in its basis: the seams across must begin as well, and with four seams the qubit between them
    is in Z.
    """
    for crossing in seam_crossings(seam):
        pairs = crossing_seams(crossing)
        along, across = pairs if site_kind(seam) == "x" else pairs[::-1]
        same, other = (sum(s in merged for s in pair) for pair in (along, across))
        if held.intersection(across):
            return False
        if site_kind(seam) == "x" and same <= other:
            return False
        if site_kind(seam) == "y" and same < other:
            return False
    return True
