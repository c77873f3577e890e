# SPDX-License-Identifier: Apache-2.0
"""Other decoders' figures for a config's problem."""

import tomllib
from importlib.resources import files

from synfab.flow.config import Config
from synfab.report import Anchor


def anchors(config: Config) -> list[Anchor]:
    """Return the figures that hold for exactly this problem: rotated surface code, circuit-level noise, d rounds."""
    code = config.code
    if not code or (code.code, code.noise) != ("rotated_surface", "circuit") or code.rounds != code.distance:
        return []
    tables = tomllib.loads((files("synfab.flow") / "anchors.toml").read_text())
    found = []
    for table in tables.values():
        values = table.get(f"{code.p:g}", {})
        if str(code.distance) in values:
            about = {key: table[key] for key in ("label", "quantity", "unit", "origin", "source")}
            found.append(Anchor(**about, value=values[str(code.distance)]))
    return found
