# SPDX-License-Identifier: Apache-2.0
"""The floor of a fabric and the histories on it: what is refused, and the sentence for it."""

from dataclasses import replace

import numpy as np
import pytest

from synfab.benchmarks.fusion.histories import RandomHistory
from synfab.errors import InputError
from synfab.surgery import Place
from synfab.surgery.floor import Floor
from synfab.surgery.history import History

ONE = RandomHistory(steps=2, distance=3, p=0.03)
TWO = RandomHistory(columns=2, steps=2, distance=3, p=0.03, merged=1.0)


def test_pieces_must_lie_on_the_floor():
    floor = ONE.floor()
    with pytest.raises(
        InputError, match=r"^all pieces must lie in 1 x 1 cells, not touch the one at \(1, 0\); give more"
    ):
        Floor.of(TWO.parts, TWO.pieces, columns=1, rows=1)
    moved = [replace(piece, home=(piece.home[0] - 2, *piece.home[1:])) for piece in ONE.pieces]
    with pytest.raises(InputError, match=r"^all pieces .*, not touch the one at \(-1, 0\); move them to cells from"):
        Floor.of(ONE.parts, moved, columns=1, rows=1)
    with pytest.raises(InputError, match=r"^every piece must be in a state that the floor was compiled with, not one"):
        History.of(floor, TWO.pieces)
    with pytest.raises(InputError, match=r"^a history must have pieces, not none; there is nothing to decode$"):
        History.of(floor, [])


def test_weights_by_likelihood_have_a_scale():
    with pytest.raises(InputError, match=r"^rarest must be a probability with log-likelihood weights, not None; give"):
        Floor.compile(ONE.parts.cells, columns=1, rows=1, pieces=ONE.pieces, weights="log_likelihood")


@pytest.mark.parametrize("block", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, 2), (0, 0, -1)])
def test_detectors_must_lie_in_the_history(block):
    history = History.of(ONE.floor(), ONE.pieces)
    with pytest.raises(
        InputError, match=rf"^every detector .* 1 x 1 cells and 2 steps .*, not in \({block[0]}, {block[1]}"
    ):
        history.events([Place(block, (0, 0, 0))], np.zeros((1, 1), bool))


@pytest.mark.parametrize("sizes", [{"columns": 0}, {"rows": 0}, {"steps": 0}])
def test_sizes_of_random_histories(sizes):
    with pytest.raises(
        InputError, match=r"^columns, rows and steps must be at least 1, not \(.*0.*\); there is nothing"
    ):
        replace(ONE, **sizes)
