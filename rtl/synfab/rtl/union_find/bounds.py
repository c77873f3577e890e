# SPDX-License-Identifier: Apache-2.0
"""A maximum number of cycles of the spatial micro-architecture, with its proof."""

from heapq import nlargest

from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.steps import Component, components
from synfab.rtl.union_find.growth import first_steps


def max_cycles(spec: UnionFindSpec, *, hops: int = 1, corrections: bool = False, runtime_weights: bool = False) -> int:
    """Return a number of cycles within which every block is answered, whatever its events.

    They are counted from the transfer of the last beat to the first offer of the answer, without those in which the
    answer before it is held up at ``o``. Parameters are those of :class:`~synfab.rtl.union_find.UnionFind`.

    *Schedule.* The last start of a block is in the cycle of its last beat or before, so we count from there. In every
    cycle after it exactly one of these happens: tags or messages change (the elements *settle*); a growth step, once
    nothing changes; the start of the canonical flood; the answer is taken, to be offered in the next cycle. So a block
    takes::

        (growth steps after the start) + (cycles of settling) + 2, and 1 more with a canonical flood

    *Growth steps.* At most :func:`~synfab.decoders.union_find.steps.max_growth_steps`, of which the first few fall
    in the start. With weights at run time all weights may be the largest; none of the steps need fall in the start,
    for a block with erasures begins with settling.

    *Settling.* A cycle is ``hops`` rounds of the same synchronous rule, and nothing but a start, a step and the start
    of the canonical flood disturbs the settled state. Then every cluster has one tag, its lowest. A step that merges
    clusters is one *merging*; others need no settling. Consider a cluster of n detectors after a merging. Let t be its
    lowest tag, 0 if it has a full edge to the boundary, and r the number of different tags in it at first.

    *Tags settle within D + r - 2 hops*, D being the largest distance, along full edges, of its detectors from those
    that have t at first (or from the boundary, if t is new to all of them). For: let v_0, v_1, ..., v_D be a shortest
    path from one of these, and rank the tags by size, t being 1. A detector to which some neighbour offers a lower tag
    takes a lower one, perhaps another one's; so in each hop the rank of v_j becomes at most that of v_{j-1} before
    the hop, or falls. From this, by induction over hops, v_j has after h hops at most the rank
    max(1, r - (h - (j - 1))), that is t if h = j + r - 2. The boundary, taken before all offers, only is faster.

    *Messages settle within L hops more*, L being the longest path of the tree, and only without a boundary, for
    else they are not heard. For: tags and parents stand. A message is the parity of what lies behind it in the
    tree, and is right one hop after those that it is made of, whatever they were before.

    Without a boundary D and L are at most n - 1; with one, D is at most n.

    *All mergings together.* Of a component with N detectors let j mergings follow. Then at least j + 1 clusters are
    left, the boundary being one if there is one. So n is at most N - j, or N - j + 1 if there is a boundary that the
    cluster has not reached, and then at most N. This makes at most
    as many hops for the j-th last merging as :func:`_merging_hops` says, apart from r - 2; and in whichever component
    the slowest cluster of each step is, the total is at most the sum of the largest of these numbers, one for every
    step. As for r - 2: all tags but t and the one that is shared by detectors that cannot be roots vanish for good,
    so the sum of all r - 2 is at most the number of tags of root candidates. Rounding up to cycles costs each merging
    hops - 1 more hops at the most.

    *Canonical flood.* All its tags are equal, and it reaches a layer a hop: n - 1 hops without a boundary, n with one.
    With ``corrections`` messages settle in all trees after it, n - 1 hops more.

    *What is crude.* D and L are bounded by the number of detectors, as if every cluster were a path that winds through
    the whole component; and this in each step that merges anything. Growth steps are exact (single events reach them).
    """
    parts = components(spec)
    largest = spec.with_weights([(1 << spec.weight_bits) - 1] * len(spec.edges)) if runtime_weights else spec
    in_start = 0 if runtime_weights else first_steps(spec)
    steps = max(0, largest.max_growth_steps - in_start)

    mergings = nlargest(steps + 1, (settling for part in parts for settling in _merging_hops(part)))
    settling = sum(mergings) + (len(spec.root_candidates) if mergings else 0)
    settling_cycles = (settling + len(mergings) * (hops - 1)) // hops

    flood = max(len(part.detectors) - 1 + part.bounded for part in parts)
    if corrections:
        flood += max(len(part.detectors) - 1 for part in parts)
    return steps + settling_cycles + 2 + 1 + -(-flood // hops)


def _merging_hops(component: Component) -> list[int]:
    """Return a bound of D + L, of the proof above, for each merging of a component, the last one first."""
    size, bounded = len(component.detectors), component.bounded
    mergings = size - 1 + bounded
    without_boundary = (2 * (min(size, size - later + bounded) - 1) for later in range(mergings))
    with_boundary = ((size - later) * bounded for later in range(mergings))
    return [max(both) for both in zip(without_boundary, with_boundary, strict=True)]
