# SPDX-License-Identifier: Apache-2.0
"""Labelled samples straight from a Stim circuit, 64 shots a word."""

from synfab.predecoder.labels.equivalence import canonical
from synfab.predecoder.labels.sample import Labels
from synfab.predecoder.labels.sampler import CompiledLabelSampler, LabelSampler
from synfab.predecoder.labels.schedule import Schedule
from synfab.predecoder.labels.words import SHOTS_PER_WORD, Words, bits_from_words, words_from_bits

__all__ = [
    "SHOTS_PER_WORD",
    "CompiledLabelSampler",
    "LabelSampler",
    "Labels",
    "Schedule",
    "Words",
    "bits_from_words",
    "canonical",
    "words_from_bits",
]
