# SPDX-License-Identifier: Apache-2.0
"""Decoders that take a whole graph at once: what programs are sampled with, and what fusion is compared with."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synfab.decoders.union_find.spec import UnionFindSpec
from synfab.dem import DecodingGraph

Decoder = Callable[[DecodingGraph, npt.NDArray[np.bool_]], npt.NDArray[np.bool_]]
"""From a graph and detection events, bool of shape (shots, num_detectors), to predicted flips of the observables,
bool of shape (shots, num_observables)."""


def matching(graph: DecodingGraph, detections: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Decode with PyMatching, weights from the probabilities."""
    import pymatching

    decoder = pymatching.Matching()
    boundary = graph.num_detectors
    for edge in graph.edges:
        u, v = (*edge.detectors, boundary)[:2]
        decoder.add_edge(
            u,
            v,
            fault_ids={number for number in range(graph.num_observables) if edge.observables >> number & 1},
            weight=np.log((1 - edge.probability) / edge.probability),
            error_probability=edge.probability,
            # Parallel edges differ in what they flip; the likelier one decides.
            merge_strategy="smallest-weight",
        )
    decoder.set_boundary_nodes({boundary})
    decoder.ensure_num_fault_ids(graph.num_observables)
    # Without an edge to it PyMatching does not have the boundary, and without edges none of the last detectors.
    padded = np.zeros((len(detections), max(decoder.num_nodes, boundary + 1)), np.uint8)
    padded[:, : detections.shape[1]] = detections
    predicted = np.asarray(decoder.decode_batch(padded[:, : decoder.num_nodes]))
    return predicted[:, : graph.num_observables].astype(bool)


def union_find(*, weight_bits: int | None = None) -> Decoder:
    """Return synfab's union-find on the whole graph; without ``weight_bits`` all edges weigh the same."""

    def decode(graph: DecodingGraph, detections: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        if weight_bits is None:
            spec = UnionFindSpec.compile(graph, weights="unit")
        else:
            spec = UnionFindSpec.compile(graph, weight_bits=weight_bits)
        return spec.decode_batch(detections).astype(bool)

    return decode
