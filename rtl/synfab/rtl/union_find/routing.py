# SPDX-License-Identifier: Apache-2.0
"""How shared elements reach each other: the port of every edge, and the memory from which it reads."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

from synfab.decoders import UnionFindSpec
from synfab.rtl.union_find.partition import BOUNDARY, Partition

# Rough tables: an element without ports, a port, one more input of a port, a view, two ports that exchange ranks.
ELEMENT, PORT, CHOICE, VIEW, EXCHANGE = 60, 17, 8, 16, 2

Seen = set[tuple[int, int | None]]
"""What a port reads: elements at distances; an element at any distance is there with None, too."""

Wire = tuple[int, int]
"""An element, and one of its views."""


@dataclass(kw_only=True)
class Wiring:
    """One element's ports.

    Attributes
    ----------
    inner, boundary : list of list of (int or None)
        The edge at each port in each slot: edges to detectors, edges to the boundary. Boundary edges ascend.
    sources : list of list of (Wire or None)
        Where each inner port reads in each slot.
    views : list of dict of int to int
        For each way to read this element's memory: the slot it reads by the slot that is visited. View 0 reads
        what is visited.
    """

    inner: list[list[int | None]]
    boundary: list[list[int | None]]
    sources: list[list[Wire | None]] = field(default_factory=list)
    views: list[dict[int, int]] = field(default_factory=list)

    @property
    def exchanges(self) -> list[tuple[int, int]]:
        """Pairs of inner ports of which in some slot the second has the lower edge."""
        pairs = combinations(range(len(self.inner)), 2)
        return [(j, k) for j, k in pairs if False in [self.ascends(j, k, slot) for slot in range(len(self.inner[j]))]]

    def ascends(self, j: int, k: int, slot: int) -> bool | None:
        """Return whether port j has the lower edge of inner ports j and k; None if one of them has none."""
        first, second = self.inner[j][slot], self.inner[k][slot]
        return None if first is None or second is None else first < second

    def choices(self, port: int) -> list[Wire]:
        """Return the distinct sources of an inner port."""
        return sorted({wire for wire in self.sources[port] if wire is not None})


@dataclass(frozen=True, kw_only=True)
class Routing:
    """The wiring of all elements of a partition.

    An inner port sees one neighbour's word in each slot. The neighbour's element shows its memory in *views*, each
    a read port with an address of its own; all ports that want the same words slot by slot share one.

    Attributes
    ----------
    wirings : tuple of Wiring
        One an element.
    ports : dict of (int, int) to int
        The inner port of edge e at detector d, by (e, d).
    """

    wirings: tuple[Wiring, ...]
    ports: dict[tuple[int, int], int]

    @classmethod
    def of(cls, spec: UnionFindSpec, partition: Partition) -> Self:
        """Route every edge."""
        wirings = tuple(_ports(spec, partition, detectors) for detectors in partition.elements)
        wanted: dict[int, list[tuple[int, int, dict[int, int]]]] = defaultdict(list)
        for element, wiring in enumerate(wirings):
            detectors = partition.elements[element]
            wiring.sources = [[None] * partition.num_slots for _ in wiring.inner]
            for port, edges in enumerate(wiring.inner):
                reads: dict[int, dict[int, int]] = defaultdict(dict)
                for slot, edge in enumerate(edges):
                    if edge is not None:
                        source, far_slot = partition.places[_other_end(spec, edge, detectors[slot])]
                        reads[source][slot] = far_slot
                for source, function in reads.items():
                    wanted[source].append((element, port, function))
        for source, wiring in enumerate(wirings):
            wiring.views = [{slot: slot for slot in range(partition.num_slots)}]
            for element, port, function in sorted(wanted[source], key=lambda want: (-len(want[2]), *want[:2])):
                view = _shared_view(wiring.views, function)
                for slot in function:
                    wirings[element].sources[port][slot] = (source, view)
        ports = {
            (edge, detector): port
            for wiring, detectors in zip(wirings, partition.elements, strict=True)
            for port, edges in enumerate(wiring.inner)
            for edge, detector in zip(edges, detectors, strict=True)
            if edge is not None and detector is not None
        }
        return cls(wirings=wirings, ports=ports)

    def far_port(self, spec: UnionFindSpec, edge: int, detector: int | None) -> int:
        """Return the inner port of an edge at the end that is not ``detector``."""
        return self.ports[edge, _other_end(spec, edge, detector)]

    @property
    def num_inner(self) -> int:
        """Inner ports of the element that has the most."""
        return max(len(wiring.inner) for wiring in self.wirings)

    @property
    def size(self) -> int:
        """Rough number of tables, for the choice between partitions: elements and ports, choices, views."""
        return sum(
            ELEMENT
            + PORT * len(wiring.inner)
            + CHOICE * sum(max(0, len(wiring.choices(port)) - 1) for port in range(len(wiring.inner)))
            + VIEW * len(wiring.views)
            + EXCHANGE * len(wiring.exchanges)
            for wiring in self.wirings
        )


def _other_end(spec: UnionFindSpec, edge: int, detector: int | None) -> int:
    u, v = spec.edges[edge]
    return v if u == detector else u


def _ports(spec: UnionFindSpec, partition: Partition, detectors: Sequence[int | None]) -> Wiring:
    """Give each edge a port, so that a port reads from few elements and the order of ports changes little."""
    inner = [[e for e in _edges(spec, d) if spec.edges[e][1] != BOUNDARY] for d in detectors]
    boundary = [[e for e in _edges(spec, d) if spec.edges[e][1] == BOUNDARY] for d in detectors]
    keys = [[_key(spec, partition, slot, d, e) for e in inner[slot]] for slot, d in enumerate(detectors)]
    ends: list[list[int | None]] = [
        [edges[k] if k < len(edges) else None for edges in boundary] for k in range(max(map(len, boundary)))
    ]
    wirings = []
    for fit in (_ascending, _any_order):
        table: list[list[int | None]] = [[None] * len(detectors) for _ in range(max(map(len, inner)))]
        seen: list[Seen] = [set() for _ in table]
        for slot in sorted(range(len(detectors)), key=lambda slot: (-len(inner[slot]), slot)):
            for port, edge, key in zip(fit(keys[slot], seen), inner[slot], keys[slot], strict=True):
                table[port][slot] = edge
                seen[port] |= {key, (key[0], None)}
        inputs = sum(distance is None for known in seen for _, distance in known)
        wiring = Wiring(inner=table, boundary=ends)
        wirings.append((CHOICE * inputs + EXCHANGE * len(wiring.exchanges), len(wirings), wiring))
    return min(wirings)[2]


def _key(spec: UnionFindSpec, partition: Partition, slot: int, detector: int | None, edge: int) -> tuple[int, int]:
    """Return the element that the edge leads to, and how many slots on."""
    element, far_slot = partition.places[_other_end(spec, edge, detector)]
    return element, far_slot - slot


def _edges(spec: UnionFindSpec, detector: int | None) -> tuple[int, ...]:
    return () if detector is None else spec.ports[detector]


def _score(known: set[tuple[int, int | None]], key: tuple[int, int]) -> int:
    """Return how well a port that has seen ``known`` suits the key (element, distance): an unused one suits all."""
    return 3 * ((key[0], None) in known) + (key in known) if known else 2


def _ascending(keys: Sequence[tuple[int, int]], seen: Sequence[Seen]) -> list[int]:
    """Return the best ascending ports for the keys."""
    # best[k]: score and ports of the first k keys, on the ports so far.
    best: list[tuple[int, list[int]] | None] = [(0, [])] + [None] * len(keys)
    for port, known in enumerate(seen):
        for k in range(min(port + 1, len(keys)), 0, -1):
            before, current = best[k - 1], best[k]
            if before is not None:
                score = before[0] + _score(known, keys[k - 1])
                if current is None or score > current[0]:
                    best[k] = score, [*before[1], port]
    found = best[len(keys)]
    assert found is not None, "there are as many ports as the detector with the most edges has"
    return found[1]


def _any_order(keys: Sequence[tuple[int, int]], seen: Sequence[Seen]) -> list[int]:
    """Return the best ports for the keys, in whatever order."""
    from scipy.optimize import linear_sum_assignment

    if not keys:
        return []
    scores = [[_score(known, key) for known in seen] for key in keys]
    return linear_sum_assignment(scores, maximize=True)[1].tolist()


def _shared_view(views: list[dict[int, int]], function: dict[int, int]) -> int:
    """Return the first view that reads ``function``, or can do so in slots that it does not use; add one if none."""
    for number, view in enumerate(views):
        if all(view.get(slot, far) == far for slot, far in function.items()):
            view.update(function)
            return number
    views.append(dict(function))
    return len(views) - 1
