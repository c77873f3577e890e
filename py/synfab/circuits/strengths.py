# SPDX-License-Identifier: Apache-2.0
"""Where noise enters a memory circuit, and how strong it is there."""

from dataclasses import dataclass
from typing import Literal

NoiseModel = Literal["circuit", "phenomenological", "code_capacity"]


@dataclass(frozen=True, kw_only=True)
class NoiseStrengths:
    """Probabilities at the four places of Stim's circuit generator, under Stim's names; 0 adds no instruction.

    Attributes
    ----------
    after_clifford_depolarization : float
        DEPOLARIZE1 or DEPOLARIZE2 after every gate.
    before_round_data_depolarization : float
        DEPOLARIZE1 on every data qubit at the start of a round.
    before_measure_flip_probability : float
        A flip before every measurement, the data qubits' read-out included.
    after_reset_flip_probability : float
        A flip after every reset, the data qubits' preparation included.
    """

    after_clifford_depolarization: float = 0.0
    before_round_data_depolarization: float = 0.0
    before_measure_flip_probability: float = 0.0
    after_reset_flip_probability: float = 0.0

    @staticmethod
    def of(noise: NoiseModel, p: float) -> "NoiseStrengths":
        """Return the strengths of a named noise model; see :class:`synfab.circuits.Memory` for what each means."""
        if noise == "circuit":
            return NoiseStrengths(
                after_clifford_depolarization=p,
                before_round_data_depolarization=p,
                before_measure_flip_probability=p,
                after_reset_flip_probability=p,
            )
        if noise == "phenomenological":
            return NoiseStrengths(before_round_data_depolarization=p, before_measure_flip_probability=p)
        return NoiseStrengths(before_round_data_depolarization=p)
