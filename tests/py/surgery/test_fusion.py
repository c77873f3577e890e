# SPDX-License-Identifier: Apache-2.0
"""Blocks and faces, fused, are the graph of the whole circuit: edge by edge, equal numbers."""

from dataclasses import replace

import pytest

from synfab.surgery import BLOCK, Event, Program, Slab, of_kind, output_sheets, shipped_programs, unfold
from synfab.surgery.cells import Cells
from synfab.surgery.check import branches

A, B, C, D = (0, 0), (2, 0), (0, 2), (2, 2)
SHAPES = {
    "pair in a row": ([A, B], [(1, 0)]),
    "pair in a column": ([A, C], [(0, 1)]),
    "chain of three in a row": ([A, B, (4, 0)], [(1, 0), (3, 0)]),
    "chain of three in a column": ([A, C, (0, 4)], [(0, 1), (0, 3)]),
    "L of three": ([A, B, C], [(1, 0), (0, 1)]),
    "L of three, turned": ([B, C, D], [(1, 2), (2, 1)]),
    "two by two": ([A, B, C, D], [(1, 0), (1, 2), (0, 1), (2, 1)]),
}
NOISES = ("phenomenological", "circuit")
PAIRS = ("pair in a row", "pair in a column")


def merge_hold_split(shape, basis) -> list[Slab]:
    """Two steps apart, two merged, one apart: faces begin, go on and end, between blocks in space and in time."""
    patches, merged = (frozenset(sites) for sites in SHAPES[shape])
    events = frozenset(Event(cell, basis) for cell in patches)
    apart, joined = Slab(patches=patches, merged=frozenset()), Slab(patches=patches, merged=merged)
    return [
        replace(apart, prepared=events),
        apart,
        joined,
        replace(joined, held=merged),
        replace(apart, measured=events),
    ]


class TestEquality:
    @pytest.mark.parametrize("kind", ["X", "Z"])
    @pytest.mark.parametrize("basis", ["X", "Z"])
    @pytest.mark.parametrize("noise", NOISES)
    @pytest.mark.parametrize("shape", SHAPES)
    def test_shapes_at_distance_3(self, library, record, assemble, by_stim, by_fusion, shape, noise, basis, kind):
        slabs = merge_hold_split(shape, basis)
        assembly = assemble(library(3, noise, kind), slabs)
        _, edges = by_stim(record(slabs, distance=3, noise=noise), assembly)
        assert by_fusion(assembly) == edges

    @pytest.mark.parametrize("kind", ["X", "Z"])
    @pytest.mark.parametrize("noise", NOISES)
    @pytest.mark.parametrize(
        ("shape", "basis"), [*((shape, "Z") for shape in SHAPES), *((pair, "X") for pair in PAIRS)]
    )
    def test_shapes_at_distance_5(self, library, record, assemble, by_stim, by_fusion, shape, noise, basis, kind):
        slabs = merge_hold_split(shape, basis)[1:]
        slabs[0] = replace(slabs[0], prepared=frozenset(Event(cell, basis) for cell in slabs[0].patches))
        assembly = assemble(library(5, noise, kind), slabs)
        _, edges = by_stim(record(slabs, distance=5, noise=noise), assembly)
        assert by_fusion(assembly) == edges

    @pytest.mark.parametrize("kind", ["X", "Z"])
    @pytest.mark.parametrize("noise", NOISES)
    @pytest.mark.parametrize(
        ("shape", "basis"), [*((shape, "X") for shape in SHAPES), *((pair, "Z") for pair in PAIRS)]
    )
    def test_shapes_at_distance_7(self, library, record, assemble, by_stim, by_fusion, shape, noise, basis, kind):
        slabs = merge_hold_split(shape, basis)
        slabs = [replace(slabs[2], prepared=slabs[0].prepared), slabs[3], slabs[4]]
        assembly = assemble(library(7, noise, kind), slabs)
        _, edges = by_stim(record(slabs, distance=7, noise=noise), assembly)
        assert by_fusion(assembly) == edges

    @pytest.mark.parametrize("kind", ["X", "Z"])
    @pytest.mark.parametrize(("noise", "seeds"), [("phenomenological", range(6)), ("circuit", range(10))])
    def test_random_histories(self, library, record, assemble, by_stim, by_fusion, history, noise, seeds, kind):
        """Two by two cells whose patches begin, merge, split and end at random, in bases at random."""
        for seed in seeds:
            slabs = history(seed, columns=2, rows=2, steps=3)
            assembly = assemble(library(3, noise, kind), slabs)
            _, edges = by_stim(record(slabs, distance=3, noise=noise), assembly)
            assert by_fusion(assembly) == edges, seed

    @pytest.mark.parametrize("name", sorted(set(shipped_programs()) - {"distillation"}))
    def test_programs_with_their_observables(self, library, record, assemble, by_stim, by_fusion, name):
        """The masks of logical values, which merges, splits, moves and frames made, at full distance."""
        program = Program.load(name).model_copy(update={"distance": 3})
        for branch in branches(program):
            slabs = [plan.slab for plan in branch.plans]
            recorder = record(slabs, distance=3, noise="circuit")
            sheets = output_sheets(program, branch.results).values()
            for kind in ("X", "Z"):
                observables = [sheet for sheet in (of_kind(sheet, kind) for sheet in sheets) if sheet]
                assembly = assemble(library(3, "circuit", kind), slabs)
                circuit, edges = by_stim(recorder, assembly, observables)
                assert by_fusion(assembly, observables) == edges
                assert not observables or len(circuit.shortest_graphlike_error()) == 3

    def test_the_future_is_open(self, library, record, by_stim, by_fusion):
        """What is known at the end of each step is the graph of the circuit that ends there."""
        from synfab.surgery import Assembly

        parts = library(3, "circuit", "Z")
        slabs, found = [], []
        for stage in unfold(Program.load("cnot").model_copy(update={"distance": 3})):
            slabs.append(stage.plan.slab)
            found += stage.pieces(parts)
            assembly = Assembly.of(parts.cells, [*found, *stage.horizon(parts)])
            _, edges = by_stim(record(slabs, distance=3, noise="circuit"), assembly)
            assert by_fusion(assembly) == edges


class TestBlocks:
    @pytest.mark.parametrize("noise", NOISES)
    @pytest.mark.parametrize("distance", [3, 5, 7])
    def test_the_block_is_not_empty_and_flips_nothing(self, library, distance, noise):
        """Logical operators cross faces; so the parity of a block is that of its faces."""
        for kind in ("X", "Z"):
            block = library(distance, noise, kind).block
            assert block.edges
            assert not block.marks
            assert {edge.marks for edge in block.edges} == {0}
            assert {end.offset for edge in block.edges for end in edge.ends} == {(0, 0, 0)}

    def test_the_block_is_the_same_wherever_it_lies(self, library, assemble, history):
        """One part object for all: the same integers, whatever the patch is merged with."""
        parts = library(3, "circuit", "X")
        slabs = history(3, columns=3, rows=2, steps=3)
        placed = [piece for piece in assemble(parts, slabs).pieces if piece.is_block]
        assert len(placed) == sum(len(slab.patches) for slab in slabs)
        assert {id(piece.part) for piece in placed} == {id(parts.part(BLOCK))}

    def test_every_edge_has_one_home(self, library, assemble, history):
        parts = library(3, "circuit", "Z")
        assembly = assemble(parts, history(5, columns=2, rows=2, steps=3))
        ends = [(piece.home, edge.ends) for piece in assembly.pieces for edge in piece.edges]
        homes: dict = {}
        for home, edge in ends:
            homes.setdefault(edge, set()).add(home)
        assert all(len(found) == 1 for found in homes.values())

    def test_faces_of_a_step_do_not_depend_on_the_steps_around_it(self, library, assemble):
        """A seam that is merged for three steps has the same face inside each of them."""
        slabs = merge_hold_split("pair in a row", "X")
        slabs.insert(4, slabs[3])
        found = [
            piece for piece in assemble(library(5, "phenomenological", "Z"), slabs).pieces if piece.home[:2] == (1, 0)
        ]
        inside = {piece.home[2]: piece.part for piece in found if piece.home[2] % 2 == 0}
        assert inside[4] is inside[6] is inside[8]
        assert inside[0] is inside[2] is inside[10]
        assert inside[0] != inside[4]

    @pytest.mark.parametrize("kind", ["X", "Z"])
    @pytest.mark.parametrize("distance", [3, 5, 7])
    def test_numbering(self, distance, kind):
        cells = Cells(distance=distance, kind=kind)
        places = [cells.local(vertex) for vertex in range(cells.block_size)]
        assert [cells.vertex(place) for place in places] == list(range(cells.block_size))
        assert len(set(places)) == cells.block_size == (distance + 1) ** 3 // 2
        assert {(column + row) % 2 for column, row, _ in places} == {int(kind == "X")}
        assert {max(axis) for axis in zip(*places, strict=True)} == {distance}
