# SPDX-License-Identifier: Apache-2.0
"""Pre-decoders in RTL: a streaming net from its spec.

``pipeline``
    The net with what comes after it and the union-find fabric: rounds in, the logical answer out.
``framing``
    Blocks that are too short or too long, made whole.
``decisions``, ``closed_clusters``, ``residual``, ``lanes``, ``places``
    What comes after the net: thresholds, the gate of closed clusters, residual events and frame, hints.
``net``
    The component: rounds in, rounds of logits out.
``planes``
    What goes in, and how constant planes become biases.
``serializer``, ``beats``, ``window``, ``layer``, ``position``
    From a round to a position's outputs.
``matrix``, ``adder_graph``, ``shared_pairs``
    Multiplication by constants, without multipliers.
``loaded``
    Weights in memory instead, and the port through which they come.
``size``
    How much logic all of it will take.
"""

from synfab.rtl.predecoder.loaded import Loaded
from synfab.rtl.predecoder.net import Predecoder
from synfab.rtl.predecoder.pipeline import Pipeline
from synfab.rtl.predecoder.planes import InputPlanes

__all__ = ["InputPlanes", "Loaded", "Pipeline", "Predecoder"]
