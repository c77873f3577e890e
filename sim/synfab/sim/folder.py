# SPDX-License-Identifier: Apache-2.0
"""Puts the bench into an artefact folder, where it runs without synfab."""

from importlib.resources import files
from pathlib import Path

from synfab.artefact import write_bytes


def write_bench(directory: Path) -> None:
    """Copy the bench and its Makefile to ``directory``, in the same package as here.

    ``make -C directory`` then plays ``directory/vectors`` to the Verilog in ``directory/../rtl``.
    """
    package = files("synfab.sim")
    write_bytes(directory / "synfab" / "sim" / "__init__.py", (package / "__init__.py").read_bytes())
    for source in (package / "bench").iterdir():
        if source.name.endswith(".py"):
            write_bytes(directory / "synfab" / "sim" / "bench" / source.name, source.read_bytes())
    write_bytes(directory / "Makefile", (package / "bench" / "Makefile").read_bytes())
