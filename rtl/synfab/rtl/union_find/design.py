# SPDX-License-Identifier: Apache-2.0
"""How a fabric is built: the choices that do not change its answers."""

from dataclasses import dataclass
from typing import Literal

from synfab.decoders import UnionFindSpec
from synfab.errors import InputError
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.shared import SharedUnionFind
from synfab.rtl.union_find.spatial import UnionFind

MicroArchitecture = Literal["spatial", "shared"]


@dataclass(frozen=True, kw_only=True)
class Design:
    """A micro-architecture with its parameters.

    Attributes
    ----------
    micro_architecture : {"spatial", "shared"}
        A processing element a detector, or one for several.
    hops : int
        Of the spatial one: edges that tags and messages cross in a cycle.
    detectors_per_element : int
        Of the shared one.
    corrections : bool
        Answer with the corrections of all edges, too.
    runtime_weights : bool
        Take weights and erasures from a port; only the spatial one.

    Raises
    ------
    InputError
        If the parameters contradict each other.
    """

    micro_architecture: MicroArchitecture = "spatial"
    hops: int = 1
    detectors_per_element: int = 1
    corrections: bool = False
    runtime_weights: bool = False

    def __post_init__(self) -> None:
        if self.micro_architecture not in ("spatial", "shared"):
            raise InputError(f"micro_architecture must be 'spatial' or 'shared', not {self.micro_architecture!r}")
        if self.micro_architecture == "spatial" and self.detectors_per_element != 1:
            raise InputError(
                "detectors_per_element must be 1 for the spatial micro-architecture, not "
                f"{self.detectors_per_element!r}; the shared one has more"
            )
        if self.micro_architecture == "shared" and self.hops != 1:
            raise InputError(f"hops must be 1 for the shared micro-architecture, not {self.hops!r}")
        if self.micro_architecture == "shared" and self.runtime_weights:
            raise InputError(
                "runtime_weights must be false for the shared micro-architecture, not true; the spatial one has them"
            )

    def fabric(self, spec: UnionFindSpec, *, instances: bool = True) -> Fabric:
        """Return the component; see :class:`Fabric`."""
        if self.micro_architecture == "shared":
            return SharedUnionFind(
                spec,
                detectors_per_element=self.detectors_per_element,
                corrections=self.corrections,
                instances=instances,
            )
        return UnionFind(
            spec,
            hops=self.hops,
            corrections=self.corrections,
            runtime_weights=self.runtime_weights,
            instances=instances,
        )
