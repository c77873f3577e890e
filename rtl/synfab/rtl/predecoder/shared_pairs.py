# SPDX-License-Identifier: Apache-2.0
"""Constants as signed digits, and pairs of digits that several sums have in common."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from synfab.rtl.predecoder.adder_graph import AdderGraph, Term

Pair = tuple[int, int, int, bool]
"""Two nodes, by how much more the second is shifted, and whether their signs differ."""

Digits = dict[tuple[int, int], bool]
"""By node and shift: whether there is a minus."""

# Pairs of pairs of pairs: further ones are rare, and wait for their operands.
MAX_STAGE = 3


def canonical_digits(number: int) -> Iterator[tuple[int, bool]]:
    """Yield (exponent, minus) of the fewest signed powers of two that make up ``number``; no two are neighbours."""
    exponent = 0
    while number:
        if number & 1:
            minus = number & 3 == 3
            yield exponent, minus
            number += 1 if minus else -1
        number >>= 1
        exponent += 1


class SharedPairs:
    """Finds, again and again, the pair that most sums have, and adds it once for all of them.

    This is common subexpression elimination of two-term patterns, greedy, as in Hartley (IEEE TCAS-II 43, 677) and, for
    nets, da4ml (arXiv:2507.04535).

    Parameters
    ----------
    graph : AdderGraph
        Gets a node for each pair that is shared.
    weights : sequence of sequence of int, (sums, len(inputs))
    inputs : sequence of int
        The nodes that are weighted.
    """

    def __init__(self, graph: AdderGraph, weights: Sequence[Sequence[int]], inputs: Sequence[int]) -> None:
        self._graph = graph
        self._sums: list[Digits] = [
            {
                (node, exponent): minus
                for node, weight in zip(inputs, row, strict=True)
                for exponent, minus in canonical_digits(weight)
            }
            for row in weights
        ]
        self._counts: Counter[Pair] = Counter()
        for digits in self._sums:
            known: Digits = {}
            for digit, minus in digits.items():
                self._counts.update(_pairs(digit, minus, known))
                known[digit] = minus
        self._heap = [_priority(pair, count) for pair, count in self._counts.items() if count > 1]
        heapq.heapify(self._heap)

    def terms(self) -> list[list[Term]]:
        """Share what can be shared; return the terms that are left of each sum."""
        while self._heap:
            count, *_, pair = heapq.heappop(self._heap)
            a, b, *_ = pair
            # An entry whose count has changed has a later one beside it.
            if self._counts[pair] == -count and max(self._graph.stages[a], self._graph.stages[b]) < MAX_STAGE:
                self._share(pair)
        return [[Term(node, shift, minus) for (node, shift), minus in digits.items()] for digits in self._sums]

    def _share(self, pair: Pair) -> None:
        found = [list(_occurrences(digits, pair)) for digits in self._sums]
        # Occurrences that overlap are counted twice.
        if sum(map(len, found)) < 2:
            return
        a, b, shift, differ = pair
        sum_of_both = self._graph.sum(Term(a), Term(b, shift, differ))
        changed: set[Pair] = set()
        for digits, shifts in zip(self._sums, found, strict=True):
            for low in shifts:
                minus = digits[a, low]
                for digit in ((a, low), (b, low + shift)):
                    changed.update(gone := list(_pairs(digit, digits.pop(digit), digits)))
                    self._counts.subtract(gone)
                new = (sum_of_both.node, low)
                changed.update(come := list(_pairs(new, minus, digits)))
                self._counts.update(come)
                digits[new] = minus
        for each in changed:
            if self._counts[each] > 1:
                heapq.heappush(self._heap, _priority(each, self._counts[each]))


def _priority(pair: Pair, count: int) -> tuple[int, int, Pair]:
    """The most frequent first; then those that are the least shifted against each other, whose sums are narrow."""
    return -count, pair[2], pair


def _pairs(digit: tuple[int, int], minus: bool, others: Digits) -> Iterable[Pair]:
    """Yield the pair of a digit with each of the others, the one that is shifted less first."""
    node, shift = digit
    for (other, other_shift), other_minus in others.items():
        if (other_shift, other) < (shift, node):
            yield other, node, shift - other_shift, minus != other_minus
        else:
            yield node, other, other_shift - shift, minus != other_minus


def _occurrences(digits: Digits, pair: Pair) -> Iterator[int]:
    """Yield the shift of each occurrence of a pair in a sum; no digit is in two of them."""
    a, b, shift, differ = pair
    used = set()
    for low in sorted(low for node, low in digits if node == a):
        first, second = (a, low), (b, low + shift)
        if first not in used and second in digits and (digits[first] != digits[second]) == differ:
            used |= {first, second}
            yield low
