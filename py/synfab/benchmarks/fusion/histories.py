# SPDX-License-Identifier: Apache-2.0
"""Patches of a rectangle whose seams are merged and split at random, step after step (DecoNet, section VIII)."""

import random
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.surgery import Event, Lattice, Parts, Piece, Recorder, Site, Slab, pieces
from synfab.surgery.floor import Floor
from synfab.surgery.history import History
from synfab.surgery.lattice import neighbour_cells


@dataclass(frozen=True, kw_only=True)
class RandomHistory:
    """Patches that are prepared, merged and split at random every d rounds, and read out.

    Attributes
    ----------
    columns, rows : int
    steps : int
        Of d rounds each.
    distance : int
    kind : {"X", "Z"}
        Of the checks that are decoded; patches are prepared and read out in that basis.
    noise : {"phenomenological", "circuit"}
    p : float
    merged : float
        The probability with which each seam is merged in each step; 1: all patches are one.
    seed : int
        Of the merges.
    """

    columns: int = 1
    rows: int = 1
    steps: int
    distance: int
    kind: Basis = "Z"
    noise: Literal["phenomenological", "circuit"] = "phenomenological"
    p: float
    merged: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.columns, self.rows, self.steps) < 1:
            raise InputError(
                "columns, rows and steps must be at least 1, not "
                f"{(self.columns, self.rows, self.steps)!r}; there is nothing to decode"
            )

    @property
    def name(self) -> str:
        """Blocks in x, y and time."""
        return f"{self.columns} x {self.rows} x {self.steps}"

    @property
    def parts(self) -> Parts:
        """Blocks and faces."""
        return Parts(distance=self.distance, noise=self.noise, p=self.p, kind=self.kind)

    @cached_property
    def slabs(self) -> tuple[Slab, ...]:
        """What happens in each step."""
        rng = random.Random(self.seed)
        cells = [(2 * x, 2 * y) for y in range(self.rows) for x in range(self.columns)]
        patches, ends = frozenset(cells), frozenset(Event(cell, self.kind) for cell in cells)
        sites = sorted({(x + dx, y + dy) for x, y in cells for dx, dy in ((1, 0), (0, 1))})
        seams = [site for site in sites if patches.issuperset(neighbour_cells(site))]
        found: list[Slab] = []
        held: frozenset[Site] = frozenset()
        for step in range(self.steps):
            merged = frozenset(seam for seam in seams if rng.random() < self.merged)
            slab = Slab(
                patches=patches,
                merged=merged,
                prepared=ends if step == 0 else frozenset(),
                measured=ends if step == self.steps - 1 else frozenset(),
                held=held & merged,
            )
            found.append(slab)
            held = merged
        return tuple(found)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Blocks and faces of the whole history."""
        parts, before, found = self.parts, None, []
        for step, slab in enumerate(self.slabs):
            found += pieces(parts, before, slab, step=step)
            before = slab
        return (*found, *pieces(parts, before, None, step=self.steps))

    def floor(self, *, weight_bits: int | None = None) -> Floor:
        """Return the floor of all its states: unit weights, or such as :meth:`Problem.spec` has them."""
        return Floor.of(self.parts, self.pieces, columns=self.columns, rows=self.rows, weight_bits=weight_bits)

    @cached_property
    def _recorder(self) -> Recorder:
        strengths = NoiseStrengths.of(self.noise, self.p)
        recorder = Recorder(lattice=Lattice(distance=self.distance), strengths=strengths)
        for slab in self.slabs:
            recorder.append(slab)
        return recorder

    @cached_property
    def circuit(self) -> stim.Circuit:
        """The circuit, with the detectors of the kind."""
        return self._recorder.circuit(kind=self.kind)

    def sample(self, shots: int, *, seed: int) -> npt.NDArray[np.bool_]:
        """Return detection events as :attr:`circuit` has its detectors, ``(shots, num_detectors)``."""
        sampled = self.circuit.compile_detector_sampler(seed=seed).sample(shots)
        assert isinstance(sampled, np.ndarray)
        return sampled

    def placed(self, history: History, detections: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Return them as a history of this has its own, ``(shots, history.spec.whole.num_detectors)``."""
        cells = self.parts.cells
        found = (detector for detector in self._recorder.detectors if detector.kind == self.kind)
        return history.events([cells.place(d.position, d.step, d.layer) for d in found], detections)
