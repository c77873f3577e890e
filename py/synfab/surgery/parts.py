# SPDX-License-Identifier: Apache-2.0
"""The static block graph and its faces, derived from the circuits of one to four patches."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.layout import Basis
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.surgery.cells import Cells, Home, Place
from synfab.surgery.fragment import Mark
from synfab.surgery.lattice import Lattice, Site, site_kind
from synfab.surgery.recorder import Recorder
from synfab.surgery.slab import Event, Slab

SIGNIFICANT_DIGITS = 10
"""Of probabilities: sums over the same mechanisms in another order must give the same number."""


class PartEnd(NamedTuple):
    """One end of an edge of a part.

    Attributes
    ----------
    offset : tuple of int
        From the part's home to its block in doubled coordinates, each -1, 0 or 1.
    vertex : int
        In the block, as :class:`~synfab.surgery.cells.Cells` numbers them.
    """

    offset: tuple[int, int, int]
    vertex: int


class PartEdge(NamedTuple):
    """An edge of a part.

    Attributes
    ----------
    ends : tuple of PartEnd
        One (an edge to the boundary) or two, ascending.
    marks : int
        Mask of the part's marks that the edge's errors flip, mark 0 in bit 0.
    probability : float
        That an odd number of its mechanisms happens, to ten significant digits.
    """

    ends: tuple[PartEnd, ...]
    marks: int
    probability: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """A block's inside, or a face in one of its states.

    Attributes
    ----------
    edges : tuple of PartEdge
        Sorted.
    marks : tuple of Mark
        What the edges can flip, with sites and steps relative to the home's first cell and to the later of the steps
        that touch it (the only one, for a part inside a step).
    """

    edges: tuple[PartEdge, ...]
    marks: tuple[Mark, ...]


class State(NamedTuple):
    """Everything that decides which edges a part has.

    ``shape`` is the home's coordinates modulo 2. ``before`` and ``after`` are the slabs that touch it, reduced to the
    patches and seams that do; for a part inside a step ``before`` is None.
    """

    shape: tuple[int, int, int]
    before: Slab | None
    after: Slab | None


BLOCK = State((0, 0, 0), None, None)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All blocks and faces of one kind of check, at one distance under one noise model; each is derived once.

    Attributes
    ----------
    distance : int
        Odd, at least 3.
    noise : {"phenomenological", "circuit"}
        As :class:`synfab.circuits.Memory` has them.
    p : float
        Above 0, since an edge that never fails is none, and at most 0.5.
    kind : {"X", "Z"}
        X checks detect Z errors, and the other way round; each kind has a graph of its own.

    Raises
    ------
    InputError
        If the distance, the noise model or its strength cannot be.
    """

    distance: int
    noise: Literal["phenomenological", "circuit"]
    p: float
    kind: Basis
    _found: dict[State, Part] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.distance < 3 or self.distance % 2 == 0:
            raise InputError(f"distance must be odd and at least 3, not {self.distance!r}; take 3 or 5")
        if self.noise not in ("phenomenological", "circuit"):
            raise InputError(f"noise must be 'phenomenological' or 'circuit', not {self.noise!r}; take one of them")
        if not 0 < self.p <= 0.5:
            raise InputError(f"p must be above 0 and at most 0.5, not {self.p!r}; it is the strength of the noise")

    @property
    def cells(self) -> Cells:
        """The numbering of vertices."""
        return Cells(distance=self.distance, kind=self.kind)

    @property
    def lattice(self) -> Lattice:
        """The plane of qubits."""
        return Lattice(distance=self.distance)

    @property
    def block(self) -> Part:
        """The static graph inside every block."""
        return self.part(BLOCK)

    @property
    def known(self) -> dict[State, Part]:
        """What has been derived so far."""
        return dict(self._found)

    def part(self, state: State) -> Part:
        """Return a block's inside or a face; see :func:`states` for the states of a history."""
        if state not in self._found:
            self._found[state] = self._derive(state)
        return self._found[state]

    def _derive(self, state: State) -> Part:
        """Cut the part out of the circuit of the one or two slabs that touch it, and of nothing else."""
        slabs = [slab for slab in (state.before, state.after) if slab is not None]
        if state == BLOCK:
            cell = (0, 0)
            slabs = [Slab(patches=frozenset([cell]), merged=frozenset(), prepared=frozenset([Event(cell, "Z")]))]
        recorder = Recorder(
            lattice=self.lattice,
            strengths=NoiseStrengths.of(self.noise, self.p),
            first_step=1 if state.shape[2] and state.before is None else 0,
        )
        for slab in slabs:
            # Between two steps, three rounds of each are all that can matter.
            layers = range(self.distance)
            if state.shape[2]:
                layers = layers[-3:] if slab is state.before else layers[:3]
            recorder.append(slab, layers=layers)
        marks = self._marks(recorder)
        graph = DecodingGraph.from_dem(self._model(recorder, marks))
        places = [self.cells.place(d.position, d.step, d.layer) for d in recorder.detectors if d.kind == self.kind]
        edges = []
        for edge in graph.edges:
            ends = [places[detector] for detector in edge.detectors]
            if self.cells.home(ends) == state.shape:
                edges.append(PartEdge(self._ends(ends, state.shape), edge.observables, edge.probability))
        return _reduced(edges, marks, last_step=state.shape[2])

    def _ends(self, places: list[Place], home: Home) -> tuple[PartEnd, ...]:
        ends = []
        for place in places:
            x, y, t = (2 * block - own for block, own in zip(place.block, home, strict=True))
            ends.append(PartEnd((x, y, t), self.cells.vertex(place.local)))
        return tuple(sorted(ends))

    def _marks(self, recorder: Recorder) -> dict[Mark, tuple[int, ...] | None]:
        """Return the records of every mark of the kind, None for the logical operators that are still there."""
        slab, step = recorder.slab, recorder.step
        ended = {event.cell for event in slab.measured} | slab.closed_seams
        marks: dict[Mark, tuple[int, ...] | None] = {
            mark: records for mark, records in recorder.marks.items() if mark.kind == self.kind
        }
        for site in sorted({*slab.patches, *slab.merged} - ended):
            if recorder.carries(site, self.kind):
                marks[Mark("row", self.kind, site, step)] = None
        return marks

    def _model(self, recorder: Recorder, marks: dict[Mark, tuple[int, ...] | None]) -> stim.DetectorErrorModel:
        """Return the errors, with the marks as observables.

        What a mark reads need not be determined; so Stim takes them as detectors, and they become observables after.
        """
        circuit = recorder.circuit(kind=self.kind)
        num_detectors = circuit.num_detectors
        for mark, records in marks.items():
            if records is None:
                row = recorder.qubits(self.lattice.reference(mark.site, self.kind))
                product = stim.target_combined_paulis([stim.target_pauli(qubit, self.kind) for qubit in row])
                circuit.append("MPP", product)
                targets = [stim.target_rec(-1)]
            else:
                targets = [stim.target_rec(record - circuit.num_measurements) for record in records]
            circuit.append("DETECTOR", targets)
        return marks_as_observables(circuit.detector_error_model(allow_gauge_detectors=True), num_detectors)


def marks_as_observables(dem: stim.DetectorErrorModel, num_detectors: int) -> stim.DetectorErrorModel:
    """Return a flat model in which the detectors from ``num_detectors`` on are observables."""
    model = stim.DetectorErrorModel()
    for instruction in dem.flattened():
        if isinstance(instruction, stim.DemInstruction) and instruction.type == "error":
            targets: list[object] = []
            for target in instruction.targets_copy():
                if isinstance(target, stim.DemTarget) and target.val >= num_detectors:
                    targets.append(stim.target_logical_observable_id(target.val - num_detectors))
                else:
                    targets.append(target)
            model.append("error", instruction.args_copy(), targets)
    return model


def rounded(probability: float) -> float:
    """Return a probability to :data:`SIGNIFICANT_DIGITS`."""
    return float(f"{probability:.{SIGNIFICANT_DIGITS}g}")


def _reduced(edges: list[PartEdge], marks: Iterable[Mark], *, last_step: int) -> Part:
    """Leave out the marks that no edge flips."""
    used = 0
    for edge in edges:
        used |= edge.marks
    kept = [number for number in range(used.bit_length()) if used >> number & 1]
    names = list(marks)
    compact = []
    for edge in edges:
        mask = sum(1 << place for place, number in enumerate(kept) if edge.marks >> number & 1)
        compact.append(edge._replace(marks=mask))
    relative = tuple(names[number]._replace(step=names[number].step - last_step) for number in kept)
    return Part(edges=tuple(sorted(compact)), marks=relative)


def states(before: Slab | None, after: Slab | None, *, distance: int) -> Iterable[tuple[tuple[Site, int], State]]:
    """Yield what the passage from one slab to the next consists of, and what lies inside the later one.

    Parameters
    ----------
    before, after : Slab or None
        None before the first slab, and where nothing is known yet of what comes after the last.
    distance : int

    Yields
    ------
    (site, time), State
        ``time`` is -1 for a part between the slabs, 0 for one inside the later slab.
    """
    if after is not None:
        for site in _sites(after):
            x, y = site[0] % 2, site[1] % 2
            view = after.near(site, whole_seam=_is_whole(site, distance, after))
            yield (site, 0), BLOCK if (x, y) == (0, 0) else State((x, y, 0), None, _restarted(view, ended=True))
    for site in sorted({*_sites(before), *_sites(after)}):
        whole_seam = _is_whole(site, distance, before, after)
        views = [None if slab is None else slab.near(site, whole_seam=whole_seam) for slab in (before, after)]
        earlier, later = (view if view is not None and view.patches else None for view in views)
        if earlier is not None:
            earlier = _restarted(earlier, ended=False)
        if later is not None:
            later = replace(later, measured=frozenset())
        yield (site, -1), State((site[0] % 2, site[1] % 2, 1), earlier, later)


def _is_whole(site: Site, distance: int, *slabs: Slab | None) -> bool:
    """Whether a seam's part depends on both its ends: with distance 3 a merged seam is that short."""
    return (
        distance == 3
        and site_kind(site) in ("x", "y")
        and any(slab is not None and site in slab.merged for slab in slabs)
    )


def _sites(slab: Slab | None) -> list[Site]:
    """Return the sites that touch a patch."""
    cells = slab.patches if slab is not None else ()
    return sorted({(x + dx, y + dy) for x, y in cells for dx in (-1, 0, 1) for dy in (-1, 0, 1)})


def _restarted(slab: Slab, *, ended: bool) -> Slab:
    """Return a slab that begins anew, and whose end is open if ``ended``: what touches only the other end forgets."""
    prepared = frozenset(Event(cell, "Z") for cell in slab.patches)
    kept = frozenset() if ended else slab.measured
    return replace(slab, prepared=prepared, held=frozenset(), measured=kept)
