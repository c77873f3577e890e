# SPDX-License-Identifier: Apache-2.0
"""Growth steps that fall together are never so many that an edge is full before the last of them: proved.

Entries, starts, steps and ends of blocks are free. The proof is by k-induction, with covers; a broken twin fails.
"""

from pathlib import Path
from typing import Any

import pytest
from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.hdl import Assert, Cover, Elaboratable

from synfab.decoders import UnionFindSpec
from synfab.rtl.proof import Problem
from synfab.rtl.union_find import weights
from synfab.rtl.union_find.weights import WeightPort

BOUNDARY = -1

# Three edges, so that one number of an edge names none.
SPEC = UnionFindSpec(
    num_detectors=3,
    num_observables=0,
    edges=((0, 1), (1, BOUNDARY), (1, 2)),
    weights=(4, 5, 6),
    edge_observables=(0, 0, 0),
    rounds=((0, 1, 2),),
    weight_bits=3,
)


class WatchedPort(WeightPort):
    """A port whose registers can be named in a proof, once it has been elaborated."""

    made: Module | None = None

    def elaborate(self, platform: object) -> Module:
        if self.made is not None:
            return self.made
        self.inside: dict[str, Signal] = {}

        def named(*arguments: Any, **options: Any) -> Signal:
            signal = Signal(*arguments, src_loc_at=1, **options)
            return self.inside.setdefault(signal.name, signal)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(weights, "Signal", named)
            self.made = super().elaborate(platform)
        return self.made


class Harness(Elaboratable):
    """A port with a model of the weights that edges hold."""

    def __init__(self) -> None:
        self._port: Any = WatchedPort(SPEC)
        port = self._port
        self.ports = [port.w.valid, port.w.payload.as_value(), port.last, port.start, port.grow]

    def elaborate(self, platform: object) -> Module:
        m, port = Module(), self._port
        m.submodules.port = port
        port.elaborate(platform)
        bits, edges = SPEC.weight_bits, range(len(SPEC.edges))
        # As LoadedGrowth has them; and those of the last start.
        default = [Signal(bits, init=SPEC.weights[e], name=f"default_{e}") for e in edges]
        weight = [Signal(bits, init=SPEC.weights[e], name=f"weight_{e}") for e in edges]
        started = [Signal(bits, name=f"started_{e}") for e in edges]
        for e in edges:
            with m.If(port.load[e]):
                m.d.sync += weight[e].eq(port.value)
                with m.If(port.default):
                    m.d.sync += default[e].eq(port.value)
            with m.Elif(port.last):
                m.d.sync += weight[e].eq(default[e])
            with m.If(port.start):
                m.d.sync += started[e].eq(weight[e])

        # Growth steps since the start, up to 2.
        begun, grown = Signal(), Signal(2)
        with m.If(port.start):
            m.d.sync += [begun.eq(1), grown.eq(Mux(port.steps == 0, 0, 1))]
        with m.Elif(port.grow & begun):
            m.d.sync += grown.eq(Mux(grown == 0, 1, 2))
        erased = Cat(w == 0 for w in weight).any()
        defaults, listed, following = (port.inside[name] for name in ("defaults", "listed", "following"))
        own, own_steps, erasing, later = (port.inside[name] for name in ("own", "own_steps", "erasing", "later"))
        first = begun & ~port.start & (grown == 0)
        m.d.comb += [
            Assert(~port.start | (port.steps == 0) | self._safe(port.steps, weight), "no edge is full too early"),
            Assert(~port.start | ~erased | (port.steps == 0), "erased edges settle before the first step"),
            Assert(~first | ((port.steps != 0) & self._safe(port.steps, started)), "nor after they have"),
            Assert(~begun | port.start | (grown == 0) | (port.steps == 1), "all others are single steps"),
            Assert(Cat(d != 0 for d in default).all(), "lemma: no default is an erasure"),
            Assert((defaults != 0) & self._safe(defaults, default), "lemma: steps of the defaults"),
            Assert((following < len(edges)) & ((following == 0) | (listed != 0)), "lemma: a list"),
            Assert(self._safe(listed, [Mux(e < following, default[e], 0) for e in edges]), "lemma: its steps"),
            Assert(~own | ((own_steps != 0) & self._safe(own_steps, weight)), "lemma: steps of the block"),
            Assert(own | Cat((w == d) | (w == 0) for w, d in zip(weight, default, strict=True)).all(), "lemma: or not"),
            Assert(erasing | ~erased, "lemma: erasures are known"),
            Assert(~begun | (later != 0), "lemma: every step is one"),
            Assert((grown != 3) & (~begun | (grown == 0) | (later == 1)), "lemma: steps after the first"),
        ]
        raised, lowered = Signal(), Signal()
        m.d.sync += [lowered.eq(lowered | (defaults == 1)), raised.eq(raised | (lowered & (defaults == 3)))]
        m.d.comb += [
            Cover(raised & port.start & (port.steps == 3) & (weight[1] == 7), "a list raises the steps"),
            Cover(port.start & own & (port.steps == 1) & (defaults == 2), "a block lowers them"),
            Cover(port.grow & (grown == 0) & (port.steps == 2) & (started[1] == 0), "an erased edge delays them"),
            Cover(port.start & (port.steps == 2) & (weight[0] == 3), "all of them are taken"),
        ]
        return m

    def _safe(self, steps: Value, held: list[Any]) -> Value:
        """Whether after all steps but one no edge of a weight above 0 can be full."""
        ends = (1 if end == BOUNDARY else 2 for _, end in SPEC.edges)
        return Cat((w == 0) | (steps == 0) | (n * (steps - 1) < w) for n, w in zip(ends, held, strict=True)).all()


def problem(folder: Path) -> Problem:
    harness = Harness()
    return Problem.of(harness, ports=harness.ports, folder=folder)


def test_no_edge_is_full_before_the_last_of_the_steps(tmp_path: Path) -> None:
    posed = problem(tmp_path)
    for finding in (posed.cover(12), posed.induction(2), posed.base(3)):
        assert finding.failed == ()
        assert finding.holds


def test_a_port_that_forgets_lighter_edges_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_lower", lambda one, other: one)
    assert not problem(tmp_path).base(4).holds
