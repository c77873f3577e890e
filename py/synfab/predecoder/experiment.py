# SPDX-License-Identifier: Apache-2.0
"""The memory experiments that pre-decoders are trained and judged on: one noise model with one strength."""

from typing import Literal

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis

Noise = Literal["circuit", "phenomenological", "depolarizing"]
"""As :class:`~synfab.circuits.Memory` has the first two; *depolarizing* is :meth:`PauliNoise.depolarizing`, the noise
that the figures of the pre-decoder paper (section VI) are for; at the same p matching fails more often under it."""


def memory_experiment(*, distance: int, rounds: int | None, basis: Basis, noise: Noise, p: float) -> Memory:
    """Return the rotated surface code under noise of one strength; ``rounds`` are as many as the distance if None."""
    if noise == "depolarizing":
        strength = PauliNoise.depolarizing(p)
        return Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, noise=strength)
    return Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, noise=noise, p=p)
