# SPDX-License-Identifier: Apache-2.0
"""Shipped programs, fused stage by stage: frames carried across blocks, and results that decide branches."""

from collections import Counter

import numpy as np
import pytest

from synfab.decoders.fusion import FusionDecoder, FusionSpec, Schedule, places_by_coordinates
from synfab.decoders.fusion.program import program_fusion
from synfab.surgery import Assembly, Parts, Program, Sampler, branches, of_kind, output_sheets, pieces, shipped_programs
from synfab.surgery.global_decoding import union_find

SMALL = sorted(set(shipped_programs()) - {"distillation"})


@pytest.mark.parametrize("kind", ["X", "Z"])
@pytest.mark.parametrize("name", SMALL)
def test_single_errors_are_corrected_across_released_blocks(name, kind):
    """Every edge of the graph, on the logical values that merges, splits, moves and frames made."""
    program = Program.load(name).model_copy(update={"distance": 3})
    parts = Parts(distance=3, noise="circuit", p=0.003, kind=kind)
    for branch in branches(program):
        slabs = [None, *(plan.slab for plan in branch.plans), None]
        found = [p for k in range(len(slabs) - 1) for p in pieces(parts, slabs[k], slabs[k + 1], step=k)]
        sheets = output_sheets(program, branch.results).values()
        graph = Assembly.of(parts.cells, found).graph([of_kind(sheet, kind) for sheet in sheets])
        places = places_by_coordinates(graph, cell=(8, 8), rounds=3)
        spec = FusionSpec.compile(graph, places=places)
        events = np.zeros((len(graph.edges), graph.num_detectors), bool)
        flips = np.zeros((len(graph.edges), graph.num_observables), np.uint8)
        for number, edge in enumerate(graph.edges):
            events[number, list(edge.detectors)] = True
            flips[number] = [edge.observables >> bit & 1 for bit in range(graph.num_observables)]
        # Edges with the same ends cannot be told apart.
        ends = Counter(edge.detectors for edge in graph.edges)
        unique = [number for number, edge in enumerate(graph.edges) if ends[edge.detectors] == 1]
        assert len(unique) > 0.9 * len(graph.edges)
        for keep in (None, 1):
            decoder = FusionDecoder(spec=spec, schedule=Schedule.in_time(spec, keep=keep))
            np.testing.assert_array_equal(decoder.decode_batch(events[unique]), flips[unique])


@pytest.mark.parametrize("name", ["cnot", "merge_split", "feedback"])
def test_results_are_those_of_global_decoding(name):
    """On the same shots: the same branches but for a few, and outputs that are wrong as often."""
    program = Program.load(name).model_copy(update={"distance": 3})
    found = {}
    for label, decoder in (("global", union_find()), ("fused", program_fusion(distance=3, keep=1))):
        branched = Sampler(program=program, noise="circuit", p=0.002, decoder=decoder).sample(2000, seed=5)
        found[label] = sum(branch.num_errors for branch in branched), [branch.shots for branch in branched]
    (errors, shots), (fused_errors, fused_shots) = found["global"], found["fused"]
    assert errors > 0
    assert abs(fused_errors - errors) <= 3 + 0.05 * errors
    assert np.abs(np.subtract(shots, fused_shots)).max() <= 5
