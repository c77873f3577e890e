# SPDX-License-Identifier: Apache-2.0
"""Played by cocotb to the board top: packets and entries or lists in, words out, under pauses and resets.

Environment: ``AXI_STREAM_PACKETS``, a JSON file with ``packets``, ``entries`` and ``answers``, lists of lists of words;
the answer to an aborted packet is null. With a net in memory, it has ``lists``, too: for each packet the words that go
before it, none for most, and ``refused``: whether the last of them are.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

PLAN = json.loads(Path(os.environ["AXI_STREAM_PACKETS"]).read_text())
PATIENCE_CYCLES = 5000
SETTLING_CYCLES = 8


async def start(dut: Any) -> None:
    names = ("aresetn", "s_axis_tvalid", "s_axis_tdata", "s_axis_tlast", "s_axis_tuser", "m_axis_tready")
    for name in (*names, "w_axis_tvalid", "w_axis_tdata"):
        getattr(dut, name).value = 0
    cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
    await reset(dut)


async def reset(dut: Any) -> None:
    dut.s_axis_tvalid.value = 0
    dut.aresetn.value = 0
    await FallingEdge(dut.aclk)
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    await FallingEdge(dut.aclk)


async def transfer(dut: Any, name: str, word: int) -> None:
    """Offer a word until it is taken."""
    valid, ready = getattr(dut, f"{name}_tvalid"), getattr(dut, f"{name}_tready")
    getattr(dut, f"{name}_tdata").value = word
    valid.value = 1
    taken = False
    while not taken:
        await ReadOnly()
        taken = ready.value == 1
        await FallingEdge(dut.aclk)
    valid.value = 0


async def send(
    dut: Any,
    words: list[int],
    idle: Callable[[], int],
    *,
    entries: Sequence[int] = (),
    whole: bool = True,
    aborted: bool = False,
) -> None:
    """Send the words of a packet, and its entries before the last; a packet that is not whole goes without TLAST."""

    async def load() -> None:
        for entry in entries:
            for _ in range(idle()):
                await FallingEdge(dut.aclk)
            await transfer(dut, "w_axis", entry)

    loading = cocotb.start_soon(load()) if entries else None
    for number, word in enumerate(words):
        last = number == len(words) - 1
        for _ in range(idle()):
            await FallingEdge(dut.aclk)
        if last and loading:
            await loading
        dut.s_axis_tlast.value = int(whole and last)
        # Without TLAST it does not count.
        dut.s_axis_tuser.value = int(aborted or not last)
        await transfer(dut, "s_axis", word)


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


def plan() -> Iterator[tuple[list[int], list[int], list[int] | None]]:
    yield from zip(PLAN["packets"], PLAN["entries"], PLAN["answers"], strict=True)


async def load(dut: Any, number: int) -> None:
    """Send what goes before a packet."""
    for word in PLAN["lists"][number] if "lists" in PLAN else ():
        await transfer(dut, "w_axis", word)


async def play(dut: Any, idle: Callable[[], int]) -> None:
    async def drive() -> None:
        for number, (packet, entries, answer) in enumerate(plan()):
            await load(dut, number)
            await send(dut, packet, idle, entries=entries, aborted=answer is None)
            if "lists" in PLAN:
                assert (dut.refused.value == 1) == PLAN["refused"][number], f"packet {number}"

    driving = cocotb.start_soon(drive())
    for number, answer in enumerate(PLAN["answers"]):
        if answer is not None:
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
    for number, (packet, entries, answer) in enumerate(plan()):
        if answer is None:
            continue
        await load(dut, number)
        for _ in range(SETTLING_CYCLES if "lists" in PLAN else 0):
            await FallingEdge(dut.aclk)
        # Both in mid-packet, and while a whole one is decoded or its answer waits.
        await send(dut, packet[: 1 + number % len(packet)], lambda: 0, entries=entries[::2], whole=number % 2 == 0)
        for _ in range(number % 7):
            await FallingEdge(dut.aclk)
        await reset(dut)
        receiving = cocotb.start_soon(receive(dut, lambda: 0))
        await send(dut, packet, lambda: 0, entries=entries)
        assert await receiving == answer, f"packet {number}"
