# SPDX-License-Identifier: Apache-2.0
"""Plays histories of a floor to a Verilated fusion fabric."""

import ctypes
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError, ToolError
from synfab.sim.loop import library
from synfab.surgery.floor import Floor
from synfab.surgery.history import Flips, History

PATIENCE_CYCLES = 100_000
# A beat, with its two bits of an end, is a word of 64 bits.
MOST_POSITIONS = 62


@dataclass(frozen=True, kw_only=True)
class PlayedHistory:
    """What the RTL answered.

    Attributes
    ----------
    answers : tuple of Flips
        After each step of the history, of the steps that were held: what was committed, for the oldest, and the
        correction as it stood for the others.
    committed : Flips
        Of all steps, as they left.
    cycles : ndarray of int64, (steps,)
        From the transfer of a step's last beat to the first offer of its answer.
    total_cycles : int
        From the reset to the last answer, those included that commit the last steps.
    """

    answers: tuple[Flips, ...]
    committed: Flips
    cycles: npt.NDArray[np.int64]
    total_cycles: int


@dataclass(frozen=True, kw_only=True)
class VerilatedFusion:
    """A fusion fabric, compiled.

    Parameters
    ----------
    floor : Floor
    slots : int
    verilog : str
        Of a fabric of that floor and so many slots, whose top module is ``fusion``.
    cache : Path
        Libraries are kept here by the hash of what made them.
    """

    floor: Floor
    slots: int
    verilog: str
    cache: Path

    def __post_init__(self) -> None:
        if self.floor.cells.layer_size > MOST_POSITIONS:
            raise InputError(
                f"a layer must have at most {MOST_POSITIONS} check positions to be played, not "
                f"{self.floor.cells.layer_size} as with distance {self.floor.cells.distance}; take a smaller distance"
            )

    def play(
        self,
        history: History,
        events: npt.NDArray[np.uint8],
        *,
        due: npt.NDArray[np.int64] | None = None,
        stalls: npt.NDArray[np.int64] | None = None,
        one_by_one: bool = False,
    ) -> PlayedHistory:
        """Send a history, after a step that says what lies below it, and steps that commit its last ones.

        Parameters
        ----------
        history : History
            Of the floor.
        events : ndarray of uint8, (num_detectors,)
            Detection events in the order of ``history.spec``.
        due : ndarray of int64, (steps, cells, distance + 1), optional
            The cycle before which a layer does not come: from the reset, or, with ``one_by_one``, from when the answer
            before was taken. A cell's layers come in order in any case.
        stalls : ndarray of int64, (steps,), optional
            Cycles for which each answer has to wait.
        one_by_one : bool
            Send a step when the answer to the one before has been taken.

        Raises
        ------
        InputError
            If the history is one of another floor, or an array has another shape.
        ToolError
            If the fabric falls silent for a hundred thousand cycles in which nothing but it is waited for.
        """
        self._require(history, events=events, due=due, stalls=stalls)
        floor, before, after = self.floor, 1, self.slots - 1
        num_steps = before + history.num_steps + after
        layers = floor.cells.distance + 1
        beats = np.zeros((num_steps, floor.num_cells, layers), np.uint64)
        beats[before : num_steps - after] = self._beats(history, events)
        beats[:, :, -1] |= np.uint64(1 << floor.cells.layer_size)
        times = np.zeros(beats.shape, np.int64)
        waits = np.zeros(num_steps, np.int64)
        if due is not None:
            times[before : num_steps - after] = due
        if stalls is not None:
            waits[before : num_steps - after] = stalls
        entries, bounds = self._entries(history)
        answers = np.zeros((num_steps, self._library.answer_words()), np.uint32)
        complete, offered = np.zeros(num_steps, np.int64), np.full(num_steps, -1, np.int64)
        arrays = (beats, times, entries, bounds, waits, answers, complete, offered)
        total = self._library.fusion_play(
            num_steps, layers, PATIENCE_CYCLES, one_by_one, *(array.ctypes.data for array in arrays)
        )
        if total < 0:
            raise ToolError(
                f"the RTL must answer within {PATIENCE_CYCLES} cycles, not fall silent in step {-1 - total - before}"
            )
        found = [
            history.flips(int.from_bytes(words.tobytes(), "little"), step=number - before, slots=self.slots)
            for number, words in enumerate(answers)
        ]
        committed: Flips = {}
        for number, flips in enumerate(found):
            oldest = number - before - after
            committed |= {key: mask for key, mask in flips.items() if key[0] == oldest}
        return PlayedHistory(
            answers=tuple(found[before : num_steps - after]),
            committed=committed,
            cycles=(offered - complete)[before : num_steps - after],
            total_cycles=total,
        )

    def build(self) -> Path:
        """Compile the library unless it is there; return its path. Raises as :func:`library.build`."""
        cells = " ".join(f"X({cell})" for cell in range(self.floor.num_cells))
        return library.build(
            verilog=self.verilog,
            top="fusion",
            harness=(files("synfab.sim.loop") / "fusion.cpp").read_text(),
            defines=[f"-DCELLS={cells}"],
            cache=self.cache,
        )

    @cached_property
    def _library(self) -> ctypes.CDLL:
        found = ctypes.CDLL(str(self.build()))
        integer, pointer = ctypes.c_int64, ctypes.c_void_p
        found.fusion_play.restype = integer
        found.fusion_play.argtypes = [*3 * [integer], ctypes.c_bool, *8 * [pointer]]
        return found

    def _require(self, history: History, **arrays: npt.NDArray | None) -> None:
        """Raise :class:`InputError` unless the history is of the floor, and the arrays are as :meth:`play` has them."""
        if history.floor != self.floor:
            raise InputError(
                "the history must be of the floor that the fabric was made for, not of another; make it by History.of "
                "with that floor"
            )
        floor, steps = self.floor, history.num_steps
        shapes = {
            "events": (steps * len(floor.vertices),),
            "due": (steps, floor.num_cells, floor.cells.distance + 1),
            "stalls": (steps,),
        }
        for name, array in arrays.items():
            if array is not None and array.shape != shapes[name]:
                raise InputError(f"{name} must have the shape {shapes[name]} for this history, not {array.shape}")

    def _beats(self, history: History, events: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
        """Return the detections of each step, cell and layer."""
        floor = self.floor
        cells = floor.cells
        places = np.array(floor.vertices)
        bits = np.zeros((history.num_steps, floor.num_cells, cells.block_size), np.uint64)
        bits[:, places[:, 0], places[:, 1]] = events.reshape(history.num_steps, len(places))
        weights = np.uint64(1) << np.arange(cells.layer_size, dtype=np.uint64)
        return bits.reshape(history.num_steps, floor.num_cells, -1, cells.layer_size) @ weights

    def _entries(self, history: History) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Return what the face port takes, and where the entries of each step begin and end: what changes only."""
        floor = self.floor
        words: list[int] = []
        bounds = [0]
        for step in range(-1, history.num_steps + self.slots - 1):
            words += [home | code << floor.home_bits for home, code in history.entries(step).items()]
            words[-1] |= 1 << floor.home_bits + floor.code_bits
            bounds.append(len(words))
        return np.array(words, np.uint64), np.array(bounds, np.int64)
