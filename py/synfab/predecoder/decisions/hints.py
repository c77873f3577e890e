# SPDX-License-Identifier: Apache-2.0
"""What the global decoder is told of flips that may be wrong: weights of a few bits for the edges they touch."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.errors import InputError
from synfab.predecoder.decisions.commit import Logits
from synfab.predecoder.decisions.residual import FlipEffect
from synfab.predecoder.volume import detector_places

LONGEST = 3
Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class EdgeHints:
    """From logits to the weights of a decoding graph's edges.

    After a commit the odds that a flip was decided wrongly are ``exp(-|logit|)``, whichever way, so the weight of the
    edge that undoes it is ``|logit|``. A *level* says between which thresholds it lies: level 0 below the first one,
    the least certain; the highest level is silent, and leaves the edge its own weight. An edge is explained by
    the fewest flips, up to three, that lead from one of its detectors to the other, or to the boundary; its level is
    the lowest of all flips in its explanations, or with ``all_of`` the lowest over its explanations of the highest in
    each.

    Attributes
    ----------
    effect : FlipEffect
    decoder : UnionFindSpec
        Of the same circuit.
    detectors : int64 (2, layers, num_checks)
        The decoder's number of each detector, -1 for none.
    thresholds : tuple of numbers
        Ascending, in the unit of the logits; ``2**bits - 1`` of them for hints of so many bits.
    weights : tuple of int
        The weight of each level but the silent one, 1 or more.
    all_of : bool
    """

    effect: FlipEffect
    decoder: UnionFindSpec
    detectors: npt.NDArray[np.int64]
    thresholds: tuple[float, ...]
    weights: tuple[int, ...]
    all_of: bool = False

    def __post_init__(self) -> None:
        if list(self.thresholds) != sorted(set(self.thresholds)) or not self.thresholds or self.thresholds[0] <= 0:
            raise InputError(f"thresholds must ascend from above 0, not be {self.thresholds!r}")
        if len(self.weights) != len(self.thresholds) or min(self.weights) < 1:
            raise InputError(
                f"weights must be 1 or more, one for each of {len(self.thresholds)} thresholds, not {self.weights!r}"
            )

    @property
    def silent(self) -> int:
        """The level that leaves an edge its own weight."""
        return len(self.thresholds)

    def levels(self, logits: Logits) -> Levels:
        """Return the level of every place, uint8 (shots, num_sites); silent where no flip is."""
        size = np.abs(logits)
        levels = np.zeros(logits.shape, np.uint8)
        for threshold in self.thresholds:
            levels += size >= threshold
        levels[:, ~self.effect.has_site] = self.silent
        return levels

    def edge_levels(self, logits: Logits) -> Levels:
        """Return the level of every edge, uint8 (shots, num_edges)."""
        levels = self.levels(logits)
        found = np.full((len(levels), len(self.decoder.edges)), self.silent, np.uint8)
        joined = np.maximum if self.all_of else np.minimum
        for explanation in np.moveaxis(self.explanations, 1, 0):
            # Places that are not there must not count: the first is always there.
            sites = np.where(explanation < 0, explanation[:, :1], explanation)
            level = levels[:, sites[:, 0]]
            for place in sites.T[1:]:
                level = joined(level, levels[:, place])
            np.minimum(found, level, out=found)
        return found

    def edge_weights(self, logits: Logits, defaults: Sequence[int]) -> npt.NDArray[np.uint16]:
        """Return the weight of every edge in every shot, (shots, num_edges): ``defaults`` where the hint is silent.

        A hint never raises a weight.
        """
        own = np.array(defaults, np.uint16)
        table = np.array([*self.weights, np.iinfo(np.uint16).max], np.uint16)
        return np.minimum(table[self.edge_levels(logits)], own)

    @cached_property
    def explanations(self) -> npt.NDArray[np.int32]:
        """Places that explain each edge, int32 (num_edges, most, 3); -1 where there is none."""
        edges = zip(self.decoder.edges, self.decoder.edge_observables, strict=True)
        rows = [self._explanations(edge, observables) for edge, observables in edges]
        most = max(map(len, rows), default=0)
        table = np.full((len(rows), most, LONGEST), -1, np.int32)
        for row, found in zip(table, rows, strict=True):
            for entry, sites in zip(row, found, strict=False):
                entry[: len(sites)] = sites
        return table

    @cached_property
    def _places(self) -> dict[int, int]:
        """Place of each of the decoder's detectors; of the boundary, -1."""
        return {BOUNDARY: -1} | dict(enumerate(detector_places(self.detectors).tolist()))

    @cached_property
    def _steps(self) -> dict[int, list[tuple[int, int]]]:
        """For each detector the flips that lead from it, and where to; -1 is the boundary."""
        steps: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for site in np.flatnonzero(self.effect.has_site).tolist():
            one, two = self.effect.ends[site].tolist()
            if one >= 0:
                steps[one].append((site, two))
                steps[two].append((site, one))
        del steps[-1]
        return steps

    def _explanations(self, edge: tuple[int, int], observables: int) -> list[tuple[int, ...]]:
        start, end = (self._places[detector] for detector in edge)
        for length in range(1, LONGEST + 1):
            ways = [tuple(sorted(way)) for way in self._ways(start, end, length)]
            flips = [self.effect.flips_observable[list(way)].sum() % 2 for way in ways]
            if found := {way for way, flip in zip(ways, flips, strict=True) if flip == observables & 1}:
                return sorted(found)
        return []

    def _ways(self, start: int, end: int, length: int) -> Iterator[list[int]]:
        """Yield the ways of so many flips, each once, from one detector to another."""
        for site, other in self._steps.get(start, []):
            if length == 1 and other == end:
                yield [site]
            elif length > 1 and other >= 0:
                for rest in self._ways(other, end, length - 1):
                    if site not in rest:
                        yield [site, *rest]
