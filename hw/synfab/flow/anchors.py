# SPDX-License-Identifier: Apache-2.0
"""Other decoders' figures for a config's problem."""

import tomllib
from importlib.resources import files
from typing import Any

from synfab.flow.config import Config
from synfab.report import Anchor


def anchor_table(name: str) -> dict[str, Any]:
    """Return one of the files of other people's figures: ``helios``, ``published``, ``published_decoders``, ..."""
    return tomllib.loads((files("synfab.flow") / f"{name}.toml").read_text())


def anchors(config: Config) -> list[Anchor]:
    """Return the figures that hold for exactly this problem: rotated surface code, circuit-level noise, d rounds."""
    code = config.code
    if not code or (code.code, code.noise) != ("rotated_surface", "circuit") or code.rounds != code.distance:
        return []
    found = []
    cycles = anchor_table("helios")["circuit-level"]["mean_cycles"].get(f"{code.p:g}", {})
    if str(code.distance) in cycles:
        found.append(
            Anchor(
                label="Helios, unweighted, its own counter without load and read-out",
                quantity="mean latency",
                value=cycles[str(code.distance)],
                unit="cycles",
                origin="measured",
                source="arXiv:2406.08491, its public RTL on Verilator",
            )
        )
    for table in anchor_table("published").values():
        values = table["values"].get(f"{code.p:g}", {})
        if str(code.distance) in values:
            about = {key: table[key] for key in ("label", "quantity", "unit", "source")}
            found.append(Anchor(**about, origin="published", value=values[str(code.distance)]))
    return found
