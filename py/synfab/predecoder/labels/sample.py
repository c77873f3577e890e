# SPDX-License-Identifier: Apache-2.0
"""Labelled samples: what was detected, and flips that explain it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synfab.errors import InputError
from synfab.predecoder.labels.equivalence import canonical
from synfab.predecoder.labels.words import SHOTS_PER_WORD, Words
from synfab.predecoder.volume import Volume


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """64 W shots of one volume, bit-sliced: bit b of word w, from the least significant, is shot 64 w + b.

    Attributes
    ----------
    volume : Volume
        What the places are; L = ``volume.layers``, C = ``volume.num_checks``, D = ``volume.num_data``.
    detectors : uint64 (2, L, C, W)
        Detection events by species, layer and check; 0 where ``volume.detector_mask`` has none.
    sites : uint64 (2 L (D + C), W)
        The label: data flips, then measurement flips, as ``volume`` numbers them.
    observables : uint64 (1, W)
        Whether the observable was flipped.

    Raises
    ------
    InputError
        If an array has another shape or dtype.
    """

    volume: Volume
    detectors: Words
    sites: Words
    observables: Words

    def __post_init__(self) -> None:
        volume, width = self.volume, self.sites.shape[-1]
        shapes = {
            "detectors": (2, volume.layers, volume.num_checks, width),
            "sites": (volume.num_sites, width),
            "observables": (1, width),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or array.dtype != np.uint64:
                raise InputError(f"{name} must be uint64 of shape {shape}, not {array.dtype} of shape {array.shape}")

    @property
    def shots(self) -> int:
        """64 a word."""
        return SHOTS_PER_WORD * self.sites.shape[-1]

    @property
    def data(self) -> Words:
        """uint64 (2, L, D, W): data qubits that flip between layers k-1 and k; species 0 flips by Z, 1 by X."""
        volume = self.volume
        split = 2 * volume.layers * volume.num_data
        return self.sites[:split].reshape(2, volume.layers, volume.num_data, -1)

    @property
    def timelike(self) -> Words:
        """uint64 (2, L, C, W): outcomes of round k that are not what the data say; species 0 is X checks, 1 Z checks.

        The last layer, the read-out, is 0.
        """
        volume = self.volume
        split = 2 * volume.layers * volume.num_data
        return self.sites[split:].reshape(2, volume.layers, volume.num_checks, -1)

    def canonical(self, *, reach: int = 1) -> "Labels":
        """Return the same shots with equivalent, short labels: :func:`synfab.predecoder.labels.canonical`."""
        return self.with_sites(canonical(self.sites, volume=self.volume, reach=reach))

    def with_sites(self, sites: Words) -> "Labels":
        """Return the same shots with other labels."""
        return Labels(volume=self.volume, detectors=self.detectors, sites=sites, observables=self.observables)

    def syndrome(self) -> Words:
        """Return uint64 (2, L, C, W): the detection events that the label makes, equal to ``detectors`` if it is right.

        Detector (k, c) is t_k(c) + t_(k-1)(c) + the data flips of layer k on the qubits of c, modulo 2.
        """
        events = np.empty_like(self.detectors)
        for species in range(2):
            events[species] = parities(self.data[species], self.volume.supports[species])
        events ^= self.timelike
        events[:, 1:] ^= self.timelike[:, :-1]
        events[~self.volume.detector_mask] = 0
        return events

    def residual(self) -> Words:
        """Return uint64 (2, L, C, W): the detection events left when the label is applied as a correction."""
        return self.detectors ^ self.syndrome()

    def logical(self) -> Words:
        """Return uint64 (1, W): whether the label flips the observable, equal to ``observables`` if it is right."""
        flips = self.data[self.volume.known][:, self.volume.logical]
        return np.bitwise_xor.reduce(flips, axis=(0, 1))[None]

    def words(self, start: int, stop: int) -> "Labels":
        """Return the shots of words ``start`` to ``stop`` - 1, as views."""
        return Labels(
            volume=self.volume,
            detectors=self.detectors[..., start:stop],
            sites=self.sites[:, start:stop],
            observables=self.observables[:, start:stop],
        )

    @staticmethod
    def joined(parts: Sequence["Labels"]) -> "Labels":
        """Return the shots of all parts, one after the other; they must be of one volume."""
        if len({part.volume for part in parts}) != 1:
            raise InputError(f"samples must be of one volume to be joined, not of {[part.volume for part in parts]!r}")
        return Labels(
            volume=parts[0].volume,
            detectors=np.concatenate([part.detectors for part in parts], axis=-1),
            sites=np.concatenate([part.sites for part in parts], axis=-1),
            observables=np.concatenate([part.observables for part in parts], axis=-1),
        )


def parities(flips: Words, supports: np.ndarray) -> Words:
    """Return uint64 (L, C, W): the parity of ``flips``, uint64 (L, D, W), on the qubits of each check.

    Parameters
    ----------
    supports : int32 (C, 4)
        Data qubits, D where there is none.
    """
    layers, _, width = flips.shape
    padded = np.concatenate([flips, np.zeros((layers, 1, width), np.uint64)], axis=1)
    first, second, third, fourth = supports.T
    return padded[:, first] ^ padded[:, second] ^ padded[:, third] ^ padded[:, fourth]
