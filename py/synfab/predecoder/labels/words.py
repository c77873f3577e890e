# SPDX-License-Identifier: Apache-2.0
"""Bit-sliced arrays: 64 shots a word.

The last axis of such an array counts words; bit b of word w, from the least significant, is shot 64 w + b.
"""

from typing import cast

import numpy as np
import numpy.typing as npt
from numba import njit

Words = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]

SHOTS_PER_WORD = 64

compiled = njit(cache=True, error_model="numpy", nogil=True)


def bits_from_words(words: Words) -> Bits:
    """Unpack uint64 (..., W) to uint8 (64 W, ...) of 0 and 1, shots first."""
    flat = np.ascontiguousarray(words.reshape(-1, words.shape[-1]))
    bits = np.empty((SHOTS_PER_WORD * words.shape[-1], len(flat)), np.uint8)
    _unpack(flat, np.arange(len(flat)), bits)
    return bits.reshape(-1, *words.shape[:-1])


def gathered_bits(words: Words, source: npt.NDArray[np.int64]) -> Bits:
    """Unpack uint64 (S, W) to uint8 (64 W, *source.shape): place j shows row ``source[j]``, or 0 where that is -1."""
    bits = np.empty((SHOTS_PER_WORD * words.shape[-1], source.size), np.uint8)
    _unpack(np.ascontiguousarray(words), source.ravel(), bits)
    return bits.reshape(-1, *source.shape)


def words_from_bits(bits: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> Words:
    """Pack (64 W, ...) of 0 and 1, shots first, to uint64 (..., W)."""
    flat = bits.reshape(len(bits), -1)
    packed = np.packbits(flat.astype(np.bool_), axis=0, bitorder="little")
    words = np.ascontiguousarray(packed.T).view("<u8").astype(np.uint64)
    return cast(Words, words.reshape(*bits.shape[1:], len(bits) // SHOTS_PER_WORD))


@compiled
def _unpack(words: Words, source: npt.NDArray[np.int64], bits: Bits) -> None:  # pragma: no cover
    # 64 places at a time: a tile of 64 shots by 64 places stays in the cache, and its rows are written in one go.
    tile = np.zeros(64, np.uint64)
    for word in range(words.shape[1]):
        for start in range(0, len(source), 64):
            width = min(64, len(source) - start)
            for place in range(width):
                row = source[start + place]
                tile[place] = words[row, word] if row >= 0 else np.uint64(0)
            for shot in range(64):
                shift = np.uint64(shot)
                for place in range(width):
                    bits[64 * word + shot, start + place] = np.uint8((tile[place] >> shift) & np.uint64(1))
