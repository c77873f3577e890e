# SPDX-License-Identifier: Apache-2.0
"""Multiplication by constants: graphs against matrices, and what they save."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.rtl.predecoder.adder_graph import AdderGraph, Sum, Table, Term
from synfab.rtl.predecoder.matrix import BLOCK_INPUTS, graph_of_matrix
from synfab.rtl.predecoder.shared_pairs import canonical_digits


def test_canonical_digits():
    for number in range(-300, 301):
        digits = list(canonical_digits(number))
        assert sum((-1 if minus else 1) << exponent for exponent, minus in digits) == number
        exponents = [exponent for exponent, _ in digits]
        assert all(b - a > 1 for a, b in itertools.pairwise(exponents))


@given(
    seed=st.integers(0, 10_000),
    outputs=st.integers(1, 5),
    inputs=st.integers(0, 2 * BLOCK_INPUTS),
    weight_bits=st.integers(1, 8),
    input_bits=st.integers(1, 8),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_graph_is_the_matrix(seed, outputs, inputs, weight_bits, input_bits):
    """For random inputs, and for those that take each output to the ends of its range."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(-(1 << weight_bits - 1), 1 << weight_bits - 1, (outputs, inputs))
    graph = graph_of_matrix(weights, input_bits=input_bits)
    most = (1 << input_bits) - 1
    extremes = [most * (sign * row > 0) for sign in (-1, 1) for row in weights]
    for values in [*rng.integers(0, most + 1, (10, inputs)), *extremes]:
        assert graph.values(values.tolist()) == (weights @ values).tolist()
    for row, term in zip(weights, graph.outputs, strict=True):
        ends = [int((most * row[sign * row > 0]).sum()) for sign in (-1, 1)]
        low, high = (
            sorted((-1 if term.minus else 1) * (v << term.shift) for v in graph.range(term.node)) if term else (0, 0)
        )
        assert [low, high] == ends


def operations(graph: AdderGraph) -> list[Sum | Table]:
    return [node for node in graph.nodes if node is not None]


def test_what_is_not_there_costs_nothing():
    zeros = graph_of_matrix(np.zeros((3, 7), int), input_bits=4)
    assert (operations(zeros), zeros.outputs, zeros.depth) == ([], [None] * 3, 0)
    powers = graph_of_matrix(np.array([[0, 8, 0], [0, 0, -4]]), input_bits=4)
    assert (operations(powers), powers.outputs) == ([], [Term(1, 3), Term(2, 2, True)])


def test_ternary_weights_are_added_and_subtracted():
    weights = np.random.default_rng(1).integers(-1, 2, (6, 40))
    graph = graph_of_matrix(weights, input_bits=3)
    assert all(isinstance(node, Sum) and not node.shift for node in operations(graph))
    assert len(operations(graph)) < np.abs(weights).sum() - len(weights)


def test_bits_are_looked_up_six_at_a_time():
    graph = graph_of_matrix(np.arange(1, 14).reshape(1, 13), input_bits=1)
    tables = [node for node in operations(graph) if isinstance(node, Table)]
    assert [table.weights for table in tables] == [(1, 2, 3, 4, 5, 6), (7, 8, 9, 10, 11, 12), (13,)]
    assert len(operations(graph)) == 3 + 2


def test_what_sums_have_in_common_is_added_once():
    """Of eight rows of eight-bit weights a third of the adders is saved; of equal rows all but the first's."""
    weights = np.random.default_rng(2).integers(-128, 128, (8, BLOCK_INPUTS))
    digits = sum(len(list(canonical_digits(weight))) for weight in weights.ravel().tolist())
    assert len(operations(graph_of_matrix(weights, input_bits=4))) < 0.67 * digits
    once, often = (graph_of_matrix(weights[:1].repeat(number, axis=0), input_bits=4) for number in (1, 8))
    assert len(operations(often)) <= len(operations(once))
    assert len(set(often.outputs)) == 1
