# SPDX-License-Identifier: Apache-2.0
"""Homological equivalence, bit-sliced: of all flips that look alike one that is short."""

import numpy as np
import numpy.typing as npt

from synfab.predecoder.labels.generators import generators
from synfab.predecoder.labels.words import Words, compiled
from synfab.predecoder.volume import Indices, Volume


def canonical(sites: Words, *, volume: Volume, reach: int = 1) -> Words:
    """Return an equivalent set of flips in every shot, to which no generator applies any more.

    A generator of w places *reduces* a set that holds more than half of them, and *turns* one that holds half of them
    with the highest in :func:`synfab.predecoder.labels.generators.order` among them: then all w are flipped. Reducing
    makes the set smaller; turning leaves its size and clears the highest of the places that change, so no set comes
    again and this comes to an end: first passes over all generators that only reduce, until none does; then passes that
    also turn, until none does. The result is a fixed point: doing it again changes nothing.

    Detectors and observables of the flips stay as they are, and no shot's weight rises.

    Parameters
    ----------
    sites : uint64 (volume.num_sites, W)
        Bit-sliced flips; not changed.
    volume : Volume
    reach : int
        From 1 to 3: how many checks a generator in space is a product of, at most. 1 is the paper's rule of single
        plaquettes.

    Returns
    -------
    uint64 (volume.num_sites, W)

    Notes
    -----
    Section IV.2.4 of the pre-decoder paper: weightReduction and fixEquivalence in space, algorithm 3 in time. There a
    tie in time is settled by the weight of a layer, detectors included; here the flip moves to the earlier layer,
    where the measurement flips that belong to it are. Pairs go up, then Z flips to the right and X flips to the left.
    """
    result = np.array(sites, np.uint64, order="C")
    table = generators(volume, reach)
    _settle(result, table, (table >= 0).sum(axis=1))
    return result


LANE = 8
"""Words that a pass works on together: one cache line, 512 shots."""


@compiled
def _settle(sites: Words, table: Indices, widths: npt.NDArray[np.int64]) -> None:  # pragma: no cover
    # Each lane is copied, so that its places lie together, and its passes stop when its own shots are done.
    lane = np.zeros((len(sites), LANE), np.uint64)
    flips = np.zeros(LANE, np.uint64)
    for start in range(0, sites.shape[1], LANE):
        stop = min(start + LANE, sites.shape[1])
        lane[:] = 0
        lane[:, : stop - start] = sites[:, start:stop]
        while _one_pass(lane, table, widths, flips, np.uint64(0)):
            pass
        while _one_pass(lane, table, widths, flips, ~np.uint64(0)):
            pass
        sites[:, start:stop] = lane[:, : stop - start]


@compiled
def _one_pass(
    lane: Words, table: Indices, widths: npt.NDArray[np.int64], flips: Words, ties: np.uint64
) -> bool:  # pragma: no cover
    # ``ties`` is a word of ones in a pass that also turns, else 0: a branch would cost more.
    # In one piece: called as a function of its own, the choice by width costs more than the algebra.
    changed = False
    for generator in range(len(table)):
        width = widths[generator]
        found = np.uint64(0)
        first, second = table[generator, 0], table[generator, 1]
        third, fourth = table[generator, 2], table[generator, 3]
        if width == 4:
            for word in range(LANE):
                a, b, c, d = lane[first, word], lane[second, word], lane[third, word], lane[fourth, word]
                flips[word] = (a & b & (c | d)) | (c & d & (a | b)) | (ties & a & (b | c | d))
                found |= flips[word]
        elif width == 3:
            for word in range(LANE):
                a, b, c = lane[first, word], lane[second, word], lane[third, word]
                flips[word] = (a & (b | c)) | (b & c)
                found |= flips[word]
        elif width == 2:
            for word in range(LANE):
                flips[word] = lane[first, word] & (ties | lane[second, word])
                found |= flips[word]
        else:
            found = _wide(lane, table[generator], width, flips, ties)
        if found:
            changed = True
            for place in range(width):
                site = table[generator, place]
                for word in range(LANE):
                    lane[site, word] ^= flips[word]
    return changed


@compiled
def _wide(lane: Words, row: Indices, width: int, flips: Words, ties: np.uint64) -> np.uint64:  # pragma: no cover
    """Write the shots that a generator of 5 to 8 places applies to, counted in binary, and return those of any word."""
    found = np.uint64(0)
    half = width // 2
    for word in range(LANE):
        ones, twos, fours, eights = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        for place in range(width):
            carry = lane[row[place], word]
            ones, carry = ones ^ carry, ones & carry
            twos, carry = twos ^ carry, twos & carry
            fours, carry = fours ^ carry, fours & carry
            eights |= carry
        above, equal = eights, ~eights
        for bit, count in ((4, fours), (2, twos), (1, ones)):
            if half & bit:
                equal &= count
            else:
                above |= equal & count
                equal &= ~count
        flips[word] = above if width % 2 else above | (ties & equal & lane[row[0], word])
        found |= flips[word]
    return found
