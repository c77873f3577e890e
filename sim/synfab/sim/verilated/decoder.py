# SPDX-License-Identifier: Apache-2.0
"""Builds the library from the Verilog, and plays shots to it."""

import ctypes
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synfab.artefact import digest, write_text
from synfab.decoders import UnionFindSpec
from synfab.errors import InputError, MissingToolError, ToolError
from synfab.sim.bench import verilator

CHUNK_SHOTS = 4096
PATIENCE_CYCLES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the RTL answered.

    Attributes
    ----------
    predictions : ndarray of uint8, (shots, num_observables)
    corrections : ndarray of uint8, (shots, num_edges), or None
    cycles : ndarray of int64, (shots,)
        From the transfer of a block's last beat to the first cycle in which the answer is offered.
    """

    predictions: npt.NDArray[np.uint8]
    corrections: npt.NDArray[np.uint8] | None
    cycles: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class VerilatedDecoder:
    """A union-find fabric, compiled; pickles, and loads its library where it is used.

    Parameters
    ----------
    spec : UnionFindSpec
    verilog : str
        Of a fabric of that spec, whose top module is ``union_find``.
    corrections, runtime_weights : bool
        As of the fabric.
    cache : Path
        Libraries are kept here by the hash of what made them.
    """

    spec: UnionFindSpec
    verilog: str
    corrections: bool = False
    runtime_weights: bool = False
    cache: Path

    def play(
        self,
        detections: npt.NDArray[np.uint8],
        *,
        weights: npt.NDArray[np.unsignedinteger] | None = None,
        gap_cycles: int = 0,
    ) -> Played:
        """Send shots one after the other, each after the answer to the one before.

        Parameters
        ----------
        detections : ndarray of uint8
            Bit-packed, ``(shots, ceil(num_detectors / 8))``.
        weights : ndarray of unsigned int, (shots, num_edges), optional
            Of every shot (:meth:`UnionFindSpec.shot_weights`); those that are not the spec's go through the weight
            port, before the shot's first beat.
        gap_cycles : int
            Cycles without a beat between the rounds of a shot.

        Raises
        ------
        ToolError
            If the decoder does not answer within a million cycles.
        """
        num_entries, entries = self._entries(weights, len(detections))
        bounds = np.concatenate([[0], np.cumsum(num_entries)])
        chunks = []
        for k in range(0, len(detections), CHUNK_SHOTS):
            shots = slice(k, min(k + CHUNK_SHOTS, len(detections)))
            part = entries[bounds[shots.start] : bounds[shots.stop]]
            chunks.append(self._play(detections[shots], num_entries[shots], part, gap_cycles))
        bits = np.concatenate([bits for bits, _ in chunks])
        num_labels = max(1, self.spec.num_observables)
        return Played(
            predictions=np.ascontiguousarray(bits[:, : self.spec.num_observables]),
            corrections=bits[:, num_labels : num_labels + len(self.spec.edges)] if self.corrections else None,
            cycles=np.concatenate([cycles for _, cycles in chunks]),
        )

    def stream(self, detections: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], int]:
        """Send the beats of all shots back to back, without waiting for answers.

        Parameters
        ----------
        detections : ndarray of uint8
            Bit-packed, ``(shots, ceil(num_detectors / 8))``; of a decoder without a weight port.

        Returns
        -------
        predictions : ndarray of uint8, (shots, num_observables)
        cycles : int
            From the first beat to the last answer: over the shots, the initiation interval.

        Raises
        ------
        ToolError
            If nothing passes for a million cycles.
        """
        library = self._library
        beats = self._beats(detections, library.beat_words())
        answers = np.zeros((len(detections), library.answer_words()), np.uint32)
        decoder = library.decoder_new()
        try:
            cycles = library.decoder_stream(
                decoder,
                len(detections),
                len(self.spec.rounds),
                beats.ctypes.data,
                answers.ctypes.data,
                PATIENCE_CYCLES,
            )
        finally:
            library.decoder_delete(decoder)
        if cycles < 0:
            raise ToolError(f"the RTL must pass a beat or an answer within {PATIENCE_CYCLES} cycles, not fall silent")
        bits = np.unpackbits(answers.view(np.uint8), axis=1, bitorder="little")
        return np.ascontiguousarray(bits[:, : self.spec.num_observables]), cycles

    def build(self) -> Path:
        """Compile the library unless it is there; return its path.

        Raises
        ------
        MissingToolError
            If Verilator or the compiler is not installed.
        ToolError
            If one of them fails.
        """
        harness = (files("synfab.sim.verilated") / "harness.cpp").read_text()
        ports = ["-DWEIGHT_PORT"] if self.runtime_weights else []
        folder = self.cache / digest(self.verilog, harness, [*verilator.FLAGS, *ports])[:16]
        library = folder / "libdecoder.so"
        if library.exists():
            return library
        try:
            environment = verilator.environment()
        except verilator.MissingSimulatorError as error:
            raise MissingToolError(str(error)) from error
        write_text(folder / "decoder.v", self.verilog)
        write_text(folder / "harness.cpp", harness)
        objects = folder / "objects"
        shutil.rmtree(objects, ignore_errors=True)
        options = ["--prefix", "Vdecoder", "--top-module", "union_find", "-CFLAGS", "-fPIC", "-Mdir", str(objects)]
        _call(["verilator", "--cc", "--build", "-j", "2", *verilator.FLAGS, *options, "decoder.v"], folder, environment)
        root = subprocess.check_output(["verilator", "--getenv", "VERILATOR_ROOT"], env=environment, text=True).strip()
        includes = [f"-I{objects}", f"-I{root}/include", f"-I{root}/include/vltstd"]
        archives = [str(objects / "libVdecoder.a"), str(objects / "libverilated.a"), "-pthread"]
        compile_flags = ["-std=c++17", "-O2", "-fPIC", "-shared", "-o", "partial.so", *ports]
        _call(["g++", *compile_flags, *includes, "harness.cpp", *archives], folder, environment)
        shutil.rmtree(objects)
        os.replace(folder / "partial.so", library)
        return library

    @cached_property
    def _library(self) -> ctypes.CDLL:
        library = ctypes.CDLL(str(self.build()))
        library.decoder_new.restype = ctypes.c_void_p
        library.decoder_delete.argtypes = [ctypes.c_void_p]
        library.decoder_play.restype = ctypes.c_int64
        integer, pointer = ctypes.c_int64, ctypes.c_void_p
        library.decoder_play.argtypes = [pointer, *3 * [integer], *5 * [pointer], integer]
        library.decoder_stream.restype = integer
        library.decoder_stream.argtypes = [pointer, *2 * [integer], *2 * [pointer], integer]
        return library

    def _play(
        self,
        detections: npt.NDArray[np.uint8],
        num_entries: npt.NDArray[np.int64],
        entries: npt.NDArray[np.uint64],
        gap_cycles: int,
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the answers as bits, ``(shots, 32 * answer_words)``, and the cycles."""
        library = self._library
        beats = self._beats(detections, library.beat_words())
        answers = np.zeros((len(detections), library.answer_words()), np.uint32)
        cycles = np.zeros(len(detections), np.int64)
        decoder = library.decoder_new()
        try:
            answered = library.decoder_play(
                decoder,
                len(detections),
                len(self.spec.rounds),
                gap_cycles,
                beats.ctypes.data,
                np.ascontiguousarray(num_entries).ctypes.data,
                np.ascontiguousarray(entries).ctypes.data,
                answers.ctypes.data,
                cycles.ctypes.data,
                PATIENCE_CYCLES,
            )
        finally:
            library.decoder_delete(decoder)
        if answered != len(detections):
            events = np.flatnonzero(np.unpackbits(detections[answered], bitorder="little")).tolist()
            raise ToolError(
                f"the RTL must answer within {PATIENCE_CYCLES} cycles, not fall silent on the detection events {events}"
            )
        return np.unpackbits(answers.view(np.uint8), axis=1, bitorder="little"), cycles

    def _entries(
        self, weights: npt.NDArray[np.unsignedinteger] | None, shots: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
        """Return how many entries each shot has, and all of them as the weight port takes them."""
        if weights is None:
            return np.zeros(shots, np.int64), np.zeros(0, np.uint64)
        if not self.runtime_weights:
            raise InputError("weights must be None for a decoder whose weights are part of the hardware, not an array")
        differs = np.broadcast_to(weights, (shots, len(self.spec.edges))) != np.array(self.spec.weights)
        shot, edge = np.nonzero(differs)
        values = np.broadcast_to(weights, differs.shape)[shot, edge].astype(np.uint64)
        # A weight, the bit of a default, the number of the edge.
        entries = values | edge.astype(np.uint64) << np.uint64(self.spec.weight_bits + 1)
        return differs.sum(axis=1), entries

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


def _call(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise ToolError(f"{command[0]} must compile the decoder, but it failed:\n{tail}")
