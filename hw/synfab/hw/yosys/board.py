# SPDX-License-Identifier: Apache-2.0
"""How much of a board a design takes, and by how much it exceeds one."""

from collections.abc import Mapping
from typing import Protocol

from synfab.hw.yosys.estimate import Estimate


class BoardResources(Protocol):
    """What is asked of a board here; :class:`synfab.boards.Board` has it."""

    @property
    def name(self) -> str: ...
    @property
    def lut(self) -> int: ...
    @property
    def ff(self) -> int: ...
    @property
    def bram36(self) -> int: ...
    @property
    def uram(self) -> int: ...
    @property
    def dsp(self) -> int: ...


def _needs(estimate: Estimate, board: BoardResources) -> dict[str, tuple[float, int]]:
    return {
        "lut": (estimate.lut_sites, board.lut),
        "ff": (estimate.ff, board.ff),
        "bram36": (estimate.bram36, board.bram36),
        "uram": (estimate.uram, board.uram),
        "dsp": (estimate.dsp, board.dsp),
    }


def share(estimate: Estimate, board: BoardResources) -> dict[str, float]:
    """Return the fraction of ``board`` by resource: ``lut`` (memory and shift registers included), ``ff``, ...

    1.0 is all of it. A design that needs what the board lacks entirely has the share ``inf``.
    """
    return {
        resource: need / has if has else (float("inf") if need else 0.0)
        for resource, (need, has) in _needs(estimate, board).items()
    }


def excess(needs: Mapping[str, tuple[float, int]]) -> str | None:
    """Return what is needed beyond what there is, by resource and number; None if nothing is.

    Parameters
    ----------
    needs : mapping
        By ``lut``, ``ff``, ``bram36``, ``uram`` and ``dsp``: what is needed, and what there is.
    """
    labels = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "uram": "URAM", "dsp": "DSP"}
    parts = []
    for resource, (need, has) in needs.items():
        if need > has:
            beyond = f"{need / has:.2f} times its {has:,}, {need - has:,.10g} too many" if has else "it has none"
            parts.append(f"{need:,.10g} {labels[resource]} ({beyond})")
    return " and ".join(parts) or None


def oversize(estimate: Estimate, board: BoardResources) -> str | None:
    """Return None if the design fits ``board``, else one sentence that says by how much it does not."""
    beyond = excess(_needs(estimate, board))
    if beyond is None:
        return None
    return (
        f"the design must fit the board {board.name}, but by the {estimate.stage} it needs {beyond}; choose a larger "
        "board, a smaller code distance, fewer weight bits, or more detectors an element"
    )
