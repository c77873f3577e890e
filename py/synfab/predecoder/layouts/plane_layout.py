# SPDX-License-Identifier: Apache-2.0
"""A layout: where each check and data qubit of a layer of the volume stands in planes of rows and columns."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from synfab.artefact import digest
from synfab.errors import InputError
from synfab.predecoder.labels.sample import Labels
from synfab.predecoder.labels.words import Bits, Words, gathered_bits, words_from_bits
from synfab.predecoder.planes import require_shape
from synfab.predecoder.volume import Indices, Mask, Volume

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Shots as a network takes them; L layers, see :class:`PlaneLayout` for the channels.

    Attributes
    ----------
    events : uint8 (shots, event_channels, L, rows, cols)
        Detection events, 0 or 1.
    targets : uint8 (shots, target_channels, L, rows, cols)
        The labels, 0 or 1.
    observables : uint8 (shots, 1)
        Whether the observable was flipped.
    """

    events: Bits
    targets: Bits
    observables: Bits


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneLayout:
    """Where the places of one layer stand; layers are an axis of their own, between channels and rows.

    A *site* is the flat index of (channel, row, column) in C order. Three tables map the volume's numbers (species,
    then check or data qubit, as :class:`Volume` has them) to sites, and two map sites back. Every number has a site;
    a site that no number has is always 0.

    Attributes
    ----------
    name : str
        By which :func:`layout_by_name` finds it.
    distance : int
    rows, cols : int
        Of every plane.
    event_channels, target_channels : int
        Planes a layer: of detection events, and of corrections.
    event_sites : int32 (2, num_checks)
        Site of each check among the event channels.
    data_sites : int32 (2, num_data)
        Site of each data flip among the target channels; species 0 is the Z flips.
    timelike_sites : int32 (2, num_checks)
        Site of each measurement flip among the target channels.
    """

    name: str
    distance: int
    rows: int
    cols: int
    event_channels: int
    target_channels: int
    event_sites: Indices
    data_sites: Indices
    timelike_sites: Indices

    def __post_init__(self) -> None:
        for table in (self.event_sites, self.data_sites, self.timelike_sites):
            table.setflags(write=False)

    @property
    def event_shape(self) -> tuple[int, int, int]:
        """(event_channels, rows, cols)."""
        return self.event_channels, self.rows, self.cols

    @property
    def target_shape(self) -> tuple[int, int, int]:
        """(target_channels, rows, cols)."""
        return self.target_channels, self.rows, self.cols

    @cached_property
    def event_source(self) -> Indices:
        """int32 (event_channels, rows, cols): species * num_checks + check that stands there, -1 if none."""
        return _inverse(self.event_sites.ravel(), self.event_shape)

    @cached_property
    def target_source(self) -> Indices:
        """int32 (target_channels, rows, cols): the number of the flip that stands there, -1 if none.

        Data flips count from 0, species * num_data + qubit; measurement flips follow from 2 num_data, species *
        num_checks + check.
        """
        return _inverse(np.concatenate([self.data_sites.ravel(), self.timelike_sites.ravel()]), self.target_shape)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the name, the shapes and the three tables."""
        shape = [self.name, self.distance, *self.event_shape, self.target_channels]
        tables = (self.event_sites, self.data_sites, self.timelike_sites)
        return digest(shape, *(table.astype("<i4").tobytes() for table in tables))

    def presence(self, volume: Volume) -> Bits:
        """Return the constant input planes, uint8 (event_channels, L, rows, cols): half the weight of the check there.

        2 for a check of four qubits, 1 for one of two, 0 for no check and where the volume has no detector: the random
        species in the first and the last layer. The paper's channels, equations 17 to 20, are these halved.
        """
        halves = (volume.supports < volume.num_data).sum(axis=2, dtype=np.uint8) // 2
        table = np.append(halves.ravel(), np.uint8(0))[self.event_source]
        return table[:, None] * self.event_mask(volume)

    def event_mask(self, volume: Volume) -> Mask:
        """Return bool (event_channels, L, rows, cols): where a detector is."""
        return _seen(self.event_source, volume.detector_mask, volume.num_checks)

    def target_mask(self, volume: Volume) -> Mask:
        """Return bool (target_channels, L, rows, cols): where a correction means anything."""
        return _target_places(self, volume) >= 0

    def places(self, volume: Volume) -> Places:
        """Return int64 (target_channels, L, rows, cols): the volume's number of the flip that stands there, or -1."""
        return _target_places(self, volume)

    def event_places(self, volume: Volume) -> Places:
        """Return int64 (event_channels, L, rows, cols): the place of the detector that stands there, or -1.

        Places count (species, layer, check) in C order.
        """
        return _event_places(self, volume)

    def site_values(self, values: npt.NDArray, *, volume: Volume, missing: float) -> npt.NDArray:
        """Return what planes say of each flip: (shots, volume.num_sites), ``missing`` where they say nothing.

        Parameters
        ----------
        values : ndarray, (shots, planes, L, rows, cols)
            The target channels, or the first of them.
        """
        places = self.places(volume)[: values.shape[1]].ravel()
        found = np.full((len(values), volume.num_sites), missing, values.dtype)
        found[:, places[places >= 0]] = values.reshape(len(values), -1)[:, places >= 0]
        return found

    def require_logits(self, logits: npt.NDArray, planes: npt.NDArray) -> None:
        """Raise InputError unless a net may have answered planes so: with the target channels, or the first of them."""
        shots, _, *sides = planes.shape
        wanted = (shots, min([*logits.shape[1:2], self.target_channels]), *sides)
        require_shape("logits", logits.shape, wanted, repair=f"take a net of the layout {self.name!r}")

    def batch(self, labels: Labels) -> Batch:
        """Return the shots of ``labels`` in these planes.

        Raises
        ------
        InputError
            If they are of another distance.
        """
        self._require(labels.volume)
        volume = labels.volume
        events = labels.detectors.reshape(-1, labels.detectors.shape[-1])
        return Batch(
            events=gathered_bits(events, _event_places(self, volume)),
            targets=gathered_bits(labels.sites, _target_places(self, volume)),
            observables=gathered_bits(labels.observables, np.zeros(1, np.int64)),
        )

    def sites_from_targets(self, targets: Bits, *, volume: Volume) -> Words:
        """Return the flips that planes show, uint64 (volume.num_sites, W): the way back from :meth:`batch`.

        Parameters
        ----------
        targets : uint8 or bool (64 W, target_channels, L, rows, cols)
            Labels or a network's decisions; what stands where :meth:`target_mask` is false is left out.

        Raises
        ------
        InputError
            If the shape is another, or the number of shots no multiple of 64.
        """
        self._require(volume)
        places = _target_places(self, volume)
        if targets.shape[1:] != places.shape or len(targets) % 64:
            raise InputError(
                f"targets must be of shape (64 W, {', '.join(map(str, places.shape))}) in the layout {self.name!r}, "
                f"not {targets.shape}"
            )
        words = words_from_bits(targets).reshape(places.size, -1)
        sites = np.zeros((volume.num_sites, words.shape[-1]), np.uint64)
        flat = places.ravel()
        sites[flat[flat >= 0]] = words[flat >= 0]
        return sites

    def _require(self, volume: Volume) -> None:
        if volume.distance != self.distance:
            raise InputError(
                f"the layout {self.name!r} is one of distance {self.distance}, the samples are of distance "
                f"{volume.distance}: make it with {self.name}({volume.distance})"
            )


def _inverse(sites: npt.NDArray[np.int32], shape: tuple[int, int, int]) -> Indices:
    source = np.full(int(np.prod(shape)), -1, np.int32)
    source[sites] = np.arange(len(sites), dtype=np.int32)
    table = source.reshape(shape)
    table.setflags(write=False)
    return table


def _seen(source: Indices, mask: Mask, each: int) -> Mask:
    """Spread a mask (2, L) over what stands at ``source``, (channels, rows, cols): (channels, L, rows, cols).

    Parameters
    ----------
    each : int
        How many numbers a species has.
    """
    # A site without a number borrows a species, and is masked out.
    species = np.clip(source // each, 0, 1)
    return np.moveaxis(mask[species], -1, 1) & (source >= 0)[:, None]


@lru_cache(maxsize=32)
def _event_places(layout: PlaneLayout, volume: Volume) -> Places:
    """Return int64 (event_channels, L, rows, cols): (species L + layer) num_checks + check, or -1."""
    layer = np.arange(volume.layers)[None, :, None, None]
    species, check = np.divmod(layout.event_source[:, None].astype(np.int64), volume.num_checks)
    places = (species * volume.layers + layer) * volume.num_checks + check
    return np.where(layout.event_mask(volume), places, -1)


@lru_cache(maxsize=32)
def _target_places(layout: PlaneLayout, volume: Volume) -> Places:
    """Return int64 (target_channels, L, rows, cols): the volume's number of the flip, or -1."""
    layer = np.arange(volume.layers)[None, :, None, None]
    source = layout.target_source[:, None].astype(np.int64)
    split = 2 * volume.num_data
    species, qubit = np.divmod(source, volume.num_data)
    data = (species * volume.layers + layer) * volume.num_data + qubit
    species, check = np.divmod(source - split, volume.num_checks)
    timelike = 2 * volume.layers * volume.num_data + (species * volume.layers + layer) * volume.num_checks + check
    is_data = _seen(np.where(layout.target_source < split, layout.target_source, -1), volume.data_mask, volume.num_data)
    is_timelike = _seen(layout.target_source - split, volume.timelike_mask, volume.num_checks)
    return np.where(is_data, data, np.where(is_timelike, timelike, -1))
