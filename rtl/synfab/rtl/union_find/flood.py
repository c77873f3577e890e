# SPDX-License-Identifier: Apache-2.0
"""One hop of the flood through a whole graph: from the state of all detectors and edges to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from amaranth import Cat, Module, Value

from synfab.decoders import UnionFindSpec
from synfab.rtl.element import Placed, Placement
from synfab.rtl.order import is_chosen
from synfab.rtl.union_find.detector import DetectorHop
from synfab.rtl.union_find.edge import EdgeHop


@dataclass(frozen=True)
class Topology:
    """A spec's graph as the elements see it.

    Parameters
    ----------
    spec : UnionFindSpec
    """

    spec: UnionFindSpec

    @property
    def tag_bits(self) -> int:
        """Width of a tag."""
        return (len(self.spec.root_candidates) + 1).bit_length()

    def tag(self, detector: int) -> int:
        """Return a detector's own tag: root candidates from 1 up, all ones for the others; 0 is the boundary's."""
        return self._tags.get(detector, (1 << self.tag_bits) - 1)

    @cached_property
    def _tags(self) -> dict[int, int]:
        return {detector: 1 + k for k, detector in enumerate(self.spec.root_candidates)}

    @property
    def num_labels(self) -> int:
        """Width of a label."""
        return max(1, self.spec.num_observables)

    @cached_property
    def inner(self) -> list[list[int]]:
        """Edges between detectors at each detector, ascending: its ports."""
        return [[e for e in ports if self.spec.edges[e][1] >= 0] for ports in self.spec.ports]

    @cached_property
    def boundary(self) -> list[list[int]]:
        """Edges to the boundary at each detector, ascending."""
        return [[e for e in ports if self.spec.edges[e][1] < 0] for ports in self.spec.ports]

    def ends(self, edge: int) -> tuple[int, ...]:
        """Return the detectors of an edge, one or two."""
        return tuple(detector for detector in self.spec.edges[edge] if detector >= 0)

    def end(self, detector: int, edge: int) -> int:
        """Return which end of the edge the detector is."""
        return self.spec.edges[edge].index(detector)

    def far(self, detector: int, edge: int) -> int:
        """Return the detector at the other end."""
        u, v = self.spec.edges[edge]
        return u + v - detector

    def at_ports(self, detector: int, edges: Sequence[Value | None], width: int = 1) -> Value:
        """Return this detector's part, ``width`` bits, of vectors that hold both ends of each edge, port by port."""
        near = ((edges[e], self.end(detector, e)) for e in self.inner[detector])
        return Cat(vector.word_select(end, width) for vector, end in near if vector is not None)

    def kind(self, detector: int) -> dict[str, int | tuple[int, ...]]:
        """Return what tells the hardware of one detector from another's."""
        return {
            "num_inner": len(self.inner[detector]),
            "boundary_observables": tuple(self.spec.edge_observables[e] for e in self.boundary[detector]),
            "tag_bits": self.tag_bits,
            "num_labels": self.num_labels,
        }


@dataclass(frozen=True, kw_only=True)
class State:
    """What a hop starts from: a value a detector, and the messages of both ends of each edge, None at the boundary."""

    tag: Sequence[Value]
    label: Sequence[Value]
    parent: Sequence[Value]
    waiting: Sequence[Value]
    message: Sequence[Value | None]


class Hop:
    """The elements of one hop.

    Attributes
    ----------
    before, after : State
    chosen : list of Value or None
        For both ends of each inner edge, whether it leads to the end's parent before the hop.
    adopt, odd : list of Value
        Of each detector.
    in_tree : list of Value or None
        Of each inner edge.
    """

    def __init__(self, placement: Placement, topology: Topology, number: int, before: State) -> None:
        self._topology, self.before = topology, before
        spec, suffix = topology.spec, f"_hop_{number}"
        self._detectors = [
            placement.element(DetectorHop, topology.kind(d), f"detector_{d}{suffix}") for d in range(spec.num_detectors)
        ]
        widths = {"tag_bits": topology.tag_bits, "num_labels": topology.num_labels}
        self._edges: list[Placed | None] = [
            placement.element(EdgeHop, {"observables": spec.edge_observables[e]} | widths, f"edge_{e}{suffix}")
            if v >= 0
            else None
            for e, (_, v) in enumerate(spec.edges)
        ]
        self.adopt = [detector["adopt"] for detector in self._detectors]
        self.odd = [detector["odd"] for detector in self._detectors]
        self.in_tree = self._of_edges("in_tree")
        self.chosen = [self._chosen(e) if edge else None for e, edge in enumerate(self._edges)]
        self.after = State(
            tag=[detector["next_tag"] for detector in self._detectors],
            label=[detector["next_label"] for detector in self._detectors],
            parent=[detector.outputs.get("next_parent", Cat()) for detector in self._detectors],
            waiting=[detector["next_waiting"] for detector in self._detectors],
            message=self._of_edges("next_message"),
        )

    def connect(self, m: Module, *, event: Sequence[Value], full: Sequence[Value]) -> None:
        """Put the elements into ``m``.

        Parameters
        ----------
        event : sequence of Value
            Of each detector.
        full : sequence of Value
            Of each edge.
        """
        topology, before = self._topology, self.before
        for e, edge in enumerate(self._edges):
            if edge:
                u, v = topology.ends(e)
                edge.connect(
                    m,
                    {
                        "full": full[e],
                        "tags": Cat(before.tag[u], before.tag[v]),
                        "labels": Cat(before.label[u], before.label[v]),
                        "waiting": Cat(before.waiting[u], before.waiting[v]),
                        "chosen": self.chosen[e],
                        "message": before.message[e],
                        "odd": Cat(self.odd[u], self.odd[v]),
                    },
                )
        received, offer, labels = (self._of_edges(port) for port in ("received", "offer", "offered_labels"))
        for d, detector in enumerate(self._detectors):
            detector.connect(
                m,
                {
                    "event": event[d],
                    "tag": before.tag[d],
                    "label": before.label[d],
                    "parent": before.parent[d],
                    "waiting": before.waiting[d],
                    "boundary_full": Cat(full[e] for e in topology.boundary[d]),
                    "offer": topology.at_ports(d, offer),
                    "received": topology.at_ports(d, received),
                    "offered_tags": Cat(before.tag[topology.far(d, e)] for e in topology.inner[d]),
                    "offered_labels": topology.at_ports(d, labels, topology.num_labels),
                },
            )

    def _of_edges(self, port: str) -> list[Value | None]:
        return [edge[port] if edge else None for edge in self._edges]

    def _chosen(self, edge: int) -> Value:
        ends = self._topology.ends(edge)
        return Cat(is_chosen(self.before.parent[d], self._topology.inner[d].index(edge)) for d in ends)
