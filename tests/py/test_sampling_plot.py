# SPDX-License-Identifier: Apache-2.0
"""Plots of logical error rates: whole files, the same for the same rows, with what was asked for on the axes."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from synfab.errors import InputError
from synfab.sampling import Row, plot_ler


def row(decoder: str, errors: int, **metadata: Any) -> Row:
    return Row(decoder=decoder, metadata=metadata, shots=10_000, errors=errors, discards=0, seconds=1.0)


BY_P = [
    row(name, 3 * d + k, distance=d, p=p) for name in ("a", "b") for d in (3, 5) for k, p in enumerate((1e-3, 2e-3))
]
BY_DISTANCE = [row("a", errors, distance=d, p=1e-3) for d, errors in ((3, 90), (5, 7), (7, 0))]


# Matplotlib draws letters as paths and leaves the text as a comment.


def test_lines_against_p(tmp_path: Path) -> None:
    path = plot_ler(BY_P, tmp_path / "new" / "ler.svg")
    text = path.read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    for label in ("physical error rate p", "logical error rate a shot", "a, d=3", "b, d=5"):
        assert f"<!-- {label}" in text
    assert text.count("<!-- a, d=3") == 1


def test_line_against_distance_with_a_rate_below_what_was_seen(tmp_path: Path) -> None:
    text = plot_ler(BY_DISTANCE, tmp_path / "ler.svg").read_text()
    for label in ("code distance d", "a, p=0.001", "3", "5", "7"):
        assert f"<!-- {label} -->" in text


def test_no_errors_at_all(tmp_path: Path) -> None:
    plot_ler([row("a", 0, p=0.001), row("a", 0, p=0.002)], tmp_path / "ler.svg")


def test_same_rows_same_file(tmp_path: Path) -> None:
    first = plot_ler(BY_P, tmp_path / "1.svg").read_bytes()
    assert plot_ler(BY_P, tmp_path / "2.svg").read_bytes() == first
    assert plot_ler(BY_P[1:], tmp_path / "3.svg").read_bytes() != first


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_other_formats(tmp_path: Path, suffix: str, magic: bytes) -> None:
    assert plot_ler(BY_DISTANCE, tmp_path / f"ler.{suffix}").read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("rows", "name", "sentence"),
    [
        (BY_P, "ler.txt", "a plot must be written to a file that ends in .svg, .png, .pdf, not 'ler.txt'"),
        ([], "ler.svg", "a plot must have at least one row, not none; sample some shots first"),
        (
            [*BY_P, row("a", 1, noise="x")],
            "ler.svg",
            "the rows of a plot must have 'p' or 'distance' in their metadata; name them in the task",
        ),
    ],
)
def test_refusals(tmp_path: Path, rows: list[Row], name: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        plot_ler(rows, tmp_path / name)
    assert str(caught.value) == sentence
    assert list(tmp_path.iterdir()) == []
