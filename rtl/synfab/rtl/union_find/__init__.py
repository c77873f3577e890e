# SPDX-License-Identifier: Apache-2.0
"""Union-find decoders in RTL: one interface, one micro-architecture a file.

``fabric``
    The interface.
``spatial``
    One processing element a detector; the fewest cycles.
"""

from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.spatial import UnionFind

__all__ = ["Fabric", "UnionFind"]
