# SPDX-License-Identifier: Apache-2.0
"""Histories of slabs, and their graphs made in two ways."""

import random
from collections.abc import Callable, Sequence
from typing import Literal

import pytest
import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.layout import Basis
from synfab.circuits.strengths import NoiseModel
from synfab.dem import DecodingGraph
from synfab.surgery import Assembly, Event, Lattice, Parts, Recorder, Sheet, Slab, pieces, records
from synfab.surgery.lattice import Site, neighbour_cells
from synfab.surgery.parts import rounded

KINDS: tuple[Basis, Basis] = ("X", "Z")
Edges = dict[tuple[tuple[int, ...], int], float]


def recorded(slabs: Sequence[Slab], *, distance: int, noise: NoiseModel | None, p: float = 0.003) -> Recorder:
    """Return the whole circuit of some slabs."""
    strengths = NoiseStrengths() if noise is None else NoiseStrengths.of(noise, p)
    recorder = Recorder(lattice=Lattice(distance=distance), strengths=strengths)
    for slab in slabs:
        recorder.append(slab)
    return recorder


def assembled(parts: Parts, slabs: Sequence[Slab]) -> Assembly:
    """Return all blocks and faces of some slabs."""
    padded = [None, *slabs, None]
    found = [p for k in range(len(slabs) + 1) for p in pieces(parts, padded[k], padded[k + 1], step=k)]
    return Assembly.of(parts.cells, found)


def ref_edges(recorder: Recorder, assembly: Assembly, observables: Sequence[Sheet] = ()) -> tuple[stim.Circuit, Edges]:
    """Return the circuit of one kind of check, and its edges by Stim, vertices numbered as the assembly does it."""
    kind = assembly.cells.kind
    rows = [records(sheet, recorder.marks) for sheet in observables]
    circuit = recorder.circuit(kind=kind, observables=rows)
    graph = DecodingGraph.from_dem(circuit.detector_error_model())
    vertex = [
        assembly.vertex(assembly.cells.place(detector.position, detector.step, detector.layer))
        for detector in recorder.detectors
        if detector.kind == kind
    ]
    edges = {
        (tuple(sorted(vertex[d] for d in edge.detectors)), edge.observables): rounded(edge.probability)
        for edge in graph.edges
    }
    return circuit, edges


def fused_edges(assembly: Assembly, observables: Sequence[Sheet] = ()) -> Edges:
    """Return the edges of the blocks and faces, fused."""
    return {(edge.detectors, edge.observables): edge.probability for edge in assembly.graph(observables).edges}


def random_slabs(seed: int, *, columns: int, rows: int, steps: int) -> list[Slab]:
    """Return slabs in which patches begin, merge, split and end at random."""
    rng = random.Random(seed)
    cells = [(2 * x, 2 * y) for y in range(rows) for x in range(columns)]
    seams = [(2 * x + 1, 2 * y) for y in range(rows) for x in range(columns - 1)]
    seams += [(2 * x, 2 * y + 1) for y in range(rows - 1) for x in range(columns)]
    slabs: list[Slab] = []
    alive: set[Site] = set()
    merged: set[Site] = set()
    for step in range(steps):
        begun = {Event(c, rng.choice(KINDS)) for c in cells if c not in alive and rng.random() < 0.6}
        alive |= {event.cell for event in begun}
        now = {seam for seam in seams if alive.issuperset(neighbour_cells(seam)) and rng.random() < 0.5}
        share = 0.25 if step < steps - 1 else 1
        ended = {Event(c, rng.choice(KINDS)) for c in sorted(alive) if rng.random() < share}
        slabs.append(
            Slab(
                patches=frozenset(alive),
                merged=frozenset(now),
                prepared=frozenset(begun),
                measured=frozenset(ended),
                held=frozenset(now & merged),
            )
        )
        alive -= {event.cell for event in ended}
        merged = {seam for seam in now if alive.issuperset(neighbour_cells(seam))}
    return slabs


@pytest.fixture(scope="session")
def history() -> Callable[..., list[Slab]]:
    return random_slabs


@pytest.fixture(scope="session")
def record() -> Callable[..., Recorder]:
    return recorded


@pytest.fixture(scope="session")
def assemble() -> Callable[..., Assembly]:
    return assembled


@pytest.fixture(scope="session")
def by_stim() -> Callable[..., tuple[stim.Circuit, Edges]]:
    return ref_edges


@pytest.fixture(scope="session")
def by_fusion() -> Callable[..., Edges]:
    return fused_edges


@pytest.fixture(scope="session")
def library() -> Callable[..., Parts]:
    """Parts that every test shares: what one derived the others have."""
    found: dict[tuple, Parts] = {}

    def parts(distance: int, noise: Literal["phenomenological", "circuit"], kind: Basis) -> Parts:
        key = distance, noise, kind
        if key not in found:
            found[key] = Parts(distance=distance, noise=noise, p=0.003, kind=kind)
        return found[key]

    return parts
