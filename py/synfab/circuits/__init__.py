# SPDX-License-Identifier: Apache-2.0
"""Noisy Stim circuits of the problems that synfab decodes, with coordinates on every detector.

Parameter objects are frozen, pickle, and turn into Stim's own objects by ``circuit()`` and ``dem()``.
"""

from synfab.circuits.block import PhenomenologicalBlock
from synfab.circuits.extraction import Extraction
from synfab.circuits.layout import Check, Layout, rotated, toric, xzzx
from synfab.circuits.memory import Memory
from synfab.circuits.pauli_extraction import PauliExtraction
from synfab.circuits.pauli_noise import PauliNoise
from synfab.circuits.strengths import NoiseStrengths

__all__ = [
    "Check",
    "Extraction",
    "Layout",
    "Memory",
    "NoiseStrengths",
    "PauliExtraction",
    "PauliNoise",
    "PhenomenologicalBlock",
    "rotated",
    "toric",
    "xzzx",
]
