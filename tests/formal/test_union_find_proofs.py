# SPDX-License-Identifier: Apache-2.0
"""The spatial fabric answers every block, in time and rightly, whatever arrives: proved on small graphs.

Traffic is free: any beats with any gaps, blocks of any length, aborts and resets in any cycle, answers taken in any,
and any entries of the weight port. The proofs are by k-induction. Each has covers, for a proof whose traffic cannot
come about proves nothing, and broken twins fail.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth import Array, Cat, Const, Module, Mux, ResetSignal, Signal, Value
from amaranth.hdl import Assert, Cover, Elaboratable
from amaranth.sim import Simulator

from synfab.decoders import UnionFindSpec
from synfab.rtl.proof import Problem
from synfab.rtl.simulation import Port, block_beats, exchange
from synfab.rtl.union_find import UnionFind, control, loader, spatial
from synfab.rtl.union_find.bounds import max_spatial_cycles
from synfab.rtl.union_find.control import Control
from synfab.rtl.union_find.loader import Loader

BOUNDARY = -1


def graph(edges: list[tuple[int, int, int, int]], rounds: tuple[tuple[int, ...], ...]) -> UnionFindSpec:
    """The spec of a graph of edges (detector, detector or boundary, weight, observables), in as few bits as can be."""
    ends, weights, masks = [edge[:2] for edge in edges], [edge[2] for edge in edges], [edge[3] for edge in edges]
    return UnionFindSpec(
        num_detectors=sum(map(len, rounds)),
        num_observables=1,
        edges=tuple(ends),
        weights=tuple(weights),
        edge_observables=tuple(masks),
        rounds=rounds,
        weight_bits=max(weights).bit_length(),
    )


CHAIN = graph([(0, 1, 2, 0), (1, 2, 2, 0), (2, BOUNDARY, 2, 1)], ((0,), (1, 2)))
RING = graph([(0, 1, 2, 1), (0, 2, 2, 0), (1, 2, 2, 0)], ((0, 1), (2,)))
PARALLEL = graph([(0, 1, 2, 0), (0, 1, 2, 1), (0, BOUNDARY, 3, 0), (1, BOUNDARY, 3, 1)], ((0, 1),))
SQUARE = graph([(0, 1, 2, 1), (0, 3, 2, 0), (1, 2, 2, 0), (2, 3, 2, 0)], ((0, 1), (2, 3)))
TWO_WAYS_OUT = graph([(0, BOUNDARY, 3, 0), (0, 2, 2, 0), (1, 2, 1, 1), (2, BOUNDARY, 3, 1)], ((0, 1, 2),))
PAIR = graph([(0, 1, 1, 0), (1, BOUNDARY, 1, 1)], ((0, 1),))


def every_syndrome(spec: UnionFindSpec) -> npt.NDArray[np.uint8]:
    """All of them, detector 0 the fastest."""
    return np.array(list(itertools.product((0, 1), repeat=spec.num_detectors)), np.uint8)[:, ::-1]


def every_answer(spec: UnionFindSpec, *, corrections: bool) -> list[int]:
    """The reference's answer to every syndrome, as the fabric's payload."""
    shots = every_syndrome(spec)
    bits = [spec.decode_batch(shots)] + ([spec.decode_to_edges(shots)] if corrections else [])
    return [sum(int(bit) << k for k, bit in enumerate(row)) for row in np.concatenate(bits, axis=1)]


def slowest(spec: UnionFindSpec, **design: Any) -> int:
    """The most cycles that a block takes by itself if all its events come with its last beat."""
    spec = replace(spec, rounds=(tuple(range(spec.num_detectors)),))
    fabric = UnionFind(spec, **design)
    beats = [beat for shot in every_syndrome(spec) for beat in block_beats(spec, shot)]
    cycles = []

    async def testbench(context: Any) -> None:
        seen = await exchange(context, Port.of(fabric.i), Port.of(fabric.o), beats, answers=len(beats))
        cycles.extend(offered - sent for offered, sent in zip(seen.offered, seen.sent, strict=True))

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return max(cycles)


def with_registers(elaborate: Callable[[object], Module], platform: object) -> tuple[Module, dict[str, Signal]]:
    """Elaborate, and return the signals that it makes by their names: a proof must speak of registers inside."""
    signals: dict[str, Signal] = {}

    def named(*arguments: Any, **options: Any) -> Signal:
        signal = Signal(*arguments, src_loc_at=1, **options)
        return signals.setdefault(signal.name, signal)

    with pytest.MonkeyPatch.context() as patch:
        for module in (control, loader):
            patch.setattr(module, "Signal", named)
        return elaborate(platform), signals


class WatchedLoader(Loader):
    made: tuple[Module, dict[str, Signal]] | None = None

    def elaborate(self, platform: object) -> Module:
        self.made = self.made or with_registers(super().elaborate, platform)
        return self.made[0]


class WatchedControl(Control):
    made: tuple[Module, dict[str, Signal]] | None = None

    def elaborate(self, platform: object) -> Module:
        self.made = self.made or with_registers(super().elaborate, platform)
        return self.made[0]


class WatchedFabric(UnionFind):
    """A fabric whose answer can be named in a proof, before the answer register."""

    def hand_over(self, m: Module, done: Value, observables: Value, corrections: Value) -> Value:
        self.done, self.answer = done, Cat(observables, corrections if self.corrections else Cat())
        return super().hand_over(m, done, observables, corrections)


class Harness(Elaboratable):
    """A fabric with a model of its traffic, and with what must hold of it and what must be possible.

    Parameters
    ----------
    limit : int
        Cycles within which a block must be answered.
    reached : bool
        Some block takes ``limit`` cycles.
    relabels : bool
        Some block needs the canonical flood.
    lemmas : bool
        Tie the model to the inside, too: induction starts from any state, and they leave out those that cannot be
        reached.
    """

    def __init__(
        self,
        spec: UnionFindSpec,
        *,
        limit: int,
        reached: bool = True,
        relabels: bool = True,
        lemmas: bool = True,
        control: type[Control] = WatchedControl,
        **design: Any,
    ) -> None:
        self._fabric: Any = WatchedFabric(spec, **design)
        self._limit, self._reached, self._relabels, self._lemmas = limit, reached, relabels, lemmas
        self._control, self._answers = control, every_answer(spec, corrections=self._fabric.corrections)
        streams = [self._fabric.i, *([self._fabric.w] if self._fabric.runtime_weights else [])]
        self.ports = [self._fabric.o.ready, *(s.valid for s in streams), *(s.payload.as_value() for s in streams)]

    def elaborate(self, platform: object) -> Module:
        m, limit, fabric = Module(), self._limit, self._fabric
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(spatial, "Loader", WatchedLoader)
            patch.setattr(spatial, "Control", self._control)
            m.submodules.fabric = inner = fabric.elaborate(platform)
        load, steps = inner.submodules.loader, inner.submodules.control
        i, o, rounds = fabric.i, fabric.o, fabric.spec.rounds
        taken, offered = i.valid & i.ready, o.payload.as_value()
        last, abort = taken & i.payload.last & ~i.payload.abort, taken & i.payload.abort

        # The events of the block that comes in, and with this cycle's beat; of the last start; of the complete block;
        # of the block whose answer is offered.
        beat = Signal(range(len(rounds) + 1))
        collected, events, started, block, answered = (
            Signal(fabric.spec.num_detectors, name=name)
            for name in ("collected", "events", "started", "block", "answered")
        )
        m.d.comb += events.eq(collected)
        for number, detectors in enumerate(rounds):
            with m.If(taken & (beat == number)):
                m.d.comb += [events[detector].eq(i.payload.detections[k]) for k, detector in enumerate(detectors)]
        with m.If(last | abort):
            m.d.sync += [beat.eq(0), collected.eq(0)]
        with m.Elif(taken):
            m.d.sync += [beat.eq(Mux(beat == len(rounds), beat, beat + 1)), collected.eq(events)]
        with m.If(load.start):
            m.d.sync += started.eq(events)
        with m.If(last):
            m.d.sync += block.eq(events)
        with m.If(fabric.done):
            m.d.sync += answered.eq(block)

        # Cycles since the last start, and since the last beat but for those in which the answer before it is held up.
        since_start, since_last = (Signal(range(limit + 1), name=name) for name in ("since_start", "since_last"))
        unanswered, held_up = Signal(2), o.valid & ~o.ready
        stood, stood_payload = Signal(), Signal.like(offered)
        m.d.sync += [
            since_start.eq(Mux(load.start, 1, Mux(since_start == limit, limit, since_start + 1))),
            unanswered.eq(unanswered + last - (o.valid & o.ready)),
            stood.eq(held_up),
            stood_payload.eq(offered),
        ]
        with m.If(last):
            m.d.sync += since_last.eq(1)
        with m.Elif(~held_up & (since_last != limit)):
            m.d.sync += since_last.eq(since_last + 1)

        m.d.comb += [
            Assert(unanswered <= 2, "no block waits behind two others"),
            Assert(~o.valid | (unanswered != 0), "no answer without a block"),
            Assert((unanswered == o.valid) | (since_last < limit), "every block is answered in time"),
            Assert(~o.valid | self._is_answer(offered, answered), "the answer is the reference's"),
            Assert(~stood | (o.valid & (offered == stood_payload)), "an offered answer stands until it is taken"),
        ]
        if self._lemmas:
            for part in (load, steps):
                part.elaborate(platform)
            resting, complete = steps.resting, ~steps.free
            settled = ~(steps.flooding | (steps.unsettled & (~steps.peel | fabric.corrections)))
            answerable = ~resting & settled & ~steps.grow & ~steps.relabel
            early = (Cat(collected[d] for d in rounds[k]).any() & (beat <= k) for k in range(len(rounds)))
            m.d.comb += [
                Assert(load.made[1]["beat"] == beat, "lemma: rounds"),
                Assert(load.made[1]["collected"] == collected, "lemma: events"),
                Assert((beat <= len(rounds)) & ~Cat(early).any(), "lemma: no event before its round"),
                Assert(steps.made[1]["state"] <= max(control.Step), "lemma: state"),
                Assert(unanswered == complete + o.valid, "lemma: a block is decoded, or its answer offered"),
                Assert(~complete | (~resting & (started == block)), "lemma: the last start has all events"),
                Assert(complete | resting | (started == collected), "lemma: a start has the events so far"),
                Assert(~complete | (since_last <= since_start), "lemma: the last start is not after the last beat"),
                Assert((since_start <= limit) & (resting | (since_start != 0)), "lemma: time since a start"),
                Assert(resting | load.start | answerable | (since_start < limit - 1), "lemma: work ends"),
                Assert(~answerable | self._is_answer(fabric.answer, started), "lemma: it ends with the answer"),
            ]
        self._cover(m, steps, abort, since_last, answered)
        return m

    def _is_answer(self, answer: Value, events: Value) -> Value:
        if self._fabric.runtime_weights:
            return Const(1)
        return answer == Array([Const(number, len(self._fabric.answer)) for number in self._answers])[events]

    def _cover(self, m: Module, steps: Any, abort: Value, since_last: Value, answered: Value) -> None:
        aborted, relabelled, reset = Signal(), Signal(), Signal(reset_less=True)
        with m.If(abort & ~steps.resting):
            m.d.sync += aborted.eq(1)
        with m.If(steps.relabel):
            m.d.sync += relabelled.eq(1)
        with m.If(ResetSignal() & ~steps.resting):
            m.d.sync += reset.eq(1)
        o = self._fabric.o
        answer = o.valid & o.ready & (answered != 0)
        m.d.comb += [
            Cover(o.valid & ~o.ready & ~steps.free, "an answer is held up while the next block is decoded"),
            Cover(answer & aborted, "an answer after an abort"),
            Cover(answer & reset, "an answer after a reset in mid-block"),
        ]
        if self._reached:
            m.d.comb += Cover(self._fabric.done & (since_last == self._limit - 1), "the slowest block")
        if self._relabels:
            m.d.comb += Cover(answer & relabelled, "an answer after the canonical flood")


def problem(harness: Harness, folder: Path) -> Problem:
    return Problem.of(harness, ports=harness.ports, folder=folder)


def assert_proved(harness: Harness, limit: int, folder: Path) -> None:
    posed = problem(harness, folder)
    # The window of the induction must hold a start and all that follows from it.
    for finding in (posed.cover(limit + 1), posed.induction(limit + 1), posed.base(limit + 1)):
        assert finding.failed == ()
        assert finding.holds


@pytest.mark.parametrize(
    ("spec", "design", "relabels"),
    [
        pytest.param(CHAIN, {"hops": 1}, False, id="chain"),
        pytest.param(CHAIN, {"hops": 2}, False, id="chain-hops"),
        pytest.param(RING, {"hops": 1}, True, id="ring"),
        pytest.param(RING, {"hops": 2, "corrections": True}, True, id="ring-hops-corrections"),
        pytest.param(PARALLEL, {"hops": 1}, True, id="parallel"),
        pytest.param(PARALLEL, {"hops": 2}, True, id="parallel-hops"),
    ],
)
def test_every_block_is_answered(spec: UnionFindSpec, design: dict[str, Any], relabels: bool, tmp_path: Path) -> None:
    """In no more cycles than the slowest syndrome takes by itself, and no syndrome takes more than the bound."""
    limit = slowest(spec, **design)
    assert limit <= max_spatial_cycles(spec, **design)
    assert_proved(Harness(spec, limit=limit, relabels=relabels, **design), limit, tmp_path)


def test_every_block_is_answered_with_weights_at_run_time(tmp_path: Path) -> None:
    """Whatever the entries, and in the cycles of the bound; what the answer is, simulation says."""
    limit = max_spatial_cycles(PAIR, runtime_weights=True)
    harness = Harness(PAIR, limit=limit, reached=False, relabels=False, runtime_weights=True)
    assert_proved(harness, limit, tmp_path)


class ControlWithoutRelabelling(Control):
    """Blind to conflicts of labels."""

    def elaborate(self, platform: object) -> Module:
        actual, self.conflict = self.conflict, Const(0)
        m = super().elaborate(platform)
        self.conflict = actual
        return m


class ControlWithoutSettling(Control):
    """Blind to messages that change."""

    def elaborate(self, platform: object) -> Module:
        actual, self.unsettled = self.unsettled, Const(0)
        m = super().elaborate(platform)
        self.unsettled = actual
        return m


class ControlWithoutAborts(Control):
    """Never gives a block up."""

    def elaborate(self, platform: object) -> Module:
        actual, self.forget = self.forget, Const(0)
        m = super().elaborate(platform)
        self.forget = actual
        return m


@pytest.mark.parametrize(
    ("spec", "broken", "fails"),
    [
        (SQUARE, ControlWithoutRelabelling, "the answer is the reference's"),
        (TWO_WAYS_OUT, ControlWithoutSettling, "the answer is the reference's"),
        (PARALLEL, ControlWithoutAborts, "the answer is the reference's"),
    ],
)
def test_broken_control_is_found(spec: UnionFindSpec, broken: type[Control], fails: str, tmp_path: Path) -> None:
    limit = slowest(spec)
    harness = Harness(spec, limit=limit + 5, relabels=False, reached=False, lemmas=False, control=broken)
    assert problem(harness, tmp_path).base(limit + 2).failed == (fails,)


@pytest.mark.parametrize("spec", [CHAIN, RING, PARALLEL], ids=["chain", "ring", "parallel"])
def test_no_smaller_bound_holds(spec: UnionFindSpec, tmp_path: Path) -> None:
    limit = slowest(spec) - 1
    harness = Harness(spec, limit=limit, lemmas=False)
    assert problem(harness, tmp_path).base(limit + 2).failed == ("every block is answered in time",)
