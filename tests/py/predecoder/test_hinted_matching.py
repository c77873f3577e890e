# SPDX-License-Identifier: Apache-2.0
"""Matching with weights of a shot's own: its edges weigh what was asked, with correlations and without."""

import numpy as np
import pytest
from pymatching import Matching

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.predecoder.hinted_matching import HintedMatching, weight_unit

CIRCUIT = Memory(code="rotated_surface", distance=3, p=0.01).circuit()
MODEL = CIRCUIT.detector_error_model(decompose_errors=True)
GRAPH = DecodingGraph.from_dem(MODEL)
SPEC = UnionFindSpec.compile(GRAPH, weight_bits=8)


def hinted(*, correlated: bool) -> HintedMatching:
    return HintedMatching(model=MODEL, graph=GRAPH, spec=SPEC, correlated=correlated)


def test_model_of_a_shot_has_the_hinted_probabilities():
    weights = np.array(SPEC.weights, np.uint16)
    changed = np.random.default_rng(1).permutation(len(weights))[:20]
    weights[changed] //= 3
    edges = DecodingGraph.from_dem(hinted(correlated=True).model_of(weights)).edges
    assert [edge[:2] for edge in edges] == [edge[:2] for edge in GRAPH.edges]
    for number, (edge, own) in enumerate(zip(edges, GRAPH.edges, strict=True)):
        if number in changed:
            odds = edge.probability / (1 - edge.probability)
            assert -np.log(odds) * weight_unit(SPEC, GRAPH) == pytest.approx(weights[number])
        else:
            assert edge.probability == own.probability


def test_own_weights_are_correlated_matching():
    shots = np.asarray(CIRCUIT.compile_detector_sampler(seed=1).sample(300)).astype(np.uint8)
    weights = np.tile(np.array(SPEC.weights, np.uint16), (len(shots), 1))
    plain = Matching.from_detector_error_model(MODEL, enable_correlations=True)
    expected = plain.decode_batch(shots, enable_correlations=True)
    assert np.array_equal(hinted(correlated=True).decode_batch(shots, weights), expected)


def test_uncorrelated_matching_is_by_the_weights_of_each_shot():
    """An edge of weight 0 between the events is taken, whatever else there is."""
    shots = np.zeros((len(SPEC.edges), SPEC.num_detectors), np.uint8)
    weights = np.full((len(shots), len(shots)), 9, np.uint16)
    for shot, own, number in zip(shots, weights, range(len(shots)), strict=True):
        shot[[detector for detector in SPEC.edges[number] if detector >= 0]] = 1
        own[number] = 0
    answers = hinted(correlated=False).decode_batch(shots, weights)
    assert answers[:, 0].tolist() == [observables & 1 for observables in SPEC.edge_observables]
    assert answers.any()
