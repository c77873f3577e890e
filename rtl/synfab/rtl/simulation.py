# SPDX-License-Identifier: Apache-2.0
"""Plays streams to a component in Amaranth's simulator, cycle by cycle, and watches that the rules are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from amaranth import Value
from amaranth.sim import Simulator

from synfab.decoders import UnionFindSpec
from synfab.rtl.union_find import Design

Pause = Callable[[], int]
"""Returns for how many cycles to hold back, drawn anew for each beat."""


def never() -> int:
    """Hold back for no cycle."""
    return 0


class Port(NamedTuple):
    """The signals of a valid/ready stream; a ``payload`` of several fields is a number, the first field lowest."""

    valid: Value
    ready: Value
    payload: Value

    @classmethod
    def of(cls, interface: Any) -> "Port":
        """Return the port of an Amaranth stream."""
        return cls(interface.valid, interface.ready, Value.cast(interface.payload))


SPATIAL = Design()


@dataclass(kw_only=True)
class Exchange:
    """What passed between a component and its neighbours, and when.

    Attributes
    ----------
    sent : list of int
        Cycle of the transfer of each beat sent.
    received : list of int
        Payload of each beat received.
    offered : list of int
        Cycle in which each of them was first offered.
    held : list of int
        Cycles in which an answer was offered and not taken.
    cycles : int
        Length of the exchange.
    """

    sent: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    cycles: int = 0


async def exchange(
    context: Any,
    i: Port,
    o: Port,
    beats: Sequence[int],
    *,
    answers: int,
    input_pause: Pause = never,
    output_pause: Pause = never,
    patience: int = 1000,
) -> Exchange:
    """Send beats and receive answers, both at once, until all have passed.

    Parameters
    ----------
    context
        Of an Amaranth testbench.
    i, o : Port
        Where to send, and where to receive.
    beats : sequence of int
    answers : int
        How many are awaited.
    input_pause, output_pause : Pause
        Idle cycles before each beat; cycles for which each answer waits for ``ready`` from its first offer.
    patience : int
        Cycles without a transfer after which the exchange is given up.

    Raises
    ------
    AssertionError
        If an offered answer is changed or withdrawn before it is taken.
    TimeoutError
    """
    seen = Exchange()
    left, hold_input, hold_output = list(beats), input_pause(), output_pause()
    pending: int | None = None
    idle = 0
    while left or len(seen.received) < answers:
        context.set(i.valid, bool(left) and not hold_input)
        context.set(i.payload, left[0] if left else 0)
        context.set(o.ready, not hold_output)
        *_, taken, valid, payload = await context.tick().sample(i.ready, o.valid, o.payload)
        assert pending is None or (valid and payload == pending), "an offered answer must stand until it is taken"
        idle += 1
        if left and not hold_input and taken:
            seen.sent.append(seen.cycles)
            left, hold_input, idle = left[1:], input_pause(), 0
        elif hold_input:
            hold_input -= 1
        if valid and pending is None:
            seen.offered.append(seen.cycles)
        pending = payload if valid else None
        if valid and not hold_output:
            seen.received.append(payload)
            pending, hold_output, idle = None, output_pause(), 0
        elif valid:
            seen.held.append(seen.cycles)
            hold_output -= 1
        seen.cycles += 1
        if idle > patience:
            raise TimeoutError(f"no transfer within {patience} cycles, after {len(seen.received)} answers")
    context.set(i.valid, 0)
    context.set(o.ready, 0)
    return seen


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a fabric answered to some shots.

    Attributes
    ----------
    observables : ndarray of uint8, (shots, num_observables)
    corrections : ndarray of uint8, (shots, num_edges), or None
    cycles : ndarray of int64, (shots,)
        From the transfer of a block's last beat to the answer's first offer.
    held : ndarray of int64, (shots,)
        Those of them in which the answer before was held up.
    max_cycles : int
        What the fabric promises of ``cycles - held``.
    """

    observables: npt.NDArray[np.uint8]
    corrections: npt.NDArray[np.uint8] | None
    cycles: npt.NDArray[np.int64]
    held: npt.NDArray[np.int64]
    max_cycles: int


def played(
    spec: UnionFindSpec,
    detections: npt.NDArray[np.uint8],
    *,
    design: Design = SPATIAL,
    input_pause: Pause = never,
    output_pause: Pause = never,
) -> Played:
    """Play shots, ``(shots, num_detectors)`` of 0 and 1, to a fabric of a spec."""
    fabric, corrections = design.fabric(spec, instances=False), design.corrections
    beats = [payload for shot in detections for payload in block_beats(spec, shot)]
    seen: list[Exchange] = []

    async def testbench(context: Any) -> None:
        seen.append(
            await exchange(
                context,
                Port.of(fabric.i),
                Port.of(fabric.o),
                beats,
                answers=len(detections),
                input_pause=input_pause,
                output_pause=output_pause,
            )
        )

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    (result,) = seen
    num_labels = max(1, spec.num_observables)
    answers = [[payload >> bit & 1 for bit in range(num_labels + len(spec.edges))] for payload in result.received]
    bits = np.array(answers, np.uint8).reshape(len(detections), num_labels + len(spec.edges))
    last = np.array(result.sent, np.int64)[len(spec.rounds) - 1 :: len(spec.rounds)]
    return Played(
        observables=bits[:, : spec.num_observables],
        corrections=bits[:, num_labels:] if corrections else None,
        cycles=np.array(result.offered, np.int64) - last,
        held=np.searchsorted(result.held, result.offered) - np.searchsorted(result.held, last, side="right"),
        max_cycles=fabric.max_cycles,
    )


@dataclass(kw_only=True)
class Stopwatch:
    """Counts the cycles of every block as :attr:`Fabric.max_cycles` does, from what is seen in each cycle.

    Attributes
    ----------
    cycles : list of int
        Of each block whose answer was offered.
    running : list of int
        Of each complete block without an offered answer, this cycle included.
    """

    cycles: list[int] = field(default_factory=list)
    running: list[int] = field(default_factory=list)
    _stood: bool = False

    def tick(self, *, last: bool, valid: bool, ready: bool) -> None:
        """Take note of one cycle: whether a last beat passed, and ``valid`` and ``ready`` of the answer."""
        if valid and not self._stood:
            self.cycles.append(self.running.pop(0))
        self._stood = bool(valid and not ready)
        self.running = [cycles + (not self._stood) for cycles in self.running] + [1] * bool(last)


def block_beats(spec: UnionFindSpec, shot: npt.NDArray[np.uint8]) -> list[int]:
    """Return the payloads of the beats of one shot, ``(num_detectors,)`` of 0 and 1."""
    last = 1 << max(map(len, spec.rounds))
    beats = [sum(int(shot[d]) << bit for bit, d in enumerate(detectors)) for detectors in spec.rounds]
    return [*beats[:-1], beats[-1] | last]
