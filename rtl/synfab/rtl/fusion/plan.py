# SPDX-License-Identifier: Apache-2.0
"""The graph that a fusion fabric is built of: a floor, in as many steps as are held at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.checks import BOUNDARY
from synfab.errors import InputError
from synfab.rtl.union_find.flood import Topology
from synfab.surgery.floor import Floor, FloorEdge


class LiveEdge(NamedTuple):
    """A floor's edge in one of the steps that are held.

    Attributes
    ----------
    number : int
        Of the floor's edge.
    slot : int
        Of its later step; slot 0 is the oldest. For a face above the newest step that is one more than there are.
    ends : tuple of int
        Detectors, one or two; of a crossing above the newest step only the end that is there.
    """

    number: int
    slot: int
    ends: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The detectors and edges of a fabric.

    Detector ``slot * len(floor.vertices) + v`` is vertex v of the floor in a slot; the newest step is in the last one.

    Parameters
    ----------
    floor : Floor
    slots : int
        Steps that are held at once, two or more: a step is committed when so many less one came after it.
    """

    floor: Floor
    slots: int

    def __post_init__(self) -> None:
        if self.slots < 2:
            raise InputError(f"slots must be 2 or more, the step that comes and the one before, not {self.slots!r}")

    @property
    def size(self) -> int:
        """Detectors of a slot."""
        return len(self.floor.vertices)

    @property
    def num_detectors(self) -> int:
        """Of all slots."""
        return self.slots * self.size

    @property
    def newest(self) -> int:
        """The slot of the step that comes in."""
        return self.slots - 1

    def is_open_above(self, edge: LiveEdge) -> bool:
        """Whether an edge leads to a step that is not there yet."""
        return edge.slot == self.slots and self.floor.edges[edge.number].is_crossing

    def cells(self, edge: LiveEdge) -> set[int]:
        """Return the cells that an edge touches."""
        return {self.floor.vertices[end.vertex][0] for end in self.floor.edges[edge.number].ends}

    def is_cut(self, edge: LiveEdge) -> bool:
        """Whether an edge, while its blocks are not fused, is two to artificial boundaries; it has both ends."""
        if len(edge.ends) < 2:
            return False
        crossing = self.floor.edges[edge.number].is_crossing
        # An edge of the face above may have both its ends in the newest step, too, in two of its blocks.
        return max(edge.ends) // self.size == self.newest and (crossing or len(self.cells(edge)) > 1)

    @cached_property
    def edges(self) -> tuple[LiveEdge, ...]:
        """All edges with both ends, or one and the boundary, by their ends, the boundary first."""
        return tuple(self._sorted(edge for edge in self._all if not self.is_open_above(edge)))

    @cached_property
    def cuts(self) -> tuple[LiveEdge, ...]:
        """The edges that can be artificial boundaries, in the order of the edges of the whole graph."""
        return tuple(self._sorted(edge for edge in self._all if self.is_cut(edge) or self.is_open_above(edge)))

    @cached_property
    def sides(self) -> tuple[tuple[int, LiveEdge, int], ...]:
        """Artificial boundaries in their order: the detector, the edge, and which of its ends that is."""
        return tuple((detector, edge, side) for edge in self.cuts for side, detector in enumerate(edge.ends))

    @cached_property
    def graph(self) -> UnionFindSpec:
        """Detectors, :attr:`edges`, and an edge to the boundary for each of :attr:`sides`; weights do not matter."""
        ends = [edge.ends if len(edge.ends) == 2 else (*edge.ends, BOUNDARY) for edge in self.edges]
        ends += [(detector, BOUNDARY) for detector, _, _ in self.sides]
        return UnionFindSpec(
            num_detectors=self.num_detectors,
            num_observables=0,
            edges=tuple((u, v) for u, v in ends),
            weights=(1,) * len(ends),
            edge_observables=(0,) * len(ends),
            rounds=(tuple(range(self.num_detectors)),),
            weight_bits=1,
        )

    @cached_property
    def _all(self) -> list[LiveEdge]:
        found = []
        for number, edge in enumerate(self.floor.edges):
            faces = self.floor.homes[edge.home].is_face
            for slot in range(self.slots + faces):
                if ends := self._ends(edge, slot):
                    found.append(LiveEdge(number, slot, ends))
        return found

    def _ends(self, edge: FloorEdge, slot: int) -> tuple[int, ...]:
        """Return the detectors of an edge, none if it is not held: an end in a step that is gone, or not there yet."""
        slots = [slot - (not end.later) for end in edge.ends]
        if min(slots) < 0 or (max(slots) == self.slots and not edge.is_crossing):
            return ()
        held = [(s, end.vertex) for s, end in zip(slots, edge.ends, strict=True) if s < self.slots]
        return tuple(sorted(s * self.size + vertex for s, vertex in held))

    def _sorted(self, edges: Iterable[LiveEdge]) -> list[LiveEdge]:
        def key(edge: LiveEdge) -> tuple[int, int, int]:
            if len(edge.ends) == 2:
                return (*edge.ends, edge.number)
            above = [end.vertex for end in self.floor.edges[edge.number].ends if end.later]
            far = self.slots * self.size + above[0] if self.is_open_above(edge) else BOUNDARY
            return edge.ends[0], far, edge.number

        return sorted(edges, key=key)


class OrderedTopology(Topology):
    """A plan's graph, in which any detector may be a root: tags ascend with the detectors' numbers."""

    @property
    def tag_bits(self) -> int:
        """Width of a tag."""
        return self.spec.num_detectors.bit_length()

    def tag(self, detector: int) -> int:
        """Return a detector's own tag; 0 is the boundary's."""
        return 1 + detector
