# SPDX-License-Identifier: Apache-2.0
"""Writes the stored logits of the zoo's nets: ``python tests/golden/predecoder_vectors.py``.

Run once for the nets of a zoo, never to make a failing test pass. Each folder holds ``events.npz``, blocks of memory
experiments as the planes of events that a net takes, uint8 (event_channels, layers, rows, columns), and beside it for
each net ``NET.npz``, its logits by :meth:`PredecoderSpec.logits`, int32 (num_outputs, layers, rows, columns), of the
same blocks by the same names; ``manifest.json`` says of which experiments and nets, and made with what.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from union_find_vectors import manifest

from synfab.circuits import Memory
from synfab.circuits.layout import Basis
from synfab.predecoder.inputs import integer_planes, plane_layout
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.labels import LabelSampler
from synfab.predecoder.nets.architecture import LayoutName

MODELS = Path(__file__).parents[2] / "models"
NETS = ("surface-s", "surface-m4", "surface-m")
LAYOUT: LayoutName = "supercell"

Blocks = list[npt.NDArray[Any]]


def stored(blocks: Blocks) -> bytes:
    """Return arrays as an archive; the same bytes for the same numbers."""
    file = BytesIO()
    arrays: dict[str, Any] = {f"block_{number}": block for number, block in enumerate(blocks)}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def folder(name: str, *, distance: int, basis: Basis) -> None:
    """Write blocks of ``distance`` rounds, dense ones, the shortest, and a long one."""
    experiments = [(distance, 0.006, 4), (distance, 0.05, 1), (2, 0.006, 1), (2, 0.05, 1), (4 * distance, 0.006, 1)]
    specs = {net: PredecoderSpec.load(MODELS / net / "spec.json") for net in NETS}
    events: Blocks = []
    logits: dict[str, Blocks] = {net: [] for net in NETS}
    for rounds, p, shots in experiments:
        memory = Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, p=p)
        labels = LabelSampler(circuit=memory.circuit()).compile(seed=1).sample(words=1)
        sampled = plane_layout(LAYOUT, distance).batch(labels).events[:shots]
        planes = integer_planes(sampled, name=LAYOUT, volume=labels.volume)
        events += list(sampled)
        for net, spec in specs.items():
            logits[net] += list(spec.logits(planes))
    numbers = {
        "spec_sha256": {net: spec.sha256 for net, spec in specs.items()},
        "layout": LAYOUT,
        "distance": distance,
        "basis": basis,
        "experiments": [{"rounds": rounds, "p": p, "shots": shots} for rounds, p, shots in experiments],
        "num_blocks": len(events),
    }
    files = {"events.npz": stored(events)} | {f"{net}.npz": stored(each) for net, each in logits.items()}
    manifest(name, files, numbers, packages=("synfab", "stim", "numpy"))


def main() -> None:
    folder("predecoder_d5", distance=5, basis="X")
    folder("predecoder_d7", distance=7, basis="Z")


if __name__ == "__main__":
    main()
