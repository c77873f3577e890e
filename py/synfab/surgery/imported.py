# SPDX-License-Identifier: Apache-2.0
"""Circuits of other people's lattice-surgery compilers, cut into blocks by the coordinates of their detectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor, inf, isfinite

import stim

from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.surgery.assembly import Block
from synfab.surgery.cells import Home


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A decoding graph whose detectors lie in blocks, and whose edges in blocks or on faces.

    Attributes
    ----------
    graph : DecodingGraph
        Of the whole circuit, detectors as Stim numbers them.
    blocks : tuple of Block
        (column, row, step) of every block that has detectors, by step, row and column.
    detectors : tuple of tuple of int
        The detectors of each block, ascending; the place of a detector there is its number in the block.
    homes : tuple of Home
        Where each edge of the graph belongs: every coordinate is even within a cell or step and odd between two.
    """

    graph: DecodingGraph
    blocks: tuple[Block, ...]
    detectors: tuple[tuple[int, ...], ...]
    homes: tuple[Home, ...]

    @cached_property
    def edges(self) -> dict[Home, tuple[int, ...]]:
        """The edges of each block and face, ascending."""
        found: dict[Home, list[int]] = {}
        for number, home in enumerate(self.homes):
            found.setdefault(home, []).append(number)
        return {home: tuple(numbers) for home, numbers in sorted(found.items())}

    @property
    def places(self) -> tuple[Block, ...]:
        """The block of every detector, as :meth:`synfab.decoders.fusion.FusionSpec.compile` takes them."""
        found = {detector: block for block, own in zip(self.blocks, self.detectors, strict=True) for detector in own}
        return tuple(found[detector] for detector in range(self.graph.num_detectors))

    @property
    def faces(self) -> tuple[Home, ...]:
        """The homes between blocks."""
        return tuple(home for home in self.edges if any(c % 2 for c in home))


def cut(
    circuit: stim.Circuit,
    *,
    cell: Sequence[float],
    rounds: float,
    origin: Sequence[float] = (0, 0, 0),
) -> Cut:
    """Cut a circuit into blocks: cells of the pitch of its patches, and slabs of rounds.

    Parameters
    ----------
    circuit : stim.Circuit
        Its detectors have coordinates (x, y, t, ...).
    cell : sequence of float
        Pitch of the patches in x and y, in the circuit's own coordinates.
    rounds : float
        Duration of a step in t: the distance, if t counts rounds.
    origin : sequence of float
        Where the first cell and the first step begin; a detector there belongs to them.

    Raises
    ------
    InputError
        If a pitch or the origin is not finite, there are no detectors, a detector has no coordinates, an error cannot
        be matched, or an edge reaches over a whole block.
    """
    if len(cell) != 2:
        raise InputError(f"cell must have the pitch in x and in y, not {tuple(cell)!r}; give both")
    for name, pitch in (("cell", cell[0]), ("cell", cell[1]), ("rounds", rounds)):
        if not 0 < pitch < inf:
            raise InputError(
                f"{name} must be finite and above 0, not {pitch!r}; give the pitch of the patches and of the steps"
            )
    if len(origin) != 3 or not all(map(isfinite, origin)):
        raise InputError(f"origin must have finite x, y and t, not {tuple(origin)!r}; leave it out to begin at 0")
    graph = DecodingGraph.from_dem(_model(circuit))
    if graph.num_detectors == 0:
        raise InputError("a circuit must have detectors, not none; have the compiler write DETECTOR instructions")
    places = []
    for detector, coordinates in enumerate(graph.coordinates):
        if len(coordinates) < 3:
            came = f"{len(coordinates)} in {tuple(coordinates)!r}" if coordinates else "none"
            raise InputError(
                f"every detector must have coordinates x, y and t, not {came} at detector {detector}: the circuit is "
                "cut into blocks by them; have the compiler write them, or add them to its DETECTOR instructions"
            )
        if not all(map(isfinite, coordinates[:3])):
            raise InputError(
                f"coordinates must be finite, not {tuple(coordinates[:3])!r} at detector {detector}; mend its DETECTOR "
                "or the SHIFT_COORDS before it"
            )
        x, y, t = (floor((c - o) / pitch) for c, o, pitch in zip(coordinates[:3], origin, (*cell, rounds), strict=True))
        places.append((x, y, t))
    blocks = tuple(sorted(set(places), key=lambda block: block[::-1]))
    members: dict[Block, list[int]] = {block: [] for block in blocks}
    for detector, block in enumerate(places):
        members[block].append(detector)
    return Cut(
        graph=graph,
        blocks=blocks,
        detectors=tuple(tuple(members[block]) for block in blocks),
        homes=tuple(_home([places[d] for d in edge.detectors], edge.detectors) for edge in graph.edges),
    )


def _model(circuit: stim.Circuit) -> stim.DetectorErrorModel:
    try:
        return circuit.detector_error_model(decompose_errors=True)
    except ValueError as error:
        raise InputError(
            f"the circuit must have errors that decompose into edges of a decoding graph, but Stim says: "
            f"{' '.join(str(error).split())}"
        ) from error


def _home(blocks: list[Block], detectors: tuple[int, ...]) -> Home:
    low = [min(block[axis] for block in blocks) for axis in range(3)]
    high = [max(block[axis] for block in blocks) for axis in range(3)]
    for name, one, other in zip(("column", "row", "step"), low, high, strict=True):
        if other > one + 1:
            names = " and ".join(f"D{detector}" for detector in detectors)
            raise InputError(
                f"an edge must stay within neighbouring blocks, not reach from {name} {one} to {name} {other} as the "
                f"one between {names} does; cut larger cells or longer steps"
            )
    x, y, t = (one + other for one, other in zip(low, high, strict=True))
    return x, y, t
