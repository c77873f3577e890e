# SPDX-License-Identifier: Apache-2.0
"""Which flips of which rounds the level of an edge is made of: tables for the hardware that makes hints."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.predecoder.places import flip_places
from synfab.rtl.union_find import Hints

Flip = tuple[int, int]
"""By how many rounds it is older than the newest one, and its site among the target channels of a round."""
Explanations = tuple[tuple[Flip, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Lanes:
    """The levels that come with every round.

    An edge's level is known with the last round that one of its explanations has flips of. Edges of different rounds
    whose explanations are alike but for the round share a *lane*, so a lane is what one piece of logic makes.

    Parameters
    ----------
    spec : PipelineSpec
        With hints.
    """

    spec: PipelineSpec

    @cached_property
    def explanations(self) -> tuple[Explanations, ...]:
        """Of each lane."""
        return tuple(sorted({explained for _, explained in filter(None, self._edges)}))

    @cached_property
    def oldest(self) -> int:
        """Rounds before the newest that a lane looks back."""
        return max((age for lane in self.explanations for way in lane for age, _ in way), default=0)

    @cached_property
    def hints(self) -> Hints:
        """What the fabric is told of them."""
        number = {lane: index for index, lane in enumerate(self.explanations)}
        lanes = tuple(None if edge is None else (edge[0], number[edge[1]]) for edge in self._edges)
        return Hints(weights=self.spec.weights, lanes=lanes, num_lanes=len(number))

    @cached_property
    def _edges(self) -> tuple[tuple[int, Explanations] | None, ...]:
        """Return for each edge the round with which its level is known, and its explanations; None without one."""
        hints = self.spec.hints
        assert hints is not None
        return tuple(self._edge(ways) for ways in hints.explanations)

    def _edge(self, ways: np.ndarray) -> tuple[int, Explanations] | None:
        # A flip that the net does not propose has a silent level.
        found = [[self._places.get(site) for site in way if site >= 0] for way in ways.tolist()]
        placed = [[place for place in way if place] for way in found if any(way) and (all(way) or not self.spec.all_of)]
        if not placed:
            return None
        newest = max(layer for way in placed for layer, _ in way)
        return newest, tuple(sorted(tuple(sorted((newest - layer, site) for layer, site in way)) for way in placed))

    @cached_property
    def _places(self) -> dict[int, tuple[int, int]]:
        return flip_places(self.spec)
