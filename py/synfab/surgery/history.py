# SPDX-License-Identifier: Apache-2.0
"""What a floor is told of its faces, step by step, and what goes through its ports for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from synfab.decoders import UnionFindSpec
from synfab.decoders.fusion import FusionSpec
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.errors import InputError
from synfab.surgery.assembly import Piece
from synfab.surgery.cells import Place
from synfab.surgery.floor import Floor
from synfab.surgery.fragment import Mark

Codes = Mapping[int, int]
"""The state of each home by its number; 0, which need not be there, for one without edges."""


Where = Literal["inside", "below", "above"]
"""Within a step; in the face to the step before, without an edge from there; in the face to the step after."""


Flips = dict[tuple[int, Where, int], int]
"""By the earlier of the steps that an edge touches, where it lies as seen from there, and the home: the mask of the
home's marks that are flipped, if any."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What a floor is told of its faces, step by step.

    Attributes
    ----------
    floor : Floor
    insides : tuple of Codes
        Of homes within steps, a mapping a step.
    faces : tuple of Codes
        Of those between steps: below the first step, between each and the next, and above the last.
    marks : dict of (int, int) to tuple of Mark
        What the mark bits of a home mean, by its number and twice its time: that of a step is even, of a face below
        step t it is 2 t - 1.
    """

    floor: Floor
    insides: tuple[Codes, ...]
    faces: tuple[Codes, ...]
    marks: Mapping[tuple[int, int], tuple[Mark, ...]]

    @classmethod
    def of(cls, floor: Floor, pieces: Iterable[Piece]) -> Self:
        """Find the codes of pieces, whose steps must be 0, 1, ... without gaps."""
        codes: dict[int, dict[int, int]] = defaultdict(dict)
        marks = {}
        for piece in pieces:
            home, code = floor.code(piece)
            time = piece.home[2]
            codes[time][home] = code
            marks[home, time] = piece.marks
        if not codes:
            raise InputError("a history must have pieces, not none; there is nothing to decode")
        num_steps = max(codes) // 2 + 1 if max(codes) % 2 == 0 else (max(codes) + 1) // 2
        return cls(
            floor=floor,
            insides=tuple(codes[2 * step] for step in range(num_steps)),
            faces=tuple(codes[2 * step - 1] for step in range(num_steps + 1)),
            marks=marks,
        )

    @property
    def num_steps(self) -> int:
        """Steps of d rounds."""
        return len(self.insides)

    def codes(self, step: int) -> dict[int, int]:
        """Return the states of all homes inside a step and above it; step -1 has what lies below the first."""
        inside = self.insides[step] if 0 <= step < self.num_steps else {}
        above = self.faces[step + 1] if -1 <= step < self.num_steps else {}
        return dict.fromkeys(range(len(self.floor.homes)), 0) | dict(inside) | dict(above)

    def entries(self, step: int) -> dict[int, int]:
        """Return what a fabric is told before a step: the codes that change, or one that does not if none does."""
        before, now = self.codes(step - 1), self.codes(step)
        return {home: code for home, code in now.items() if before[home] != code} or {0: now[0]}

    def until(self, num_steps: int) -> Self:
        """Return the beginning of the history; above it are the faces as they are, of which ``spec`` knows nothing."""
        return replace(self, insides=self.insides[:num_steps], faces=self.faces[: num_steps + 1])

    @cached_property
    def placed(self) -> tuple[tuple[tuple[int, int], int, int, int], ...]:
        """Every edge of the history: its ends, its floor edge, its time (as in ``marks``), and its code.

        Vertex v of the floor is detector ``step * len(floor.vertices) + v``. The order is that of the ends, the
        boundary first, and then of the floor's edges.
        """
        size = len(self.floor.vertices)
        found = []
        for number, edge in enumerate(self.floor.edges):
            is_face = self.floor.homes[edge.home].is_face
            for step, codes in enumerate(self.faces if is_face else self.insides):
                code = codes.get(edge.home, 0)
                if edge.weights[code] and not (edge.is_crossing and step == self.num_steps):
                    ends = sorted((step - (not end.later)) * size + end.vertex for end in edge.ends)
                    u, v = (BOUNDARY, *ends)[-2:]
                    found.append(((u, v), number, 2 * step - is_face, code))
        # Of one end: (BOUNDARY, u), which sorts as (u, BOUNDARY) would.
        found.sort(key=lambda item: ((item[0][1], BOUNDARY) if item[0][0] == BOUNDARY else item[0], item[1]))
        return tuple(((u, v) if u != BOUNDARY else (v, BOUNDARY), *rest) for (u, v), *rest in found)

    @cached_property
    def spec(self) -> FusionSpec:
        """The graph of the whole history, all faces known, for the reference; no edge flips an observable."""
        floor, size = self.floor, len(self.floor.vertices)
        num_detectors = self.num_steps * size
        whole = UnionFindSpec(
            num_detectors=num_detectors,
            num_observables=0,
            edges=tuple(ends for ends, _, _, _ in self.placed),
            weights=tuple(floor.edges[number].weights[code] for _, number, _, code in self.placed),
            edge_observables=(0,) * len(self.placed),
            rounds=(tuple(range(num_detectors)),),
            weight_bits=floor.weight_bits,
        )
        blocks = tuple(
            (cell % floor.columns, cell // floor.columns, step)
            for step in range(self.num_steps)
            for cell in range(floor.num_cells)
        )
        owners = tuple(step * floor.num_cells + cell for step in range(self.num_steps) for cell, _ in floor.vertices)
        return FusionSpec(whole=whole, blocks=blocks, owners=owners, stop=floor.stop)

    def events(self, places: Sequence[Place], detections: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Return detection events in the order of :attr:`spec`.

        Parameters
        ----------
        places : sequence of Place
            Of detectors; those that no edge of the floor touches are left out, since nothing can flip them.
        detections : ndarray of bool, (shots, len(places))

        Returns
        -------
        ndarray of uint8, (shots, num_detectors)

        Raises
        ------
        InputError
            If a place is not on the floor, or of no step of the history.
        """
        floor, size = self.floor, len(self.floor.vertices)
        numbers = {vertex: number for number, vertex in enumerate(floor.vertices)}
        found = np.zeros((len(detections), self.num_steps * size), np.uint8)
        for column, place in enumerate(places):
            x, y, step = place.block
            if not (0 <= x < floor.columns and 0 <= y < floor.rows and 0 <= step < self.num_steps):
                raise InputError(
                    f"every detector must lie in {floor.columns} x {floor.rows} cells and {self.num_steps} steps from "
                    f"(0, 0, 0) on, not in {place.block}; take the history that the detectors are of"
                )
            number = numbers.get((y * floor.columns + x, floor.cells.vertex(place.local)))
            if number is not None:
                found[:, step * size + number] = detections[:, column]
        return found

    def by_home(self, corrections: npt.ArrayLike) -> Flips:
        """Return what a correction flips, as a fabric answers it.

        Parameters
        ----------
        corrections : array_like of {0, 1}
            Of the edges of :attr:`spec`, and perhaps of the sides of its faces
            (:meth:`~synfab.decoders.fusion.FusionDecoder.corrections_so_far`).

        Returns
        -------
        Flips
        """
        bits = np.asarray(corrections, bool)
        flips, sides = bits[: len(self.placed)].copy(), bits[len(self.placed) :].reshape(-1, 2)
        if len(sides):
            flips[list(self.spec.cut_edges)] ^= sides[:, 0] ^ sides[:, 1]
        found: Flips = defaultdict(int)
        for place in np.flatnonzero(flips).tolist():
            (u, v), number, time, code = self.placed[place]
            step = (u if v == BOUNDARY else min(u, v)) // len(self.floor.vertices)
            edge = self.floor.edges[number]
            where: Where = "inside" if time == 2 * step else "below" if time < 2 * step else "above"
            found[step, where, edge.home] ^= edge.marks[code]
        return {key: mask for key, mask in found.items() if mask}

    def flips(self, answer: int, *, step: int, slots: int) -> Flips:
        """Read an answer that a fabric of so many slots gives after a step, as :meth:`by_home` has it.

        Bits are those of ``FusionFabric.layout``. After the last step that is only what is committed: what the steps
        held then would be is nothing.
        """
        found: Flips = {}
        wheres: tuple[Where, ...] = ("inside", "below", "above")
        for held in range(step - slots + 1, step + 1):
            for where in wheres:
                width = 0
                for number, home in enumerate(self.floor.homes):
                    if home.is_face == (where != "inside"):
                        mask = answer >> width & ((1 << home.num_marks) - 1)
                        if mask and (step < self.num_steps or held == step - slots + 1):
                            found[held, where, number] = mask
                        width += home.num_marks
                answer >>= max(1, width)
        return found

    def named(self, flips: Flips) -> frozenset[Mark]:
        """Return the marks that are flipped, of what :meth:`by_home` returns."""
        marks: set[Mark] = set()
        for (step, where, home), mask in flips.items():
            named = self.marks[home, 2 * step + {"below": -1, "inside": 0, "above": 1}[where]]
            marks ^= {mark for bit, mark in enumerate(named) if mask >> bit & 1}
        return frozenset(marks)
