# SPDX-License-Identifier: Apache-2.0
"""Played by cocotb to the Verilog of a net (test_predecoder_verilog.py): rounds in, beats of logits out.

Environment: ``PREDECODER_PLAN``, a JSON file with ``beats`` and ``answers``, a list of each for each block, and the
cycles in which all answers are ``due`` at full speed, counted from the first round. For a net whose weights are loaded
also the ``numbers`` of another one, and its ``other_answers``.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from synfab.sim.bench.streams import PERIOD_NS, Driver, Monitor, Pause, never

PLAN = json.loads(Path(os.environ["PREDECODER_PLAN"]).read_text())
PATIENCE_CYCLES = 2000
SILENCE_CYCLES = 1000


class Bench:
    """The two streams of a net, after a reset."""

    def __init__(self, dut: Any, drive_pause: Pause = never, monitor_pause: Pause = never) -> None:
        self._dut = dut
        self.driver, self.monitor = Driver(dut, "i", drive_pause), Monitor(dut, "o", monitor_pause)
        self.weights = Driver(dut, "weights") if "numbers" in PLAN else None

    async def start(self) -> None:
        cocotb.start_soon(Clock(self._dut.clk, PERIOD_NS, unit="ns").start())
        await self.reset()

    async def reset(self) -> None:
        self._dut.rst.value = 1
        await FallingEdge(self._dut.clk)
        self._dut.rst.value = 0
        await FallingEdge(self._dut.clk)

    async def play(self, beats: list[list[int]], answers: list[list[int]]) -> list[int]:
        """Play blocks, check all answers, and return when each was offered, counted from the first round."""
        sent: list[int] = []

        async def drive() -> None:
            for block in beats:
                for beat in block:
                    sent.append(await self.driver.send(beat))

        driving = cocotb.start_soon(drive())
        offered = []
        for number, block in enumerate(answers):
            for beat, expected in enumerate(block):
                payload, at = await self.monitor.receive(PATIENCE_CYCLES)
                assert payload == expected, f"block {number}, beat {beat}"
                offered.append(at)
        await driving
        return [at - sent[0] for at in offered]

    async def load(self, numbers: list[int]) -> bool:
        """Send a list and return whether it was refused."""
        assert self.weights is not None
        for place, number in enumerate(numbers):
            # The flag of the last number is above its bits.
            last = place == len(numbers) - 1
            await self.weights.send(number % (1 << PLAN["number_bits"]) | last << PLAN["number_bits"])
        return bool(self._dut.refused.value)


@cocotb.test()
async def at_full_speed(dut: Any) -> None:
    """All blocks without a gap: every beat in its cycle, and none too many."""
    bench = Bench(dut)
    await bench.start()
    assert await bench.play(PLAN["beats"], PLAN["answers"]) == PLAN["due"]
    assert await bench.monitor.silence(SILENCE_CYCLES)


@cocotb.test()
async def with_random_pauses(dut: Any) -> None:
    draw = random.Random(1)
    bench = Bench(dut, lambda: draw.choice((0, draw.randint(1, 40))), lambda: draw.choice((0, 0, draw.randint(1, 9))))
    await bench.start()
    await bench.play(PLAN["beats"], PLAN["answers"])


@cocotb.test()
async def reset_in_mid_block(dut: Any) -> None:
    """Rounds before a reset leave no trace in those after it, wherever they were."""
    bench = Bench(dut)
    await bench.start()
    for number, (beats, answers) in enumerate(zip(PLAN["beats"], PLAN["answers"], strict=True)):
        # No more than what is taken before logits are read.
        for beat in beats[: 1 + number % 4]:
            await bench.driver.send(beat)
        for _ in range(7 * number % 53):
            await FallingEdge(dut.clk)
        await bench.reset()
        await bench.play([beats], [answers])


@cocotb.test(skip="numbers" not in PLAN)
async def another_net_from_the_next_block_on(dut: Any) -> None:
    """A list that is short, one in mid-block, and one that is long: only the second counts, and not for that block."""
    bench = Bench(dut)
    await bench.start()
    blocks, numbers = PLAN["beats"], PLAN["numbers"]
    short = cocotb.start_soon(bench.load(numbers[:-1]))
    await bench.play(blocks[:9], PLAN["answers"][:9])
    assert await short
    *rounds, last = next(block for block in blocks if len(block) == PLAN["look_ahead"])
    number = blocks.index([*rounds, last])
    for beat in rounds:
        await bench.driver.send(beat)
    assert not await bench.load(numbers)
    await bench.play([[last]], [PLAN["answers"][number]])
    await bench.play(blocks[:9], PLAN["other_answers"][:9])
    assert await bench.load([*numbers, 0])
    await bench.play(blocks[:9], PLAN["other_answers"][:9])
