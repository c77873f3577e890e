# SPDX-License-Identifier: Apache-2.0
"""How much the benchmark of fusion and of windows measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from synfab.benchmarks.fusion.methods import INNER, Fusion, Method, Windows
from synfab.benchmarks.fusion.problem import Problem
from synfab.circuits.layout import Basis

MERGED: tuple[Method, ...] = (Fusion(), Fusion(stop="end"))
CHAIN: tuple[Method, ...] = (*MERGED, *(Fusion(order="in time", keep=keep) for keep in (1, 2)))
SOONER: tuple[Method, ...] = (Fusion(order="as they begin", keep=1),)
STEPS: tuple[Method, ...] = (Fusion(order="step by step", keep=1),)
COMMITTED: tuple[Method, ...] = (Fusion(order="in time", keep=1, commits=True),)
COMMITTED_STEPS: tuple[Method, ...] = (*COMMITTED, Fusion(order="step by step", keep=1, commits=True))


@dataclass(frozen=True, kw_only=True)
class Point:
    """A problem, what decodes it beside the global decoder, and how many shots."""

    problem: Problem
    methods: Sequence[Method]
    shots: int
    weight_bits: int | None

    @property
    def weights(self) -> str:
        """As the tables have it."""
        return "unit" if self.weight_bits is None else f"{self.weight_bits} bits"


@dataclass(frozen=True, kw_only=True)
class Extent:
    """All points; work is done and kept in pieces of so many shots."""

    points: Sequence[Point]
    piece: int = 1 << 15


def windows(order: str, distance: int) -> tuple[Method, ...]:
    """Return windows of every inner decoder and of buffers from nothing to twice the distance."""
    buffers = dict.fromkeys((0, 1, 2, (distance + 1) // 2, distance, 2 * distance))
    return tuple(Windows(order=order, inner=inner, buffer=buffer) for inner in INNER for buffer in buffers)


def point(
    methods: Sequence[Method], shots: int, *, circuit: bool = False, p: float | None = None, **shape: Any
) -> Point:
    """Return a point: unit weights at p = 0.02 of phenomenological noise, or four bits at 0.005 of circuit noise."""
    if circuit:
        problem = Problem(noise="circuit", p=p or 0.005, **shape)
        return Point(problem=problem, methods=methods, shots=shots, weight_bits=4)
    problem = Problem(noise="phenomenological", p=p or 0.02, **shape)
    return Point(problem=problem, methods=methods, shots=shots, weight_bits=None)


DISTANCES = (3, 5, 7, 9, 11, 13)
SMALL = (3, 5, 7)
FULL = Extent(
    points=(
        *(point(MERGED, 1 << 20, columns=2, basis=b, distance=d) for d in DISTANCES for b in get_args(Basis)),
        *(point(CHAIN, 1 << 20, steps=4, distance=d) for d in DISTANCES),
        *(point(SOONER, 1 << 20, steps=4, distance=d) for d in DISTANCES),
        *(point(COMMITTED, 1 << 20, steps=4, distance=d) for d in DISTANCES),
        *(point(COMMITTED, 1 << 20, steps=4, distance=d, circuit=True) for d in (*SMALL, 9)),
        *(point(COMMITTED_STEPS, 1 << 18, columns=2, rows=2, steps=3, distance=d) for d in SMALL),
        *(point((*CHAIN, *SOONER), 1 << 20, steps=4, distance=d, p=0.01) for d in SMALL),
        *(point(MERGED, 1 << 20, columns=2, distance=d, circuit=True) for d in DISTANCES),
        *(point(CHAIN, 1 << 20, steps=4, distance=d, circuit=True) for d in (*SMALL, 9)),
        *(point(SOONER, 1 << 20, steps=4, distance=d, circuit=True) for d in (*SMALL, 9)),
        *(point(MERGED, 1 << 18, columns=4, distance=d) for d in SMALL),
        *(point(MERGED, 1 << 18, columns=2, rows=2, distance=d) for d in SMALL),
        *(point((*CHAIN, *SOONER, *STEPS), 1 << 18, columns=2, rows=2, steps=3, distance=d) for d in SMALL),
        *(
            point(windows(order, d), 1 << 16, steps=6, distance=d)
            for order in ("sliding", "two groups in time", "three groups in time")
            for d in SMALL
        ),
        *(point(windows("two groups in space", d), 1 << 16, columns=4, basis="X", distance=d) for d in SMALL),
        *(point(windows("three groups in space", d), 1 << 15, columns=3, rows=2, basis="X", distance=d) for d in SMALL),
        *(
            point(
                windows("three groups of nodes, step by step", d),
                1 << 15,
                columns=3,
                rows=rows,
                steps=3,
                basis="X",
                distance=d,
            )
            for rows in (1, 2)
            for d in SMALL
        ),
        *(point(windows("sliding", d), 1 << 16, steps=4, distance=d, circuit=True) for d in SMALL),
    )
)
QUICK = Extent(
    points=(
        point(CHAIN, 1 << 11, steps=3, distance=3),
        point((Windows(order="sliding", inner="pymatching", buffer=3),), 1 << 11, steps=3, distance=3),
    ),
    piece=1 << 10,
)
