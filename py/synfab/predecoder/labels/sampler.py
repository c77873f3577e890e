# SPDX-License-Identifier: Apache-2.0
"""The sampler of labels: Stim's own Pauli frames, looked at after every round."""

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits.parameters import require_integer
from synfab.errors import InputError
from synfab.predecoder.labels.sample import Labels, parities
from synfab.predecoder.labels.schedule import Schedule
from synfab.predecoder.labels.words import SHOTS_PER_WORD, Words

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class LabelSampler:
    """Samples detection events together with the flips that made them.

    Stim's FlipSimulator runs the circuit round by round. After round k it holds, for every shot, the accumulated flips
    of the data qubits, F_k, and the flips of the round's outcomes, m_k. Then the data label of layer k is
    F_k + F_(k-1), and the measurement label m_k + H F_k, modulo 2, with H the checks: what the outcome says beyond
    the data. The flips of the read-out's outcomes are F of the last layer. A data flip of the species whose first
    outcomes are random cannot be told from another first outcome if it happens in layer 0: it is left out.

    Attributes
    ----------
    circuit : stim.Circuit
        A memory experiment of the rotated surface code, any noise: see :class:`Schedule`.
    reach : int
        Of the homological equivalence (1 to 3); 0 gives the flips as they happened.

    Notes
    -----
    Sections IV.2.1 and IV.2.2 of the pre-decoder paper. Algorithm 1's second propagation is H F_k here; algorithm 2
    and the decomposition of Y errors are not needed, since equivalence in time moves what shows only later.
    """

    circuit: stim.Circuit
    reach: int = 1

    def __post_init__(self) -> None:
        require_integer("reach", self.reach, 0)

    def compile(self, *, seed: int | None = None) -> "CompiledLabelSampler":
        """Return a sampler that runs; with ``seed`` it gives the same shots on the same machine and Stim version.

        Raises
        ------
        InputError
            If the circuit is no such experiment, or the seed no integer of at least 0.
        """
        if seed is not None:
            require_integer("seed", seed, 0)
        return CompiledLabelSampler(schedule=Schedule.from_circuit(self.circuit), reach=self.reach, seed=seed)


class CompiledLabelSampler:
    """A sampler with its circuit cut into rounds; see :class:`LabelSampler`."""

    def __init__(self, *, schedule: Schedule, reach: int, seed: int | None) -> None:
        if sys.byteorder != "little":
            raise InputError(f"labels are words of a little-endian machine, not of a {sys.byteorder}-endian one")
        self.schedule = schedule
        self.reach = reach
        self._seed = seed
        self._made = 0
        self._simulator: stim.FlipSimulator | None = None

    def sample(self, words: int) -> Labels:
        """Sample 64 ``words`` shots.

        Raises
        ------
        InputError
            If the circuit's detectors are not those of its rounds: then the flips do not explain them.
        """
        require_integer("words", words, 1)
        first = self._simulator is None
        simulator = self._cleared(words)
        frames = self._frames(simulator, words)
        labels = self._labels(simulator, frames, words)
        if first and (labels.residual().any() or (labels.logical() ^ labels.observables).any()):
            raise InputError(
                "the circuit's detectors and observable must be those of its rounds, each comparing an ancilla's "
                "outcome with the one before, not others: make it with synfab.circuits.Memory"
            )
        return labels.canonical(reach=self.reach) if self.reach else labels

    def _cleared(self, words: int) -> stim.FlipSimulator:
        simulator = self._simulator
        if simulator is None or simulator.batch_size != words * SHOTS_PER_WORD:
            # Another size takes another simulator, which must not repeat the one before.
            seed = None
            if self._seed is not None:
                seed = int(np.random.SeedSequence([self._seed, self._made]).generate_state(1, np.uint64)[0])
            self._made += 1
            # Randomized stabilizers would be flips that nobody made.
            simulator = stim.FlipSimulator(
                batch_size=words * SHOTS_PER_WORD,
                disable_stabilizer_randomization=True,
                num_qubits=self.schedule.num_qubits,
                seed=seed,
            )
            self._simulator = simulator
        simulator.clear()
        return simulator

    def _frames(self, simulator: stim.FlipSimulator, words: int) -> Words:
        """Run the circuit; return F, uint64 (2, layers, num_data, W), with the last layer still 0."""
        schedule = self.schedule
        volume = schedule.volume
        frames = np.zeros((2, volume.layers, volume.num_data, words), np.uint64)
        xs, zs = np.empty((2, schedule.num_qubits, words * SHOTS_PER_WORD // 8), np.uint8)
        for layer, segment in enumerate(schedule.segments):
            simulator.do(segment)
            if layer < volume.rounds:
                simulator.to_numpy(bit_packed=True, output_xs=xs, output_zs=zs)
                for species, flips in enumerate((zs, xs)):
                    frames[species, layer] = _words(flips)[schedule.data_qubits]
        return frames

    def _labels(self, simulator: stim.FlipSimulator, frames: Words, words: int) -> Labels:
        schedule = self.schedule
        volume = schedule.volume
        outcomes = _words(simulator.get_measurement_flips(bit_packed=True))
        frames[volume.known, -1] = outcomes[schedule.read_out]
        sites = np.zeros((volume.num_sites, words), np.uint64)
        detectors = _words(simulator.get_detector_flips(bit_packed=True))[schedule.detectors]
        detectors[schedule.detectors < 0] = 0
        observables = _words(simulator.get_observable_flips(bit_packed=True))
        labels = Labels(volume=volume, detectors=detectors, sites=sites, observables=observables)
        for species in range(2):
            data, timelike = labels.data[species], labels.timelike[species]
            np.bitwise_xor(frames[species, 1:], frames[species, :-1], out=data[1:])
            data[0] = frames[species, 0]
            data[~volume.data_mask[species]] = 0
            timelike[:-1] = parities(frames[species, :-1], volume.supports[species])
            timelike[:-1] ^= outcomes[schedule.outcomes[species]]
        return labels


def _words(packed: Bytes) -> Words:
    """View Stim's packed bits, uint8 (N, 8 W), as uint64 (N, W)."""
    return packed.view(np.uint64)
