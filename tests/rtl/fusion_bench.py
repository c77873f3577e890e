# SPDX-License-Identifier: Apache-2.0
"""A fusion fabric under hands that send faces and blocks when they please, and take answers when they please."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from amaranth import ResetInserter, Signal, Value
from amaranth.sim import Simulator

from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.rtl.fusion import FusionFabric
from synfab.surgery.history import Flips, History


def expected(history: History, events: np.ndarray, *, slots: int, alone: Literal["block", "step"]) -> list[Flips]:
    """Return the reference's answer after each step, and after each of those that commit the last ones."""
    schedule = Schedule.in_time(history.spec, keep=slots - 1, alone=alone, to_the_last=True)
    decoder = FusionDecoder(spec=history.spec, schedule=schedule, release="commit")
    shot = events[np.newaxis]
    found = []
    for step in range(history.num_steps):
        steps = schedule.steps_until(history.spec, step)
        flips = history.by_home(decoder.corrections_so_far(shot, steps=steps)[0])
        found.append({key: mask for key, mask in flips.items() if key[0] > step - slots})
    final = history.by_home(decoder.decode_to_edges(shot)[0])
    last = range(history.num_steps, history.num_steps + slots - 1)
    return [*found, *({key: m for key, m in final.items() if key[0] == step - slots + 1} for step in last)]


class FusionBench:
    """A fabric, and programs for it, each a history with its events, one right after the other.

    Parameters
    ----------
    programs : sequence of (History, ndarray of uint8)
        Of one floor; events are of shape ``(num_detectors,)``.
    slots, alone
        As of the fabric.
    seed : int
        Of all pauses.
    lengths : mapping of (int, int) to int
        Beats of the blocks that have more or less than their layers, by step and cell, in each program.
    """

    def __init__(
        self,
        *programs: tuple[History, np.ndarray],
        slots: int,
        alone: Literal["block", "step"],
        seed: int,
        lengths: Mapping[tuple[int, int], int] = MappingProxyType({}),
    ) -> None:
        self.programs: Sequence[tuple[History, np.ndarray]] = programs
        self.slots, self.lengths = slots, lengths
        self.floor = programs[0][0].floor
        self.fabric: Any = FusionFabric(self.floor, slots=slots, alone=alone)
        self.rng = random.Random(seed)
        self.answers: list[Flips] = []
        self.resetting = Signal()

    @property
    def steps(self) -> Iterator[tuple[History, np.ndarray, int]]:
        """Every step of every program: one before that says what lies below, and those that commit the last ones."""
        for history, events in self.programs:
            for step in range(-1, history.num_steps + self.slots - 1):
                yield history, events, step

    def run(self, *, before: Callable[[Any, "FusionBench"], Any] | None = None) -> list[Flips]:
        """Play the programs, after ``before`` if given; return the answers of all their steps and those after them."""
        started = Signal()

        def after_start(send: Callable[[Any], Any]) -> Callable[[Any], Any]:
            async def run(context: Any) -> None:
                while not context.get(started):
                    await context.tick()
                await send(context)

            return run

        async def start(context: Any) -> None:
            if before:
                await before(context, self)
            context.set(started, 1)
            await context.tick()

        simulator = Simulator(ResetInserter(self.resetting)(self.fabric))
        simulator.add_clock(1e-6)
        simulator.add_testbench(start)
        simulator.add_testbench(after_start(self._faces))
        for cell in range(self.floor.num_cells):
            simulator.add_testbench(after_start(lambda context, cell=cell: self.blocks(context, cell)))
        simulator.add_testbench(after_start(self._take))
        simulator.run()
        return self.answers

    async def entry(self, context: Any, *, home: int, code: int, last: bool) -> None:
        """Write a state."""
        face = self.fabric.f
        context.set(face.payload, {"home": home, "code": code, "last": int(last)})
        context.set(face.valid, 1)
        await context.tick().until(face.ready)
        context.set(face.valid, 0)

    async def beat(self, context: Any, cell: int, detections: int, *, last: bool, abort: bool = False) -> None:
        """Send a layer of a block."""
        port = self.fabric.i[cell]
        context.set(port.payload, {"detections": detections, "last": int(last), "abort": int(abort)})
        context.set(port.valid, 1)
        await context.tick().until(port.ready)
        context.set(port.valid, 0)

    async def _faces(self, context: Any) -> None:
        for history, _, step in self.steps:
            entries = list(history.entries(step).items())
            self.rng.shuffle(entries)
            for place, (home, code) in enumerate(entries, start=1):
                await self._pause(context)
                await self.entry(context, home=home, code=code, last=place == len(entries))

    async def blocks(self, context: Any, cell: int) -> None:
        """Send all blocks of a cell, now and then a torn one first."""
        size = self.floor.cells.layer_size
        for history, events, step in self.steps:
            layers = self.detections(history, events, step, cell)
            if self.rng.random() < 0.2:
                await self.beat(context, cell, self.rng.getrandbits(size), last=False)
                await self.beat(context, cell, 0, last=self.rng.random() < 0.5, abort=True)
            length = self.lengths.get((step, cell), len(layers))
            # What comes beyond the layers means nothing.
            beats = [*layers, *((1 << size) - 1 for _ in layers)][:length]
            for place, beat in enumerate(beats, start=1):
                await self._pause(context)
                await self.beat(context, cell, beat, last=place == length)

    def detections(self, history: History, events: np.ndarray, step: int, cell: int) -> list[int]:
        """Return the layers of a block."""
        layers = [0] * (self.floor.cells.distance + 1)
        if 0 <= step < history.num_steps:
            for number, (owner, vertex) in enumerate(self.floor.vertices):
                if owner == cell and events[step * len(self.floor.vertices) + number]:
                    layer, place = divmod(vertex, self.floor.cells.layer_size)
                    layers[layer] |= 1 << place
        return layers

    async def _take(self, context: Any) -> None:
        port = self.fabric.o
        answer = Value.cast(port.payload)
        for history, _, step in self.steps:
            context.set(port.ready, 0)
            stood = None
            for _ in range(self.rng.choice([0, 0, 30])):
                *_, valid, payload = await context.tick().sample(port.valid, answer)
                assert stood is None or (valid and payload == stood), "an offered answer must stand"
                stood = payload if valid else None
            context.set(port.ready, 1)
            (payload,) = await context.tick().sample(answer).until(port.valid)
            flips = history.flips(payload, step=step, slots=self.slots)
            if step < 0:
                assert not flips, "nothing must be left of what was before a program"
            else:
                self.answers.append(flips)

    async def _pause(self, context: Any) -> None:
        for _ in range(self.rng.choice([0, 0, 0, 1, 7])):
            await context.tick()
