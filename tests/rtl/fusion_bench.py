# SPDX-License-Identifier: Apache-2.0
"""A fusion fabric under hands that send faces and blocks when they please, and take answers when they please."""

import random
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from amaranth import ResetInserter, Signal, Value
from amaranth.sim import Simulator

from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.rtl.fusion import FusionFabric
from synfab.surgery.floor import History, Where

Flips = dict[tuple[int, Where, int], int]


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
    """A fabric, and a history with its events.

    Parameters
    ----------
    history : History
    events : ndarray of uint8, (num_detectors,)
    slots, alone
        As of the fabric.
    seed : int
        Of all pauses.
    """

    def __init__(
        self, history: History, events: np.ndarray, *, slots: int, alone: Literal["block", "step"], seed: int
    ) -> None:
        self.history, self.events, self.slots = history, events, slots
        self.fabric: Any = FusionFabric(history.floor, slots=slots, alone=alone)
        self.rng = random.Random(seed)
        # One before that says what lies below, and those that commit the last ones.
        self.steps = range(-1, history.num_steps + slots - 1)
        self.answers: list[Flips] = []
        self.resetting = Signal()

    def run(self, *, before: Callable[[Any, "FusionBench"], Any] | None = None) -> list[Flips]:
        """Play the history, after ``before`` if given; return the answers of its steps and of those after it."""
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
        for cell in range(self.history.floor.num_cells):
            simulator.add_testbench(after_start(lambda context, cell=cell: self.blocks(context, cell)))
        simulator.add_testbench(after_start(self._take))
        simulator.run()
        return self.answers[1:]

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

    def codes(self, step: int) -> dict[int, int]:
        """Return the states of all homes in a step and above it."""
        history = self.history
        inside = history.insides[step] if 0 <= step < history.num_steps else {}
        above = history.faces[step + 1] if step < history.num_steps else {}
        return dict.fromkeys(range(len(history.floor.homes)), 0) | dict(inside) | dict(above)

    async def _faces(self, context: Any) -> None:
        now = dict.fromkeys(range(len(self.history.floor.homes)), 0)
        for step in self.steps:
            codes = self.codes(step)
            changed = [home for home in codes if codes[home] != now[home]] or [0]
            self.rng.shuffle(changed)
            for home in changed:
                await self._pause(context)
                await self.entry(context, home=home, code=codes[home], last=home == changed[-1])
            now = codes

    async def blocks(self, context: Any, cell: int) -> None:
        """Send all blocks of a cell, now and then a torn one first."""
        floor = self.history.floor
        layers = range(floor.cells.distance + 1)
        for step in self.steps:
            detections = self.detections(step, cell)
            if self.rng.random() < 0.2:
                await self.beat(context, cell, self.rng.getrandbits(floor.cells.layer_size), last=False)
                await self.beat(context, cell, 0, last=self.rng.random() < 0.5, abort=True)
            for layer in layers:
                await self._pause(context)
                await self.beat(context, cell, detections[layer], last=layer == layers[-1])

    def detections(self, step: int, cell: int) -> list[int]:
        """Return the layers of a block."""
        floor = self.history.floor
        layers = [0] * (floor.cells.distance + 1)
        if 0 <= step < self.history.num_steps:
            for number, (owner, vertex) in enumerate(floor.vertices):
                if owner == cell and self.events[step * len(floor.vertices) + number]:
                    layer, place = divmod(vertex, floor.cells.layer_size)
                    layers[layer] |= 1 << place
        return layers

    async def _take(self, context: Any) -> None:
        port = self.fabric.o
        for step in self.steps:
            context.set(port.ready, 0)
            stood = None
            for _ in range(self.rng.choice([0, 0, 30])):
                *_, valid, payload = await context.tick().sample(port.valid, Value.cast(port.payload))
                assert stood is None or (valid and payload == stood), "an offered answer must stand"
                stood = payload if valid else None
            context.set(port.ready, 1)
            (payload,) = await context.tick().sample(port.payload).until(port.valid)
            self.answers.append(self._flips(payload, step))

    def _flips(self, payload: Any, step: int) -> Flips:
        homes = self.history.floor.homes
        wheres: tuple[Where, ...] = ("inside", "below", "above")
        found: Flips = {}
        for slot in range(self.slots):
            for where in wheres:
                bits = payload[f"slot_{slot}"][where]
                for number, home in enumerate(homes):
                    if home.is_face == (where != "inside"):
                        if mask := bits & ((1 << home.num_marks) - 1):
                            found[step + slot - self.slots + 1, where, number] = mask
                        bits >>= home.num_marks
        # What would be committed of steps after the last one is nothing; what is before the first is not there.
        last = self.history.num_steps
        return found if step < last else {key: mask for key, mask in found.items() if key[0] == step - self.slots + 1}

    async def _pause(self, context: Any) -> None:
        for _ in range(self.rng.choice([0, 0, 0, 1, 7])):
            await context.tick()
