# SPDX-License-Identifier: Apache-2.0
"""Where batches come from: one interface, whether samples are fresh or stored."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import stim

from synfab.circuits.parameters import require_integer
from synfab.data.manifest import Manifest, load_manifest
from synfab.data.shards import read_shard
from synfab.data.zarr_group import read_range
from synfab.errors import InputError
from synfab.predecoder.labels import SHOTS_PER_WORD, Labels, LabelSampler, Schedule
from synfab.predecoder.layouts import Batch, layout_by_name
from synfab.predecoder.volume import Volume

READERS = {"webdataset": read_shard, "zarr": read_range}


class SampleSource(ABC):
    """Samples of one circuit, as words or as batches in a layout's planes."""

    @property
    @abstractmethod
    def circuit(self) -> stim.Circuit:
        """What was sampled: its detectors are those that a decoder behind the network sees."""

    @property
    @abstractmethod
    def volume(self) -> Volume:
        """The volume of every sample."""

    @abstractmethod
    def labels(self) -> Iterator[Labels]:
        """Yield samples in pieces of any size; a stored source ends after each shot was there once."""

    def words(self, words: int) -> Iterator[Labels]:
        """Yield samples in pieces of 64 ``words`` shots; the last one of a source that ends may be smaller."""
        require_integer("words", words, 1)
        return _regrouped(self.labels(), words)

    def batches(self, *, shots: int, layout: str) -> Iterator[Batch]:
        """Yield batches of ``shots`` shots; the last one of a source that ends may be smaller.

        Parameters
        ----------
        shots : int
            A multiple of 64.
        layout : str
            A name in :data:`synfab.predecoder.layouts.LAYOUTS`.

        Raises
        ------
        InputError
            At once, if there is no such layout, or ``shots`` does not fit.
        """
        require_integer("shots", shots, SHOTS_PER_WORD)
        if shots % SHOTS_PER_WORD:
            raise InputError(f"shots of a batch must be a multiple of {SHOTS_PER_WORD}, not {shots!r}")
        planes = layout_by_name(layout, self.volume.distance)
        return (planes.batch(labels) for labels in self.words(shots // SHOTS_PER_WORD))


class FreshSamples(SampleSource):
    """Endless samples straight from Stim; every call of a method that yields them goes on, none begins again.

    Parameters
    ----------
    circuit : stim.Circuit
        A memory experiment of the rotated surface code.
    reach : int
        Of the homological equivalence; 0 leaves it out.
    seed : int or None
    words : int
        How many the simulator makes at a time.
    """

    def __init__(self, *, circuit: stim.Circuit, reach: int = 1, seed: int | None = None, words: int = 32) -> None:
        require_integer("words", words, 1)
        self._circuit = circuit
        self._sampler = LabelSampler(circuit=circuit, reach=reach).compile(seed=seed)
        self._words = words

    @property
    def circuit(self) -> stim.Circuit:
        """What is sampled."""
        return self._circuit

    @property
    def volume(self) -> Volume:
        """Read from the circuit."""
        return self._sampler.schedule.volume

    def labels(self) -> Iterator[Labels]:
        """Yield samples for ever."""
        while True:
            yield self._sampler.sample(self._words)


class StoredSamples(SampleSource):
    """The samples of a folder, shards or Zarr, in the order of its parts or shuffled anew at each pass.

    Parameters
    ----------
    directory : Path
        As :func:`synfab.data.write_samples` left it.
    shuffle_seed : int or None
        Take the parts in a random order, another one each time; None keeps the order. Shots in a part are independent
        already.

    Raises
    ------
    InputError
        If the manifest does not fit; when it is read, if a part is missing, torn or changed.
    """

    def __init__(self, directory: Path, *, shuffle_seed: int | None = None) -> None:
        self.directory = directory
        self.manifest: Manifest = load_manifest(directory)
        if not self.manifest.parts:
            raise InputError(f"{directory} must have at least one part, not none: run 'synfab data sample' again")
        self._circuit = stim.Circuit(self.manifest.circuit)
        found = Schedule.from_circuit(self._circuit).volume
        if found != self.manifest.volume:
            raise InputError(f"the manifest of {directory} must be of its circuit's volume, {found}, not of another")
        self._generator = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)

    def __len__(self) -> int:
        """Shots."""
        return self.manifest.shots

    @property
    def circuit(self) -> stim.Circuit:
        """What was sampled."""
        return self._circuit

    @property
    def volume(self) -> Volume:
        """As the manifest has it."""
        return self.manifest.volume

    def labels(self) -> Iterator[Labels]:
        """Yield every shot once."""
        order = np.arange(len(self.manifest.parts))
        if self._generator is not None:
            self._generator.shuffle(order)
        for index in order.tolist():
            yield from self._pieces(index)

    def part(self, index: int) -> Labels:
        """Return all samples of a part, by its number in the manifest."""
        return Labels.joined(list(self._pieces(index)))

    def _pieces(self, index: int) -> Iterator[Labels]:
        part = self.manifest.parts[index]
        return READERS[self.manifest.storage](self.directory, part, volume=self.volume)


def open_samples(directory: Path, *, shuffle_seed: int | None = None) -> StoredSamples:
    """Return the samples of a folder, whichever way they are stored."""
    return StoredSamples(directory, shuffle_seed=shuffle_seed)


def _regrouped(pieces: Iterable[Labels], words: int) -> Iterator[Labels]:
    held: list[Labels] = []
    width = 0
    for piece in pieces:
        held.append(piece)
        width += piece.shots // SHOTS_PER_WORD
        if width < words:
            continue
        joined = Labels.joined(held) if len(held) > 1 else held[0]
        whole = width - width % words
        for start in range(0, whole, words):
            yield joined.words(start, start + words)
        held = [joined.words(whole, width)] if width > whole else []
        width -= whole
    if held:
        yield Labels.joined(held)
