# SPDX-License-Identifier: Apache-2.0
"""Decodes window by window: corrections are committed, and what they leave beyond is handed on as events."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.inner import EdgeDecoder, InnerDecoder, View
from synfab.decoders.fusion.spec import FusionSpec
from synfab.decoders.fusion.windows import Window, WindowPlan, check_plan
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.decoders.union_find.shots import Detections, observable_bits
from synfab.decoders.union_find.spec import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError

Flips = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Shots and the edges flipped in them."""


@dataclass(frozen=True, kw_only=True)
class WindowDecoder:
    """Sliding and parallel windows with any inner decoder.

    A window decodes the events of its commit region and its buffer. Its edges are those with an end there that are
    not committed; where such an edge leads out, there is a boundary. It then commits the corrections of all edges
    that have an end in its commit region. A flip inverts the events at both ends of its edge; so the commit region is
    left without events, and a flip that leads out of it leaves an artificial defect for whoever comes later. All
    windows of a group see the events as the group before left them.

    Attributes
    ----------
    spec : FusionSpec
    graph : DecodingGraph
        That the spec was compiled from: probabilities for inner decoders that want them.
    plan : WindowPlan
    inner : InnerDecoder
        See :mod:`synfab.decoders.fusion.inner`.

    Raises
    ------
    InputError
        If the plan does not commit everything once, or graph and spec are not of one another.
    """

    spec: FusionSpec
    graph: DecodingGraph
    plan: WindowPlan
    inner: InnerDecoder

    def __post_init__(self) -> None:
        whole = self.spec.whole
        if (len(self.graph.edges), self.graph.num_detectors) != (len(whole.edges), whole.num_detectors):
            raise InputError(
                f"the graph must be the spec's, with {whole.num_detectors} detectors and {len(whole.edges)} edges, "
                f"not {self.graph.num_detectors} and {len(self.graph.edges)}"
            )
        check_plan(self.spec, self.plan)

    def decode_batch(self, detections: Detections) -> npt.NDArray[np.uint8]:
        """Predict the observable flips of shots: ``(shots, num_detectors)`` to ``(shots, num_observables)``."""
        whole = self.spec.whole
        observables = np.array(whole.edge_observables, np.uint64)
        masks = np.full(len(detections), whole.undetectable_flips, np.uint64)
        for shots, edges in self._committed(detections):
            np.bitwise_xor.at(masks, shots, observables[edges])
        return observable_bits(masks, whole.num_observables, bit_packed=False)

    def decode_to_edges(self, detections: Detections) -> npt.NDArray[np.uint8]:
        """Return the edges that the corrections flip, ``(shots, num_edges)``."""
        flips = np.zeros((len(detections), len(self.spec.whole.edges)), np.uint8)
        for shots, edges in self._committed(detections):
            flips[shots, edges] = 1
        return flips

    def _committed(self, detections: Detections) -> Iterator[Flips]:
        """Yield the flips that each window commits."""
        events = np.array(detections, np.uint8)
        if events.ndim != 2 or events.shape[1] != self.spec.whole.num_detectors:
            raise InputError(
                f"detections must have the shape (shots, {self.spec.whole.num_detectors}), not {events.shape}"
            )
        ends = np.array(self.spec.whole.edges, np.int64).reshape(-1, 2)
        for group in self._compiled:
            found = [view.flips(events) for view in group]
            for shots, edges in found:
                for end in ends[edges].T:
                    inner = end != BOUNDARY
                    np.bitwise_xor.at(events, (shots[inner], end[inner]), 1)
                yield shots, edges

    @cached_property
    def _compiled(self) -> list[list["_Compiled"]]:
        ends = np.array(self.spec.whole.edges, np.int64).reshape(-1, 2)
        free = np.ones(len(ends), bool)
        groups = []
        for group in self.plan.groups:
            compiled = []
            for window in group:
                view = self._view(window, free)
                commit = _touches(ends[view.edges], window.commit)
                compiled.append(_Compiled(view=view, decode=self.inner(view), committed=np.flatnonzero(commit)))
            for one in compiled:
                free[one.view.edges[one.committed]] = False
            groups.append(compiled)
        return groups

    def _view(self, window: Window, free: npt.NDArray[np.bool_]) -> View:
        whole = self.spec.whole
        detectors = np.array(sorted(window.commit | window.buffer), np.int64)
        ends = np.array(whole.edges, np.int64).reshape(-1, 2)
        # The boundary, -1, takes the last place.
        number = np.full(whole.num_detectors + 1, BOUNDARY)
        number[detectors] = np.arange(len(detectors))
        local = number[ends]
        edges = np.flatnonzero(free & (local != BOUNDARY).any(axis=1))
        local = [(u, v) if u != BOUNDARY else (v, u) for u, v in local[edges].tolist()]
        flipped = set(whole.flipped_edges)
        part = UnionFindSpec(
            num_detectors=len(detectors),
            num_observables=whole.num_observables,
            edges=tuple(local),
            weights=tuple(whole.weights[edge] for edge in edges),
            edge_observables=tuple(whole.edge_observables[edge] for edge in edges),
            flipped_edges=tuple(place for place, edge in enumerate(edges.tolist()) if edge in flipped),
            rounds=(tuple(range(len(detectors))),),
            weight_bits=whole.weight_bits,
        )
        owners = [self.spec.owners[detector] for detector in detectors.tolist()]
        present = sorted(set(owners))
        spec = FusionSpec(
            whole=part,
            blocks=tuple(self.spec.blocks[block] for block in present),
            owners=tuple(present.index(owner) for owner in owners),
            stop=self.spec.stop,
        )
        probabilities = np.array([self.graph.edges[edge].probability for edge in edges.tolist()])
        return View(spec=spec, detectors=detectors, edges=edges, probabilities=probabilities)


@dataclass(frozen=True, kw_only=True)
class _Compiled:
    """A window with its decoder; ``committed`` are places among the view's edges."""

    view: View
    decode: EdgeDecoder
    committed: npt.NDArray[np.int64]

    def flips(self, events: npt.NDArray[np.uint8]) -> Flips:
        flips = self.decode(np.ascontiguousarray(events[:, self.view.detectors]))
        shots, places = np.nonzero(flips[:, self.committed])
        return shots, self.view.edges[self.committed[places]]


def _touches(ends: npt.NDArray[np.int64], detectors: frozenset[int]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isin(ends, sorted(detectors)).any(axis=1))
