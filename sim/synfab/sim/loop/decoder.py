# SPDX-License-Identifier: Apache-2.0
"""Builds the library from the Verilog, and plays shots to it."""

import ctypes
import re
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.shots import packed_shots
from synfab.decoders.union_find.weights import weight_rows
from synfab.errors import InputError, ToolError
from synfab.sim.loop import library

CHUNK_SHOTS = 1 << 15
PATIENCE_CYCLES = 1_000_000

MEMORY = r"^\s*reg .*\[\d+:\d+\]\s*;"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the RTL answered.

    Attributes
    ----------
    predictions : ndarray of uint8, (shots, num_observables)
    corrections : ndarray of uint8, (shots, num_edges), or None
    cycles : ndarray of int64, (shots,)
        From the transfer of a block's last beat to the first cycle in which the answer is offered.
    interval_cycles : float
        Cycles a shot, from the first beat to the last answer, of one decoder.
    """

    predictions: npt.NDArray[np.uint8]
    corrections: npt.NDArray[np.uint8] | None
    cycles: npt.NDArray[np.int64]
    interval_cycles: float

    @property
    def histogram(self) -> dict[int, int]:
        """Shots by cycles, ascending."""
        cycles, shots = np.unique(self.cycles, return_counts=True)
        return dict(zip(cycles.tolist(), shots.tolist(), strict=True))


@dataclass(frozen=True, kw_only=True)
class RtlDecoder:
    """The RTL of a union-find fabric in a compiled library; pickles, and loads its library where it is used.

    Parameters
    ----------
    spec : UnionFindSpec
        What it decodes as.
    verilog : str
        Of a fabric of that spec, whose top module is ``union_find``.
    corrections, runtime_weights : bool
        As of the fabric.
    built_weights : tuple of int, optional
        The weights that the fabric was generated with, if others than the spec's: those are then loaded as its
        defaults after the reset, so that one library serves all weights of a graph. Only with ``runtime_weights``.
    lanes : {64, 1} or None
        64: as many decoders side by side, each with shots of its own, in words of 64 bits (see
        :mod:`~synfab.sim.loop.graph`): many times faster for many shots, and ready in seconds. 1: the Verilog as it
        is, Verilated. None: 64, but 1 for a design with memories, of which 64 lanes would make flip-flops.
    cache : Path
        Libraries are kept here by the hash of what made them.
    """

    spec: UnionFindSpec
    verilog: str
    corrections: bool = False
    runtime_weights: bool = False
    built_weights: tuple[int, ...] | None = None
    lanes: Literal[64, 1] | None = None
    cache: Path

    def play(
        self,
        detections: npt.NDArray[np.uint8],
        *,
        weights: npt.NDArray[np.unsignedinteger] | None = None,
        gap_cycles: int = 0,
        back_to_back: bool = False,
    ) -> Played:
        """Send shots to a decoder, each after the answer to the one before.

        Parameters
        ----------
        detections : ndarray of uint8
            Bit-packed, ``(shots, ceil(num_detectors / 8))``.
        weights : ndarray of int, (shots, num_edges) or (num_edges,), optional
            Of every shot (:meth:`UnionFindSpec.shot_weights`), or of all; those that are not the spec's go through the
            weight port, before the shot's first beat.
        gap_cycles : int
            Cycles without a beat between the rounds of a shot.
        back_to_back : bool
            Send all shots without waiting for answers; then ``interval_cycles`` is the initiation interval.

        Raises
        ------
        InputError
            If detections are not bit-packed shots of the spec, weights are not those that the reference takes or come
            for a decoder without a port for them, or ``gap_cycles`` is negative.
        ToolError
            If the decoder does not answer within a million cycles.
        """
        if gap_cycles < 0:
            raise InputError(f"gap_cycles must be at least 0, not {gap_cycles!r}; 0 sends a round a cycle")
        detections = packed_shots(detections, self.spec.num_detectors, bit_packed=True)
        num_entries, entries = self._entries(weights, len(detections))
        bounds = np.concatenate([[0], np.cumsum(num_entries)])
        words = self._library.answer_words()
        answers = np.zeros((len(detections), words), np.uint32)
        cycles = np.zeros(len(detections), np.int64)
        total_cycles = 0
        for first in range(0, len(detections), CHUNK_SHOTS):
            shots = slice(first, min(first + CHUNK_SHOTS, len(detections)))
            part = slice(bounds[shots.start], bounds[shots.stop])
            total_cycles += self._play(
                detections[shots],
                entries[part],
                bounds[shots.start : shots.stop + 1] - part.start,
                answers[shots],
                cycles[shots],
                gap_cycles=gap_cycles,
                one_by_one=not back_to_back,
            )
        bits = np.unpackbits(answers.view(np.uint8), axis=1, bitorder="little")
        num_labels = max(1, self.spec.num_observables)
        return Played(
            predictions=np.ascontiguousarray(bits[:, : self.spec.num_observables]),
            corrections=bits[:, num_labels : num_labels + len(self.spec.edges)] if self.corrections else None,
            cycles=cycles,
            interval_cycles=total_cycles / max(1, len(detections)),
        )

    def build(self) -> Path:
        """Compile the library unless it is there; return its path.

        Raises
        ------
        MissingToolError
            If Verilator or the compiler is not installed.
        ToolError
            If one of them fails.
        """
        harness = (files("synfab.sim.loop") / "harness.cpp").read_text()
        return library.build(
            verilog=self.verilog,
            top="union_find",
            harness=harness,
            defines=[f"-DLANES={self._lanes}", *(["-DWEIGHT_PORT"] if self.runtime_weights else [])],
            side_by_side=self._lanes > 1,
            cache=self.cache,
        )

    @property
    def simulator(self) -> str:
        """The package that the RTL is played by: ``verilator``, or, for 64 lanes, ``pyosys``, whose graph it is."""
        return "pyosys" if self._lanes > 1 else "verilator"

    @property
    def _lanes(self) -> int:
        return self.lanes or (1 if re.search(MEMORY, self.verilog, re.MULTILINE) else 64)

    @cached_property
    def _library(self) -> ctypes.CDLL:
        found = ctypes.CDLL(str(self.build()))
        integer, pointer = ctypes.c_int64, ctypes.c_void_p
        found.decoders_play.restype = integer
        found.decoders_play.argtypes = [*4 * [integer], ctypes.c_bool, integer, *6 * [pointer]]
        return found

    def _play(
        self,
        detections: npt.NDArray[np.uint8],
        entries: npt.NDArray[np.uint64],
        entry_bounds: npt.NDArray[np.int64],
        answers: npt.NDArray[np.uint32],
        cycles: npt.NDArray[np.int64],
        *,
        gap_cycles: int,
        one_by_one: bool,
    ) -> int:
        """Fill ``answers``, as words, and ``cycles``; return the cycles of all lanes together."""
        beats = self._beats(detections, self._library.beat_words())
        entries, entry_bounds = np.ascontiguousarray(entries), np.ascontiguousarray(entry_bounds)
        arrays = (beats, self._defaults, entries, entry_bounds, answers, cycles)
        total = self._library.decoders_play(
            len(detections),
            len(self.spec.rounds),
            gap_cycles,
            PATIENCE_CYCLES,
            one_by_one,
            len(self._defaults),
            *(array.ctypes.data for array in arrays),
        )
        if total < 0:
            events = np.flatnonzero(np.unpackbits(detections[-1 - total], bitorder="little")).tolist()
            raise ToolError(
                f"the RTL must answer within {PATIENCE_CYCLES} cycles, not fall silent on the detection events {events}"
            )
        return total

    def _entries(
        self, weights: npt.NDArray[np.unsignedinteger] | None, shots: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Return how many entries each shot has, and all of them as the weight port takes them."""
        if weights is None:
            return np.zeros(shots, np.int64), np.zeros(0, np.uint64)
        if not self.runtime_weights:
            raise InputError("weights must be None for a decoder whose weights are part of the hardware, not an array")
        num_edges = len(self.spec.edges)
        rows = weight_rows(weights, num_shots=shots, num_edges=num_edges, weight_bits=self.spec.weight_bits)
        of_shots = np.broadcast_to(rows, (shots, num_edges))
        differs = of_shots != np.array(self.spec.weights)
        shot, edge = np.nonzero(differs)
        return differs.sum(axis=1), self._words(of_shots[shot, edge], edge)

    @cached_property
    def _defaults(self) -> npt.NDArray[np.uint64]:
        """What the weight port takes before the first shot."""
        weights = np.array(self.spec.weights)
        built = np.array(self.built_weights or self.spec.weights)
        # Only a list of all of them lets more growth steps fall together.
        (edges,) = np.nonzero((weights != built) | np.any(weights > built))
        if len(edges) and not self.runtime_weights:
            raise InputError("built_weights must be the spec's for a decoder whose weights are part of the hardware")
        return self._words(weights[edges], edges, default=True)

    def _words(self, weights: npt.NDArray, edges: npt.NDArray, *, default: bool = False) -> npt.NDArray[np.uint64]:
        """Return entries of the weight port: a weight, the bit of a default, the number of the edge."""
        numbers = edges.astype(np.uint64) << np.uint64(self.spec.weight_bits + 1)
        return weights.astype(np.uint64) | np.uint64(default << self.spec.weight_bits) | numbers

    def _beats(self, detections: npt.NDArray[np.uint8], words: int) -> npt.NDArray[np.uint32]:
        """Return the payloads of all beats, ``(shots, rounds, words)``."""
        events = np.unpackbits(detections, axis=1, bitorder="little")
        bits = np.zeros((len(detections), len(self.spec.rounds), 32 * words), np.uint8)
        for number, detectors in enumerate(self.spec.rounds):
            bits[:, number, : len(detectors)] = events[:, detectors]
        bits[:, -1, max(map(len, self.spec.rounds))] = 1
        return np.packbits(bits, axis=2, bitorder="little").view(np.uint32)

    def __getstate__(self) -> dict:
        """Pickle what the library is made from, not the library."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}
