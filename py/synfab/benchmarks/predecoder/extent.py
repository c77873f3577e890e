# SPDX-License-Identifier: Apache-2.0
"""How much the benchmark of the pre-decoders measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp

NO_NET = "no net"

HINTS = "two-bit hints"

MAIN: Mapping[str, FollowUp] = {
    "hard": FollowUp(decoder="pymatching"),
    HINTS: TWO_BIT_HINTS,
}
OTHERS: Mapping[str, FollowUp] = {
    "hard, correlated": FollowUp(decoder="correlated_pymatching"),
    "hard, union-find": FollowUp(),
    "hard, clean-up": FollowUp(decoder="pymatching", clean_up=True),
    "closed clusters above 2.5": FollowUp(commit="closed", above=2.5, decoder="pymatching"),
    "above 2.5": FollowUp(decoder="pymatching", above=2.5),
    "closed clusters above 2.5, union-find": FollowUp(commit="closed", above=2.5),
    "two-bit hints, four-bit weights": replace(TWO_BIT_HINTS, weight_bits=4),
    "one-bit hints": FollowUp(hints=((3.0, 0.5),), all_of=True),
    "three-bit hints": FollowUp(
        hints=((0.5, 0.1), (1.0, 0.15), (1.75, 0.4), (2.5, 0.8), (3.5, 1.5), (4.5, 2.2), (6.0, 3.5)),
        all_of=True,
        weight_bits=6,
    ),
    "two-bit hints, matching": FollowUp(hints=TWO_BIT_HINTS.hints, all_of=True, decoder="pymatching"),
}
RULE: Mapping[str, FollowUp] = {"isolated pairs": FollowUp(commit="isolated_pairs", decoder="pymatching")}


@dataclass(frozen=True, kw_only=True)
class Point:
    """A setting in both bases, with shots of each basis."""

    distance: int
    p: float
    shots: int
    follow_ups: Mapping[str, FollowUp]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """All points; those of ``rule`` are without a net. Work is done and kept in pieces of so many shots."""

    points: Sequence[Point]
    rule: Sequence[Point] = ()
    piece: int = 1 << 15
    processes: int = 2


FULL = Extent(
    points=(
        *(Point(distance=5, p=p, shots=1 << 19, follow_ups=MAIN) for p in (0.006, 0.003, 0.001)),
        *(Point(distance=7, p=p, shots=1 << 19, follow_ups=MAIN) for p in (0.006, 0.003)),
        *(Point(distance=9, p=p, shots=1 << 19, follow_ups=MAIN) for p in (0.006, 0.003)),
        *(Point(distance=13, p=p, shots=1 << 19, follow_ups=MAIN) for p in (0.006, 0.003)),
        *(Point(distance=d, p=p, shots=1 << 15, follow_ups=OTHERS) for d in (5, 7) for p in (0.006, 0.003)),
    ),
    rule=tuple(Point(distance=d, p=p, shots=1 << 16, follow_ups=RULE) for d in (5, 7, 9) for p in (0.003, 0.006)),
)
QUICK = Extent(
    points=(Point(distance=5, p=0.006, shots=1 << 11, follow_ups=MAIN),),
    rule=(Point(distance=5, p=0.006, shots=1 << 11, follow_ups=RULE),),
    piece=1 << 10,
    processes=1,
)
