# SPDX-License-Identifier: Apache-2.0
"""The plane of patches: every pattern of merges is a code, and every cell looks the same."""

from itertools import combinations

import pytest

from synfab.circuits import rotated
from synfab.surgery import Lattice, Pattern
from synfab.surgery.lattice import neighbour_cells, seam_crossings, site_kind

CELLS = frozenset([(0, 0), (2, 0), (0, 2), (2, 2)])
SEAMS = ((1, 0), (1, 2), (0, 1), (2, 1))
PATTERNS = [frozenset(merged) for n in range(5) for merged in combinations(SEAMS, n)]


@pytest.mark.parametrize("distance", [3, 5])
@pytest.mark.parametrize("merged", PATTERNS, ids=str)
def test_checks_commute_and_leave_the_right_number_of_qubits(distance, merged):
    """Two to four merges of four patches: each joins, and in an L or a T one of two parities cannot be measured."""
    lattice, pattern = Lattice(distance=distance), Pattern(patches=CELLS, merged=merged)
    checks = lattice.checks(pattern)
    for one, other in combinations(checks, 2):
        if one.kind != other.kind:
            assert len(set(one.support) & set(other.support)) % 2 == 0
    data = {q for site in (*CELLS, *merged, *pattern.crossings) for q in lattice.data(site)}
    assert data == {q for check in checks for q in check.support}

    across_x = sum(site_kind(seam) == "x" for seam in merged)
    across_y = len(merged) - across_x
    measured = 3 if len(merged) == 4 else max(across_x, across_y)
    assert len(data) - rank(checks, data) == 4 - measured


def rank(checks, data) -> int:
    """Independent checks: ranks over GF(2) of the two kinds."""
    column = {q: 1 << number for number, q in enumerate(sorted(data))}
    total = 0
    for kind in "XZ":
        rows: dict[int, int] = {}
        for check in checks:
            if check.kind == kind:
                row = sum(column[q] for q in check.support)
                while row and row.bit_length() in rows:
                    row ^= rows[row.bit_length()]
                if row:
                    rows[row.bit_length()] = row
        total += len(rows)
    return total


def test_one_patch_is_the_rotated_code():
    lattice = Lattice(distance=5)
    code = rotated(5)
    pattern = Pattern(patches=frozenset([(0, 0)]), merged=frozenset())
    assert set(lattice.checks(pattern)) == set(code.checks)
    assert lattice.data((0, 0)) == code.data
    for kind in ("X", "Z"):
        assert (lattice.reference((0, 0), kind),) == code.observables[kind]


def test_every_cell_has_the_same_checks():
    lattice = Lattice(distance=3)
    moved = {(x + 2 * lattice.pitch, y + lattice.pitch) for x, y in lattice.own_checks((0, 0))}
    assert moved == set(lattice.own_checks((4, 2)))
    assert all(lattice.kind((x, y)) == lattice.kind((x - 2 * lattice.pitch, y - lattice.pitch)) for x, y in moved)


@pytest.mark.parametrize("seam", SEAMS)
def test_checks_of_a_seam_multiply_to_the_joint_parity(seam):
    """Without anything else merged: what remains is a column or a row of each patch beside the seam."""
    lattice = Lattice(distance=5)
    pattern = Pattern(patches=CELLS, merged=frozenset([seam]))
    by_position = {check.position: check for check in lattice.checks(pattern)}
    product: set = set()
    for position in lattice.seam_checks(seam):
        product ^= set(by_position[position].support)
    axis = 0 if site_kind(seam) == "x" else 1
    expected = set()
    for cell, edge in zip(neighbour_cells(seam), (max, min), strict=True):
        line = edge(q[axis] for q in lattice.data(cell))
        expected |= {q for q in lattice.data(cell) if q[axis] == line}
    assert product == expected
    assert len(lattice.seam_checks(seam)) == 6
    assert len(seam_crossings(seam)) == 2
