# SPDX-License-Identifier: Apache-2.0
"""The XDC files of ``constraints/``, wherever the package is installed."""

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from synfab.errors import InputError


def constraint(name: str, **parameters: str | float) -> str:
    """Return the text of ``constraints/{name}`` with its parameters set above it.

    A constraints file reads its parameters as Tcl variables, since ``set`` is legal XDC and ``if`` is not (UG903,
    "Valid Commands in an XDC File").

    Parameters
    ----------
    name : str
        File name: ``timing.xdc``, ``ooc.xdc`` or a board's pins file.
    **parameters : str or float
        Variables that the file reads.

    Raises
    ------
    InputError
        If there is no such file.
    """
    for folder in _folders():
        file = folder / name
        if file.is_file():
            header = "".join(f"set {key} {value}\n" for key, value in parameters.items())
            return header + file.read_text(encoding="utf-8")
    raise InputError(f"a constraints file must exist in constraints/, not {name!r}; correct the board's 'pins'")


def _folders() -> Iterator[Traversable]:
    # A wheel carries the files inside this package; a source tree has them at its root.
    yield resources.files("synfab.hw.vivado") / "xdc"
    yield Path(__file__).resolve().parents[4] / "constraints"
