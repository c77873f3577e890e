# SPDX-License-Identifier: Apache-2.0
"""The samples of stored batches: which shots the k-th batch has, and where they lie."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from synfab.data import StoredSamples
from synfab.errors import InputError
from synfab.predecoder.labels import SHOTS_PER_WORD, Labels
from synfab.predecoder.training.config import Data


class Place(NamedTuple):
    """Where a batch lies: a folder and a part of it, by number, and a word of that part."""

    folder: int
    part: int
    word: int


class StoredBatches:
    """Takes every batch that folders of samples hold once in a pass, each pass in another order.

    The folders take turns at random, so that error rates and sizes are mixed; within a folder, parts are read one
    after the other, so that one of each folder is in memory at a time.

    Parameters
    ----------
    data : Data
        With ``stored`` folders.
    seed : int

    Raises
    ------
    InputError
        If a folder does not hold samples, or others than ``data`` is of, or a part has less than a batch.
    """

    def __init__(self, data: Data, *, seed: int) -> None:
        self.seed, self.words = seed, data.shots // SHOTS_PER_WORD
        self.sources = [StoredSamples(folder) for folder in data.stored]
        for source in self.sources:
            _require_samples_of(data, source)
        self._held: dict[int, tuple[int, Labels]] = {}

    def labels(self, number: int) -> Labels:
        """Return the samples of batch ``number``."""
        passes, number = divmod(number, len(self.places(0)))
        folder, part, word = self.places(passes)[number]
        held = self._held.get(folder)
        if held is None or held[0] != part:
            held = self._held[folder] = (part, self.sources[folder].part(part))
        return held[1].words(word, word + self.words)

    def places(self, passes: int) -> list[Place]:
        """Return the places of all batches of a pass, in its order."""
        return _places(
            tuple(tuple(part.shots // SHOTS_PER_WORD for part in source.manifest.parts) for source in self.sources),
            words=self.words,
            seed=self.seed,
            passes=passes,
        )


@lru_cache(maxsize=2)
def _places(folders: tuple[tuple[int, ...], ...], *, words: int, seed: int, passes: int) -> list[Place]:
    draw = np.random.default_rng([seed, passes])
    queues = [
        [
            Place(folder, part, word)
            for part in draw.permutation(len(widths)).tolist()
            for word in range(0, widths[part] - words + 1, words)
        ]
        for folder, widths in enumerate(folders)
    ]
    turns = draw.permutation([place.folder for queue in queues for place in queue])
    queued = [iter(queue) for queue in queues]
    return [next(queued[folder]) for folder in turns.tolist()]


def _require_samples_of(data: Data, source: StoredSamples) -> None:
    manifest = source.manifest
    asked = {
        "distance": (manifest.distance, data.distances),
        "rounds": (manifest.rounds, (data.rounds or manifest.distance,)),
        "basis": (manifest.basis, data.bases),
        "noise": (_noise(source), (data.noise,)),
        "reach": (manifest.reach, (data.reach,)),
    }
    for name, (found, choices) in asked.items():
        if found not in choices:
            raise InputError(
                f"the {name} of stored samples must be what the config's data say, {', '.join(map(str, choices))}, not "
                f"{found}, as in {source.directory}; change one of them"
            )
    if (fewest := min(part.shots for part in manifest.parts)) < data.shots:
        raise InputError(
            f"a part of stored samples must have the {data.shots} shots of a batch, not {fewest}, as in "
            f"{source.directory}; take smaller batches"
        )


def _noise(source: StoredSamples) -> str:
    # Of the same 25 places: what is drawn around depolarizing is judged under that.
    model = str(source.manifest.noise["model"])
    return "depolarizing" if model == "pauli" else model
