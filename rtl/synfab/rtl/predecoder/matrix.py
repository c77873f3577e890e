# SPDX-License-Identifier: Apache-2.0
"""From a matrix of constants to the graph that multiplies by it."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synfab.rtl.predecoder.adder_graph import AdderGraph, Term
from synfab.rtl.predecoder.shared_pairs import SharedPairs

# What a lookup table takes.
TABLE_INPUTS = 6
# Inputs among which pairs are sought: twice as many would save 5 per cent of the adders, and take twice the time.
BLOCK_INPUTS = 54


def graph_of_matrix(weights: npt.NDArray[np.integer], *, input_bits: int) -> AdderGraph:
    """Return a graph whose outputs are ``weights @ inputs``.

    Weights of 0 vanish, and no input is multiplied. Inputs of one bit go six to a table, which holds the sums of all
    subsets of their weights: distributed arithmetic. A power of two that all of these share is a shift of the sums.
    Wider inputs are added and subtracted as often as their weights have signed digits, but what several sums have in
    common once.

    Parameters
    ----------
    weights : ndarray of integers, (outputs, inputs)
    input_bits : int
        Of an input, an unsigned number.
    """
    graph = AdderGraph(num_inputs=weights.shape[1], input_bits=input_bits)
    terms = _tables(graph, weights) if input_bits == 1 else _digits(graph, weights)
    graph.outputs = [graph.total(row) for row in terms]
    return graph


def _tables(graph: AdderGraph, weights: npt.NDArray[np.integer]) -> list[list[Term]]:
    used = int(np.bitwise_or.reduce(weights, axis=None))
    shift = max(0, (used & -used).bit_length() - 1)
    terms = []
    for row in (weights >> shift).tolist():
        inputs = [number for number, weight in enumerate(row) if weight]
        groups = [inputs[k : k + TABLE_INPUTS] for k in range(0, len(inputs), TABLE_INPUTS)]
        tables = [graph.table(group, [row[number] for number in group]) for group in groups]
        terms.append([replace(table, shift=shift) for table in tables])
    return terms


def _digits(graph: AdderGraph, weights: npt.NDArray[np.integer]) -> list[list[Term]]:
    terms: list[list[Term]] = [[] for _ in weights]
    for start in range(0, weights.shape[1], BLOCK_INPUTS):
        block = weights[:, start : start + BLOCK_INPUTS].tolist()
        inputs = range(start, min(start + BLOCK_INPUTS, weights.shape[1]))
        for row, found in zip(terms, SharedPairs(graph, block, inputs).terms(), strict=True):
            row += found
    return terms
