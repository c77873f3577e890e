# SPDX-License-Identifier: Apache-2.0
"""How much the benchmark of the pre-decoders measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp, GlobalDecoder
from synfab.predecoder.experiment import Noise

NO_NET = "no net"

HINTS = "two-bit hints"

MAIN: Mapping[str, FollowUp] = {
    "hard": FollowUp(decoder="pymatching"),
    HINTS: TWO_BIT_HINTS,
}
DECODERS: Mapping[str, GlobalDecoder] = {
    "": "pymatching",
    ", correlated": "correlated_pymatching",
    ", union-find": "union_find",
}


def _before_each(rules: Mapping[str, FollowUp]) -> dict[str, FollowUp]:
    """Return each rule in front of each decoder."""
    return {
        name + behind: replace(rule, decoder=decoder)
        for name, rule in rules.items()
        for behind, decoder in DECODERS.items()
    }


ONE_BIT = FollowUp(hints=((3.0, 0.5),), all_of=True)
TWO_BITS = replace(TWO_BIT_HINTS, weight_bits=4)
THREE_BITS = FollowUp(
    hints=((0.5, 0.1), (1.0, 0.15), (1.75, 0.4), (2.5, 0.8), (3.5, 1.5), (4.5, 2.2), (6.0, 3.5)),
    all_of=True,
    weight_bits=6,
)
OTHERS: Mapping[str, FollowUp] = {
    **_before_each(
        {
            "hard": FollowUp(),
            "above 2.5": FollowUp(above=2.5),
            "closed clusters above 2.5": FollowUp(commit="closed", above=2.5),
            "hard, clean-up": FollowUp(clean_up=True),
            "hard, sheets of 2": FollowUp(sheet=2),
            "hard, sheets of 6": FollowUp(sheet=6),
        }
    ),
    "one-bit hints": ONE_BIT,
    "two-bit hints, four-bit weights": TWO_BITS,
    "three-bit hints": THREE_BITS,
}
# Matching that is built anew for every shot is slow, correlated matching so much that few shots must do.
HINTED_MATCHING: Mapping[str, FollowUp] = {
    "one-bit hints, matching": replace(ONE_BIT, decoder="pymatching"),
    "two-bit hints, matching": replace(TWO_BITS, decoder="pymatching"),
    "three-bit hints, matching": replace(THREE_BITS, decoder="pymatching"),
}
HINTED_CORRELATED: Mapping[str, FollowUp] = {
    "two-bit hints, correlated": replace(TWO_BITS, decoder="correlated_pymatching"),
}
RULE: Mapping[str, FollowUp] = {
    **_before_each({"isolated pairs": FollowUp(commit="isolated_pairs")}),
    "nothing, correlated": FollowUp(commit="none", decoder="correlated_pymatching"),
    "nothing, union-find": FollowUp(commit="none"),
}
FOLLOW_UPS: Mapping[str, FollowUp] = {**RULE, **OTHERS, **MAIN, **HINTED_MATCHING, **HINTED_CORRELATED}
"""All, by name."""
ON_CARDS = (*MAIN, "two-bit hints, four-bit weights")


@dataclass(frozen=True, kw_only=True)
class Point:
    """A setting in both bases, with shots of each basis."""

    distance: int
    noise: Noise = "circuit"
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


RATES = (0.006, 0.003)
FULL = Extent(
    points=(
        *(Point(distance=d, p=p, shots=1 << 19, follow_ups=MAIN) for d in (5, 7, 9, 13) for p in RATES),
        *(Point(distance=d, p=0.001, shots=1 << 19, follow_ups=MAIN) for d in (5, 7)),
        # Where next to nothing fails: densities and speed-up.
        *(Point(distance=d, p=0.001, shots=1 << 16, follow_ups=MAIN) for d in (9, 13)),
        *(Point(distance=d, p=p, shots=1 << 15, follow_ups=OTHERS) for d in (5, 7, 9, 13) for p in RATES),
        *(Point(distance=d, p=p, shots=1 << 15, follow_ups=HINTED_MATCHING) for d in (5, 7) for p in RATES),
        *(Point(distance=5, p=p, shots=1 << 12, follow_ups=HINTED_CORRELATED) for p in RATES),
        # What the published figures are for.
        *(
            Point(distance=d, noise="depolarizing", p=p, shots=1 << 17, follow_ups=MAIN)
            for d in (5, 9, 13)
            for p in RATES
        ),
    ),
    rule=tuple(Point(distance=d, p=p, shots=1 << 16, follow_ups=RULE) for d in (5, 7, 9, 13) for p in RATES),
)
QUICK = Extent(
    points=(Point(distance=5, p=0.006, shots=1 << 11, follow_ups=MAIN),),
    rule=(Point(distance=5, p=0.006, shots=1 << 11, follow_ups=RULE),),
    piece=1 << 10,
    processes=1,
)
