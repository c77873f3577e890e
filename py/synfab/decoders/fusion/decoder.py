# SPDX-License-Identifier: Apache-2.0
"""Fusion union-find: a spec and a schedule, compiled, and what they say of shots."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.checks import check
from synfab.decoders.fusion.schedule import Schedule
from synfab.decoders.fusion.spec import FusionSpec
from synfab.decoders.union_find.shots import Detections, observable_bits, packed_shots
from synfab.errors import InputError

Release = Literal["summary", "commit"]

if TYPE_CHECKING:
    from synfab.decoders.fusion.timetable import Timetable
    from synfab.decoders.union_find.tables import Graph


@dataclass(frozen=True, kw_only=True)
class FusionDecoder:
    """Union-find on blocks that begin, are fused and are released one after the other.

    The semantics, independent of who executes them (fusion union-find: DecoNet, arXiv:2504.11805, section VII-E;
    growth, forest and correction as :class:`UnionFindSpec` has them). The answer is a function of the spec, of the
    detection events and of the schedule, and of nothing else.

    *State.* Every edge has a growth, 0 at first, and is full at its weight. An edge of a face that is not fused has
    two, one a side: for each of its two ends alone it is an edge to an artificial boundary, full at half the edge's
    weight, rounded up (or at the whole weight, see :attr:`FusionSpec.stop`).

    *Step.* First, blocks begin: their detection events are there. Second, faces are fused: each of their edges is an
    ordinary edge from now on, and its growth is the sum of both sides' growths, at most its weight. Third, growth:
    as in plain union-find, where a cluster is also not active if it has a full edge to an artificial boundary, and
    where frozen detectors add nothing to their edges. It ends when no cluster is active. Nothing is ever decoded
    again: growth never decreases. Fourth, blocks are released: their detectors are frozen.

    *Forest.* When blocks are released, and at the end of the schedule for everything that is left, the detectors
    that are released now are spanned, with the full edges among released detectors only, the trees of those released
    before counting as one vertex each, numbered by their roots. Trees that end at the boundary are roots besides the
    detectors that have a full edge to it. The rest is the plain forest: without a boundary the lowest root candidate
    is the root; breadth-first layers; the lowest edge to the layer before. What is chosen stays chosen.

    *Correction.* That of the forest. Without releases, or with everything in one step, this is the plain forest of
    the clusters at the end.

    *Release by commitment.* With ``release="commit"`` the end of a step with releases goes differently. All live
    clusters are spanned: a detector with a full edge to a boundary, be it real or artificial, is a root, and its parent
    edge is the lowest of these, artificial ones after all others; in a cluster without, the lowest detector is the
    root. The forest is peeled as ever. What it flips at released detectors is committed: each such edge is in the
    correction, and toggles the event of an end that stays live. Then the released detectors and all their edges are
    gone; everything else keeps its growth. No cluster is left odd without a boundary, since what was flipped and not
    committed explains the events that are left. At the end everything is committed. So nothing needs to be kept of
    released blocks, not even a summary.

    A schedule that passes its check loses no parity: every shot that errors can make is explained.

    Attributes
    ----------
    spec : FusionSpec
    schedule : Schedule
    release : {"summary", "commit"}
        What is left of released blocks: a frozen forest, or nothing.

    Raises
    ------
    InputError
        If the schedule is not one of this spec's; see :func:`synfab.decoders.fusion.checks.check`.
    """

    spec: FusionSpec
    schedule: Schedule
    release: Release = "summary"

    def __post_init__(self) -> None:
        if self.release not in get_args(Release):
            raise InputError(f"release must be 'summary' or 'commit', not {self.release!r}")
        check(self.spec, self.schedule)

    def decode_batch(
        self, detections: Detections, *, bit_packed_shots: bool = False, bit_packed_predictions: bool = False
    ) -> npt.NDArray[np.uint8]:
        """Predict the observable flips of many shots; shapes as :meth:`UnionFindSpec.decode_batch` has them."""
        from synfab.decoders.fusion import reference

        packed = packed_shots(detections, self.spec.whole.num_detectors, bit_packed=bit_packed_shots)
        masks = reference.predictions(*self._compiled, packed)
        return observable_bits(masks, self.spec.whole.num_observables, bit_packed=bit_packed_predictions)

    def decode(self, detections: Detections) -> npt.NDArray[np.uint8]:
        """Predict the observable flips of one shot: ``(num_detectors,)`` -> ``(num_observables,)`` of 0 and 1."""
        return self.decode_batch(np.asarray(detections)[np.newaxis])[0]

    def decode_to_edges(self, detections: Detections, *, bit_packed_shots: bool = False) -> npt.NDArray[np.uint8]:
        """Return the edges that the correction flips: ``(shots, num_edges)`` of 0 and 1, edge order of the spec."""
        from synfab.decoders.fusion import reference

        packed = packed_shots(detections, self.spec.whole.num_detectors, bit_packed=bit_packed_shots)
        graph, times = self._compiled
        return reference.corrections(graph, times, packed)[:, : len(self.spec.whole.edges)]

    def corrections_so_far(self, detections: Detections, *, steps: int) -> npt.NDArray[np.uint8]:
        """Return the correction as it stands after the first ``steps`` steps; with release by commitment only.

        What was committed by then stays; what was not is the decoder's opinion at that moment, before the last of
        these steps releases anything.

        Returns
        -------
        ndarray of uint8, (shots, num_edges + 2 * num_cut_edges)
            Edges of :attr:`FusionSpec.parted`: an edge of a face that is not fused can be flipped from either side.
        """
        from synfab.decoders.fusion import reference

        if self.release != "commit":
            raise InputError(f"release must be 'commit' to ask for corrections so far, not {self.release!r}")
        if not 0 < steps <= len(self.schedule.steps):
            raise InputError(f"steps must be 1..{len(self.schedule.steps)}, as the schedule has them, not {steps!r}")
        graph, times = self._compiled
        packed = packed_shots(detections, self.spec.whole.num_detectors, bit_packed=False)
        releases = times.releases[:steps].copy()
        releases[-1] = False
        return reference.corrections(graph, times._replace(releases=releases), packed)

    def clusters(self, detections: Detections) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return clusters and growth at the end; shapes as :meth:`UnionFindSpec.clusters` has them."""
        from synfab.decoders.fusion import reference

        packed = packed_shots(detections, self.spec.whole.num_detectors, bit_packed=False)
        return reference.clusters(*self._compiled, packed)

    def __getstate__(self) -> dict:
        """Pickle the fields only; what is derived from them is made anew."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @cached_property
    def _compiled(self) -> "tuple[Graph, Timetable]":
        from synfab.decoders.fusion.timetable import timetable
        from synfab.decoders.union_find.tables import compiled

        commits = self.release == "commit"
        graph = compiled(self.spec.parted)
        if commits:
            graph.detectors["rank"] = np.arange(len(graph.detectors))
        return graph, timetable(self.spec, self.schedule, commits=commits)
