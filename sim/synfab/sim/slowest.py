# SPDX-License-Identifier: Apache-2.0
"""Searches for the syndrome that a compiled decoder takes longest for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from synfab.artefact import digest, write_text
from synfab.errors import InputError, MismatchError
from synfab.sim.loop import RtlDecoder

Shots = npt.NDArray[np.bool_]
Progress = Callable[["Slowest"], None]

POPULATION = 512
CHILDREN = 1024
"""Shots of one generation."""
CLIMB_SHOTS = 64 * CHILDREN
"""Shots of one climb: then the search begins anew, so that no local optimum keeps it."""


class Slowest(BaseModel):
    """The slowest syndrome that was found, and how much was tried.

    In a shared fabric a syndrome takes some cycles more or less by the blocks before, for turns go on where they were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoder: str = Field(description="Hash of the spec and the Verilog")
    seed: int = Field(ge=0)
    shots: int = Field(ge=0, description="Shots tried; each was answered as the reference does")
    cycles: int = Field(ge=0, description="From the last beat to the first offer of the answer")
    bound: int = Field(ge=0, description="Cycles that no syndrome exceeds, as proved")
    detection_events: tuple[int, ...] = Field(description="Detectors of the slowest syndrome, ascending")


def slowest(
    decoder: RtlDecoder,
    *,
    shots: int,
    seed: int,
    bound: int,
    path: Path | None = None,
    progress: Progress | None = None,
) -> Slowest:
    """Search for the slowest syndrome by an evolution of syndromes.

    A climb starts from random syndromes of all densities. In every generation children are made of the slowest so far:
    a run of detectors comes from another parent; edges flip both their ends, which moves, joins, splits and makes
    events; detectors flip alone. Children as slow as a parent may replace it, which lets the search drift over plains.

    Parameters
    ----------
    decoder : RtlDecoder
    shots : int
        Budget, rounded up to whole generations of :data:`CHILDREN`. More shots continue the same search: what a smaller
        budget finds is the beginning of what a larger one does.
    seed : int
    bound : int
        ``max_cycles`` of the decoder's fabric.
    path : Path, optional
        Where the result is kept as JSON after every climb of :data:`CLIMB_SHOTS`, and in the end. If it holds one of
        the same decoder and seed, the search goes on from there, a climb that was broken off from its start.
    progress : callable, optional
        Called with the result so far after every generation.

    Raises
    ------
    InputError
        If the file at ``path`` is not a result of this search, or the budget is not positive.
    MismatchError
        If a syndrome takes more cycles than the bound, or is not answered as the reference does.
    """
    if shots < 1:
        raise InputError(f"shots must be at least 1, not {shots!r}; a search tries at least one syndrome")
    found = Slowest(
        decoder=digest(decoder.spec.sha256, decoder.verilog), seed=seed, shots=0, cycles=0, bound=bound,
        detection_events=(),
    )  # fmt: skip
    if path and path.exists():
        found = _resumed(path, found)
    while found.shots < shots:
        # A climb that was broken off begins again: what it found stands, and its draw is the same.
        climb = found.shots // CLIMB_SHOTS
        most = min(CLIMB_SHOTS, -(-shots // CHILDREN) * CHILDREN - climb * CLIMB_SHOTS)
        found = _climb(decoder, found, climb, most, progress or (lambda _: None))
        if path:
            write_text(path, found.model_dump_json(indent=1) + "\n")
    return found


def _resumed(path: Path, empty: Slowest) -> Slowest:
    try:
        known = Slowest.model_validate_json(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} must hold a search for the slowest syndrome, not {_one_line(error)}; remove it"
        ) from error
    if (known.decoder, known.seed) != (empty.decoder, empty.seed):
        raise InputError(
            f"{path} must be a search of this decoder with seed {empty.seed}, not of {known.decoder[:16]} with seed "
            f"{known.seed}; remove it or name another file"
        )
    _check_time(known.cycles, empty.bound, known.detection_events)
    return known.model_copy(update={"bound": empty.bound})


def _climb(decoder: RtlDecoder, found: Slowest, climb: int, shots: int, progress: Progress) -> Slowest:
    """Search once from scratch; the draw depends on the seed and the climb's number only."""
    begin = climb * CLIMB_SHOTS
    rng = np.random.default_rng([found.seed, begin])
    population = rng.random((CHILDREN, decoder.spec.num_detectors)) < rng.random((CHILDREN, 1)) ** 2
    cycles = np.zeros(0, np.int64)
    tried = population
    for tried_shots in range(CHILDREN, shots + 1, CHILDREN):
        cycles = np.concatenate([cycles, _cycles(decoder, tried, found.bound)])
        # Among equals the younger goes first: those at the end.
        order = np.argsort(-cycles[::-1], kind="stable")[:POPULATION]
        kept = len(cycles) - 1 - order
        population, cycles = population[kept], cycles[kept]
        found = found.model_copy(update={"shots": max(found.shots, begin + tried_shots)})
        if cycles[0] > found.cycles:
            found = found.model_copy(update={"cycles": int(cycles[0]), "detection_events": _events(population[0])})
        progress(found)
        tried = _children(rng, population, np.array(decoder.spec.edges, np.int64).reshape(-1, 2))
        population = np.concatenate([population, tried])
    return found


def _cycles(decoder: RtlDecoder, shots: Shots, bound: int) -> npt.NDArray[np.int64]:
    """Play shots; return the cycles of each."""
    detections = np.packbits(shots, axis=1, bitorder="little")
    played = decoder.play(detections)
    expected = decoder.spec.decode_batch(detections, bit_packed_shots=True)
    differs = np.flatnonzero((played.predictions != expected).any(axis=1))
    if len(differs):
        first = differs[0]
        raise MismatchError(
            f"the RTL must equal its reference, but for the detection events {list(_events(shots[first]))} it flips "
            f"the observables {np.flatnonzero(played.predictions[first]).tolist()}, not "
            f"{np.flatnonzero(expected[first]).tolist()}"
        )
    last = int(played.cycles.argmax())
    _check_time(int(played.cycles[last]), bound, _events(shots[last]))
    return played.cycles


def _check_time(cycles: int, bound: int, detection_events: tuple[int, ...]) -> None:
    if cycles > bound:
        raise MismatchError(
            f"the RTL must answer every block within {bound:,} cycles, as proved, but it takes {cycles:,} for the "
            f"detection events {list(detection_events)}"
        )


def _events(syndrome: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(syndrome).tolist())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _children(rng: np.random.Generator, parents: Shots, edges: npt.NDArray[np.int64]) -> Shots:
    num_detectors = parents.shape[1]
    # The better half of three, drawn at random.
    children = parents[rng.integers(len(parents), size=(3, CHILDREN)).min(axis=0)]
    others = parents[rng.integers(len(parents), size=CHILDREN)]
    ends = np.sort(rng.integers(num_detectors + 1, size=(CHILDREN, 2)), axis=1)
    places = np.arange(num_detectors)
    run = (places >= ends[:, :1]) & (places < ends[:, 1:]) & (rng.random((CHILDREN, 1)) < 0.3)
    children = np.where(run, others, children)
    flips = np.zeros((CHILDREN, num_detectors + 1), np.int64)
    for count, values in ((rng.geometric(0.4, CHILDREN) - 1, edges), (rng.geometric(0.6, CHILDREN) - 1, None)):
        rows = np.repeat(np.arange(CHILDREN), count)
        if values is None or not len(values):
            np.add.at(flips, (rows, rng.integers(num_detectors, size=len(rows))), 1)
        else:
            # The boundary, -1, is the last column, which is left out.
            drawn = values[rng.integers(len(values), size=len(rows))]
            np.add.at(flips, (rows[:, None], drawn), 1)
    return children ^ (flips[:, :num_detectors] % 2 == 1)
