# SPDX-License-Identifier: Apache-2.0
"""Blocks and faces at their places, and the graph that they make when they are all fused."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from synfab.dem import DecodingGraph, Edge
from synfab.surgery.cells import Cells, Home, Place
from synfab.surgery.fragment import Mark
from synfab.surgery.parts import Part, Parts, State, rounded, states
from synfab.surgery.sheet import Sheet
from synfab.surgery.slab import Slab

Block = tuple[int, int, int]
"""Column, row and step."""


class PlacedEdge(NamedTuple):
    """An edge of a piece: its ends as (block, vertex in the block), what it flips, and its probability."""

    ends: tuple[tuple[Block, int], ...]
    marks: tuple[Mark, ...]
    probability: float


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A block's inside or a face, in its state, at its place.

    Attributes
    ----------
    home : Home
        Block coordinates doubled; see :data:`synfab.surgery.cells.Home`.
    state : State
    part : Part
    """

    home: Home
    state: State
    part: Part

    @property
    def is_block(self) -> bool:
        """Whether it is a block's inside."""
        return not any(c % 2 for c in self.home)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks that its edges touch, by step, row and column."""
        return tuple(sorted({block for edge in self.edges for block, _ in edge.ends}, key=lambda b: b[::-1]))

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The part's marks, in their order, at their sites and steps."""
        x, y, t = self.home
        return tuple(
            mark._replace(site=(x - x % 2 + mark.site[0], y - y % 2 + mark.site[1]), step=(t + 1) // 2 + mark.step)
            for mark in self.part.marks
        )

    @cached_property
    def edges(self) -> tuple[PlacedEdge, ...]:
        """The part's edges in their order; one whose ends lie in two blocks takes part once these are fused."""
        x, y, t = self.home
        placed = []
        for edge in self.part.edges:
            ends = tuple(
                (((x + end.offset[0]) // 2, (y + end.offset[1]) // 2, (t + end.offset[2]) // 2), end.vertex)
                for end in edge.ends
            )
            flipped = tuple(mark for number, mark in enumerate(self.marks) if edge.marks >> number & 1)
            placed.append(PlacedEdge(ends, flipped, edge.probability))
        return tuple(placed)


def pieces(parts: Parts, before: Slab | None, after: Slab | None, *, step: int) -> Iterator[Piece]:
    """Yield the blocks and faces that come with slab ``step``: inside it, and between it and the slab before.

    Without ``after``, those on which nothing is known of what follows the slab before.
    """
    for (site, time), state in states(before, after, distance=parts.distance):
        part = parts.part(state)
        if part.edges:
            yield Piece(home=(*site, 2 * step + time), state=state, part=part)


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """Blocks and faces of one kind of check, numbered.

    The blocks go by step, then row, then column; vertex v of block n is vertex ``n * block_size + v`` of the graph.

    Attributes
    ----------
    cells : Cells
    blocks : tuple of Block
    pieces : tuple of Piece
    """

    cells: Cells
    blocks: tuple[Block, ...]
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, cells: Cells, found: Iterable[Piece]) -> "Assembly":
        """Number the blocks of ``found``."""
        found = tuple(found)
        blocks = {block for piece in found for block in piece.blocks}
        return cls(cells=cells, blocks=tuple(sorted(blocks, key=lambda b: b[::-1])), pieces=found)

    @cached_property
    def _first(self) -> dict[Block, int]:
        return {block: number * self.cells.block_size for number, block in enumerate(self.blocks)}

    def vertex(self, place: Place) -> int:
        """Return the number of a detector in the graph."""
        return self._first[place.block] + self.cells.vertex(place.local)

    def graph(self, observables: Sequence[Sheet], *, num_strict: int | None = None) -> DecodingGraph:
        """Return the graph of all pieces, fused.

        Parameters
        ----------
        observables : sequence of Sheet
            Of this kind.
        num_strict : int or None
            So many of them, from the first on, tell edges apart; None: all. What is known of the others is what the
            likeliest of an edge's errors does to them: they are meant for values that nothing determines.
        """
        usage: dict[Mark, int] = {}
        for number, sheet in enumerate(observables):
            for mark in sheet:
                usage[mark] = usage.get(mark, 0) ^ (1 << number)
        strict = (1 << (len(observables) if num_strict is None else num_strict)) - 1
        found: dict[tuple[tuple[int, ...], int], list[float]] = {}
        likeliest: dict[tuple[tuple[int, ...], int], tuple[float, int]] = {}
        for piece in self.pieces:
            for edge in piece.edges:
                mask = 0
                for mark in edge.marks:
                    mask ^= usage.get(mark, 0)
                detectors = tuple(sorted(self._first[block] + vertex for block, vertex in edge.ends))
                key = detectors, mask & strict
                found.setdefault(key, []).append(edge.probability)
                likeliest[key] = max(likeliest.get(key, (0.0, 0)), (edge.probability, mask))
        edges = (Edge(ends, likeliest[ends, mask][1], odd(p)) for (ends, mask), p in found.items())
        return DecodingGraph(
            num_detectors=len(self.blocks) * self.cells.block_size,
            num_observables=len(observables),
            edges=tuple(sorted(edges)),
            coordinates=tuple(self._coordinates()),
        )

    def _coordinates(self) -> Iterator[tuple[float, ...]]:
        """Yield (x, y, t) of every vertex, with the read-out half a round before the next step."""
        size, distance = self.cells.block_size, self.cells.distance
        locals_ = [self.cells.local(vertex) for vertex in range(size)]
        for column, row, step in self.blocks:
            for i, j, layer in locals_:
                x, y = (2 * ((distance + 1) * cell + inner) for cell, inner in ((column, i), (row, j)))
                yield float(x), float(y), step * distance + layer - (0.5 if layer == distance else 0.0)


def odd(probabilities: Iterable[float]) -> float:
    """Return the probability that an odd number of errors happens, to ten significant digits."""
    total = 0.0
    for p in probabilities:
        total = total * (1 - p) + p * (1 - total)
    return rounded(total)
