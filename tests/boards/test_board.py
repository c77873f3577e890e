# SPDX-License-Identifier: Apache-2.0
"""Boards are complete, sourced, and agree with their pins files."""

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest

from synfab.boards import Board, board, boards
from synfab.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

PIN = re.compile(
    r"set_property -quiet -dict \{PACKAGE_PIN (\w+) IOSTANDARD (\w+)\} \[get_ports -quiet (\w+)\]", re.ASCII
)


def test_boards_of_the_project():
    assert {name: board.part for name, board in boards().items()} == {
        "vmk180": "xcvm1802-vsva2197-2MP-e-S",
        "vu19p": "xcvu19p-fsva3824-2-e",
    }


@pytest.mark.parametrize(
    ("name", "capacity"),
    [
        ("vmk180", {"lut": 899840, "ff": 1799680, "bram36": 967, "uram": 463, "dsp": 1968}),
        ("vu19p", {"lut": 4085760, "ff": 8171520, "bram36": 2160, "uram": 320, "dsp": 3840}),
    ],
)
def test_capacity(name: str, capacity: dict[str, int]):
    assert board(name).capacity == capacity
    # Both families pair each LUT with two flip-flops.
    assert capacity["ff"] == 2 * capacity["lut"]


def test_unknown_board_lists_the_known_ones():
    with pytest.raises(
        InputError,
        match=r"^board must be one of vmk180, vu19p, not 'zcu111'; 'synfab boards' describes each$",
    ):
        board("zcu111")


@pytest.mark.parametrize("name", sorted(boards()))
def test_every_figure_has_a_source(name: str):
    this = board(name)
    for figure, source in this.sources.items():
        assert getattr(this, figure), figure
        assert source, figure
    for item in (*this.clocks, *this.links):
        assert item.source, item
    with pytest.raises(
        InputError, match=f"^every figure of a board must name its source, not dsp of {name}; add the document"
    ):
        replace(this, sources={key: value for key, value in this.sources.items() if key != "dsp"})


@pytest.mark.parametrize("name", sorted(boards()))
def test_pickles_and_hashes(name: str):
    this = board(name)
    assert pickle.loads(pickle.dumps(this)) == this
    assert hash(this) == hash(pickle.loads(pickle.dumps(this)))


def pins(board: Board) -> dict[str, tuple[str, str]]:
    """Return port -> (pin, standard) of a board's pins file."""
    text = (ROOT / "constraints" / (board.pins or "")).read_text("utf-8")
    found = PIN.findall(text)
    assert len(found) == text.count("\nset_property")
    return {port: (pin, standard) for pin, standard, port in found}


def test_vmk180_pins_agree_with_its_clocks():
    this = board("vmk180")
    ports = pins(this)
    assert len({pin for pin, _ in ports.values()}) == len(ports)
    clock = next(clock for clock in this.clocks if clock.name == "lpddr4_sma_clk2")
    assert clock.frequency_mhz == 200.0
    assert [ports[f"{clock.name}_{side}"] for side in "pn"] == [(pin, clock.io_standard) for pin in clock.pins]


def test_vu19p_leaves_clocks_and_pins_to_the_user():
    assert board("vu19p").clocks == ()
    assert board("vu19p").pins is None
