# SPDX-License-Identifier: Apache-2.0
"""Boards, read from the TOML files beside this module."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal

from synfab.errors import InputError

FIGURES = ("part", "lut", "ff", "bram36", "uram", "dsp", "default_clock_mhz")
"""The figures of a :class:`Board` that must name their source."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A clock that reaches the programmable logic.

    Attributes
    ----------
    name : str
        As the board's documents spell it.
    frequency_mhz : float
        At power-up.
    pins : tuple of str
        Package pins, positive side first; empty for a clock made inside the device.
    io_standard : str or None
        Vivado's IOSTANDARD; None for transceiver reference clocks and clocks without a pin.
    source : str
        Document and section of these figures.
    """

    name: str
    frequency_mhz: float
    source: str
    pins: tuple[str, ...] = ()
    io_standard: str | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """Serial transceivers of one kind: how many, and the line rate each reaches on this part.

    Attributes
    ----------
    kind : str
        Transceiver primitive: GTY, GTM.
    count : int
        Transceivers of the part.
    rate_gbps : float
        Highest line rate at the part's speed grade, Gb/s.
    source : str
        Document and section of these figures.
    """

    kind: str
    count: int
    rate_gbps: float
    source: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """What a design is built for.

    Attributes
    ----------
    name : str
        As a config writes it.
    title : str
        As a person reads it.
    part : str
        Vivado's part number, package and speed grade included.
    family : {'versal', 'ultrascale_plus'}
        Decides the last step of a full build: device image or bitstream.
    lut, ff, bram36, uram, dsp : int
        What the part holds. ``bram36`` counts 36 Kb block RAM tiles.
    default_clock_mhz : float
        Clock of a build that names none.
    clocks : tuple of Clock
        Clocks of the board; empty for a part without a fixed board.
    links : tuple of Link
        Serial transceivers.
    pins : str or None
        Pins file in ``constraints/``; None if the user brings one.
    sources : mapping of str to str
        Document and section of each figure, by attribute name.
    """

    name: str
    title: str
    part: str
    family: Literal["versal", "ultrascale_plus"]
    lut: int
    ff: int
    bram36: int
    uram: int
    dsp: int
    default_clock_mhz: float
    clocks: tuple[Clock, ...] = ()
    links: tuple[Link, ...] = ()
    pins: str | None = None
    sources: Mapping[str, str] = field(hash=False)

    def __post_init__(self) -> None:
        """Refuse a figure without a source."""
        unsourced = [figure for figure in FIGURES if not self.sources.get(figure)]
        if unsourced:
            raise InputError(
                f"every figure of a board must name its source, not {', '.join(unsourced)} of {self.name}; "
                "add the document and section under [sources]"
            )

    @property
    def capacity(self) -> dict[str, int]:
        """What the part holds, by the names that reports use."""
        return {
            "lut": self.lut,
            "ff": self.ff,
            "bram36": self.bram36,
            "uram": self.uram,
            "dsp": self.dsp,
        }


@cache
def _boards() -> tuple[Board, ...]:
    files = sorted(resources.files("synfab.boards").iterdir(), key=lambda file: file.name)
    return tuple(
        _board_from_toml(file.name.removesuffix(".toml"), file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".toml")
    )


def _board_from_toml(name: str, text: str) -> Board:
    data = tomllib.loads(text)
    clocks = tuple(Clock(**clock | {"pins": tuple(clock.get("pins", ()))}) for clock in data.pop("clocks", ()))
    links = tuple(Link(**link) for link in data.pop("links", ()))
    return Board(name=name, clocks=clocks, links=links, **data)


def boards() -> dict[str, Board]:
    """Return all boards by name, in alphabetical order."""
    return {board.name: board for board in _boards()}


def board(name: str) -> Board:
    """Return the board of this name.

    Raises
    ------
    InputError
        If there is none; the sentence lists those that there are.
    """
    known = boards()
    if name not in known:
        raise InputError(f"board must be one of {', '.join(known)}, not {name!r}; 'synfab boards' describes each")
    return known[name]
