# SPDX-License-Identifier: Apache-2.0
"""The compiled fusion reference against its docstring, executed literally: one growth step at a time, by networkx.

Nothing here knows of union-find or of parted graphs: clusters are the connected components of the full edges, worked
out anew after every step of growth, and a released tree is contracted to a vertex.
"""

import random
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pytest

from synfab.decoders.fusion import FusionDecoder, FusionSpec, Schedule, Step

BOUNDARY = -1


@dataclass
class Literal:
    """One shot on its way through a schedule."""

    spec: FusionSpec
    events: list[int]
    fused: set[tuple[int, int]] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)
    frozen: set[int] = field(default_factory=set)
    chosen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        whole = self.spec.whole
        self.growth = [0] * len(whole.edges)
        self.sides = [[0, 0] for _ in whole.edges]
        for edge in whole.flipped_edges:
            for detector in set(whole.edges[edge]) - {BOUNDARY}:
                self.events[detector] ^= 1

    def face(self, edge: int) -> tuple[int, int] | None:
        u, v = self.spec.whole.edges[edge]
        pair = sorted({self.spec.owners[u], self.spec.owners[v if v != BOUNDARY else u]})
        return (pair[0], pair[1]) if len(pair) == 2 else None

    def apart(self, edge: int) -> bool:
        return self.face(edge) is not None and self.face(edge) not in self.fused

    def stop(self, edge: int) -> int:
        weight = self.spec.whole.weights[edge]
        return weight if self.spec.stop == "end" else -(-weight // 2)

    def full(self) -> list[int]:
        weights = self.spec.whole.weights
        return [e for e, w in enumerate(weights) if not self.apart(e) and self.growth[e] == w]

    def clusters(self) -> list[set[int]]:
        graph = nx.Graph()
        graph.add_nodes_from(range(self.spec.whole.num_detectors))
        graph.add_edges_from(self.spec.whole.edges[e] for e in self.full() if BOUNDARY not in self.spec.whole.edges[e])
        return list(nx.connected_components(graph))

    def active(self) -> set[int]:
        whole = self.spec.whole
        bounded = {whole.edges[e][0] for e in self.full() if BOUNDARY in whole.edges[e]}
        for e, (u, v) in enumerate(whole.edges):
            if self.apart(e):
                bounded |= {end for side, end in enumerate((u, v)) if self.sides[e][side] == self.stop(e)}
        found: set[int] = set()
        for cluster in self.clusters():
            events = sum(self.events[d] for d in cluster if self.spec.owners[d] in self.begun)
            if events % 2 and not cluster & bounded:
                found |= cluster
        return found

    def grow(self) -> None:
        whole = self.spec.whole
        while True:
            growing = {d for d in self.active() if self.spec.owners[d] not in self.frozen}
            changed = False
            for e, ends in enumerate(whole.edges):
                if self.apart(e):
                    for side, end in enumerate(ends):
                        if end in growing and self.sides[e][side] < self.stop(e):
                            self.sides[e][side] += 1
                            changed = True
                elif self.growth[e] < whole.weights[e] and (more := sum(end in growing for end in ends)):
                    self.growth[e] = min(whole.weights[e], self.growth[e] + more)
                    changed = True
            if not changed:
                return

    def choose(self, members: set[int]) -> None:
        """Span the detectors ``members``, with the trees chosen so far contracted."""
        whole = self.spec.whole
        trees = nx.Graph()
        trees.add_nodes_from(members)
        rooted = {whole.edges[e][0] for e in self.chosen if BOUNDARY in whole.edges[e]}
        trees.add_edges_from(whole.edges[e] for e in self.chosen if BOUNDARY not in whole.edges[e])
        rank = {d: (d not in whole.root_candidates, d) for d in members}
        node = {d: frozenset(tree) for tree in nx.connected_components(trees) for d in tree}
        parent: dict[frozenset[int], int | None] = {}
        for tree in set(node.values()):
            exits = [e for e in self.full() if whole.edges[e][1] == BOUNDARY and whole.edges[e][0] in tree]
            if tree & rooted:
                parent[tree] = None
            elif exits and not tree & self.committed:
                parent[tree] = min(exits)
        usable = [e for e in self.full() if members.issuperset(whole.edges[e])]
        links = nx.Graph()
        links.add_nodes_from(node.values())
        links.add_edges_from((node[whole.edges[e][0]], node[whole.edges[e][1]]) for e in usable)
        for component in nx.connected_components(links):
            layer = {tree for tree in component if tree in parent}
            if not layer:
                layer = {min(component, key=lambda tree: min(rank[d] for d in tree))}
            reached = set(layer)
            while layer:
                following: dict[frozenset[int], int] = {}
                for e in usable:
                    for near, far in (whole.edges[e], whole.edges[e][::-1]):
                        if node[near] in layer and node[far] not in reached:
                            following[node[far]] = min(e, following.get(node[far], e))
                parent |= following
                layer = set(following)
                reached |= layer
        self.chosen |= {e for e in parent.values() if e is not None}

    @property
    def committed(self) -> set[int]:
        return {d for d, owner in enumerate(self.spec.owners) if owner in self.frozen}

    def take(self, step: Step) -> None:
        """Do what a step does before it releases anything."""
        self.begun |= set(step.begin)
        for e in range(len(self.growth)):
            if self.face(e) in step.fuse:
                self.growth[e] = min(self.spec.whole.weights[e], sum(self.sides[e]))
        self.fused |= set(step.fuse)
        self.grow()
        assert not self.lost()

    def run(self, schedule: Schedule) -> list[int]:
        """Return the flips of the edges."""
        for step in schedule.steps:
            self.take(step)
            if step.release:
                owners = self.frozen | set(step.release)
                self.choose({d for d, owner in enumerate(self.spec.owners) if owner in owners})
                self.frozen = owners
        self.choose(set(range(self.spec.whole.num_detectors)))
        return self.corrected()

    def lost(self) -> bool:
        """Whether there is an odd cluster that could have found another or the boundary in the whole graph."""
        reaches = self.spec.whole.reaches_boundary
        return any(reaches[d] for d in self.active())

    def corrected(self) -> list[int]:
        """Return the one set of chosen edges that explains the events, by taking leaves off."""
        whole = self.spec.whole
        flips = [0] * len(whole.edges)
        odd = list(self.events)
        tree = nx.Graph()
        tree.add_nodes_from(range(whole.num_detectors))
        for e in self.chosen:
            u, v = whole.edges[e]
            # The boundary is a vertex for every edge to it.
            tree.add_edge(u, v if v != BOUNDARY else -1 - e, edge=e)
        assert nx.number_of_edges(tree) == 0 or nx.is_forest(tree)
        for component in list(nx.connected_components(tree)):
            exits = [n for n in component if n < 0]
            assert len(exits) <= 1
            root = exits[0] if exits else min(component, key=lambda d: (d not in whole.root_candidates, d))
            for above, below in reversed(list(nx.bfs_edges(tree, root))):
                if odd[below]:
                    flips[tree.edges[above, below]["edge"]] = 1
                    if above >= 0:
                        odd[above] ^= 1
        for e in whole.flipped_edges:
            flips[e] ^= 1
        return flips


@pytest.mark.parametrize("releases", [False, True], ids=["kept", "released"])
@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_blocks_and_schedules(any_spec, any_schedule, seed, releases):
    rng = random.Random(seed)
    spec = any_spec(rng, num_detectors=rng.randint(5, 13), num_blocks=rng.randint(2, 5))
    schedule = any_schedule(rng, spec, releases=releases)
    decoder = FusionDecoder(spec=spec, schedule=schedule)
    shots = np.random.default_rng(seed).random((40, spec.whole.num_detectors)) < rng.choice([0.15, 0.4, 0.8])
    edges, predictions = decoder.decode_to_edges(shots), decoder.decode_batch(shots)
    labels, growth = decoder.clusters(shots)
    for number, shot in enumerate(shots):
        literal = Literal(spec=spec, events=shot.astype(int).tolist())
        flips = literal.run(schedule)
        assert growth[number].tolist() == literal.growth
        assert labels[number].tolist() == label(literal)
        assert edges[number].tolist() == flips
        assert predictions[number].tolist() == flips


@dataclass
class Committing(Literal):
    """The same with release by commitment: what is committed is taken out of the graph."""

    done: dict[int, int] = field(default_factory=dict)

    def full(self) -> list[int]:
        return [e for e in super().full() if not self.gone(e)]

    def gone(self, edge: int) -> bool:
        return any(end != BOUNDARY and self.spec.owners[end] in self.frozen for end in self.spec.whole.edges[edge])

    def flipped(self) -> dict[int | tuple[int, int], int]:
        """Return what the forest of all live clusters flips: edges, and sides (edge, side) of those of open faces."""
        whole = self.spec.whole
        sides = [
            (e, side)
            for e in range(len(whole.edges))
            for side in (0, 1)
            if self.apart(e) and self.sides[e][side] == self.stop(e)
        ]
        events, flips = list(self.events), {}
        for cluster in self.clusters():
            parents: dict[int, int | tuple[int, int]] = {}
            for e, side in reversed(sides):
                if whole.edges[e][side] in cluster:
                    parents[whole.edges[e][side]] = e, side
            for e in reversed(self.full()):
                if whole.edges[e][1] == BOUNDARY and whole.edges[e][0] in cluster:
                    parents[whole.edges[e][0]] = e
            order = sorted(parents) or [min(cluster)]
            layers = dict.fromkeys(order, 0)
            for near in order:
                for e in self.full():
                    if near in whole.edges[e] and BOUNDARY not in whole.edges[e]:
                        far = sum(whole.edges[e]) - near
                        if far not in layers:
                            layers[far] = layers[near] + 1
                            order.append(far)
                            parents[far] = e
                        elif layers[far] == layers[near] + 1:
                            parents[far] = min(e, parents[far])
            for detector in reversed(order):
                if events[detector] and self.spec.owners[detector] in self.begun and detector in parents:
                    key = parents[detector]
                    flips[key] = 1
                    if isinstance(key, int) and BOUNDARY not in whole.edges[key]:
                        events[sum(whole.edges[key]) - detector] ^= 1
        return flips

    def commit(self, owners: set[int]) -> None:
        whole = self.spec.whole
        for key in self.flipped():
            if isinstance(key, int):
                ends = [end for end in whole.edges[key] if end != BOUNDARY]
                if any(self.spec.owners[end] in owners for end in ends):
                    self.done[key] = 1
                    for end in ends:
                        self.events[end] ^= 1
        self.frozen |= owners
        for detector, owner in enumerate(self.spec.owners):
            if owner in owners:
                self.events[detector] = 0

    def answers(self, schedule: Schedule) -> list[list[int]]:
        """Return what the correction is in each step of a schedule, and in the end: of edges and then of sides."""
        found = []
        for step in schedule.steps:
            self.take(step)
            found.append(self.now())
            if step.release:
                self.commit(set(step.release))
        return [*found, self.now()]

    def now(self) -> list[int]:
        flips = self.done | self.flipped()
        edges = [flips.get(e, 0) ^ (e in self.spec.whole.flipped_edges) for e in range(len(self.growth))]
        return [*edges, *(flips.get((e, side), 0) for e in self.spec.cut_edges for side in (0, 1))]


@pytest.mark.parametrize("seed", range(60))
def test_release_by_commitment(any_spec, any_schedule, seed):
    rng = random.Random(seed)
    spec = any_spec(rng, num_detectors=rng.randint(5, 13), num_blocks=rng.randint(2, 5))
    schedule = any_schedule(rng, spec)
    decoder = FusionDecoder(spec=spec, schedule=schedule, release="commit")
    shots = np.random.default_rng(seed).random((30, spec.whole.num_detectors)) < rng.choice([0.15, 0.4, 0.8])
    edges, predictions = decoder.decode_to_edges(shots), decoder.decode_batch(shots)
    so_far = [decoder.corrections_so_far(shots, steps=1 + k) for k in range(len(schedule.steps))]
    for number, shot in enumerate(shots):
        answers = Committing(spec=spec, events=shot.astype(int).tolist()).answers(schedule)
        assert [found[number].tolist() for found in so_far] == answers[:-1]
        assert edges[number].tolist() == answers[-1][: len(spec.whole.edges)]
        assert predictions[number].tolist() == edges[number].tolist()


def label(literal: Literal) -> list[int]:
    lowest = {d: min(cluster) for cluster in literal.clusters() for d in cluster}
    return [lowest[d] for d in range(len(lowest))]
