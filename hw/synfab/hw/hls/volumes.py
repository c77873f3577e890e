# SPDX-License-Identifier: Apache-2.0
"""Volumes of memory experiments as the planes of a net of integers."""

from typing import cast, get_args

from synfab.circuits import Memory
from synfab.circuits.parameters import require_choice
from synfab.hw.hls.calls import Planes
from synfab.predecoder.inputs import integer_planes, plane_layout
from synfab.predecoder.labels import SHOTS_PER_WORD, LabelSampler
from synfab.predecoder.nets.architecture import LayoutName


def memory_volumes(layout: str, memory: Memory, *, shots: int, seed: int | None = None) -> list[Planes]:
    """Return shots of an experiment, each uint8 (inputs, layers, rows, columns).

    Parameters
    ----------
    layout : str
        Of the net.
    memory : Memory
        Of the rotated surface code.

    Raises
    ------
    InputError
        If there is no such layout.
    """
    require_choice("layout", layout, get_args(LayoutName))
    name = cast(LayoutName, layout)
    words = -(-shots // SHOTS_PER_WORD)
    labels = LabelSampler(circuit=memory.circuit()).compile(seed=seed).sample(words=words)
    events = plane_layout(name, labels.volume.distance).batch(labels).events[:shots]
    return list(integer_planes(events, name=name, volume=labels.volume))
