# SPDX-License-Identifier: Apache-2.0
"""The decoding graph, read from a Stim detector error model; the only reader of such models in synfab."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import stim

from synfab.errors import InputError

MAX_OBSERVABLES = 64
"""Observable masks are one machine word."""


class Edge(NamedTuple):
    """A set of error mechanisms that flip the same detectors and observables.

    Attributes
    ----------
    detectors : tuple of int
        One detector (an edge to the boundary) or two in ascending order.
    observables : int
        Mask of the logical observables flipped, observable 0 in bit 0.
    probability : float
        That an odd number of the mechanisms happens, in (0, 1].
    """

    detectors: tuple[int, ...]
    observables: int
    probability: float


class Refusal(NamedTuple):
    """An error mechanism that no matching-type decoder can use.

    Attributes
    ----------
    instruction : str
        The instruction of the flattened detector error model.
    reason : str
        What is wrong with it, and the way out.
    """

    instruction: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DecodingGraph:
    """A multigraph of detectors with a boundary: what a union-find or matching decoder works on.

    Attributes
    ----------
    num_detectors, num_observables : int
        As in the detector error model; detectors without errors count.
    edges : tuple of Edge
        Sorted by (detectors, observables); no two have both in common. The position of an edge is its index.
    coordinates : tuple of tuple of float
        Coordinates of each detector, empty where the model gives none.
    undetectable : tuple of Edge
        Mechanisms that flip observables and no detector (``detectors`` is empty): no decoder can see them.
    """

    num_detectors: int
    num_observables: int
    edges: tuple[Edge, ...]
    coordinates: tuple[tuple[float, ...], ...]
    undetectable: tuple[Edge, ...] = ()

    @classmethod
    def from_dem(cls, dem: stim.DetectorErrorModel) -> "DecodingGraph":
        """Read a detector error model: everything that Stim can write, if every error is matchable.

        Repeat blocks and ``shift_detectors`` are unrolled. An error split by ``^`` becomes one edge a component,
        as if the components happened independently; a component that flips only observables joins the first that
        flips detectors. Mechanisms with equal detectors and observables become one edge:
        ``p = p1 (1 - p2) + p2 (1 - p1)``. Probabilities above 1/2 are kept; errors of probability 0 are left out.

        Raises
        ------
        InputError
            If a component flips more than two detectors, or there are more than 64 observables.
        """
        graph, refusals = survey(dem)
        if refusals:
            first = refusals[0]
            more = f" ({len(refusals) - 1} more such errors)" if len(refusals) > 1 else ""
            raise InputError(f"the error {first.instruction!r} cannot be matched: {first.reason}{more}")
        return graph

    @property
    def rounds(self) -> tuple[tuple[int, ...], ...]:
        """Detectors of each round, ascending: grouped by their last coordinate, which is time in Stim's circuits.

        Without coordinates on every detector all detectors form one round.
        """
        if not self.num_detectors:
            return ()
        if not all(self.coordinates):
            return (tuple(range(self.num_detectors)),)
        groups: dict[float, list[int]] = {}
        for detector, coordinate in enumerate(self.coordinates):
            groups.setdefault(coordinate[-1], []).append(detector)
        return tuple(tuple(groups[time]) for time in sorted(groups))


def read_dem(path: Path) -> stim.DetectorErrorModel:
    """Read a ``.dem`` file.

    Raises
    ------
    InputError
        If there is no such file, or Stim cannot parse it.
    """
    try:
        # Stim itself takes a folder for an empty model.
        text = path.read_text()
    except OSError as error:
        raise InputError(f"a detector error model must be a readable file, not {str(path)!r}: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be a detector error model as Stim writes it: {error}") from error
    try:
        return stim.DetectorErrorModel(text)
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} must be a detector error model as Stim writes it: {error}") from error


def survey(dem: stim.DetectorErrorModel) -> tuple[DecodingGraph, list[Refusal]]:
    """Read what can be matched, and list what cannot.

    Returns
    -------
    graph : DecodingGraph
        Of the matchable mechanisms only.
    refusals : list of Refusal
        One for each instruction that has an unmatchable component, in the order of the flattened model.
    """
    if dem.num_observables > MAX_OBSERVABLES:
        raise InputError(
            f"a decoding graph must have at most {MAX_OBSERVABLES} observables, not {dem.num_observables}; "
            "split the problem by groups of observables"
        )
    probabilities: dict[tuple[tuple[int, ...], int], float] = {}
    refusals = []
    for instruction in dem.flattened():
        if not isinstance(instruction, stim.DemInstruction) or instruction.type != "error":
            continue
        probability = instruction.args_copy()[0]
        if not probability:
            continue
        components = _components(instruction)
        if unmatchable := [detectors for detectors, _ in components if len(detectors) > 2]:
            refusals.append(Refusal(str(instruction), _reason(unmatchable[0], components)))
            continue
        for key in components:
            other = probabilities.get(key, 0.0)
            probabilities[key] = probability * (1 - other) + other * (1 - probability)
    edges = [Edge(*key, probability) for key, probability in sorted(probabilities.items()) if probability]
    coordinates = dem.get_detector_coordinates()
    graph = DecodingGraph(
        num_detectors=dem.num_detectors,
        num_observables=dem.num_observables,
        edges=tuple(edge for edge in edges if edge.detectors),
        coordinates=tuple(tuple(coordinates.get(d, ())) for d in range(dem.num_detectors)),
        undetectable=tuple(edge for edge in edges if not edge.detectors and edge.observables),
    )
    return graph, refusals


def _components(instruction: stim.DemInstruction) -> list[tuple[tuple[int, ...], int]]:
    """Return (detectors, observable mask) of each ``^`` component that flips anything.

    A target named twice in a component cancels, and so do two equal components: together they flip nothing.
    Observables of components without detectors go to the first component that has some: they flip together.
    """
    components: dict[tuple[tuple[int, ...], int], None] = {}

    def toggle(detectors: tuple[int, ...], observables: int) -> None:
        if (detectors, observables) in components:
            del components[detectors, observables]
        elif detectors or observables:
            components[detectors, observables] = None

    unseen = 0
    for targets in instruction.target_groups():
        detectors: set[int] = set()
        observables = 0
        for target in targets:
            if target.is_relative_detector_id():
                detectors ^= {target.val}
            else:
                observables ^= 1 << target.val
        if detectors:
            toggle(tuple(sorted(detectors)), observables)
        else:
            unseen ^= observables
    if unseen:
        first = next(iter(components), ((), 0))
        components.pop(first, None)
        toggle(first[0], first[1] ^ unseen)
    return list(components)


def _reason(detectors: tuple[int, ...], components: list[tuple[tuple[int, ...], int]]) -> str:
    names = " ".join(f"D{detector}" for detector in detectors)
    if len(components) == 1:
        return (
            f"an error must flip at most two detectors, not {len(detectors)} ({names}); make the model with "
            "circuit.detector_error_model(decompose_errors=True)"
        )
    return (
        f"each ^ component must flip at most two detectors, not {len(detectors)} ({names}); the code is not "
        "matchable as it stands: decode one basis at a time, or leave out the detectors of the other basis"
    )
