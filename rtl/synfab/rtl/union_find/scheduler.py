# SPDX-License-Identifier: Apache-2.0
"""The control of a shared fabric: which slots are visited, and what for."""

import operator
from collections.abc import Callable, Sequence
from enum import IntEnum

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from synfab.rtl.order import any_of, lowest_set, selected
from synfab.rtl.union_find.lookup import chosen_by


class Phase(IntEnum):
    """What the visits are for.

    ``CLEAN`` leaves all words as a block without detection events finds them. ``LOAD`` takes the events, ``GROW`` is
    a growth step; both go on until clusters have settled. ``RELABEL`` and ``FLOOD`` make the canonical forest,
    ``PEEL`` settles the parities of its subtrees, and ``READ`` collects what they say.
    """

    CLEAN = 0
    IDLE = 1
    LOAD = 2
    GROW = 3
    RELABEL = 4
    FLOOD = 5
    PEEL = 6
    READ = 7


class Scheduler(wiring.Component):
    """Steps a block from its start to its answer, and all elements from slot to slot.

    Slots are visited by groups, of which the scheduler knows which are

    *pending*: to be visited in this phase;
    *first*: to be visited for the first time in a phase that begins with something that happens once;
    *touched*: visited in this block, so that there is something to clean;
    *active*: with a cluster to grow;
    *in conflict*: with labels that depend on the path.

    In ``LOAD``, ``GROW`` and ``PEEL`` a change makes all groups pending that see it, so the phase ends when all words
    agree with those around them. It does so in whatever order groups are visited and however late a change is seen:
    a reader whose visit began before the new word was written is made pending after that. All other phases visit
    each touched group once, and see nothing that their last phase wrote late. No two visits to a slot overlap.

    A step of growth makes only the active groups pending: what grows is a detector's own, and whether it is active
    was settled before and cannot change until its first visit.

    Parameters
    ----------
    num_groups, group_slots, stride_bits : int
        The j-th slot of group g has the address ``(g << stride_bits) + j``.
    dependents : sequence of collections of int
        For each group, those that see its words, itself included.
    fetch : bool
        Slots are known a cycle ahead, in ``coming``.
    corrections : bool
        Flood the canonical forest for every block with detection events, not only upon a conflict, and read it.

    Members
    -------
    start : In(1)
        A block starts; only while ``idle``.
    events : In(num_groups)
        Groups with detection events, with ``start``.
    grown, changed, adopted, active, conflict : In(1)
        Whether any element says so of its visit.
    ready : In(1)
        The answer can be taken.
    coming, slot, visited : Out
        Address of the slot to be visited after the next cycle, in the next, and in this one.
    visit : Out(1)
        A slot is being visited.
    phase : Out(Phase)
    first : Out(1)
        The visit is the first of its kind.
    layer : Out(1)
        Of the canonical flood, modulo 2.
    idle, done : Out(1)
        A block may start; the answer is taken.
    """

    def __init__(
        self,
        *,
        num_groups: int,
        group_slots: int,
        stride_bits: int,
        dependents: Sequence[frozenset[int]],
        fetch: bool,
        corrections: bool,
    ) -> None:
        self._num_groups, self._group_slots, self._stride_bits = num_groups, group_slots, stride_bits
        self._dependents, self._fetch, self._corrections = dependents, fetch, corrections
        address = max(1, (num_groups - 1).bit_length()) + stride_bits
        super().__init__(
            {flag: In(1) for flag in ("start", "grown", "changed", "adopted", "active", "conflict", "ready")}
            | {"events": In(num_groups), "coming": Out(address), "slot": Out(address), "visited": Out(address)}
            | {"phase": Out(Phase)}
            | {flag: Out(1) for flag in ("visit", "first", "layer", "idle", "done")}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        groups = self._num_groups
        # After a reset all words are cleaned, whatever was going on.
        pending, first, touched = Signal(groups, init=-1), Signal(groups, init=-1), Signal(groups)
        active, conflict = Signal(groups), Signal(groups)
        chosen, over = self._visits(m, pending, first)
        m.d.sync += [pending.eq(pending & ~chosen), first.eq(first & ~chosen), touched.eq(touched | chosen)]

        phase = Signal(Phase)
        settling = (phase == Phase.LOAD) | (phase == Phase.GROW)
        m.d.comb += self.phase.eq(phase)
        with m.If(self.visit & (settling | (phase == Phase.PEEL))):
            again = self._by_visited(operator.eq) & self.grown.replicate(groups)
            seers = self._by_visited(self._sees) & self.changed.replicate(groups)
            m.d.sync += pending.eq((pending & ~chosen) | again | seers)
        with m.If(self.visit & settling):
            self._keep(m, active, self.active)
            self._keep(m, conflict, self.conflict)
        adopted = Signal()
        with m.If(self.visit & self.adopted):
            m.d.sync += adopted.eq(1)

        def go(to: Phase, groups: Value) -> None:
            m.d.sync += [phase.eq(to), pending.eq(groups), first.eq(groups), adopted.eq(0)]

        with m.If(over), m.Switch(phase):
            with m.Case(Phase.CLEAN):
                m.d.sync += [phase.eq(Phase.IDLE), touched.eq(0)]
            with m.Case(Phase.IDLE):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start):
                    go(Phase.LOAD, self.events)
            with m.Case(Phase.LOAD, Phase.GROW):
                with m.If(active.any()):
                    go(Phase.GROW, active)
                with m.Elif(touched.any() if self._corrections else conflict.any()):
                    go(Phase.RELABEL, touched)
                    m.d.sync += self.layer.eq(0)
                with m.Else():
                    m.d.comb += self.done.eq(self.ready)
            with m.Case(Phase.RELABEL):
                go(Phase.FLOOD, touched)
            with m.Case(Phase.FLOOD):
                with m.If(adopted):
                    go(Phase.FLOOD, touched)
                    m.d.sync += self.layer.eq(~self.layer)
                with m.Elif(Const(self._corrections)):
                    go(Phase.PEEL, touched)
                with m.Else():
                    m.d.comb += self.done.eq(self.ready)
            with m.Case(Phase.PEEL):
                go(Phase.READ, touched)
            with m.Case(Phase.READ):
                m.d.comb += self.done.eq(self.ready)
        with m.If(self.done):
            go(Phase.CLEAN, touched)
            m.d.sync += conflict.eq(0)
            with m.If(~touched.any()):
                m.d.sync += phase.eq(Phase.IDLE)
        return m

    def _by_visited(self, entry: Callable[[int, int], bool]) -> Value:
        """Return for each group whether ``entry`` holds for it and the visited group."""
        groups = range(self._num_groups)
        visited, constants = self.visited[self._stride_bits :], (Const(0), Const(1))
        return Cat(chosen_by(visited, [constants[entry(group, other)] for other in groups]) for group in groups)

    def _sees(self, group: int, other: int) -> bool:
        return group in self._dependents[other]

    def _keep(self, m: Module, flags: Signal, flag: Value) -> None:
        """Keep for the visited group what its last visit says, in whichever slot."""
        visited = self._by_visited(operator.eq)
        begins = Const(1) if self._group_slots == 1 else self.visited[: self._stride_bits] == 0
        kept = flags & ~(visited & begins.replicate(len(flags)))
        m.d.sync += flags.eq(kept | (visited & flag.replicate(len(flags))))

    def _visits(self, m: Module, pending: Signal, first: Signal) -> tuple[Value, Value]:
        """Work through the pending groups; return which one is begun, and whether all visits are over."""
        waiting, last = Signal(self._num_groups), Signal(self._num_groups)
        number = Signal(len(self.coming) - self._stride_bits)
        chosen = self._chosen(m, waiting, last)
        m.d.comb += number.eq(selected((chosen[group], Const(group, len(number))) for group in range(self._num_groups)))
        valid, is_first = chosen.any(), first.any()
        begun, coming = chosen, number
        busy: list[Value] = [pending.any(), self.visit]
        # First visits that have not written yet.
        open_first: list[Value] = [self.visit & self.first]
        if self._group_slots > 1:
            within, held, held_first, offset = Signal(), Signal.like(number), Signal(), Signal(self._stride_bits)
            begun = chosen & (~within).replicate(self._num_groups)
            with m.If(~within):
                m.d.sync += [held.eq(number), held_first.eq(is_first)]
            valid = valid | within
            with m.If(valid):
                m.d.sync += [offset.eq(offset + 1), within.eq(1)]
            with m.If(offset == self._group_slots - 1):
                m.d.sync += [offset.eq(0), within.eq(0)]
            coming, is_first = Cat(offset, Mux(within, held, number)), Mux(within, held_first, is_first)
            busy.append(within)
            open_first.append(within & held_first)
        m.d.comb += self.coming.eq(coming)
        if self._fetch:
            reading, reading_first = Signal(), Signal()
            m.d.sync += [reading.eq(valid), reading_first.eq(is_first), self.slot.eq(coming)]
            valid, is_first = reading, reading_first
            busy.append(reading)
            open_first.append(reading & reading_first)
        else:
            m.d.comb += self.slot.eq(coming)
        m.d.sync += [self.visit.eq(valid), self.first.eq(is_first), self.visited.eq(self.slot)]
        others = pending & (~any_of(open_first)).replicate(self._num_groups)
        m.d.comb += waiting.eq(Mux(first.any(), first, others))
        with m.If(begun.any()):
            m.d.sync += last.eq(begun)
        return begun, ~any_of(busy)

    def _chosen(self, m: Module, waiting: Value, last: Signal) -> Signal:
        """Choose in turns, from the group after the last one: news that goes with the slots goes far in one turn."""
        if self._group_slots == 1:
            # It is not read again before its new word is written.
            waiting = waiting & ~(last & self.visit.replicate(self._num_groups))
        later, chosen = Signal(self._num_groups), Signal(self._num_groups)
        m.d.comb += later.eq(waiting & Cat(any_of(last[:group]) for group in range(self._num_groups)))
        m.d.comb += chosen.eq(Cat(lowest_set(list(Mux(later.any(), later, waiting)))))
        return chosen
