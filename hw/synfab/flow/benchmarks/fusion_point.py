# SPDX-License-Identifier: Apache-2.0
"""A point of the fusion fabric's benchmark, and its hardware."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synfab.benchmarks.fusion.histories import RandomHistory
from synfab.decoders.fusion import FusionDecoder, Schedule
from synfab.rtl.fusion import FusionFabric
from synfab.sim.loop.fusion import VerilatedFusion
from synfab.surgery.history import History


@dataclass(frozen=True, kw_only=True)
class FusionPoint:
    """A history, how it is decoded, and how many shots of it, if it is."""

    history: RandomHistory
    shots: int = 0
    slots: int = 2
    alone: Literal["block", "step"] = "block"
    weight_bits: int | None = None

    @property
    def setting(self) -> dict[str, Any]:
        """What the records say of it."""
        one = self.history
        return {
            "columns": one.columns,
            "rows": one.rows,
            "steps": one.steps,
            "distance": one.distance,
            "basis": one.kind,
            "noise": one.noise,
            "p": one.p,
            "weights": "unit" if self.weight_bits is None else f"{self.weight_bits} bits",
            "merged": one.merged,
        }


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """A point's fabric, Verilated, and its reference."""

    point: FusionPoint
    cache: Path
    hops: int = 1

    @cached_property
    def history(self) -> History:
        """Its faces."""
        one = self.point.history
        return History.of(one.floor(weight_bits=self.point.weight_bits), one.pieces)

    @cached_property
    def verilog(self) -> str:
        """Of the fabric."""
        point, floor = self.point, self.history.floor
        fabric = FusionFabric(floor, slots=point.slots, alone=point.alone, hops=self.hops, instances=True)
        return fabric.verilog()

    @cached_property
    def fabric(self) -> VerilatedFusion:
        """The fabric."""
        return VerilatedFusion(floor=self.history.floor, slots=self.point.slots, verilog=self.verilog, cache=self.cache)

    @cached_property
    def reference(self) -> FusionDecoder:
        """What the fabric must commit."""
        spec = self.history.spec
        schedule = Schedule.in_time(spec, keep=self.point.slots - 1, alone=self.point.alone, to_the_last=True)
        return FusionDecoder(spec=spec, schedule=schedule, release="commit")

    def committed(self, events: npt.NDArray[np.uint8]) -> list[dict]:
        """Return what the reference commits in each shot."""
        return [self.history.by_home(edges) for edges in self.reference.decode_to_edges(events)]
