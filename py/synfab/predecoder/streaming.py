# SPDX-License-Identifier: Apache-2.0
"""A net as a stream: a round in, a round out, with a state of a few rounds a layer.

A three-dimensional convolution is a two-dimensional one of its last rounds side by side: a layer keeps as many rounds
as its kernel is deep. Rounds beyond the first and the last of a volume are empty.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

Round = TypeVar("Round")


class RoundStream(Protocol[Round]):
    """Takes the rounds of one volume after the other."""

    def push(self, inputs: Round) -> Round | None:
        """Take a round; return the one that is settled by it, if there is one."""
        ...

    def finish(self) -> list[Round]:
        """End the volume; return the rounds that were left. The next round begins another volume."""
        ...


class Windowed(Generic[Round]):
    """One layer: makes a round of the last few, the middle one of which it stands for.

    Parameters
    ----------
    depth : int
        Rounds that it sees, odd.
    empty : round
    outputs : callable
        From ``depth`` rounds to one.
    """

    def __init__(self, depth: int, empty: Round, outputs: Callable[[Sequence[Round]], Round]) -> None:
        self._look_ahead, self._empty, self._outputs = depth // 2, empty, outputs
        self._window: deque[Round] = deque(maxlen=depth)
        self._begin()

    def _begin(self) -> None:
        self._window.extend([self._empty] * (2 * self._look_ahead + 1))
        self._taken = 0

    def push(self, inputs: Round) -> Round | None:
        """See :class:`RoundStream`."""
        self._window.append(inputs)
        self._taken += 1
        return self._outputs(self._window) if self._taken > self._look_ahead else None

    def finish(self) -> list[Round]:
        """See :class:`RoundStream`."""
        taken = self._taken
        rest = [self.push(self._empty) for _ in range(self._look_ahead)] if taken else []
        self._begin()
        return [outputs for outputs in rest if outputs is not None]


class Chain(Generic[Round]):
    """Streams one after the other."""

    def __init__(self, links: Sequence[RoundStream[Round]]) -> None:
        self._links = links

    def push(self, inputs: Round) -> Round | None:
        """See :class:`RoundStream`."""
        return self._through(inputs, self._links)

    def finish(self) -> list[Round]:
        """See :class:`RoundStream`."""
        return list(self._finish())

    def _finish(self) -> Iterator[Round]:
        for number, link in enumerate(self._links):
            for outputs in link.finish():
                last = self._through(outputs, self._links[number + 1 :])
                if last is not None:
                    yield last

    @staticmethod
    def _through(inputs: Round, links: Sequence[RoundStream[Round]]) -> Round | None:
        current: Round | None = inputs
        for link in links:
            if current is None:
                return None
            current = link.push(current)
        return current


class Sum(Generic[Round]):
    """Two streams of the same inputs, and their sum: a layer with a skip connection.

    Parameters
    ----------
    inner, skip : stream
        ``skip`` looks ahead no further than ``inner``.
    outputs : callable
        From what ``inner`` and ``skip`` give for the same round.
    """

    def __init__(
        self, inner: RoundStream[Round], skip: RoundStream[Round], outputs: Callable[[Round, Round], Round]
    ) -> None:
        self._inner, self._skip, self._outputs = inner, skip, outputs
        self._waiting: deque[Round] = deque()

    def push(self, inputs: Round) -> Round | None:
        """See :class:`RoundStream`."""
        skipped, inner = self._skip.push(inputs), self._inner.push(inputs)
        if skipped is not None:
            self._waiting.append(skipped)
        return None if inner is None else self._outputs(inner, self._waiting.popleft())

    def finish(self) -> list[Round]:
        """See :class:`RoundStream`."""
        self._waiting.extend(self._skip.finish())
        return [self._outputs(inner, self._waiting.popleft()) for inner in self._inner.finish()]
