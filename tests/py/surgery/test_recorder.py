# SPDX-License-Identifier: Apache-2.0
"""Circuits of slabs: a memory is Stim's own, merges measure what they should, and no distance is lost."""

import pytest
import stim

from synfab.circuits.layout import Basis
from synfab.dem import DecodingGraph
from synfab.surgery import Event, Mark, Slab, records
from synfab.surgery.parts import rounded

A, B, C, D = (0, 0), (2, 0), (0, 2), (2, 2)


def slab(patches, *, merged=(), prepared: Basis | None = None, measured: Basis | None = None) -> Slab:
    """Return a slab in which all patches begin or end in one basis."""
    return Slab(
        patches=frozenset(patches),
        merged=frozenset(merged),
        prepared=frozenset(Event(cell, prepared) for cell in patches if prepared),
        measured=frozenset(Event(cell, measured) for cell in patches if measured),
    )


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("distance", [3, 5])
def test_one_slab_of_one_patch_is_stims_memory(record, distance, basis):
    """Read by two ways that share nothing but Stim: every edge, probability and observable."""
    recorder = record([slab([A], prepared=basis, measured=basis)], distance=distance, noise="circuit")
    row = recorder.marks[Mark("read", basis, A, 0)]
    ours = DecodingGraph.from_dem(recorder.circuit(kind=basis, observables=[row]).detector_error_model())
    generated = stim.Circuit.generated(
        f"surface_code:rotated_memory_{basis.lower()}",
        distance=distance,
        rounds=distance,
        after_clifford_depolarization=0.003,
        before_round_data_depolarization=0.003,
        before_measure_flip_probability=0.003,
        after_reset_flip_probability=0.003,
    ).flattened()
    theirs = stim.Circuit()
    for instruction in generated:
        assert isinstance(instruction, stim.CircuitInstruction)
        place = instruction.gate_args_copy()
        if instruction.name != "DETECTOR" or (int(place[0] + place[1]) // 2 % 2 == 1) == (basis == "X"):
            theirs.append(instruction)

    def edges(graph):
        place = [(x, y, t if t == int(t) else t + 0.5) for x, y, t in graph.coordinates]
        return {
            (tuple(sorted(place[d] for d in edge.detectors)), edge.observables): rounded(edge.probability)
            for edge in graph.edges
        }

    assert edges(ours) == edges(DecodingGraph.from_dem(theirs.detector_error_model()))


SHAPES = {
    "pair in a row": ([A, B], [(1, 0)]),
    "pair in a column": ([A, C], [(0, 1)]),
    "chain of three": ([A, B, (4, 0)], [(1, 0), (3, 0)]),
    "L of three": ([A, B, C], [(1, 0), (0, 1)]),
    "T of four": ([A, B, C, D], [(1, 0), (1, 2), (0, 1)]),
    "two by two": ([A, B, C, D], [(1, 0), (1, 2), (0, 1), (2, 1)]),
}


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("distance", [3, 5])
def test_merge_and_split_keep_the_distance(record, distance, shape, basis):
    """A logical operator of each kind that the merge leaves alone, through merge and split, at full distance.

    Stim refuses detectors and observables that are not determined, so this shows that all are.
    """
    patches, merged = SHAPES[shape]
    slabs = [slab(patches, prepared=basis), slab(patches, merged=merged), slab(patches, measured=basis)]
    recorder = record(slabs, distance=distance, noise="circuit")
    # Everything that was read in this basis adds up to an operator across the whole code.
    marks = [mark for mark in recorder.marks if mark.name == "read" and mark.kind == basis]
    axis = 0 if basis == "X" else 1
    first = [mark for mark in marks if mark.site[axis] == 0]
    row = tuple(sorted(record for mark in first for record in recorder.marks[mark]))
    circuit = recorder.circuit(observables=[row])
    assert circuit.num_detectors == len(recorder.detectors)
    assert len(circuit.shortest_graphlike_error(ignore_ungraphlike_errors=True)) == distance


@pytest.mark.parametrize("distance", [3, 5])
@pytest.mark.parametrize(("shape", "kind"), [("pair in a row", "X"), ("pair in a column", "Z")])
def test_the_joint_parity_is_protected_in_time(record, distance, shape, kind):
    """A wrong parity takes a measurement error in each of d rounds."""
    patches, (seam,) = SHAPES[shape]
    slabs = [slab(patches, prepared=kind), slab(patches, merged=[seam]), slab(patches, measured=kind)]
    recorder = record(slabs, distance=distance, noise="circuit")
    sheet = frozenset([Mark("joint", kind, seam, 1), Mark("sum", kind, patches[0], 1)])
    circuit = recorder.circuit(kind=kind, observables=[records(sheet, recorder.marks)])
    assert len(circuit.shortest_graphlike_error()) == distance


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("prepared", ["X", "Z"])
@pytest.mark.parametrize(("shape", "kind"), [("pair in a row", "X"), ("pair in a column", "Z")])
def test_the_joint_parity_is_the_product_of_the_logical_operators(record, shape, kind, prepared, flipped):
    """In a tableau simulation without noise: known before, or random and then found in the state."""
    patches, (seam,) = SHAPES[shape]
    recorder = record([slab(patches, prepared=prepared), slab(patches, merged=[seam])], distance=3, noise=None)
    before, merging = (fragment.gates for fragment in recorder.fragments)

    def operator(basis, cell):
        pauli = stim.PauliString(before.num_qubits)
        for qubit in recorder.qubits(recorder.lattice.reference(cell, basis)):
            pauli[qubit] = basis
        return pauli

    joint = operator(kind, patches[0]) * operator(kind, patches[1])
    simulator = stim.TableauSimulator(seed=5)
    simulator.do(before)
    if flipped:
        simulator.do(operator("Z" if kind == "X" else "X", patches[0]))
    known = simulator.peek_observable_expectation(joint)
    assert known == (0 if prepared != kind else -1 if flipped else 1)
    simulator.do(merging)
    outcomes = simulator.current_measurement_record()
    sheet = frozenset([Mark("joint", kind, seam, 1), Mark("sum", kind, patches[0], 1)])
    parity = sum(outcomes[record] for record in records(sheet, recorder.marks)) % 2
    assert simulator.peek_observable_expectation(joint) == (-1) ** parity
    assert known in (0, (-1) ** parity)


def test_reference_of_every_circuit_is_zero(record, history):
    """Nothing but 0 and plus is prepared: records may be taken as flips."""
    for seed in range(4):
        recorder = record(history(seed, columns=2, rows=2, steps=3), distance=3, noise=None)
        assert not recorder.circuit().reference_sample().any()
        assert not recorder.circuit().compile_detector_sampler().sample(8).any()


def test_what_follows_does_not_change_what_was(record, history):
    slabs = history(1, columns=2, rows=2, steps=3)
    whole, begun = (record(part, distance=3, noise="circuit") for part in (slabs, slabs[:2]))
    assert whole.fragments[:2] == begun.fragments
