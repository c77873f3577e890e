# SPDX-License-Identifier: Apache-2.0
"""The Model: what the decoder must take and answer, from the stored vectors alone."""

from collections.abc import Iterator

from synfab.sim.bench.vectors import Answer, Vectors


class Model:
    """Knows the beats of a shot and the reference's answer; pure.

    Payloads follow the layouts of the RTL: a beat is ``detections`` (as wide as the largest round) with ``last``
    above them; an answer is ``observables`` (at least one bit) with ``corrections`` above them.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._beat_bits = max(map(len, vectors.rounds))
        self._observable_bits = max(1, vectors.manifest["num_observables"])

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

    def answer(self, shot: int) -> Answer:
        """Return the reference's answer."""
        return self._vectors.answer(shot)

    def answer_from_payload(self, payload: int) -> Answer:
        """Take an output payload apart."""
        observables = payload & ((1 << self._observable_bits) - 1)
        return Answer(observables, payload >> self._observable_bits if self._vectors.has_corrections else None)

    def describe(self, shot: int) -> str:
        """Return the detection events of a shot, round by round, as a sentence."""
        events = self._vectors.detections(shot)
        rounds = [[d for d in detectors if events >> d & 1] for detectors in self._vectors.rounds]
        return ", ".join(f"round {k}: {detectors}" for k, detectors in enumerate(rounds) if detectors) or "none"

    def _rounds(self, shot: int) -> Iterator[int]:
        events = self._vectors.detections(shot)
        for detectors in self._vectors.rounds:
            yield sum((events >> detector & 1) << bit for bit, detector in enumerate(detectors))
