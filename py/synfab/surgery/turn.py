# SPDX-License-Identifier: Apache-2.0
"""One step of a machine: its operations in their order, the slab that they make, the results that come of it."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.surgery.fragment import Mark
from synfab.surgery.lattice import Site, cell_site, neighbour_cells, seam_basis, site_kind
from synfab.surgery.merging import difference, joint_kind, measures_parity, path_seams, seam_between
from synfab.surgery.program import Cell, Idle, Measure, Merge, Move, Operation, Prepare, Split
from synfab.surgery.sheet import EMPTY, Frame, Sheet
from synfab.surgery.slab import Event, Slab

if TYPE_CHECKING:
    from synfab.surgery.machine import Machine

ORDER = (Split, Prepare, Move, Merge, Idle)
"""In which operations begin; read-outs end the step."""


class Result(NamedTuple):
    """A logical value: its name, the kind of its operator, and what it is made of."""

    name: str
    kind: Basis
    sheet: Sheet


def patches_of(op: Operation) -> tuple[str, ...]:
    """Return the patches that an operation names."""
    value = getattr(op, type(op).__name__.lower())
    return (value,) if isinstance(value, str) else value


def described(op: Operation) -> str:
    """Return an operation as a sentence names it."""
    return f"{type(op).__name__.lower()} {', '.join(map(repr, patches_of(op)))}"


@dataclass
class Turn:
    """One step of a machine while it is worked out."""

    machine: "Machine"
    before: frozenset[Site]
    spans: dict[Site, str] = field(default_factory=dict)
    _prepared: set[Event] = field(default_factory=set)
    _begun: dict[Site, str] = field(default_factory=dict)
    _ended: set[Site] = field(default_factory=set)
    _moves: list[tuple[Move, tuple[Site, ...]]] = field(default_factory=list)
    _merges: list[tuple[Merge, tuple[Site, ...]]] = field(default_factory=list)
    _measures: tuple[Measure, ...] = ()

    def refuse(self, op: Operation, sentence: str) -> InputError:
        return InputError(f"step {self.machine.step}: {described(op)}: {sentence}")

    def begin(self, op: Operation) -> None:
        match op:
            case Prepare():
                self._prepare(op)
            case Split():
                self._split(op)
            case Move():
                self._move(op)
            case Merge():
                self._merge(op)
            case Idle():
                self.site(op, op.idle)

    def site(self, op: Operation, name: str) -> Site:
        if name not in self.machine.where:
            raise self.refuse(op, f"the patch {name!r} must be there, but it is not; prepare it first")
        if any(move.move == name for move, _ in self._moves):
            raise self.refuse(op, f"the patch {name!r} must stay where it is, but it moves in this step; use the next")
        return self.machine.where[name]

    def _free(self, op: Operation, cell: Site, name: str) -> None:
        for other, site in self.machine.where.items():
            if site == cell:
                came = f"{name!r} itself is" if other == name else f"{other!r} is"
                raise self.refuse(
                    op, f"the cell {_cell(cell)} must be free, but {came} there; measure or move it first"
                )
        if cell in self.spans:
            raise self.refuse(op, f"the cell {_cell(cell)} must be free, but {self.spans[cell]!r} moves over it")

    def _prepare(self, op: Prepare) -> None:
        cell = cell_site(self.machine.program.patches[op.prepare].at)
        if op.prepare in self.machine.where:
            raise self.refuse(op, f"{op.prepare!r} must not be there yet, but it is; measure it first")
        self._free(op, cell, op.prepare)
        self._start(op.prepare, cell, op.basis)

    def _start(self, name: str, cell: Site, basis: Basis) -> None:
        self.machine.where[name] = cell
        self.machine.frames[name] = Frame()
        self.machine.starts[cell] = self.machine.step
        self._prepared.add(Event(cell, basis))

    def _path(self, op: Split | Merge, names: tuple[str, ...]) -> tuple[Site, ...]:
        """Return the seams between consecutive patches."""
        if len(set(names)) < len(names):
            raise self.refuse(op, f"every patch must be named once, not {list(names)!r}")
        seams = []
        for one, other in pairwise(names):
            a, b = self.site(op, one), self.site(op, other)
            seam = seam_between(a, b)
            if seam is None:
                raise self.refuse(
                    op, f"{one!r} at {_cell(a)} and {other!r} at {_cell(b)} must be neighbours in a row or a column"
                )
            seams.append(seam)
        return tuple(seams)

    def _split(self, op: Split) -> None:
        for (one, other), seam in zip(pairwise(op.split), self._path(op, op.split), strict=True):
            if seam not in self.before or seam in self._ended:
                raise self.refuse(op, f"{one!r} and {other!r} must be merged, but they are not")
            self._ended.add(seam)
            self._close(seam, self.machine.step - 1)

    def _close(self, seam: Site, step: int) -> None:
        """Measure a seam out after slab ``step``; the patch right of it or below takes the outcome into its frame."""
        basis = seam_basis(seam)
        sheet = frozenset([Mark("read", basis, seam, step)]) ^ self.machine.rows(seam, basis, step)
        _, later = neighbour_cells(seam)
        for name, site in self.machine.where.items():
            if site == later:
                self.machine.frames[name] = self.machine.frames[name].plus(basis, sheet)

    def _merge(self, op: Merge) -> None:
        seams = self._path(op, op.merge)
        for (one, other), seam in zip(pairwise(op.merge), seams, strict=True):
            if seam in self._ended:
                raise self.refuse(op, f"{one!r} and {other!r} must not be split in the same step; leave out both")
            if seam in self.before:
                raise self.refuse(op, f"{one!r} and {other!r} must not be merged yet, but they are; split them first")
            if seam in self._begun:
                raise self.refuse(
                    op,
                    f"{one!r} and {other!r} must be merged once, but {self._begun[seam]} overlaps this; leave out one",
                )
            self._begun[seam] = described(op)
        if op.result is not None and len({site_kind(seam) for seam in seams}) > 1:
            raise self.refuse(op, "a merge with a result must run along one row or one column; make it two merges")
        self._merges.append((op, seams))

    def _move(self, op: Move) -> None:
        start, goal = self.site(op, op.move), cell_site(op.to)
        (dx, dy), name = difference(goal, start), op.move
        if (dx == 0) == (dy == 0):
            raise self.refuse(
                op, f"the goal must lie in the row or the column of {_cell(start)}, not at {_cell(goal)}; move twice"
            )
        busy = [seam for seam in self.before - self._ended if start in neighbour_cells(seam)]
        if busy:
            raise self.refuse(op, f"{name!r} must not be merged, but it is; split it first")
        length = max(abs(dx), abs(dy)) // 2
        path = tuple((start[0] + dx * k // length, start[1] + dy * k // length) for k in range(length + 1))
        for cell in path[1:]:
            self._free(op, cell, name)
        # What the patch spans is in the state that extends its logical operator along the way.
        for cell in path[1:]:
            self.spans[cell] = name
            self.machine.starts[cell] = self.machine.step
            self._prepared.add(Event(cell, "Z" if dx else "X"))
        self._begun.update((seam, described(op)) for seam in path_seams(path))
        self._moves.append((op, path))

    def slab(self, measures: tuple[Measure, ...]) -> Slab:
        """Return the step's slab, once every operation has begun."""
        machine = self.machine
        measured = set()
        for op in measures:
            if any(event.cell == machine.where.get(op.measure) for event in measured):
                raise self.refuse(op, f"{op.measure!r} must be measured once in a step; leave out one")
            if op.measure not in machine.where:
                self.site(op, op.measure)
            site = next((path[-1] for move, path in self._moves if move.move == op.measure), None)
            if site is not None:
                raise self.refuse(op, f"{op.measure!r} must not be measured while it moves; use the next step")
            measured.add(Event(machine.where[op.measure], op.basis))
        self._measures = measures
        for _, path in self._moves:
            measured.update(Event(cell, seam_basis(path_seams(path)[0])) for cell in path[:-1])
        held = self.before - self._ended
        for seam in self._begun:
            machine.starts[seam] = machine.step
        return Slab(
            patches=frozenset([*machine.where.values(), *self.spans]),
            merged=held | frozenset(self._begun),
            prepared=frozenset(self._prepared),
            measured=frozenset(measured),
            held=held,
        )

    def end(self, slab: Slab) -> list[Result]:
        """Work out the joint parities, then the moves and the read-outs; return the step's results."""
        results = []
        for op, seams in self._merges:
            if op.result is not None:
                kind = joint_kind(seams[0])
                sheet = EMPTY
                for seam in seams:
                    self._require_parity(op, seam, slab)
                    sheet ^= self._joint(seam)
                for name in (op.merge[0], op.merge[-1]):
                    sheet ^= self.machine.frames[name].of(kind)
                # What lies between the first and the last patch enters twice.
                results.append(Result(op.result, kind, sheet))
        moving = {seam for _, path in self._moves for seam in path_seams(path)}
        for seam in sorted(slab.closed_seams - moving):
            self._close(seam, self.machine.step)
        for move, path in self._moves:
            self._arrive(move, path, slab)
        for op in self._measures:
            site = self.machine.where.pop(op.measure)
            sheet = self._read(site, op.basis) ^ self.machine.frames.pop(op.measure).of(op.basis)
            results.append(Result(op.result, op.basis, sheet))
        return results

    def _require_parity(self, op: Operation, seam: Site, slab: Slab) -> None:
        if not measures_parity(seam, slab.merged, slab.held):
            parity = joint_kind(seam) * 2
            raise self.refuse(
                op,
                f"the merge must measure {parity}, but merges across it at {_cell(neighbour_cells(seam)[0])} do not "
                "commute with that; leave out the result, or begin them in another step",
            )

    def _joint(self, seam: Site) -> Sheet:
        """Return the parity of the two patches at a seam that begins, by their reference operators."""
        step, kind, cells = self.machine.step, joint_kind(seam), neighbour_cells(seam)
        sheet = frozenset([Mark("joint", kind, seam, step), Mark("sum", kind, cells[0], step)])
        for cell in cells:
            sheet ^= self.machine.rows(cell, kind, step - 1)
        return sheet

    def _read(self, site: Site, basis: Basis) -> Sheet:
        step = self.machine.step
        return frozenset([Mark("read", basis, site, step)]) ^ self.machine.rows(site, basis, step)

    def _arrive(self, move: Move, path: tuple[Site, ...], slab: Slab) -> None:
        """Give up all cells of a move but the last: the patch's frame takes what they are read out as."""
        frame = self.machine.frames[move.move]
        for seam in path_seams(path):
            self._require_parity(move, seam, slab)
            basis = seam_basis(seam)
            read = frozenset([Mark("read", basis, seam, self.machine.step)])
            frame = frame.plus(basis, read ^ self.machine.rows(seam, basis, self.machine.step))
            frame = frame.plus(joint_kind(seam), self._joint(seam))
        for cell in path[:-1]:
            frame = frame.plus(seam_basis(path_seams(path)[0]), self._read(cell, seam_basis(path_seams(path)[0])))
        self.machine.frames[move.move] = frame
        self.machine.where[move.move] = path[-1]


def _cell(site: Site) -> Cell:
    return site[0] // 2, site[1] // 2
