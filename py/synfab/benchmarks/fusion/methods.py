# SPDX-License-Identifier: Apache-2.0
"""What is measured beside global decoding: fusion by schedule, and windows by plan and inner decoder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from synfab.benchmarks.fusion.problem import Problem
from synfab.decoders.fusion import (
    Alone,
    Block,
    FusionDecoder,
    FusionSpec,
    InnerDecoder,
    Release,
    Schedule,
    Stop,
    WindowDecoder,
    WindowPlan,
    inner,
)
from synfab.surgery.global_decoding import matching

Bits = npt.NDArray[np.bool_]
Predictor = Callable[[Bits], npt.NDArray]
GlobalName = Literal["union_find", "pymatching"]

INNER: Mapping[str, InnerDecoder] = {
    "union-find": inner.union_find,
    "fusion": inner.fusion,
    "pymatching": inner.matching,
}
COLOURS: Mapping[str, Callable[[Block], int]] = {
    "sliding": lambda block: block[2],
    "two groups in time": lambda block: block[2] % 2,
    "three groups in time": lambda block: block[2] % 3,
    "two groups in space": lambda block: (block[0] + block[1]) % 2,
    "three groups in space": lambda block: (block[0] + 2 * block[1]) % 3,
    # A node holds a column of blocks: DecoNet's procedure, section V-C.
    "three groups of nodes, step by step": lambda block: 3 * block[2] + block[0] % 3,
}
ALONE: Mapping[str, Alone] = {
    "in time": "block",
    "step by step": "step",
    "as they begin": "nothing",
}


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """Blocks on their own, then fused.

    Attributes
    ----------
    order : {"blocks first", "in time", "step by step", "as they begin"}
        In time blocks are alone first; step by step those of a step are together; as they begin nobody is alone.
    keep : int or None
        Steps after which a block is released, in time.
    stop : {"middle", "end"}
        Where an artificial boundary lies.
    commits : bool
        Whether to release is to commit, step by step to the last, as hardware does.
    """

    order: Literal["blocks first", "in time", "step by step", "as they begin"] = "blocks first"
    keep: int | None = None
    stop: Stop = "middle"
    commits: bool = False

    @property
    def name(self) -> str:
        """As the tables have it."""
        released = "" if self.keep is None else f", {'committed' if self.commits else 'released'} after {self.keep}"
        return f"fusion {self.order}{released}{', boundary at the end' if self.stop == 'end' else ''}"

    @property
    def beside(self) -> GlobalName:
        """The same decoder on the whole graph."""
        return "union_find"

    def predictor(self, problem: Problem, spec: FusionSpec) -> Predictor:
        """Return what predicts observables."""
        spec = replace(spec, stop=self.stop)
        schedule = Schedule.blocks_first(spec)
        if self.order != "blocks first":
            alone = ALONE[self.order]
            schedule = Schedule.in_time(spec, keep=self.keep, alone=alone, to_the_last=self.commits)
        release: Release = "commit" if self.commits else "summary"
        return FusionDecoder(spec=spec, schedule=schedule, release=release).decode_batch


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows of blocks.

    Attributes
    ----------
    order : str
        One of :data:`COLOURS`.
    inner : str
        One of :data:`INNER`.
    buffer : int
        In edges.
    """

    order: str
    inner: str
    buffer: int

    @property
    def name(self) -> str:
        """As the tables have it."""
        return f"{self.order}, {self.inner}, buffer {self.buffer}"

    @property
    def beside(self) -> GlobalName:
        """The inner decoder on the whole graph."""
        return "pymatching" if self.inner == "pymatching" else "union_find"

    def predictor(self, problem: Problem, spec: FusionSpec) -> Predictor:
        """Return what predicts observables."""
        plan = WindowPlan.coloured(spec, [COLOURS[self.order](block) for block in spec.blocks], buffer=self.buffer)
        return WindowDecoder(spec=spec, graph=problem.graph, plan=plan, inner=INNER[self.inner]).decode_batch


Method = Fusion | Windows


def global_predictor(name: GlobalName, problem: Problem, spec: FusionSpec) -> Predictor:
    """Return a decoder of the whole graph."""
    if name == "union_find":
        return spec.whole.decode_batch
    return lambda detections: matching(problem.graph, detections)
