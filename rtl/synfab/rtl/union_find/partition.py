# SPDX-License-Identifier: Apache-2.0
"""Which detectors share a processing element, and in which slot of its memory each of them lives."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeVar

from synfab.decoders import UnionFindSpec
from synfab.errors import InputError

# Slots are scheduled in at most so many groups: a flip-flop or two and a few tables each, in the whole fabric.
MAX_GROUPS = 32

# Partitions of which the routing is worked out.
NUM_CANDIDATES = 6

BOUNDARY = -1

Entry = TypeVar("Entry")


@dataclass(frozen=True, kw_only=True)
class Partition:
    """The place of every detector.

    All elements visit the same slot at the same time, so it is best if the neighbours of an element's detectors
    lie in the same few elements, slot by slot, at the same distance of slots. Slots come in groups, which are what
    is scheduled.

    Attributes
    ----------
    elements : tuple of tuple of (int or None)
        The detector in each slot of each element; as many slots in each.
    group_slots : int
        Slots in a group: group g holds the slots ``g * group_slots ..``; the last group may have fewer.
    """

    elements: tuple[tuple[int | None, ...], ...]
    group_slots: int

    @classmethod
    def of_sequences(cls, sequences: Sequence[Sequence[int | None]]) -> Self:
        """Return the partition in which element e holds ``sequences[e]``, in at most ``MAX_GROUPS`` groups."""
        num_slots = max(map(len, sequences))
        padded = tuple((*sequence, *[None] * (num_slots - len(sequence))) for sequence in sequences)
        return cls(elements=padded, group_slots=-(-num_slots // MAX_GROUPS))

    @property
    def num_slots(self) -> int:
        """Slots of an element."""
        return len(self.elements[0])

    @property
    def num_groups(self) -> int:
        """Groups of slots."""
        return -(-self.num_slots // self.group_slots)

    @cached_property
    def places(self) -> dict[int, tuple[int, int]]:
        """Element and slot of each detector."""
        return {
            detector: (element, slot)
            for element, detectors in enumerate(self.elements)
            for slot, detector in enumerate(detectors)
            if detector is not None
        }

    @property
    def stride_bits(self) -> int:
        """Low address bits, which tell the slots of a group apart."""
        return (self.group_slots - 1).bit_length()

    @property
    def depth(self) -> int:
        """Words of an element's memory: a group begins at a multiple of a power of two."""
        return max(2, ((self.num_groups - 1) << self.stride_bits) + self.group_slots)

    def address(self, slot: int) -> int:
        """Return where the words of a slot are."""
        group, within = divmod(slot, self.group_slots)
        return (group << self.stride_bits) + within

    def by_address(self, entries: Sequence[Entry | None], *, beyond: Entry | None = None) -> list[Entry | None]:
        """Return by address what ``entries`` holds by slot, and None where no slot is.

        The last group is visited as if it had as many slots as the others: ``beyond`` stands where it has none.
        """
        words: list[Entry | None] = [None] * self.depth
        end = self.address(self.num_slots - 1) + 1
        last = ((self.num_groups - 1) << self.stride_bits) + self.group_slots
        words[end:last] = [beyond] * (last - end)
        for slot, entry in enumerate(entries):
            words[self.address(slot)] = entry
        return words

    def group(self, detector: int) -> int:
        """Return the group of a detector's slot."""
        return self.places[detector][1] // self.group_slots

    def dependents(self, spec: UnionFindSpec) -> tuple[frozenset[int], ...]:
        """Return for each group the groups with detectors that see its words: its own, and the neighbours'."""
        seen = [{group} for group in range(self.num_groups)]
        for u, v in spec.edges:
            if v >= 0:
                seen[self.group(u)].add(self.group(v))
                seen[self.group(v)].add(self.group(u))
        return tuple(map(frozenset, seen))

    def links(self, spec: UnionFindSpec) -> int:
        """Return a rough size: elements, and the pairs of elements that see each other, by distance of slots."""
        pairs = set()
        for u, v in spec.edges:
            if v != BOUNDARY:
                (a, here), (b, there) = self.places[u], self.places[v]
                pairs |= {(a, b, there - here), (b, a, here - there)}
        return 4 * len(self.elements) + len(pairs)

    def revisits(self, spec: UnionFindSpec) -> float:
        """Return how many slots are visited again after a change, on average over the groups."""
        return self.group_slots * sum(map(len, self.dependents(spec))) / self.num_groups


def columns(spec: UnionFindSpec) -> list[list[int | None]]:
    """Return the detectors as a table of rounds by columns, a column being one place in all rounds.

    The widest round, or the middle one of several, defines the columns; from there on each round is matched to the
    one beside it along the edges between them, best likeness first. Exact for codes with straight edges in time;
    anywhere else some table.
    """
    sizes = [len(detectors) for detectors in spec.rounds]
    widest = [r for r, size in enumerate(sizes) if size == max(sizes)]
    middle = widest[len(widest) // 2]
    table: list[list[int | None]] = [[] for _ in sizes]
    table[middle] = list(spec.rounds[middle])
    around = [
        {d for edge in ports for d in spec.edges[edge] if d not in (BOUNDARY, detector)}
        for detector, ports in enumerate(spec.ports)
    ]
    for step, rounds in ((1, range(middle + 1, len(sizes))), (-1, range(middle - 1, -1, -1))):
        for r in rounds:
            beyond = table[r - 2 * step] if 0 <= r - 2 * step < len(sizes) else []
            table[r] = _matched(spec.rounds[r], table[r - step], beyond, around)
    return table


def _matched(
    detectors: Sequence[int], beside: list[int | None], beyond: list[int | None], around: list[set[int]]
) -> list[int | None]:
    """Return the row of ``detectors``, given the row beside it and, if that is known, the one beyond."""
    here = set(detectors)
    column_of = {d: column for column, d in enumerate(beside) if d is not None}
    column_beyond = {d: column for column, d in enumerate(beyond) if d is not None}
    likeness: dict[tuple[int, int], float] = {}
    for u in detectors:
        steps = {column_of[v] for v in around[u] if v in column_of}
        for v in around[u] & column_of.keys():
            if column_beyond:
                # A straight edge joins detectors that have their neighbours in the row before in equal columns.
                its_steps = {column_beyond[w] for w in around[v] if w in column_beyond}
                likeness[u, v] = len(steps & its_steps) - len(steps ^ its_steps) / 2
            else:
                # It closes squares with the straight edges of the neighbours.
                above = around[v] & column_of.keys()
                likeness[u, v] = sum(len(above & around[a]) for a in around[u] & here)
    row: list[int | None] = [None] * len(beside)
    left = set(here)
    for u, v in sorted(likeness, key=lambda edge: (-likeness[edge], edge)):
        if u in left and row[column_of[v]] is None:
            row[column_of[v]] = u
            left.remove(u)
    free = iter([column for column, d in enumerate(row) if d is None])
    for detector in detectors:
        if detector in left:
            row[next(free)] = detector
    return row


def partitions(spec: UnionFindSpec, *, detectors_per_element: int) -> list[Partition]:
    """Return the partitions worth a closer look, each with at most so many detectors an element.

    Detectors are dealt out in turns, in time and in space: what an element's detectors see then lies in the same
    few elements in every slot, and mostly in the same slot.

    Raises
    ------
    InputError
        If ``detectors_per_element`` is less than 1.
    """
    if detectors_per_element < 1:
        raise InputError(
            f"detectors_per_element must be at least 1, not {detectors_per_element!r}; "
            "1 gives each detector an element of its own"
        )
    table = columns(spec)
    num_rounds, width = len(table), len(table[0])
    candidates = {}
    for turns in range(1, num_rounds + 1):
        height = -(-num_rounds // turns)
        most = detectors_per_element // height
        if most and -(-num_rounds // height) == turns:
            fewest = -(-width // most)
            for count in range(fewest, min(width, fewest + fewest // 2) + 1):
                depth = -(-width // count)
                for by_place in (True, False) if depth > 1 and height > 1 else (True,):
                    steps = (height, 1) if by_place else (1, depth)
                    candidates[turns, count, by_place] = _dealt(table, turns, count, steps)
    in_order = [d for row in zip(*table, strict=True) for d in row if d is not None]
    step = detectors_per_element
    candidates[0, 0, True] = Partition.of_sequences([in_order[k : k + step] for k in range(0, len(in_order), step)])
    ranked = sorted(candidates, key=lambda name: (candidates[name].links(spec), name))
    return [candidates[name] for name in ranked[:NUM_CANDIDATES]]


def _dealt(table: list[list[int | None]], turns: int, count: int, steps: tuple[int, int]) -> Partition:
    """Return the partition that deals out rounds in ``turns`` and columns in ``count``; steps of slots for either."""
    sequences: list[dict[int, int]] = [{} for _ in range(turns * count)]
    for r, row in enumerate(table):
        for x, detector in enumerate(row):
            if detector is not None:
                sequences[r % turns * count + x % count][x // count * steps[0] + r // turns * steps[1]] = detector
    filled = [sequence for sequence in sequences if sequence]
    used = sorted(set().union(*filled))
    return Partition.of_sequences([[sequence.get(slot) for slot in used] for sequence in filled])
