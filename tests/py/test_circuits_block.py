# SPDX-License-Identifier: Apache-2.0
"""The phenomenological block: its size and edges against the closed formulas of its geometry."""

import math
from collections import Counter

import numpy as np
import pymatching
import pytest
import stim

from synfab.circuits import PhenomenologicalBlock
from synfab.errors import InputError

P = 0.01


Edge = tuple[frozenset[int], bool]


def block_edges(block: PhenomenologicalBlock) -> dict[Edge, float]:
    """The probability of every edge, named by its detectors and whether it flips the observable."""
    edges = {}
    for instruction in block.dem().flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            targets = [target for target in instruction.targets_copy() if isinstance(target, stim.DemTarget)]
            detectors = frozenset(t.val for t in targets if t.is_relative_detector_id())
            flips = any(t.is_logical_observable_id() for t in targets)
            assert (detectors, flips) not in edges
            edges[detectors, flips] = instruction.args_copy()[0]
    return edges


def ref_edges(d: int, open_start: bool) -> Counter[Edge]:
    """How many flips make each edge, from Helios's picture: d+1 rows of (d-1)/2 elements, every second row shifted."""
    width = (d - 1) // 2
    edges: Counter[Edge] = Counter()

    def element(t: int, row: int, column: int) -> int:
        return (t * (d + 1) + row) * width + column

    for t in range(d):
        for row in range(d + 1):
            for column in range(width):
                if t + 1 < d:
                    edges[frozenset({element(t, row, column), element(t + 1, row, column)}), False] += 1
                if t == 0 and open_start:
                    edges[frozenset({element(t, row, column)}), False] += 1
        for y in range(d):
            for x in range(d):
                # The data qubit between rows y and y+1; the even row's elements stand half a step further left.
                even, odd = (y, y + 1) if y % 2 == 0 else (y + 1, y)
                ends = [(even, x // 2), (odd, (x - 1) // 2)]
                inside = frozenset(element(t, row, column) for row, column in ends if 0 <= column < width)
                edges[inside, x == 0] += 1
    return edges


@pytest.mark.parametrize("open_start", [True, False])
@pytest.mark.parametrize("d", [3, 5, 7, 9])
def test_detectors(d, open_start):
    circuit = PhenomenologicalBlock(distance=d, p=P, open_start=open_start).circuit()
    places = circuit.get_detector_coordinates()
    assert circuit.num_observables == 1
    assert circuit.num_detectors == len(places) == d * (d + 1) * (d - 1) // 2
    order = [tuple(reversed(places[k])) for k in range(len(places))]
    assert order == sorted(order)
    rounds = Counter((t, y) for t, y, _ in order)
    assert rounds == {(t, 2 * row): (d - 1) // 2 for t in range(d) for row in range(d + 1)}


@pytest.mark.parametrize("open_start", [True, False])
@pytest.mark.parametrize("d", [3, 5, 7, 9])
def test_edges(d, open_start):
    edges = block_edges(PhenomenologicalBlock(distance=d, p=P, open_start=open_start))
    expected = ref_edges(d, open_start)
    assert edges.keys() == expected.keys()
    for edge, flips in expected.items():
        # An odd number of `flips` independent flips; Stim adds them up in an order of its own, hence the last digits.
        assert math.isclose(edges[edge], (1 - (1 - 2 * P) ** flips) / 2, rel_tol=1e-12)


@pytest.mark.parametrize("d", [3, 5, 7])
def test_distance(d):
    closed = PhenomenologicalBlock(distance=d, p=P, open_start=False).circuit()
    opened = PhenomenologicalBlock(distance=d, p=P).circuit()
    assert len(closed.shortest_graphlike_error()) == d
    assert len(opened.shortest_graphlike_error()) == 2


def test_matching_on_the_closed_block_fails_less_at_a_larger_distance():
    rates = []
    for d in (3, 5, 7):
        block = PhenomenologicalBlock(distance=d, p=P, open_start=False)
        detections, flips = block.circuit().compile_detector_sampler(seed=3).sample(50_000, separate_observables=True)
        matching = pymatching.Matching.from_detector_error_model(block.dem())
        rates.append(np.any(matching.decode_batch(detections) != flips, axis=1).mean())
    assert rates[0] > 1.5 * rates[1] > 1.5**2 * rates[2] > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"distance": 1}, "distance must be an integer of at least 3, not 1"),
        (
            {"distance": 4},
            "distance must be odd, so that each row of the block has (distance - 1) / 2 checks, not 4",
        ),
        ({"p": 0.7}, "p must be a probability above 0 and at most 0.5, not 0.7"),
        ({"open_start": 1}, "open_start must be True or False, not 1"),
    ],
)
def test_bad_parameters(changes, sentence):
    with pytest.raises(InputError) as caught:
        PhenomenologicalBlock(**{"distance": 3, "p": P, **changes})
    assert str(caught.value) == sentence
