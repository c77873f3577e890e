# SPDX-License-Identifier: Apache-2.0
"""Sums of inputs times constants, as a graph of adders and small tables: what is added, when, and how wide it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Sum:
    """``nodes[a] + (nodes[b] << shift)``, or the difference."""

    a: int
    b: int
    shift: int
    minus: bool


@dataclass(frozen=True)
class Table:
    """The sum of the weights of those inputs, of one bit each, that are 1."""

    inputs: tuple[int, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True)
class Term:
    """``nodes[node] << shift``, negated if ``minus``."""

    node: int
    shift: int = 0
    minus: bool = False


class AdderGraph:
    """Linear forms of unsigned inputs; each node takes one pipeline stage more than the later of its operands.

    Nodes are numbered, inputs first. A node's range is exact: it is known as a linear form, so its ends are reached.

    Parameters
    ----------
    num_inputs : int
    input_bits : int
        Of every input, an unsigned number.

    Attributes
    ----------
    nodes : list of Sum, Table or None
        None for an input.
    stages : list of int
        Of each node: 0 for an input.
    outputs : list of Term or None
        None for an output that is 0.
    """

    def __init__(self, *, num_inputs: int, input_bits: int) -> None:
        self.num_inputs, self.input_bits = num_inputs, input_bits
        self.nodes: list[Sum | Table | None] = [None] * num_inputs
        self.stages = [0] * num_inputs
        self.outputs: list[Term | None] = []
        self._forms: list[dict[int, int]] = [{number: 1} for number in range(num_inputs)]
        self._known: dict[Sum | Table, int] = {}

    @property
    def depth(self) -> int:
        """Stage of the last output."""
        return max((self.stages[term.node] for term in self.outputs if term), default=0)

    def range(self, node: int) -> tuple[int, int]:
        """Return the least and the largest value of a node."""
        most = (1 << self.input_bits) - 1
        weights = self._forms[node].values()
        return most * sum(w for w in weights if w < 0), most * sum(w for w in weights if w > 0)

    def width(self, node: int) -> tuple[int, bool]:
        """Return the bits that hold every value of a node, and whether as a signed number."""
        low, high = self.range(node)
        signed = low < 0
        return max(1, high.bit_length(), (-low - 1).bit_length() if signed else 0) + signed, signed

    def bits(self, term: Term) -> int:
        """Return the bits of a term's node."""
        return self.width(term.node)[0]

    def sum(self, a: Term, b: Term) -> Term:
        """Add two terms and return the sum as a term."""
        # The one that is shifted less gives the low bits; of two alike, one with a plus keeps the sum's.
        if (a.shift, a.minus) > (b.shift, b.minus):
            a, b = b, a
        node = self._node(Sum(a.node, b.node, b.shift - a.shift, a.minus != b.minus))
        return Term(node, a.shift, a.minus)

    def table(self, inputs: Sequence[int], weights: Sequence[int]) -> Term:
        """Add a table of inputs of one bit and return it as a term."""
        return Term(self._node(Table(tuple(inputs), tuple(weights))))

    def total(self, terms: Sequence[Term]) -> Term | None:
        """Add all terms, those first that are there first, and return the sum; None of none.

        Of terms that are there, those with like shifts meet: then the adder is as wide as they are, and no wider.
        """
        stage, waiting = 0, list(terms)
        while len(waiting) > 1:
            ready = [term for term in waiting if self.stages[term.node] <= stage]
            waiting = [term for term in waiting if self.stages[term.node] > stage]
            ready.sort(key=lambda term: (term.shift, self.bits(term), term.node))
            pairs = list(pairwise(ready))[::2]
            waiting += [self.sum(*pair) for pair in pairs] + ready[2 * len(pairs) :]
            stage += 1
        return waiting[0] if waiting else None

    def values(self, inputs: Sequence[int]) -> list[int]:
        """Return the outputs for some inputs."""
        values = list(inputs)
        for node in self.nodes[self.num_inputs :]:
            if isinstance(node, Table):
                values.append(sum(w for i, w in zip(node.inputs, node.weights, strict=True) if values[i]))
            elif node:
                part = values[node.b] << node.shift
                values.append(values[node.a] - part if node.minus else values[node.a] + part)
        return [(-1 if term.minus else 1) * (values[term.node] << term.shift) if term else 0 for term in self.outputs]

    def _node(self, node: Sum | Table) -> int:
        if node in self._known:
            return self._known[node]
        if isinstance(node, Table):
            operands, form = node.inputs, dict(zip(node.inputs, node.weights, strict=True))
        else:
            operands, form = (node.a, node.b), dict(self._forms[node.a])
            sign = -1 if node.minus else 1
            for number, weight in self._forms[node.b].items():
                form[number] = form.get(number, 0) + sign * (weight << node.shift)
        self._known[node] = len(self.nodes)
        self.nodes.append(node)
        self.stages.append(1 + max(self.stages[operand] for operand in operands))
        self._forms.append(form)
        return self._known[node]
