# SPDX-License-Identifier: Apache-2.0
"""The regression of a union-find decoder, played by cocotb."""

import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from synfab.sim.bench.model import Block
from synfab.sim.bench.testbench import Testbench, pauses
from synfab.sim.bench.vectors import Vectors

SEED = int(os.environ.get("SYNFAB_SEED") or 1)
HAS_WEIGHTS = Vectors(directory=Path(os.environ["SYNFAB_VECTORS"])).has_weights


@cocotb.test()
async def without_pauses(dut: Any) -> None:
    """Every stored shot, both streams at full speed: the latency and the initiation interval come from here."""
    bench = Testbench(dut, test="without_pauses")
    model = bench.model
    await bench.start()
    await bench.play(Block(shot, model.beats(shot), model.entries(shot)) for shot in bench.shots)
    bench.conclude()


@cocotb.test()
async def with_random_pauses(dut: Any) -> None:
    """Stored shots under random waits on all streams: their own weights come in any order with their rounds."""
    bench = Testbench(
        dut, test="with_random_pauses", drive_pause=pauses(SEED), monitor_pause=pauses(SEED + 1, longest=20)
    )
    model, draw = bench.model, random.Random(SEED + 2)
    await bench.start()
    await bench.play(Block(shot, model.beats(shot), model.shuffled_entries(shot, draw)) for shot in bench.shots[:2000])
    bench.conclude()


@cocotb.test()
async def short_and_long_blocks(dut: Any) -> None:
    """Rounds that do not come are empty, and beats past the last round are ignored."""
    bench = Testbench(dut, test="short_and_long_blocks")
    model = bench.model
    await bench.start()
    for beats in (model.short_beats, model.long_beats):
        await bench.play(Block(shot, beats(shot), model.entries(shot)) for shot in bench.shots[:300])
    bench.conclude()


@cocotb.test()
async def aborted_blocks(dut: Any) -> None:
    """Blocks are aborted at random, before and after others: each is forgotten, with the weights that came for it."""
    bench = Testbench(dut, test="aborted_blocks", drive_pause=pauses(SEED), monitor_pause=pauses(SEED + 1, longest=20))
    model, draw = bench.model, random.Random(SEED + 3)
    blocks = []
    for shot in bench.shots[:300]:
        while draw.random() < 0.5:
            other = draw.choice(bench.shots)
            entries = model.shuffled_entries(other, draw)
            blocks.append(Block(other, model.aborted_beats(other, draw), entries, aborted=True))
        blocks.append(Block(shot, model.beats(shot), model.entries(shot)))
    await bench.start()
    await bench.play(blocks)
    bench.conclude()


@cocotb.test(skip=not HAS_WEIGHTS)
async def default_weights(dut: Any) -> None:
    """Weights that come as defaults stay until others come; erasures do not."""
    bench = Testbench(dut, test="default_weights", drive_pause=pauses(SEED))
    model, blocks = bench.model, []
    restoring: list[int] = []
    for shot in bench.shots[:200]:
        erasures = model.erasures(shot)
        blocks.append(Block(shot, model.beats(shot), restoring + model.default_entries(shot) + erasures))
        blocks.append(Block(shot, model.beats(shot), erasures))
        restoring = model.restoring_entries(shot)
    await bench.start()
    await bench.play(blocks)
    bench.conclude()


@cocotb.test()
async def reset_in_mid_block(dut: Any) -> None:
    """A reset while a block loads or is being decoded leaves no trace in the next one."""
    bench = Testbench(dut, test="reset_in_mid_block")
    await bench.start()
    model = bench.model
    for number, shot in enumerate(bench.shots[:200]):
        beats = model.beats(shot)
        await bench.load([*model.default_entries(shot), *model.erasures(shot)])
        for payload in beats[: 1 + number % len(beats)]:
            await bench.driver.send(payload)
        for _ in range(number % 5):
            await FallingEdge(dut.clk)
        await bench.reset(cycles=1)
        await bench.play([Block(shot, beats, model.entries(shot))])
    bench.conclude()
