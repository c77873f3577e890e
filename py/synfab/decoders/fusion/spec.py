# SPDX-License-Identifier: Apache-2.0
"""A decoding graph cut into blocks, as integers: what a fusion union-find is the same for wherever blocks stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import floor
from typing import Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from synfab.decoders.union_find.checks import BOUNDARY
from synfab.decoders.union_find.spec import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.quantize import log_likelihood_weights

Block = tuple[int, int, int]
"""Column, row and step."""

Face = tuple[int, int]
"""The numbers of two blocks, ascending: the edges between them."""

Stop = Literal["middle", "end"]


@dataclass(frozen=True, kw_only=True)
class FusionSpec:
    """A union-find spec whose detectors lie in blocks.

    Edges within a block are the block's, whatever face may have given them to it. Edges between two blocks are the
    *face* of these two, also where they meet at a line or a point only.

    Attributes
    ----------
    whole : UnionFindSpec
        Of the whole graph, all faces fused.
    blocks : tuple of Block
        By step, row and column; a block's place in the tuple is its number.
    owners : tuple of int
        The block of each detector.
    stop : {"middle", "end"}
        Where the artificial boundary lies on an edge of a face that is not fused: for either side at half the weight,
        rounded up, where growth from both sides would meet; or at the whole weight, as in DecoNet.

    Raises
    ------
    InputError
        If an owner is missing or names no block.
    """

    whole: UnionFindSpec
    blocks: tuple[Block, ...]
    owners: tuple[int, ...]
    stop: Stop = "middle"

    def __post_init__(self) -> None:
        if self.stop not in get_args(Stop):
            raise InputError(f"stop must be 'middle' or 'end', not {self.stop!r}")
        if len(self.owners) != self.whole.num_detectors:
            raise InputError(
                f"every detector must have a block: {self.whole.num_detectors} of them, not {len(self.owners)!r}"
            )
        for detector, owner in enumerate(self.owners):
            if not 0 <= owner < len(self.blocks):
                raise InputError(
                    f"the block of detector {detector} must be one of 0..{len(self.blocks) - 1}, not {owner!r}"
                )

    @classmethod
    def compile(
        cls,
        graph: DecodingGraph,
        *,
        places: Sequence[Block],
        weights: Literal["log_likelihood", "unit"] = "unit",
        weight_bits: int = 4,
        rarest: float | None = None,
        stop: Stop = "middle",
    ) -> Self:
        """Turn a graph into integers.

        Parameters
        ----------
        graph : DecodingGraph
            Of everything, fused.
        places : sequence of Block
            Where each detector lies; see :func:`places_by_coordinates`.
        weights, weight_bits
            As :meth:`UnionFindSpec.compile` has them.
        rarest : float, optional
            The probability whose weight becomes the largest; whatever is rarer gets the same. With it the weight of
            an edge depends on its own probability alone, so that a block is the same integers in every graph.
            Without, the rarest edge of ``graph`` sets the scale.
        stop : {"middle", "end"}
        """
        if len(places) != graph.num_detectors:
            raise InputError(f"every detector must have a place: {graph.num_detectors} of them, not {len(places)!r}")
        whole = UnionFindSpec.compile(graph, weights=weights, weight_bits=weight_bits)
        if weights == "log_likelihood" and rarest is not None:
            probabilities = [edge.probability for edge in graph.edges]
            whole = replace(whole, weights=scaled_weights(probabilities, weight_bits=weight_bits, rarest=rarest))
        blocks = tuple(sorted(set(places), key=lambda block: block[::-1]))
        numbers = {block: number for number, block in enumerate(blocks)}
        return cls(whole=whole, blocks=blocks, owners=tuple(numbers[place] for place in places), stop=stop)

    @cached_property
    def ends(self) -> npt.NDArray[np.int32]:
        """The edges as an array, ``(num_edges, 2)``, whose second end may be ``BOUNDARY``."""
        return np.array(self.whole.edges, np.int32).reshape(-1, 2)

    @cached_property
    def has_boundary(self) -> bool:
        """Whether any edge goes to a real boundary."""
        return bool((self.ends[:, 1] == BOUNDARY).any())

    @cached_property
    def edge_blocks(self) -> npt.NDArray[np.int32]:
        """The blocks of each edge's ends, ``(num_edges, 2)``; an edge to the boundary has its block twice."""
        owners = np.array(self.owners, np.int32)
        return owners[np.where(self.ends == BOUNDARY, self.ends[:, :1], self.ends)]

    @cached_property
    def edges_of(self) -> tuple[npt.NDArray[np.int64], ...]:
        """The edges that touch each block, ascending; one to the boundary, or within the block, is there twice."""
        order = np.argsort(self.edge_blocks.ravel(), kind="stable")
        firsts = np.searchsorted(self.edge_blocks.ravel()[order], np.arange(1, len(self.blocks)))
        return tuple(np.split(order // 2, firsts))

    @cached_property
    def cut_edges(self) -> dict[int, Face]:
        """The edges of all faces, ascending, with their faces."""
        pairs = np.sort(self.edge_blocks, axis=1).tolist()
        return {edge: (one, other) for edge, (one, other) in enumerate(pairs) if one != other}

    @cached_property
    def faces(self) -> tuple[Face, ...]:
        """The faces that have edges, ascending."""
        return tuple(sorted(set(self.cut_edges.values())))

    @cached_property
    def faces_of(self) -> dict[int, tuple[Face, ...]]:
        """The faces of each block, ascending."""
        found: dict[int, list[Face]] = {block: [] for block in range(len(self.blocks))}
        for face in self.faces:
            for block in face:
                found[block].append(face)
        return {block: tuple(faces) for block, faces in found.items()}

    def artificial_weight(self, edge: int) -> int:
        """Return the growth at which an edge of a face, while not fused, is full to a side."""
        weight = self.whole.weights[edge]
        return weight if self.stop == "end" else (weight + 1) // 2

    @cached_property
    def parted(self) -> UnionFindSpec:
        """The graph with artificial boundaries beside the edges of faces.

        Edge ``num_edges + 2 k + side`` is what the k-th of :attr:`cut_edges` is to its lower (side 0) or higher end
        while its face is not fused: an edge to a boundary, full where growth stops.
        """
        whole = self.whole
        length = {edge: self.artificial_weight(edge) for edge in self.cut_edges}
        sides = [(whole.edges[edge][side], edge) for edge in self.cut_edges for side in (0, 1)]
        return replace(
            whole,
            edges=(*whole.edges, *((detector, BOUNDARY) for detector, _ in sides)),
            weights=(*whole.weights, *(length[edge] for _, edge in sides)),
            edge_observables=(*whole.edge_observables, *(whole.edge_observables[edge] for _, edge in sides)),
        )


def places_by_coordinates(
    graph: DecodingGraph, *, cell: tuple[float, float], rounds: float, origin: Sequence[float] = (0, 0, 0)
) -> tuple[Block, ...]:
    """Return the block of every detector: cells of the pitch of the patches, steps of so many rounds.

    Parameters
    ----------
    graph : DecodingGraph
        Its detectors have coordinates (x, y, t, ...).
    cell : tuple of float
        Pitch in x and y.
    rounds : float
        Duration of a step in t.
    origin : sequence of float
        Where the first cell and the first step begin.

    Raises
    ------
    InputError
        If a detector has no coordinates.
    """
    places = []
    for detector, coordinates in enumerate(graph.coordinates):
        if len(coordinates) < 3:
            raise InputError(
                f"every detector must have coordinates x, y and t to be given a block, not {tuple(coordinates)!r} at "
                f"detector {detector}; give the places themselves"
            )
        pitches = (*cell, rounds)
        x, y, t = (floor((c - o) / pitch) for c, o, pitch in zip(coordinates[:3], origin, pitches, strict=True))
        places.append((x, y, t))
    return tuple(places)


def scaled_weights(probabilities: Sequence[float], *, weight_bits: int, rarest: float) -> tuple[int, ...]:
    """Return log-likelihood weights, of which ``rarest`` and all below it get the largest."""
    if not 0 < rarest < 0.5:
        raise InputError(f"rarest must be a probability in (0, 1/2), not {rarest!r}; take the block's rarest edge")
    clipped = [min(max(probability, rarest), 1 - rarest) for probability in probabilities]
    # Two more edges, which set the scale: the rarest, and one of weight 0, lest all are found equal.
    return log_likelihood_weights([*clipped, rarest, 0.5], weight_bits=weight_bits)[:-2]
