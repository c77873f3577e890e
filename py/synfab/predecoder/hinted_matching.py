# SPDX-License-Identifier: Apache-2.0
"""PyMatching with weights of its own for every shot: built anew each time, to compare with and not for speed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import stim

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph, Edge

if TYPE_CHECKING:
    import pymatching


@dataclass(frozen=True, kw_only=True)
class HintedMatching:
    """Takes the weights that a union-find of the same graph takes.

    Uncorrelated, all edges have these weights. Correlated, edges keep their own probabilities but for those that weigh
    less than the union-find's default: one error more makes each as likely as its weight says, and counts as a reason
    of its own when the second pass asks what else happened.

    Attributes
    ----------
    model : stim.DetectorErrorModel
        Split into errors that can be matched.
    graph : DecodingGraph
        Of ``model``.
    spec : UnionFindSpec
        Of ``graph``.
    correlated : bool
    """

    model: stim.DetectorErrorModel
    graph: DecodingGraph
    spec: UnionFindSpec
    correlated: bool

    def decode_batch(self, shots: npt.NDArray[np.uint8], weights: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
        """Predict the observables of each shot, uint8 (shots, num_observables)."""
        predictions = np.zeros((len(shots), self.graph.num_observables), np.uint8)
        for shot, own, prediction in zip(shots, weights, predictions, strict=True):
            matching = self._correlated(own) if self.correlated else self._uncorrelated(own)
            prediction[:] = matching.decode_batch(shot[np.newaxis], enable_correlations=self.correlated)[0]
        return predictions

    def model_of(self, weights: npt.NDArray[np.uint16]) -> stim.DetectorErrorModel:
        """Return the model of one shot for correlated matching."""
        model = self.model.copy()
        for number in np.flatnonzero(weights < self.spec.weights).tolist():
            edge = self.graph.edges[number]
            wanted = 1 / (1 + np.exp(weights[number] / weight_unit(self.spec, self.graph)))
            # Of two errors just one happens as often as wanted.
            more = (wanted - edge.probability) / (1 - 2 * edge.probability)
            model.append("error", max(0.0, more), [*_targets(edge)])
        return model

    def _uncorrelated(self, weights: npt.NDArray[np.uint16]) -> "pymatching.Matching":
        from pymatching import Matching

        checks, observables = self._matrices
        return Matching.from_check_matrix(checks, weights=weights.astype(float), faults_matrix=observables)

    def _correlated(self, weights: npt.NDArray[np.uint16]) -> "pymatching.Matching":
        from pymatching import Matching

        return Matching.from_detector_error_model(self.model_of(weights), enable_correlations=True)

    @cached_property
    def _matrices(self) -> tuple[Any, Any]:
        """The graph as sparse matrices: detectors and observables by edges."""
        from scipy.sparse import csc_matrix

        edges = self.graph.edges
        ends = [(detector, number) for number, edge in enumerate(edges) for detector in edge.detectors]
        flips = [(observable, number) for number, edge in enumerate(edges) for observable in _flipped(edge)]
        checks, observables = (
            csc_matrix((np.ones(len(places), np.uint8), tuple(np.array(places).T)), shape=(rows, len(edges)))
            for places, rows in ((ends, self.graph.num_detectors), (flips, self.graph.num_observables))
        )
        return checks, observables


def weight_unit(spec: UnionFindSpec, graph: DecodingGraph) -> float:
    """Return what a natural unit of weight, a factor of e in the odds, is in a spec's integers."""
    largest = max(abs(np.log((1 - edge.probability) / edge.probability)) for edge in graph.edges)
    return max(spec.weights) / largest


def _targets(edge: Edge) -> Iterator[stim.DemTarget]:
    yield from map(stim.target_relative_detector_id, edge.detectors)
    yield from map(stim.target_logical_observable_id, _flipped(edge))


def _flipped(edge: Edge) -> list[int]:
    """Return the numbers of the observables that an edge flips."""
    return [number for number in range(edge.observables.bit_length()) if edge.observables >> number & 1]
