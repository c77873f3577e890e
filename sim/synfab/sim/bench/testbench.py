# SPDX-License-Identifier: Apache-2.0
"""The Testbench: wires Driver, Monitor, Model and Checker to the top level."""

import os
import random
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from synfab.sim.bench.checker import Checker
from synfab.sim.bench.model import Block, Model
from synfab.sim.bench.streams import PERIOD_NS, Driver, Monitor, Pause, never
from synfab.sim.bench.vectors import Vectors

PATIENCE_CYCLES = 100_000
SILENCE_CYCLES = 20
"""After the last answer, for an answer too many."""


class Testbench:
    """One decoder under test.

    Parameters
    ----------
    dut
    test : str
        Name of the test, for the results and the replay line.
    drive_pause, monitor_pause : Pause
        Waits on both sides.
    """

    __test__ = False

    def __init__(self, dut: Any, *, test: str, drive_pause: Pause = never, monitor_pause: Pause = never) -> None:
        self.dut = dut
        self.vectors = Vectors(directory=Path(os.environ["SYNFAB_VECTORS"]))
        self.model = Model(self.vectors)
        self.checker = Checker(self.model, test=test)
        self.driver = Driver(dut, "i", drive_pause)
        # Driven in any case: an input that floats is unknown in every simulator but Verilator.
        self.weights = Driver(dut, "w", drive_pause) if hasattr(dut, "w__valid") else None
        # Of a pre-decoder's net: the given one stays.
        self.net = Driver(dut, "weights") if hasattr(dut, "weights__valid") else None
        self.monitor = Monitor(dut, "o", monitor_pause)
        self._results = Path(os.environ["SYNFAB_RESULTS"]) / f"{test}.json"

    @property
    def shots(self) -> range:
        """The shots to play: those that the environment asks for, or all."""
        if shot := os.environ.get("SYNFAB_SHOT"):
            return range(int(shot), int(shot) + 1)
        return range(min(self.model.shots, int(os.environ.get("SYNFAB_SHOTS") or self.model.shots)))

    async def start(self) -> None:
        """Start the clock and reset the design."""
        cocotb.start_soon(Clock(self.dut.clk, PERIOD_NS, unit="ns").start())
        await self.reset()

    async def reset(self, cycles: int = 2) -> None:
        """Hold the reset for some cycles, from a falling edge to a falling edge."""
        self.dut.rst.value = 1
        for _ in range(cycles):
            await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await FallingEdge(self.dut.clk)

    async def play(self, blocks: Iterable[Block]) -> None:
        """Drive blocks and check their answers, both sides at once."""
        blocks = list(blocks)
        under_way: deque[tuple[int, int]] = deque()

        async def drive() -> None:
            for block in blocks:
                started = await self.send(block)
                if not block.aborted:
                    under_way.append((block.shot, started))

        driving = cocotb.start_soon(drive())
        expected = [block.shot for block in blocks if not block.aborted]
        for expected_shot in expected:
            try:
                payload, offered = await self.monitor.receive(PATIENCE_CYCLES)
            except TimeoutError as error:
                self.checker.missing(expected_shot, str(error))
                driving.cancel()
                return
            while not under_way:
                await FallingEdge(self.dut.clk)
            shot, started = under_way.popleft()
            self.checker.check(shot, self.model.answer_from_payload(payload), started=started, offered=offered)
        await driving
        if expected and not await self.monitor.silence(SILENCE_CYCLES):
            self.checker.fail(expected[-1], "answered more often than asked")

    async def send(self, block: Block) -> int:
        """Send a block's beats, its entries beside all but the last; return the cycle of the last beat."""
        *early, last = block.beats
        loading = cocotb.start_soon(self.load(block.entries)) if block.entries else None
        for payload in early:
            await self.driver.send(payload)
        if loading:
            await loading
        return await self.driver.send(last)

    async def load(self, entries: Iterable[int]) -> None:
        """Send entries of weights, one after the other."""
        for entry in entries:
            assert self.weights, "a design without a weight port cannot take weights"
            await self.weights.send(entry)

    def conclude(self) -> None:
        """Write the results; raise if an answer was wrong."""
        manifest = self.vectors.manifest
        self.checker.conclude(
            self._results,
            simulator=cocotb.SIM_NAME,
            simulator_version=cocotb.SIM_VERSION,
            cocotb_version=cocotb.__version__,
            spec_sha256=manifest["spec_sha256"],
            vectors_sha256=manifest["files"]["detections"]["sha256"],
        )


def pauses(seed: int, longest: int = 3) -> Pause:
    """Return a Pause that draws 0 half of the time and else up to ``longest`` cycles."""
    draw = random.Random(seed)
    return lambda: draw.choice((0, draw.randint(1, longest)))
