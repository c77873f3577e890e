# SPDX-License-Identifier: Apache-2.0
"""Merged patches and memories in time: circuits of programs, with the block of every detector."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.layout import Basis
from synfab.decoders.fusion import Block, FusionSpec
from synfab.dem import DecodingGraph
from synfab.surgery import Lattice, Parts, Program, Recorder, branches, of_kind, output_sheets, records


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Patches in a row or in a field, merged with each other for some steps, prepared and read out in one basis.

    The observable is the parity of all read-outs: of Z in a row, merged by XX, that of the merged patch; of X what the
    merges measure as well.

    Attributes
    ----------
    columns, rows : int
    steps : int
        Of d rounds each.
    basis : {"X", "Z"}
    distance : int
    noise : {"phenomenological", "circuit"}
    p : float
    """

    columns: int = 1
    rows: int = 1
    steps: int = 1
    basis: Basis = "Z"
    distance: int
    noise: Literal["phenomenological", "circuit"]
    p: float

    @property
    def name(self) -> str:
        """Blocks in x, y and time."""
        return f"{self.columns} x {self.rows} x {self.steps}"

    @property
    def program(self) -> Program:
        """The patches' program."""
        cells = [(x, y) for y in range(self.rows) for x in range(self.columns)]
        names = {(x, y): f"p{x}_{y}" for x, y in cells}
        first: list[dict] = [{"prepare": name, "basis": self.basis} for name in names.values()]
        for x, y in cells:
            first += [{"merge": [names[x, y], names[other]]} for other in ((x + 1, y), (x, y + 1)) if other in names]
        steps: list[list[dict]] = [[] for _ in range(self.steps)]
        steps[0] += first
        steps[-1] += [{"measure": name, "basis": self.basis, "result": name} for name in names.values()]
        return Program.model_validate(
            {
                "name": "merged",
                "distance": self.distance,
                "patches": {name: cell for cell, name in names.items()},
                "step": [{"ops": ops} for ops in steps],
                "output": [{"name": "parity", "parity": list(names.values())}],
            }
        )

    @cached_property
    def compiled(self) -> tuple[stim.Circuit, tuple[Block, ...]]:
        """The circuit with the detectors of the basis, and the block of each."""
        program = self.program
        (branch,) = branches(program)
        strengths = NoiseStrengths.of(self.noise, self.p)
        recorder = Recorder(lattice=Lattice(distance=self.distance), strengths=strengths)
        for plan in branch.plans:
            recorder.append(plan.slab)
        sheets = output_sheets(program, branch.results).values()
        rows: Sequence = [records(of_kind(sheet, self.basis), recorder.marks) for sheet in sheets]
        cells = self.parts.cells
        found = [detector for detector in recorder.detectors if detector.kind == self.basis]
        places = tuple(cells.place(d.position, d.step, d.layer).block for d in found)
        return recorder.circuit(kind=self.basis, observables=rows), places

    @cached_property
    def graph(self) -> DecodingGraph:
        """Of the whole circuit."""
        return DecodingGraph.from_dem(self.compiled[0].detector_error_model())

    @property
    def parts(self) -> Parts:
        """Blocks and faces of the basis."""
        return Parts(distance=self.distance, noise=self.noise, p=self.p, kind=self.basis)

    def spec(self, *, weight_bits: int | None) -> FusionSpec:
        """Return the integers: unit weights, or weights whose scale the rarest edge of a block's inside sets."""
        if weight_bits is None:
            return FusionSpec.compile(self.graph, places=self.compiled[1], weights="unit")
        return FusionSpec.compile(
            self.graph,
            places=self.compiled[1],
            weights="log_likelihood",
            weight_bits=weight_bits,
            rarest=min(edge.probability for edge in self.parts.block.edges),
        )
