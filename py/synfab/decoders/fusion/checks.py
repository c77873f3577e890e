# SPDX-License-Identifier: Apache-2.0
"""What must hold of a schedule, so that no parity is lost, and the sentences that say so."""

from collections.abc import Set

import numpy as np

from synfab.decoders.fusion.schedule import Schedule, Step
from synfab.decoders.fusion.spec import Face, FusionSpec
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.errors import InputError


def check(spec: FusionSpec, schedule: Schedule) -> None:
    """Raise :class:`InputError` unless every block begins once and every face is fused once, in time.

    A face is fused when both its blocks have begun. A block is released once, when all its faces are fused, for what
    waits at an artificial boundary must still be able to grow; and not so early that what is left of its neighbours
    could grow to no boundary, neither a real nor an artificial one: a cluster could end there with an odd number of
    events.
    """
    progress = _Progress(spec)
    for number, step in enumerate(schedule.steps):
        progress.take(number, step)
    progress.end()


class _Progress:
    """What has happened so far."""

    def __init__(self, spec: FusionSpec) -> None:
        self.spec = spec
        self.begun: set[int] = set()
        self.released: set[int] = set()
        self.live: set[int] = set()
        self.fused: set[Face] = set()

    def take(self, number: int, step: Step) -> None:
        for block in step.begin:
            self._known(number, block)
            if block in self.begun:
                raise InputError(f"step {number}: a block must begin once, not again as block {block} does")
            self.begun.add(block)
            self.live.add(block)
        for face in step.fuse:
            self._fuse(number, face)
        for block in step.release:
            self._known(number, block)
            if block not in self.begun:
                raise InputError(f"step {number}: block {block} must begin before it is released, not after")
            if block in self.released:
                raise InputError(f"step {number}: a block must be released once, not again as block {block} is")
            if waiting := [face for face in self.spec.faces_of[block] if face not in self.fused]:
                raise InputError(
                    f"step {number}: all faces of block {block} must be fused before it is released, not all but "
                    f"{_named(waiting)}; release it later"
                )
            self.released.add(block)
            self.live.remove(block)
        if self.released and (step.fuse or step.release):
            self._check_exits(number)

    def end(self) -> None:
        if missing := sorted(set(range(len(self.spec.blocks))) - self.begun):
            raise InputError(f"a schedule must begin every block, not leave out {_named(missing)}; begin them")
        if missing := sorted(set(self.spec.faces) - self.fused):
            raise InputError(f"a schedule must fuse every face, not leave out {_named(missing)}; fuse them")

    def _fuse(self, number: int, face: Face) -> None:
        if not any(face in self.spec.faces_of.get(block, ()) for block in face):
            raise InputError(
                f"step {number}: what is fused must be two blocks with edges between them, the lower first, not "
                f"{face!r}; spec.faces has them all"
            )
        if waiting := sorted(set(face) - self.begun):
            raise InputError(
                f"step {number}: both blocks of the face {face} must begin before it is fused, not only the other of "
                f"{_named(waiting)}; begin them in this step or before"
            )
        if face in self.fused:
            raise InputError(f"step {number}: a face must be fused once, not again as {face} is")
        self.fused.add(face)

    def _known(self, number: int, block: int) -> None:
        if not 0 <= block < len(self.spec.blocks):
            raise InputError(f"step {number}: a block must be one of 0..{len(self.spec.blocks) - 1}, not {block!r}")

    def _check_exits(self, number: int) -> None:
        for members, has_exit in live_regions(self.spec, self.live, self.fused):
            if not has_exit:
                freed = sorted({b for face in self.fused for b in face if members & set(face)} & self.released)
                if freed:
                    raise InputError(
                        f"step {number}: the blocks {_named(sorted(members))} must keep a way to a boundary, or to a "
                        f"face that is not fused yet, not have {_named(freed)} released beside them; release later"
                    )


def live_regions(spec: FusionSpec, live: Set[int], fused: Set[Face]) -> list[tuple[set[int], bool]]:
    """Return the regions of the live blocks: whose detectors they hold, and whether clusters in them have an exit.

    A region is a component of the graph of the live blocks and of the fused faces among them. An exit is an edge to
    the boundary, or one of a face that is not fused. Where there is only one region, and nowhere a boundary, there
    is nothing to lose: the number of events is even. Only edges of live blocks are looked at, so that a long schedule
    of few live blocks is checked in a time that grows as its length.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = np.unique(np.concatenate([spec.edges_of[block] for block in sorted(live)] or [np.zeros(0, np.int64)]))
    ends, blocks = spec.ends[edges], spec.edge_blocks[edges]
    closed = np.array([spec.cut_edges.get(edge) in fused for edge in edges.tolist()], bool)
    closed |= blocks[:, 0] == blocks[:, 1]
    bounded = ends[:, 1] == BOUNDARY
    is_live = np.isin(blocks, sorted(live))
    detectors = np.unique(np.concatenate([ends[is_live[:, 0], 0], ends[is_live[:, 1] & ~bounded, 1]]))
    inner = np.searchsorted(detectors, ends[closed & is_live.all(axis=1) & ~bounded])
    size = len(detectors)
    matrix = coo_array((np.ones(len(inner)), (inner[:, 0], inner[:, 1])), shape=(size, size))
    _, label = connected_components(matrix, directed=False)
    leaving = [ends[bounded, 0], *(ends[~closed & is_live[:, side], side] for side in (0, 1))]
    exits = set(label[np.searchsorted(detectors, np.concatenate(leaving))].tolist())
    found: dict[int, set[int]] = {}
    for region, detector in zip(label.tolist(), detectors.tolist(), strict=True):
        found.setdefault(region, set()).add(spec.owners[detector])
    if len(found) == 1 and not spec.has_boundary:
        return []
    return [(members, region in exits) for region, members in found.items()]


def _named(items: list) -> str:
    shown = ", ".join(map(str, items[:4]))
    return shown if len(items) <= 4 else f"{shown} and {len(items) - 4} more"
