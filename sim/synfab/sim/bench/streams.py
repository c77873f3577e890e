# SPDX-License-Identifier: Apache-2.0
"""Driver and Monitor of a valid/ready stream.

Both act at the falling clock edge, between two rising ones: all signals stand still there, in every simulator,
and what they read and set decides what happens at the next rising edge.
"""

from collections.abc import Callable
from typing import Any

from cocotb.triggers import FallingEdge, ReadOnly
from cocotb.utils import get_sim_time

PERIOD_NS = 10

Pause = Callable[[], int]
"""Returns for how many cycles to hold back, drawn anew for each beat."""


def never() -> int:
    """Hold back for no cycle."""
    return 0


def cycle() -> int:
    """Return the number of the clock cycle."""
    return int(get_sim_time("ns")) // PERIOD_NS


class Driver:
    """Sends beats into a stream.

    Parameters
    ----------
    dut
        Top level, with ``clk``.
    name : str
        Prefix of the stream's signals.
    pause : Pause
        Idle cycles before each beat.
    """

    def __init__(self, dut: Any, name: str, pause: Pause = never) -> None:
        self._clk = dut.clk
        self._payload, self._valid, self._ready = (getattr(dut, f"{name}__{part}") for part in _PARTS)
        self._pause = pause
        self._valid.value = 0
        self._payload.value = 0

    async def send(self, payload: int) -> int:
        """Send one beat, from a falling edge to the one after its transfer; return the cycle of the transfer."""
        for _ in range(self._pause()):
            await FallingEdge(self._clk)
        self._payload.value = payload
        self._valid.value = 1
        while True:
            at = cycle()
            await ReadOnly()
            taken = self._ready.value == 1
            await FallingEdge(self._clk)
            if taken:
                self._valid.value = 0
                return at


class Monitor:
    """Takes beats from a stream.

    Parameters
    ----------
    dut, name
        As for :class:`Driver`.
    pause : Pause
        Cycles for which each beat, once it is there, waits for ``ready``.
    """

    def __init__(self, dut: Any, name: str, pause: Pause = never) -> None:
        self._clk = dut.clk
        self._payload, self._valid, self._ready = (getattr(dut, f"{name}__{part}") for part in _PARTS)
        self._pause = pause
        self._ready.value = 0

    async def receive(self, patience: int) -> tuple[int, int]:
        """Return the next beat's payload and the cycle in which it was first offered.

        Raises
        ------
        TimeoutError
            If none is offered within ``patience`` cycles.
        """
        wait = self._pause()
        # A stream may not wait for ready, and one that is ready early must not lose the beat.
        self._ready.value = int(wait == 0)
        for _ in range(patience):
            if self._valid.value == 1:
                break
            await FallingEdge(self._clk)
        else:
            raise TimeoutError(f"no answer within {patience} cycles")
        offered = cycle()
        for _ in range(wait):
            await FallingEdge(self._clk)
        self._ready.value = 1
        payload = int(self._payload.value)
        await FallingEdge(self._clk)
        self._ready.value = 0
        return payload, offered

    async def silence(self, cycles: int) -> bool:
        """Return whether no further beat is offered for some cycles, ready for one all the while."""
        self._ready.value = 1
        for _ in range(cycles):
            if self._valid.value == 1:
                return False
            await FallingEdge(self._clk)
        self._ready.value = 0
        return True


_PARTS = ("payload", "valid", "ready")
