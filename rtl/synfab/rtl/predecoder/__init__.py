# SPDX-License-Identifier: Apache-2.0
"""Pre-decoders in RTL: a streaming net from its spec.

``net``
    The component: rounds in, rounds of logits out.
``planes``
    What goes in, and how constant planes become biases.
``serializer``, ``beats``, ``window``, ``layer``, ``position``
    From a round to a position's outputs.
``matrix``, ``adder_graph``, ``shared_pairs``
    Multiplication by constants, without multipliers.
"""

from synfab.rtl.predecoder.net import Predecoder
from synfab.rtl.predecoder.planes import InputPlanes

__all__ = ["InputPlanes", "Predecoder"]
