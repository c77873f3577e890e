# SPDX-License-Identifier: Apache-2.0
"""A maximum number of cycles of either micro-architecture, with its proof.

They are counted from the transfer of a block's last beat to the first offer of its answer, without those in which the
answer before it is held up at ``o``.
"""

from collections.abc import Callable, Iterable
from heapq import nlargest

from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.steps import Component, components
from synfab.rtl.union_find.growth import first_steps
from synfab.rtl.union_find.hints import Hints
from synfab.rtl.union_find.lookup import SlotTables
from synfab.rtl.union_find.partition import Partition


def max_spatial_cycles(
    spec: UnionFindSpec,
    *,
    hops: int = 1,
    corrections: bool = False,
    runtime_weights: bool = False,
    hints: Hints | None = None,
) -> int:
    """Return a number of cycles within which the spatial fabric answers every block, whatever its events.

    Parameters are those of :class:`~synfab.rtl.union_find.UnionFind`.

    *Schedule.* The last start of a block is in the cycle of its last beat or before, so we count from there. In every
    cycle after it exactly one of these happens: tags or messages change (the elements *settle*); a growth step, once
    nothing changes; the start of the canonical flood; the answer is taken, to be offered in the next cycle. So a block
    takes::

        (growth steps after the start) + (cycles of settling) + 2, and 1 more with a canonical flood

    *Growth steps.* At most :func:`~synfab.decoders.union_find.steps.max_growth_steps`, of which the first few fall
    in the start. With weights at run time all weights may be the largest; none of the steps need fall in the start,
    for a block with erasures begins with settling, nor do several have to fall together after that, for one weight may
    be 1; yet in no cycle that is a growth step is there none. Hints only lower weights, so their steps are no more;
    those that fall in the start are what the lowest weights allow, and the beat waits one cycle for its hints.

    *Settling.* A cycle is ``hops`` rounds of the same synchronous rule, and nothing but a start, a step and the start
    of the canonical flood disturbs the settled state. Then every cluster has one tag, its lowest. A step that merges
    clusters is one *merging*; others need no settling. Consider a cluster of n detectors after a merging. Let t be its
    lowest tag, 0 if it has a full edge to the boundary, and r the number of different tags in it at first, t among
    them.

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
    in_start = 0 if runtime_weights else first_steps(hints.lowest(spec) if hints else spec)
    steps = max(0, largest.max_growth_steps - in_start)

    hops_a_merging = _largest_mergings(parts, steps + 1, lambda size: size - 1)
    settling = sum(hops_a_merging) + (len(spec.root_candidates) if hops_a_merging else 0)
    settling_cycles = (settling + len(hops_a_merging) * (hops - 1)) // hops

    flood = max(len(part.detectors) - 1 + part.bounded for part in parts)
    if corrections:
        flood += max(len(part.detectors) - 1 for part in parts)
    return (hints is not None) + steps + settling_cycles + 2 + 1 + -(-flood // hops)


def max_shared_cycles(spec: UnionFindSpec, partition: Partition, *, corrections: bool = False) -> int:
    """Return a number of cycles within which the shared fabric answers every block, whatever its events.

    Parameters are those of :class:`~synfab.rtl.union_find.SharedUnionFind`, and where its detectors are.

    *Phases.* A block starts with its last beat, which is not taken before the words of the block before are clean; so
    that phase counts in the interval between blocks, at most :func:`clean_cycles`, and not here. Then phases follow
    one another, each of visits and a cycle in which none is pending or under way; the last of these cycles takes the
    answer, to be offered in the next one. ``LOAD`` takes the events with the first growth step; every further step is
    one ``GROW``. So there are at most as many of the two together as growth steps
    (:func:`~synfab.decoders.union_find.steps.max_growth_steps`), and at least one.

    *Turns.* Let there be G groups of g slots, K = G g, and a visit end (its word is written) l cycles after its slot
    was chosen: 1, or 2 where tables are memories. The first visits of a phase follow each other without a gap, the
    last one ends in cycle K + l of the phase at the latest; others begin after that. From then on let a word be written
    in cycle w, and a group that sees it be pending, thus from w + 1 on. Groups are chosen in turns, so before this one
    the group whose visit is under way takes up to g - 1 cycles, and every other group, that one again included, g at
    most once; with g = 1 there may be one cycle without a choice, if nothing but what is just visited is pending. So
    the visits to the group read after w, and have ended by w + H::

        H = K + g + l

    *Hops.* What is pending when the first visits have ended covers both ends of every edge that the step made full: an
    end that grew is visited again; one that did not is seen by the other, which grew and so has news for it. From then
    on a detector whose word changes makes pending all that see it, itself among them. So whatever holds of the
    synchronous rule after h hops holds here h H cycles after the first visits: tags only fall, and a detector that
    is offered a lower one at some time has read the offer, and written a lower one, H cycles later. The proof of
    :func:`max_spatial_cycles` thus gives D + r - 2 hops for tags.

    *Parities*, only without a boundary, for else they are no news. Once tags and parents stand, a detector with a
    subtree of height k knows the parity of the subtree after k + 1 hops; the root has that of the cluster with its
    own, at most n hops after; it comes down again in n - 1 more. So there are at most 2 n - 1 hops in place of L.

    *The end of a phase.* Another hop until the last groups that are pending have been visited in vain, and the cycle
    after it. So ``LOAD`` or ``GROW`` takes at most K + l + H + 1 cycles, and H more for each hop of a merging; the sum
    of all hops follows as there.

    *Canonical flood.* ``RELABEL`` and each pass of ``FLOOD`` visit every group at most once: K + l + 1 cycles. The
    first of these phases reaches roots and the detectors at the boundary, each pass a layer, and the last pass
    nothing: at most n passes. With ``corrections``, ``PEEL`` settles parities in all trees in at most 2 (n - 1)
    hops after its first visits, and ``READ`` is one turn.

    *What is crude.* Beside what is there: that each hop waits for a whole turn. News that travels with the turns goes
    far in one, and few groups are pending at a time.
    """
    parts = components(spec)
    steps = max(1, spec.max_growth_steps)
    latency = 2 if SlotTables.are_memories(partition.depth) else 1
    turn = partition.num_groups * partition.group_slots + latency
    hop = turn + partition.group_slots
    once = turn + 1

    hops_a_merging = _largest_mergings(parts, steps, lambda size: 2 * size - 1)
    hops = sum(hops_a_merging) + (len(spec.root_candidates) if hops_a_merging else 0)
    settling = steps * (once + hop) + hops * hop

    size = max(len(part.detectors) for part in parts)
    flood = once + size * once
    if corrections:
        flood += once + (2 * (size - 1) + 1) * hop + once
    return settling + flood + 1


def _largest_mergings(parts: Iterable[Component], count: int, tree_hops: Callable[[int], int]) -> list[int]:
    """Return the hops of the mergings that take the most, at most ``count`` of them, of all components."""
    return nlargest(count, (hops for part in parts for hops in _merging_hops(part, tree_hops)))


def _merging_hops(component: Component, tree_hops: Callable[[int], int]) -> list[int]:
    """Return a bound of D + L, of the proof above, for each merging of a component, the last one first.

    Parameters
    ----------
    tree_hops : callable
        L by the number of detectors, without a boundary.
    """
    size, bounded = len(component.detectors), component.bounded
    mergings = size - 1 + bounded
    reached = (min(size, size - later + bounded) for later in range(mergings))
    without_boundary = (n - 1 + tree_hops(n) for n in reached)
    with_boundary = ((size - later) * bounded for later in range(mergings))
    return [max(both) for both in zip(without_boundary, with_boundary, strict=True)]
