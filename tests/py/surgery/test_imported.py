# SPDX-License-Identifier: Apache-2.0
"""Circuits of other compilers, cut into blocks."""

from pathlib import Path

import numpy as np
import pytest
import stim

from synfab.decoders.fusion import FusionDecoder, FusionSpec, Schedule
from synfab.errors import InputError
from synfab.surgery import Assembly, Program, cut, unfold
from synfab.surgery.check import branches

TQEC = stim.Circuit.from_file(Path(__file__).parent / "tqec_cnot_d3.stim")


def test_a_cnot_of_tqec():
    """Three patches: the control and the target for four steps, the ancilla for two in the middle."""
    found = cut(TQEC, cell=(8, 8), rounds=3)
    control, ancilla, target = (0, 0), (0, 1), (1, 1)
    expected = {(*cell, step) for cell in (control, target) for step in range(4)} | {(*ancilla, 1), (*ancilla, 2)}
    assert set(found.blocks) == expected
    assert sorted(d for members in found.detectors for d in members) == list(range(TQEC.num_detectors))

    # Faces in time between the steps of each patch; in space where the two merges are, and next to them in time.
    space = {home[:2] for home in found.faces if home[0] % 2 or home[1] % 2}
    assert space == {(0, 1), (1, 2)}
    assert {home for home in found.faces if home[2] % 2 and home[:2] == (0, 2)} == {(0, 2, 3)}
    assert sum(map(len, found.edges.values())) == len(found.graph.edges)
    assert found.graph.num_observables == 1


def test_a_cnot_of_tqec_is_fused():
    """Its blocks decoded on their own and fused, kept or released: wrong as often as union-find on all of it."""
    found = cut(TQEC, cell=(8, 8), rounds=3)
    spec = FusionSpec.compile(found.graph, places=found.places, weights="log_likelihood", weight_bits=4)
    assert spec.blocks == found.blocks
    assert len(spec.faces) == len(found.faces)
    shots, flips = TQEC.compile_detector_sampler(seed=3).sample(10_000, separate_observables=True)
    alone = np.count_nonzero(spec.whole.decode_batch(shots) != flips)
    assert 0 < 5 * alone < np.count_nonzero(flips)
    for schedule in (Schedule.blocks_first(spec), Schedule.in_time(spec, keep=1)):
        fused = np.count_nonzero(FusionDecoder(spec=spec, schedule=schedule).decode_batch(shots) != flips)
        assert abs(fused - alone) <= 3 + 0.05 * alone


@pytest.mark.parametrize("distance", [3, 5])
def test_a_long_memory_has_equal_blocks_in_the_middle(distance):
    circuit = stim.Circuit.generated(
        "surface_code:rotated_memory_x",
        distance=distance,
        rounds=4 * distance,
        before_round_data_depolarization=0.01,
        before_measure_flip_probability=0.01,
    )
    found = cut(circuit, cell=(2 * distance + 2, 2 * distance + 2), rounds=distance)
    assert found.blocks == tuple((0, 0, step) for step in range(5))
    assert found.faces == tuple((0, 0, time) for time in range(1, 9, 2))
    # Steps 1 and 2 begin and end in the middle of the memory: their insides are equal.
    first, second = (inside(found, step) for step in (1, 2))
    assert first == second


def inside(found, step):
    number = {detector: place for place, detector in enumerate(found.detectors[step])}
    edges = [found.graph.edges[edge] for edge in found.edges[0, 0, 2 * step]]
    return {(tuple(number[d] for d in edge.detectors), edge.observables): edge.probability for edge in edges}


def test_our_own_circuit_is_cut_where_its_blocks_are(library, record):
    """By coordinates alone: the same blocks, the same detectors in each, and the same edges between them."""
    parts = library(3, "circuit", "Z")
    program = Program.load("merge_split").model_copy(update={"distance": 3})
    (branch,) = branches(program)
    recorder = record([plan.slab for plan in branch.plans], distance=3, noise="circuit")
    found = cut(recorder.circuit(kind="Z"), cell=(8, 8), rounds=3)

    ours = [detector for detector in recorder.detectors if detector.kind == "Z"]
    for block, members in zip(found.blocks, found.detectors, strict=True):
        # A read-out stands half a round before the next step.
        places = {parts.cells.place(ours[d].position, ours[d].step, ours[d].layer) for d in members}
        assert {place.block for place in places} == {block}

    *stages, last = unfold(program)
    placed = [piece for stage in [*stages, last] for piece in stage.pieces(parts)] + list(last.horizon(parts))
    between = [edge for piece in Assembly.of(parts.cells, placed).pieces for edge in piece.edges if spans(edge)]
    assert len(between) == sum(len(found.edges[face]) for face in found.faces)


def spans(edge) -> bool:
    return len({block for block, _ in edge.ends}) > 1


class TestRefusals:
    def test_no_coordinates(self):
        circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\nDETECTOR rec[-1]")
        sentence = (
            "^every detector must have coordinates x, y and t, not none at detector 0: the circuit is cut into blocks "
            "by them; have the compiler write them, or add them to its DETECTOR instructions$"
        )
        with pytest.raises(InputError, match=sentence):
            cut(circuit, cell=(8, 8), rounds=3)

    def test_too_few_coordinates(self):
        circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\nDETECTOR(1, 2) rec[-1]")
        with pytest.raises(InputError, match=r"^every detector .* not 2 in \(1\.0, 2\.0\) at detector 0: "):
            cut(circuit, cell=(8, 8), rounds=3)

    def test_cells_that_are_too_small(self):
        with pytest.raises(InputError, match=r"^an edge must stay within neighbouring blocks, .*; cut larger cells or"):
            cut(TQEC, cell=(2, 2), rounds=3)

    def test_a_pitch_of_nothing(self):
        for rounds in (0, -1, float("inf"), float("nan")):
            with pytest.raises(InputError, match=rf"^rounds must be finite and above 0, not {rounds}; "):
                cut(TQEC, cell=(8, 8), rounds=rounds)

    def test_a_cell_of_one_pitch(self):
        with pytest.raises(InputError, match=r"^cell must have the pitch in x and in y, not \(8,\); give both$"):
            cut(TQEC, cell=(8,), rounds=3)

    @pytest.mark.parametrize("origin", [(0, 0), (0, 0, float("nan"))])
    def test_an_origin_without_time(self, origin):
        with pytest.raises(InputError, match=r"^origin must have finite x, y and t, not \(0, 0.*\); leave it out"):
            cut(TQEC, cell=(8, 8), rounds=3, origin=origin)

    def test_coordinates_beyond_all_numbers(self):
        shifts = "SHIFT_COORDS(1e308, 0, 0)\n" * 2
        circuit = stim.Circuit(f"X_ERROR(0.1) 0\nM 0\n{shifts}DETECTOR(1, 2, 3) rec[-1]")
        with pytest.raises(InputError, match=r"^coordinates must be finite, not \(inf, 2\.0, 3\.0\) at detector 0; "):
            cut(circuit, cell=(8, 8), rounds=3)

    def test_no_detectors(self):
        with pytest.raises(InputError, match=r"^a circuit must have detectors, not none; "):
            cut(stim.Circuit("X_ERROR(0.1) 0\nM 0"), cell=(8, 8), rounds=3)

    def test_errors_that_no_graph_has(self):
        circuit = stim.Circuit("X_ERROR(0.1) 0\nM 0\n" + "DETECTOR(0, 0, 0) rec[-1]\n" * 3)
        with pytest.raises(InputError, match=r"^the circuit must have errors that decompose into edges"):
            cut(circuit, cell=(8, 8), rounds=3)
