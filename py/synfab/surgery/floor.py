# SPDX-License-Identifier: Apache-2.0
"""What a node's hardware is made for: the cells of a rectangle, and every state that their faces may be in."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Self

from synfab.decoders.fusion import Stop
from synfab.decoders.fusion.spec import scaled_weights
from synfab.errors import InputError
from synfab.quantize import UNIT_WEIGHT
from synfab.surgery.assembly import Piece
from synfab.surgery.cells import Cells
from synfab.surgery.lattice import Site
from synfab.surgery.parts import Part, PartEdge, Parts

_Ends = tuple[tuple[bool, int, int], ...]
"""Of each end, ascending: whether in the later step, the cell, and the vertex of its block."""


def code_bits(num_parts: int) -> int:
    """Return the width of a code: 0, and one a state."""
    return max(1, num_parts.bit_length())


class FloorEnd(NamedTuple):
    """One end of an edge: whether in the later of the two steps that a face joins, and the vertex of the floor."""

    later: bool
    vertex: int


class FloorEdge(NamedTuple):
    """A place for an edge.

    Attributes
    ----------
    ends : tuple of FloorEnd
        One (to the boundary) or two, ascending. Within a step ``later`` is True of both.
    home : int
    weights : tuple of int
        By the code of the home; 0 where there is no such edge.
    marks : tuple of int
        Likewise, the mask of the home's marks that it flips.
    """

    ends: tuple[FloorEnd, ...]
    home: int
    weights: tuple[int, ...]
    marks: tuple[int, ...]

    @property
    def is_crossing(self) -> bool:
        """Whether it leads from one step to the next."""
        return len({end.later for end in self.ends}) == 2


class FloorHome(NamedTuple):
    """A block's inside or a face at its place in every step.

    Attributes
    ----------
    site : Site
        Cells doubled, as of :data:`synfab.surgery.cells.Home`.
    is_face : bool
        Between two steps; else within one.
    parts : tuple of Part
        What it may be; part k has code k + 1.
    """

    site: Site
    is_face: bool
    parts: tuple[Part, ...]

    @property
    def num_marks(self) -> int:
        """Bits of its marks, in whatever state."""
        return max((len(part.marks) for part in self.parts), default=0)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """Cells, and the superset of all edges that may lie in them and between two steps of them.

    Attributes
    ----------
    cells : Cells
    columns, rows : int
        Cell ``row * columns + column`` is the one at (column, row).
    homes : tuple of FloorHome
    vertices : tuple of (int, int)
        Cell and vertex in its block, ascending: those that an edge may touch. Their places are the floor's numbers.
    edges : tuple of FloorEdge
        By their ends.
    weight_bits : int
    stop : {"middle", "end"}
        As of :class:`~synfab.decoders.fusion.FusionSpec`.
    """

    cells: Cells
    columns: int
    rows: int
    homes: tuple[FloorHome, ...]
    vertices: tuple[tuple[int, int], ...]
    edges: tuple[FloorEdge, ...]
    weight_bits: int
    stop: Stop = "middle"

    @classmethod
    def compile(
        cls,
        cells: Cells,
        *,
        columns: int,
        rows: int,
        pieces: Iterable[Piece],
        weights: Literal["log_likelihood", "unit"] = "unit",
        weight_bits: int = 4,
        rarest: float | None = None,
        stop: Stop = "middle",
    ) -> Self:
        """Collect the states of all pieces.

        Parameters
        ----------
        cells : Cells
        columns, rows : int
        pieces : iterable of Piece
            Of all histories that the hardware is to know, at any steps.
        weights, weight_bits, rarest, stop
            As :meth:`FusionSpec.compile` has them; ``rarest`` must be given with log-likelihood weights.

        Raises
        ------
        InputError
            If a piece touches a cell outside the rectangle.
        """
        states = _states(pieces)
        homes = tuple(home for home, _ in states)
        # By ends, home and number among those of the same ends, which flip different marks: the edge of each code.
        places: dict[tuple[_Ends, int, int], dict[int, PartEdge]] = defaultdict(dict)
        for number, (home, by_code) in enumerate(states):
            for code, piece in enumerate(by_code, start=1):
                seen: dict[_Ends, int] = defaultdict(int)
                for edge, ends in _placed(piece, is_face=home.is_face, columns=columns, rows=rows):
                    places[ends, number, seen[ends]][code] = edge
                    seen[ends] += 1
        vertices = tuple(sorted({end[1:] for ends, _, _ in places for end in ends}))
        numbers = {vertex: number for number, vertex in enumerate(vertices)}
        integer = dict.fromkeys((edge.probability for codes in places.values() for edge in codes.values()), UNIT_WEIGHT)
        if weights == "log_likelihood":
            if rarest is None:
                raise InputError("rarest must be a probability with log-likelihood weights, not None; give the block's")
            scaled = scaled_weights(list(integer), weight_bits=weight_bits, rarest=rarest)
            integer = dict(zip(integer, scaled, strict=True))
        edges = []
        for (ends, home, _), codes in sorted(places.items()):
            options = [codes.get(code) for code in range(len(homes[home].parts) + 1)]
            placed = tuple(FloorEnd(later, numbers[cell, vertex]) for later, cell, vertex in ends)
            values = tuple(integer[o.probability] if o else 0 for o in options)
            edges.append(FloorEdge(placed, home, values, tuple(o.marks if o else 0 for o in options)))
        return cls(
            cells=cells,
            columns=columns,
            rows=rows,
            homes=homes,
            vertices=vertices,
            edges=tuple(edges),
            weight_bits=UNIT_WEIGHT.bit_length() if weights == "unit" else weight_bits,
            stop=stop,
        )

    @classmethod
    def of(
        cls, parts: Parts, pieces: Iterable[Piece], *, columns: int, rows: int, weight_bits: int | None = None
    ) -> Self:
        """Collect the states of all pieces: unit weights, or weights whose scale the rarest edge of a block sets."""
        if weight_bits is None:
            return cls.compile(parts.cells, columns=columns, rows=rows, pieces=pieces)
        return cls.compile(
            parts.cells,
            columns=columns,
            rows=rows,
            pieces=pieces,
            weights="log_likelihood",
            weight_bits=weight_bits,
            rarest=min(edge.probability for edge in parts.block.edges),
        )

    @property
    def num_cells(self) -> int:
        """Blocks of a step."""
        return self.columns * self.rows

    @property
    def home_bits(self) -> int:
        """Width of the number of a home."""
        return max(1, (len(self.homes) - 1).bit_length())

    @property
    def code_bits(self) -> int:
        """Width of the code of any home."""
        return max(code_bits(len(home.parts)) for home in self.homes)

    @cached_property
    def _codes(self) -> dict[tuple[Site, bool, Part], tuple[int, int]]:
        return {
            (home.site, home.is_face, part): (number, code)
            for number, home in enumerate(self.homes)
            for code, part in enumerate(home.parts, start=1)
        }

    def code(self, piece: Piece) -> tuple[int, int]:
        """Return the number of a piece's home, and the code of its state.

        Raises
        ------
        InputError
            If the floor was not compiled for such a piece.
        """
        x, y, t = piece.home
        found = self._codes.get(((x, y), bool(t % 2), piece.part))
        if found is None:
            raise InputError(
                f"every piece must be in a state that the floor was compiled with, not one of {len(piece.edges)} "
                f"edges at {piece.home}; compile it with this piece, too"
            )
        return found


def _states(pieces: Iterable[Piece]) -> list[tuple[FloorHome, tuple[Piece, ...]]]:
    """Return all homes, ascending, each with a piece for every state that it may be in, code 1 first."""
    found: dict[tuple[Site, bool], dict[Part, Piece]] = defaultdict(dict)
    for piece in pieces:
        x, y, t = piece.home
        found[(x, y), bool(t % 2)].setdefault(piece.part, piece)
    return [
        (FloorHome(site, is_face, tuple(by_part)), tuple(by_part.values()))
        for (site, is_face), by_part in sorted(found.items(), key=lambda item: item[0])
    ]


def _placed(piece: Piece, *, is_face: bool, columns: int, rows: int) -> Iterator[tuple[PartEdge, _Ends]]:
    """Yield the edges of a piece with their ends on the floor."""
    for edge, placed in zip(piece.part.edges, piece.edges, strict=True):
        ends = []
        for (column, row, step), vertex in placed.ends:
            if not (0 <= column < columns and 0 <= row < rows):
                repair = "move them to cells from (0, 0) on" if min(column, row) < 0 else "give more columns or rows"
                raise InputError(
                    f"all pieces must lie in {columns} x {rows} cells, not touch the one at {(column, row)}; {repair}"
                )
            ends.append((2 * step > piece.home[2] or not is_face, row * columns + column, vertex))
        yield edge, tuple(sorted(ends))
