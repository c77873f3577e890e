# SPDX-License-Identifier: Apache-2.0
"""What a window sees, and the decoders that it can be decoded with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.decoder import FusionDecoder
from synfab.decoders.fusion.schedule import Schedule
from synfab.decoders.fusion.spec import FusionSpec
from synfab.decoders.union_find.checks import BOUNDARY


@dataclass(frozen=True, kw_only=True)
class View:
    """A window's graph: its detectors and the edges at them whose corrections are not committed yet.

    An edge that leads out of the window is one to a boundary, of its own weight and probability.

    Attributes
    ----------
    spec : FusionSpec
        Detectors and edges numbered anew, in the order of the whole graph.
    detectors, edges : ndarray of int
        Their numbers in the whole graph, ascending.
    probabilities : ndarray of float
        One an edge.
    """

    spec: FusionSpec
    detectors: npt.NDArray[np.int64]
    edges: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]


EdgeDecoder = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
"""From detection events, 0 and 1 of shape (shots, detectors), to flipped edges, (shots, edges)."""

InnerDecoder = Callable[[View], EdgeDecoder]
"""Compiles a view. Whatever the events are, the flipped edges must explain them, if any edges do."""


def union_find(view: View) -> EdgeDecoder:
    """Decode windows with plain union-find."""
    return view.spec.whole.decode_to_edges


def fusion(view: View) -> EdgeDecoder:
    """Decode windows block by block, fused in space and then in time."""
    return FusionDecoder(spec=view.spec, schedule=Schedule.in_time(view.spec)).decode_to_edges


def matching(view: View) -> EdgeDecoder:
    """Decode windows with PyMatching, weights from the probabilities."""
    import pymatching

    boundary = len(view.detectors)
    decoder = pymatching.Matching()
    for edge, (u, v) in enumerate(view.spec.whole.edges):
        p = view.probabilities[edge]
        decoder.add_edge(
            u,
            boundary if v == BOUNDARY else v,
            fault_ids={edge},
            weight=np.log((1 - p) / p),
            error_probability=p,
            # Of parallel edges the likelier one decides.
            merge_strategy="smallest-weight",
        )
    decoder.set_boundary_nodes({boundary})
    decoder.ensure_num_fault_ids(len(view.edges))

    def decode(detections: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        # PyMatching has no detectors beyond the last that has an edge.
        padded = np.zeros((len(detections), max(decoder.num_nodes, boundary + 1)), np.uint8)
        padded[:, :boundary] = detections
        return np.asarray(decoder.decode_batch(padded[:, : decoder.num_nodes]))[:, : len(view.edges)]

    return decode
