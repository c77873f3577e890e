# SPDX-License-Identifier: Apache-2.0
"""Windows over blocks: what each of them commits, how far it looks beyond, and in which order they come."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.spec import FusionSpec
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Window:
    """A part of the graph that is decoded at once.

    Attributes
    ----------
    commit : frozenset of int
        Detectors whose edges get their corrections for good.
    buffer : frozenset of int
        Detectors that are decoded with them, and again by a later window.
    """

    commit: frozenset[int]
    buffer: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class WindowPlan:
    """Windows in groups: the groups one after the other, the windows of a group independent of each other.

    With one window a group they slide; with two or three groups of many they are parallel (Skoric et al., Nature
    Communications 14, 7040; Tan et al., PRX Quantum 4, 040344).

    Attributes
    ----------
    groups : tuple of tuple of Window
    """

    groups: tuple[tuple[Window, ...], ...]

    @classmethod
    def coloured(cls, spec: FusionSpec, colours: Sequence[int], *, buffer: int) -> Self:
        """Return a plan in which each block is committed whole.

        Parameters
        ----------
        spec : FusionSpec
        colours : sequence of int
            One a block: the groups in ascending order. Blocks of a colour that have a face make one window.
            The step: sliding windows. The step's last bit: two parallel groups in time. The same of column or row:
            in space. A number of the node: windows of whole nodes.
        buffer : int
            A window also sees what is not committed before and lies at most so many edges away.

        Raises
        ------
        InputError
            If a block has no colour, or the buffer is negative.
        """
        if len(colours) != len(spec.blocks):
            raise InputError(f"every block must have a colour: {len(spec.blocks)} of them, not {len(colours)!r}")
        groups = [_components(spec, colours, colour) for colour in sorted(set(colours))]
        return cls.of_blocks(spec, groups, buffer=buffer)

    @classmethod
    def of_blocks(cls, spec: FusionSpec, groups: Iterable[Iterable[Collection[int]]], *, buffer: int) -> Self:
        """Return a plan by the blocks of each window of each group."""
        if buffer < 0:
            raise InputError(f"buffer must be at least 0 edges, not {buffer!r}; 0 looks at nothing beyond")
        owners = np.array(spec.owners)
        around = _Neighbours(spec)
        committed = np.zeros(spec.whole.num_detectors, bool)
        found = []
        for group in groups:
            windows = []
            for blocks in group:
                commit = np.isin(owners, list(blocks))
                near = around.within(commit, buffer, barred=committed) & ~commit
                windows.append(Window(commit=_numbers(commit), buffer=_numbers(near)))
            for window in windows:
                committed[list(window.commit)] = True
            found.append(tuple(windows))
        return cls(groups=tuple(found))


def check_plan(spec: FusionSpec, plan: WindowPlan) -> None:
    """Raise :class:`InputError` unless the windows commit every detector once, and can do so.

    Two windows of a group commit no edge in common; no window buffers what is committed; and from every detector of
    a window there is a way to a boundary, or to what comes later.
    """
    around = _Neighbours(spec)
    committed = np.zeros(spec.whole.num_detectors, bool)
    last = len(plan.groups) - 1
    for number, group in enumerate(plan.groups):
        claimed = committed.copy()
        for window in group:
            commit = _flags(window.commit, len(committed))
            if (claimed & commit).any():
                detector = int(np.flatnonzero(claimed & commit)[0])
                raise InputError(f"group {number}: a detector must be committed once, not again as {detector} is")
            if (around.within(commit, 1) & claimed & ~committed).any():
                raise InputError(
                    f"group {number}: two windows of a group must not have an edge between what they commit; put them "
                    "into different groups, or make one window of them"
                )
            if (buffered := _flags(window.buffer, len(committed)) & (committed | commit)).any():
                detector = int(np.flatnonzero(buffered)[0])
                raise InputError(f"group {number}: a buffer must not hold what is committed, not detector {detector}")
            alone = number == last and len(group) == 1 and not any(spec.whole.reaches_boundary)
            if not alone and (stuck := around.closed(commit | _flags(window.buffer, len(committed)), committed)):
                raise InputError(
                    f"group {number}: a window must have a way to a boundary or to what comes later, not be closed "
                    f"all around as the one of detector {stuck[0]} is; let it come before one of its neighbours"
                )
            claimed |= commit
        committed = claimed
    if missing := np.flatnonzero(~committed).tolist():
        raise InputError(
            f"the windows must commit every detector, not leave out {len(missing)} of them, the first {missing[0]}; "
            "give their blocks a window"
        )


def _components(spec: FusionSpec, colours: Sequence[int], colour: int) -> list[set[int]]:
    """Return the blocks of a colour, those that have faces together."""
    parts: list[set[int]] = []
    for block in (number for number, own in enumerate(colours) if own == colour):
        beside = {other for face in spec.faces if block in face for other in face}
        joined = [part for part in parts if part & beside]
        parts = [part for part in parts if not part & beside] + [{block}.union(*joined)]
    return sorted(parts, key=min)


class _Neighbours:
    """The graph of the detectors, for walks over whole sets of them."""

    def __init__(self, spec: FusionSpec) -> None:
        ends = np.array(spec.whole.edges, np.int64).reshape(-1, 2)
        self.inner = ends[ends[:, 1] != BOUNDARY]
        self.bounded = _flags(ends[ends[:, 1] == BOUNDARY, 0].tolist(), spec.whole.num_detectors)

    def within(
        self, start: npt.NDArray[np.bool_], steps: int, *, barred: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Return what lies at most ``steps`` edges away from a set."""
        reached = start.copy()
        for _ in range(steps):
            before = reached.copy()
            for one, other in (self.inner.T, self.inner.T[::-1]):
                reached[other[before[one]]] = True
            if barred is not None:
                reached &= ~barred
            if (reached == before).all():
                break
        return reached

    def closed(self, view: npt.NDArray[np.bool_], committed: npt.NDArray[np.bool_]) -> list[int]:
        """Return detectors of a view, beside committed ones, from which no way leads out."""
        one, other = self.inner.T
        exits = self.bounded & view
        for near, far in ((one, other), (other, one)):
            exits[near[view[near] & ~view[far] & ~committed[far]]] = True
        reached = self.within(exits, len(view), barred=~view)
        beside = self.within(committed, 1) & view
        return np.flatnonzero(self.within(beside, len(view), barred=~view) & ~reached & view).tolist()


def _flags(numbers: Iterable[int], size: int) -> npt.NDArray[np.bool_]:
    flags = np.zeros(size, bool)
    flags[list(numbers)] = True
    return flags


def _numbers(flags: npt.NDArray[np.bool_]) -> frozenset[int]:
    return frozenset(np.flatnonzero(flags).tolist())
