# SPDX-License-Identifier: Apache-2.0
"""Played by cocotb to the board top (test_axi_stream.py): packets in, words out, under pauses and resets.

Environment: ``AXI_STREAM_PACKETS``, a JSON file with ``packets`` and ``answers``, lists of lists of words.
"""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

PLAN = json.loads(Path(os.environ["AXI_STREAM_PACKETS"]).read_text())
PATIENCE_CYCLES = 2000


async def start(dut: Any) -> None:
    for signal in (dut.aresetn, dut.s_axis_tvalid, dut.m_axis_tready, dut.s_axis_tdata, dut.s_axis_tlast):
        signal.value = 0
    cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
    await reset(dut)


async def reset(dut: Any) -> None:
    dut.s_axis_tvalid.value = 0
    dut.aresetn.value = 0
    await FallingEdge(dut.aclk)
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    await FallingEdge(dut.aclk)


async def send(dut: Any, words: list[int], idle: Callable[[], int], *, whole: bool = True) -> None:
    """Send the words of a packet; a packet that is not whole goes without TLAST."""
    for number, word in enumerate(words):
        dut.s_axis_tvalid.value = 0
        for _ in range(idle()):
            await FallingEdge(dut.aclk)
        dut.s_axis_tdata.value = word
        dut.s_axis_tlast.value = int(whole and number == len(words) - 1)
        dut.s_axis_tvalid.value = 1
        taken = False
        while not taken:
            await ReadOnly()
            taken = dut.s_axis_tready.value == 1
            await FallingEdge(dut.aclk)
    dut.s_axis_tvalid.value = 0


async def receive(dut: Any, idle: Callable[[], int]) -> list[int]:
    """The words of one packet."""
    words: list[int] = []
    hold = idle()
    for _ in range(PATIENCE_CYCLES):
        dut.m_axis_tready.value = int(hold == 0)
        await ReadOnly()
        if dut.m_axis_tvalid.value == 1 and hold == 0:
            words.append(int(dut.m_axis_tdata.value))
            last = dut.m_axis_tlast.value == 1
            hold = idle()
            if last:
                await FallingEdge(dut.aclk)
                dut.m_axis_tready.value = 0
                return words
        elif hold:
            hold -= 1
        await FallingEdge(dut.aclk)
    raise TimeoutError(f"no answer within {PATIENCE_CYCLES} cycles")


async def play(dut: Any, idle: Callable[[], int]) -> None:
    async def drive() -> None:
        for packet in PLAN["packets"]:
            await send(dut, packet, idle)

    driving = cocotb.start_soon(drive())
    for number, answer in enumerate(PLAN["answers"]):
        assert await receive(dut, idle) == answer, f"packet {number}"
    await driving


@cocotb.test()
async def at_full_speed(dut: Any) -> None:
    await start(dut)
    await play(dut, lambda: 0)


@cocotb.test()
async def with_random_pauses(dut: Any) -> None:
    draw = random.Random(1)
    await start(dut)
    await play(dut, lambda: draw.choice((0, draw.randint(1, 5))))


@cocotb.test()
async def reset_in_mid_packet(dut: Any) -> None:
    await start(dut)
    for number, (packet, answer) in enumerate(zip(PLAN["packets"], PLAN["answers"], strict=True)):
        # Both in mid-packet, and while a whole one is decoded or its answer waits.
        await send(dut, packet[: 1 + number % len(packet)], lambda: 0, whole=number % 2 == 0)
        for _ in range(number % 7):
            await FallingEdge(dut.aclk)
        await reset(dut)
        receiving = cocotb.start_soon(receive(dut, lambda: 0))
        await send(dut, packet, lambda: 0)
        assert await receiving == answer, f"packet {number}"
