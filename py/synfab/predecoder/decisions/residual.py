# SPDX-License-Identifier: Apache-2.0
"""What flips do to detectors and to the observable: the XOR networks behind residual events and the frame."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from synfab.predecoder.volume import Indices, Mask, Volume

Flips = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FlipEffect:
    """The effect of every flip of a volume, by its place.

    A data flip of layer k changes the detectors of layer k of the one or two checks of its species that hold the
    qubit; a measurement flip of round k those of its check in layers k and k + 1 (arXiv:2604.12841, equations 50 to
    53). The observable is the parity of the data flips of the known species on the logical operator.

    Attributes
    ----------
    volume : Volume
    """

    volume: Volume

    @property
    def num_detectors(self) -> int:
        """Places of detectors: (species, layer, check) in C order, those without a detector included."""
        return 2 * self.volume.layers * self.volume.num_checks

    @cached_property
    def ends(self) -> Indices:
        """int32 (num_sites, 2): the detectors that a flip changes, ascending; then -1."""
        return _ends(self.volume)

    @cached_property
    def has_site(self) -> Mask:
        """Where a flip means anything, bool (num_sites,)."""
        data, timelike = self.volume.data_mask, self.volume.timelike_mask
        parts = [np.repeat(data.ravel(), self.volume.num_data), np.repeat(timelike.ravel(), self.volume.num_checks)]
        return np.concatenate(parts)

    @cached_property
    def has_detector(self) -> Mask:
        """Where a detector is, bool (num_detectors,)."""
        return np.repeat(self.volume.detector_mask.ravel(), self.volume.num_checks)

    @cached_property
    def flips_observable(self) -> Mask:
        """Which flips change the observable, bool (num_sites,)."""
        volume = self.volume
        data = np.zeros((2, volume.layers, volume.num_data), np.bool_)
        data[volume.known][:, volume.logical] = True
        return np.concatenate([data.ravel(), np.zeros(2 * volume.layers * volume.num_checks, np.bool_)])

    @cached_property
    def sites_of_detector(self) -> Indices:
        """int32 (num_detectors, most): the flips that change each detector, ascending; then -1."""
        lists: list[list[int]] = [[] for _ in range(self.num_detectors)]
        for site, pair in enumerate(self.ends.tolist()):
            for detector in pair:
                if detector >= 0:
                    lists[detector].append(site)
        most = max(map(len, lists))
        return np.array([row + [-1] * (most - len(row)) for row in lists], np.int32)

    def syndrome(self, flips: Flips) -> Flips:
        """Return the events that flips make, bool (shots, num_detectors)."""
        padded = np.concatenate([flips, np.zeros((len(flips), 1), np.bool_)], axis=1)
        events = np.zeros((len(flips), self.num_detectors), np.bool_)
        for column in self.sites_of_detector.T:
            events ^= padded[:, column]
        return events

    def residual(self, events: Flips, flips: Flips) -> Flips:
        """Return the events that are left when flips are applied as corrections."""
        return events ^ self.syndrome(flips)

    def frame(self, flips: Flips) -> Flips:
        """Return whether flips change the observable, bool (shots,)."""
        return flips[:, self.flips_observable].sum(axis=1) % 2 == 1


@lru_cache(maxsize=32)
def _ends(volume: Volume) -> Indices:
    ends: list[list[int]] = [[] for _ in range(volume.num_sites)]
    for species in range(2):
        for layer in range(volume.layers):
            first = (species * volume.layers + layer) * volume.num_checks
            seen = bool(volume.detector_mask[species, layer])
            for check, qubits in enumerate(volume.supports[species].tolist()):
                for qubit in qubits:
                    if seen and qubit < volume.num_data:
                        ends[volume.data_site(species, layer, qubit)].append(first + check)
                if volume.timelike_mask[species, layer]:
                    site = ends[volume.timelike_site(species, layer, check)]
                    site += [first + check] * seen
                    if volume.detector_mask[species, layer + 1]:
                        site.append(first + volume.num_checks + check)
    table = np.array([sorted(pair) + [-1] * (2 - len(pair)) for pair in ends], np.int32)
    table.setflags(write=False)
    return table
