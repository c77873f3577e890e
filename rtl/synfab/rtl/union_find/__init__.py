# SPDX-License-Identifier: Apache-2.0
"""Union-find decoders in RTL: one interface, one micro-architecture a file.

``fabric``
    The interface.
``spatial``
    One processing element a detector; the fewest cycles.
``shared``
    One processing element for several detectors; the fewest tables.
``hints``
    Levels that come with the rounds and lower weights.
``design``
    A choice of one of them, with its parameters.
"""

from synfab.rtl.union_find.design import Design
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.hints import Hints
from synfab.rtl.union_find.shared import SharedUnionFind
from synfab.rtl.union_find.spatial import UnionFind

__all__ = ["Design", "Fabric", "Hints", "SharedUnionFind", "UnionFind"]
