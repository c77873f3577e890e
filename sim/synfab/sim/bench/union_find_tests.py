# SPDX-License-Identifier: Apache-2.0
"""The regression of a union-find decoder, played by cocotb."""

import os
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from synfab.sim.bench.testbench import Testbench, pauses

SEED = int(os.environ.get("SYNFAB_SEED") or 1)


@cocotb.test()
async def without_pauses(dut: Any) -> None:
    """Every stored shot, both streams at full speed: the latency and the initiation interval come from here."""
    bench = Testbench(dut, test="without_pauses")
    await bench.start()
    await bench.play(bench.shots)
    bench.conclude()


@cocotb.test()
async def with_random_pauses(dut: Any) -> None:
    """Stored shots under random back-pressure on both streams."""
    bench = Testbench(
        dut, test="with_random_pauses", drive_pause=pauses(SEED), monitor_pause=pauses(SEED + 1, longest=20)
    )
    await bench.start()
    await bench.play(bench.shots[:2000])
    bench.conclude()


@cocotb.test()
async def short_and_long_blocks(dut: Any) -> None:
    """Rounds that do not come are empty, and beats past the last round are ignored."""
    bench = Testbench(dut, test="short_and_long_blocks")
    await bench.start()
    await bench.play(bench.shots[:300], bench.model.short_beats)
    await bench.play(bench.shots[:300], bench.model.long_beats)
    bench.conclude()


@cocotb.test()
async def reset_in_mid_block(dut: Any) -> None:
    """A reset while a block loads or is being decoded leaves no trace in the next one."""
    bench = Testbench(dut, test="reset_in_mid_block")
    await bench.start()
    for number, shot in enumerate(bench.shots[:200]):
        beats = bench.model.beats(shot)
        for payload in beats[: 1 + number % len(beats)]:
            await bench.driver.send(payload)
        for _ in range(number % 5):
            await FallingEdge(dut.clk)
        await bench.reset(cycles=1)
        await bench.play([shot])
    bench.conclude()
