# SPDX-License-Identifier: Apache-2.0
"""Draws the pictures of docs/semantics.md: ``python docs/figures/semantics.py [FOLDER]``.

Growth and the forest are worked out here step by step, as the page words them, and drawn only if their end is what
:class:`synfab.decoders.UnionFindSpec` answers.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import stim
from drawing import Panel, Point, picture

from synfab.artefact import write_text
from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph, read_dem

EXAMPLES = Path(__file__).parents[2] / "examples"

Events = frozenset[int]


class Growth:
    """Growth of every edge from either end, a step at a time."""

    def __init__(self, spec: UnionFindSpec, events: Events) -> None:
        self.spec, self.events = spec, events
        self.grown = [[0.0, 0.0] for _ in spec.edges]

    @property
    def full(self) -> list[bool]:
        """Whether each edge is full."""
        return [sum(grown) == weight for grown, weight in zip(self.grown, self.spec.weights, strict=True)]

    @property
    def labels(self) -> list[int]:
        """The lowest detector of each detector's cluster."""
        labels = list(range(self.spec.num_detectors))
        for _ in labels:
            for (u, v), full in zip(self.spec.edges, self.full, strict=True):
                if full and v >= 0:
                    labels[u] = labels[v] = min(labels[u], labels[v])
        return labels

    @property
    def active(self) -> set[int]:
        """Detectors of clusters that are odd and have no full edge to the boundary."""
        labels = self.labels
        odd = {label for label in labels if sum(labels[event] == label for event in self.events) % 2}
        bounded = {labels[u] for (u, v), full in zip(self.spec.edges, self.full, strict=True) if full and v < 0}
        return {detector for detector, label in enumerate(labels) if label in odd - bounded}

    def step(self) -> None:
        """Grow once; two ends that share the last unit get half of it each."""
        active = self.active
        for ends, grown, weight in zip(self.spec.edges, self.grown, self.spec.weights, strict=True):
            growing = [k for k, end in enumerate(ends) if end in active]
            room = weight - sum(grown)
            for k in growing:
                grown[k] += min(1.0, room / len(growing))

    def steps(self, count: int) -> "Growth":
        """Grow some more and return itself."""
        for _ in range(count):
            self.step()
        return self

    def check(self) -> "Growth":
        """Raise unless this is the end of growth as the reference has it."""
        labels, growth = self.spec.clusters(shot(self.spec, self.events))
        assert labels[0].tolist() == self.labels
        assert growth[0].tolist() == [sum(grown) for grown in self.grown]
        return self


def shot(spec: UnionFindSpec, events: Events) -> np.ndarray:
    """Return one shot as the reference takes it."""
    return np.array([[detector in events for detector in range(spec.num_detectors)]], np.uint8)


def correction(spec: UnionFindSpec, events: Events) -> list[int]:
    """Return the edges that the reference flips."""
    return np.flatnonzero(spec.decode_to_edges(shot(spec, events))[0]).tolist()


def forest(growth: Growth) -> tuple[dict[int, int], dict[int, int]]:
    """Return the layer and, but for a root without a boundary, the parent edge of each detector."""
    spec, full, labels = growth.spec, growth.full, growth.labels
    layers: dict[int, int] = {}
    parents: dict[int, int] = {}
    for edge in reversed(range(len(spec.edges))):
        u, v = spec.edges[edge]
        if full[edge] and v < 0:
            layers[u], parents[u] = 0, edge
    rooted = {labels[detector] for detector in layers}
    for label in set(labels) - rooted:
        members = [detector for detector, other in enumerate(labels) if other == label]
        layers[next((detector for detector in members if detector in spec.root_candidates), members[0])] = 0
    for layer in range(1, spec.num_detectors):
        before = {detector for detector, at in layers.items() if at == layer - 1}
        for edge, (u, v) in enumerate(spec.edges):
            for near, far in ((u, v), (v, u)):
                if full[edge] and near in before and far >= 0 and far not in layers and far not in parents:
                    parents[far] = edge
        layers |= {detector: layer for detector in parents if detector not in layers}
    flipped, odd = [], set(growth.events)
    for detector in sorted(layers, key=lambda detector: -layers[detector]):
        if detector in odd and detector in parents:
            flipped.append(parents[detector])
            odd ^= set(spec.edges[parents[detector]])
    assert sorted(flipped) == correction(spec, growth.events)
    return layers, parents


def panel(title: str, growth: Growth, places: Sequence[Point], outwards: Mapping[int, Point], **more: Any) -> Panel:
    """Return the drawing of one moment; ``outwards`` says where the boundary lies, seen from a detector."""
    ends = []
    for u, v in growth.spec.edges:
        x, y = places[u]
        ends.append((places[u], places[v] if v >= 0 else (x + outwards[u][0], y + outwards[u][1])))
    return Panel(
        title=title,
        places=places,
        events=growth.events,
        active=frozenset(growth.active),
        edges=tuple(ends),
        boundary=frozenset(k for k, (_, v) in enumerate(growth.spec.edges) if v < 0),
        shares=tuple(
            (grown[0] / weight, grown[1] / weight)
            for grown, weight in zip(growth.grown, growth.spec.weights, strict=True)
        ),
        **more,
    )


def growth_picture() -> str:
    """Unit weights: a d=5 rotated surface code, one kind of check."""
    graph = DecodingGraph.from_dem(Memory(code="rotated_surface", distance=5, noise="code_capacity", p=0.01).dem())
    spec = UnionFindSpec.compile(graph, weights="unit")
    events = frozenset({1, 4, 7, 10, 11})
    places = [(x / 2, (10 - y) / 2) for x, y, _ in graph.coordinates]
    outwards = {d: (0.0, 0.85 if y > 2 else -0.85) for d, (_, y) in enumerate(places)}
    panels = [
        panel("detection events", Growth(spec, events), places, outwards),
        panel("after one step", Growth(spec, events).steps(1), places, outwards),
        panel("after two steps", end := Growth(spec, events).steps(2).check(), places, outwards),
        panel("correction", end, places, outwards, flipped=frozenset(correction(spec, events))),
    ]
    return picture(panels, scale=34, title="Growth with unit weights")


def weights_picture() -> str:
    """Weights of 3 bits: the repetition code of examples/from_dem.dem, a round a row."""
    graph = DecodingGraph.from_dem(read_dem(EXAMPLES / "from_dem.dem"))
    spec = UnionFindSpec.compile(graph, weight_bits=3)
    events = frozenset({1, 2, 6, 10, 12})
    places = [(x / 1.5, 1.4 * t) for x, t in graph.coordinates]
    outwards = {d: (-0.8 if x < 2 else 0.8, 0.0) for d, (x, _) in enumerate(places)}
    numbers = dict(enumerate(map(str, spec.weights)))
    panels = [
        panel("weights, and detection events", Growth(spec, events), places, outwards, numbers=numbers),
        panel("after 2 steps", Growth(spec, events).steps(2), places, outwards),
        panel("after 6 steps", Growth(spec, events).steps(6), places, outwards),
        panel(
            "after 7 steps, and correction",
            Growth(spec, events).steps(7).check(),
            places,
            outwards,
            flipped=frozenset(correction(spec, events)),
        ),
    ]
    return picture(panels, scale=34, title="Growth with weights of 3 bits")


def forest_picture() -> str:
    """The canonical forest on a ladder of six detectors, without and with a boundary."""
    inner = "".join(f"error(0.01) D{u} D{v}\n" for u, v in ((0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)))
    ends = "error(0.01) D0 L0\nerror(0.01) D2\n"
    places = [(1.6 * (d % 3), 1.2 * (d // 3)) for d in range(6)]
    outwards = {0: (-0.8, 0.0), 2: (0.8, 0.0)}
    panels = []
    for title, dem, events, count in (
        ("no boundary: the lowest candidate is the root", inner, frozenset({0, 5}), 3),
        ("with a boundary: two roots", inner + ends, frozenset({4}), 6),
    ):
        graph = DecodingGraph.from_dem(stim.DetectorErrorModel(dem))
        spec = UnionFindSpec.compile(graph, weights="unit")
        growth = Growth(spec, events).steps(count).check()
        layers, parents = forest(growth)
        panels.append(
            panel(
                title,
                growth,
                places,
                outwards,
                numbers={edge: f"e{edge}" for edge in range(len(spec.edges))},
                layers=layers,
                arrows={edge: 1 - spec.edges[edge].index(d) for d, edge in parents.items()},
                flipped=frozenset(correction(spec, events)),
            )
        )
    return picture(panels, scale=58, title="The spanning forest and its tie-breaks")


def main(folder: Path) -> None:
    """Write all pictures to ``folder``."""
    for name, draw in (("growth", growth_picture), ("weights", weights_picture), ("forest", forest_picture)):
        write_text(folder / f"{name}.svg", draw())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
