# SPDX-License-Identifier: Apache-2.0
"""The Model: what the decoder must take and answer, from the stored vectors alone."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from synfab.sim.bench.vectors import Answer, Vectors


class Block(NamedTuple):
    """What goes into the decoder for one block.

    Attributes
    ----------
    shot : int
        Whose answer is expected.
    beats : list of int
        Payloads of ``i``, a round a beat.
    entries : list of int
        Payloads of ``w`` that must pass before the last beat.
    aborted : bool
        No answer is expected.
    """

    shot: int
    beats: list[int]
    entries: list[int]
    aborted: bool = False


class Model:
    """Knows the beats of a shot and the reference's answer; pure.

    Payloads follow the layouts of the RTL: a beat is ``detections`` (as wide as the largest round) with ``last`` and
    ``abort`` above them; an entry is ``weight`` with ``default`` and ``edge`` above it; an answer is ``observables``
    (at least one bit) with ``corrections`` above them.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._beat_bits = max(map(len, vectors.rounds))
        self._observable_bits = max(1, vectors.manifest["num_observables"])
        self._weight_bits = vectors.manifest["weight_bits"]

    @property
    def shots(self) -> int:
        """Number of stored shots."""
        return len(self._vectors)

    def beats(self, shot: int) -> list[int]:
        """Return the payload of each beat of a shot."""
        rounds = list(self._rounds(shot))
        return [detections | (k == len(rounds) - 1) << self._beat_bits for k, detections in enumerate(rounds)]

    def short_beats(self, shot: int) -> list[int]:
        """Return the beats up to the last round with a detection event: the rest is left to be taken as empty."""
        rounds = list(self._rounds(shot))
        while len(rounds) > 1 and not rounds[-1]:
            rounds.pop()
        return [detections | (k == len(rounds) - 1) << self._beat_bits for k, detections in enumerate(rounds)]

    def long_beats(self, shot: int) -> list[int]:
        """Return the beats followed by two that come after the last round and must be ignored."""
        noise = (1 << self._beat_bits) - 1
        return [*self._rounds(shot), noise, noise | 1 << self._beat_bits]

    def aborted_beats(self, shot: int, draw: random.Random) -> list[int]:
        """Return some of a shot's beats, and one that aborts the block, whatever else it says."""
        beats = self.beats(shot)
        begun = beats[: draw.randrange(len(beats))]
        return [*begun, draw.getrandbits(self._beat_bits + 1) | 1 << (self._beat_bits + 1)]

    def entries(self, shot: int) -> list[int]:
        """Return the payloads of a shot's own weights, none where they are the spec's."""
        return [self._entry(edge, weight) for edge, weight in self._vectors.overrides(shot).items()]

    def shuffled_entries(self, shot: int, draw: random.Random) -> list[int]:
        """Return the same in any order, some of them after another entry of the edge, which the later one replaces."""
        entries, overrides = [], list(self._vectors.overrides(shot).items())
        draw.shuffle(overrides)
        for edge, weight in overrides:
            if draw.random() < 0.3:
                entries.append(self._entry(edge, draw.getrandbits(self._weight_bits)))
            entries.append(self._entry(edge, weight))
        return entries

    def default_entries(self, shot: int) -> list[int]:
        """Return entries that make a shot's weights the defaults, but for its erased edges, which cannot be."""
        overrides = self._vectors.overrides(shot).items()
        return [self._entry(edge, weight, default=True) for edge, weight in overrides if weight]

    def erasures(self, shot: int) -> list[int]:
        """Return the entries of a shot's erased edges."""
        return [self._entry(edge, 0) for edge, weight in self._vectors.overrides(shot).items() if not weight]

    def restoring_entries(self, shot: int) -> list[int]:
        """Return entries that make the spec's weights the defaults again, after :meth:`default_entries`."""
        weights = self._vectors.manifest["weights"]
        return [self._entry(edge, weights[edge], default=True) for edge in self._vectors.overrides(shot)]

    def answer(self, shot: int) -> Answer:
        """Return the reference's answer."""
        return self._vectors.answer(shot)

    def answer_from_payload(self, payload: int) -> Answer:
        """Take an output payload apart."""
        observables = payload & ((1 << self._observable_bits) - 1)
        return Answer(observables, payload >> self._observable_bits if self._vectors.has_corrections else None)

    def describe(self, shot: int) -> str:
        """Return the detection events of a shot, round by round, and its own weights, as a sentence."""
        events = self._vectors.detections(shot)
        rounds = [[d for d in detectors if events >> d & 1] for detectors in self._vectors.rounds]
        described = ", ".join(f"round {k}: {detectors}" for k, detectors in enumerate(rounds) if detectors) or "none"
        overrides = self._vectors.overrides(shot)
        return f"{described}\n  weights by edge: {overrides}" if overrides else described

    def _entry(self, edge: int, weight: int, *, default: bool = False) -> int:
        return weight | int(default) << self._weight_bits | edge << (self._weight_bits + 1)

    def _rounds(self, shot: int) -> Iterator[int]:
        events = self._vectors.detections(shot)
        for detectors in self._vectors.rounds:
            yield sum((events >> detector & 1) << bit for bit, detector in enumerate(detectors))
