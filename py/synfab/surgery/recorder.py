# SPDX-License-Identifier: Apache-2.0
"""The Stim circuit of a sequence of slabs, with its detectors and the records that logical results are made of."""

from collections.abc import Iterable
from copy import copy
from typing import Self

import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.experiment import flip, noise
from synfab.circuits.layout import Basis, Check, Position
from synfab.surgery.fragment import Detector, Fragment, Mark
from synfab.surgery.lattice import Lattice, Site, seam_basis, seam_crossings, site_kind
from synfab.surgery.slab import Slab


class Recorder:
    """Builds the circuit slab by slab; what a slab adds never changes what came before.

    Parameters
    ----------
    lattice : Lattice
    strengths : NoiseStrengths
        Noise where :class:`synfab.circuits.Extraction` has it, with the same order of gates.
    first_step : int
        The number of the first slab.
    """

    def __init__(self, *, lattice: Lattice, strengths: NoiseStrengths, first_step: int = 0) -> None:
        self.lattice = lattice
        self.strengths = strengths
        self.fragments: list[Fragment] = []
        self.marks: dict[Mark, tuple[int, ...]] = {}
        self._step = first_step - 1
        self._slab = Slab(patches=frozenset(), merged=frozenset())
        self._index: dict[Position, int] = {}
        self._num_records = 0
        self._last: dict[Position, int] = {}
        self._checks: tuple[Check, ...] = ()
        # Data qubits measured out since the last round, and prepared since then: the basis, and the record.
        self._read: dict[Position, tuple[Basis, int]] = {}
        self._fresh: dict[Position, Basis] = {}

    def append(self, slab: Slab, *, layers: range | None = None) -> Fragment:
        """Append a slab and return what it adds.

        Parameters
        ----------
        slab : Slab
        layers : range or None
            Only these rounds of it: what a view of its beginning or its end needs.
        """
        gates, detectors = stim.Circuit(), []
        self._step += 1
        self._open(gates, slab)
        checks = self.lattice.checks(slab)
        layers = range(self.lattice.distance) if layers is None else layers
        one_round = self._round(slab, checks)
        for layer in layers:
            before = self._last
            gates += one_round
            self._last = {check.position: self._num_records + number for number, check in enumerate(checks)}
            self._num_records += len(checks)
            if layer == layers.start:
                compared = self._first_round(checks, before)
            else:
                compared = ((c, (before[c.position], self._last[c.position])) for c in checks)
            if not layer:
                self._mark_first_round(slab)
            detectors += [Detector(c.position, c.kind, self._step, layer, records) for c, records in compared]
        self._slab, self._checks, self._read = slab, checks, {}
        detectors += self._close(gates, slab)
        self.fragments.append(Fragment(gates=gates, detectors=tuple(detectors), num_records=self._num_records))
        return self.fragments[-1]

    def fork(self) -> Self:
        """Return a recorder that goes on from here on its own."""
        other = copy(self)
        for name in ("fragments", "marks", "_index", "_last", "_read", "_fresh"):
            setattr(other, name, copy(getattr(self, name)))
        return other

    @property
    def slab(self) -> Slab:
        """The last slab."""
        return self._slab

    @property
    def step(self) -> int:
        """The number of the last slab."""
        return self._step

    def carries(self, site: Site, kind: Basis) -> bool:
        """Whether a patch or seam holds a part of logical operators of ``kind``: a seam does of its own basis."""
        return site_kind(site) == "cell" or seam_basis(site) == kind

    @property
    def detectors(self) -> list[Detector]:
        """All detectors, in the order of the circuit."""
        return [detector for fragment in self.fragments for detector in fragment.detectors]

    def circuit(self, *, kind: Basis | None = None, observables: Iterable[Iterable[int]] = ()) -> stim.Circuit:
        """Return the circuit so far.

        Parameters
        ----------
        kind : {"X", "Z"} or None
            Declare the detectors of this kind only.
        observables : iterable of iterable of int
            The records of each.
        """
        circuit = stim.Circuit()
        for position, index in self._index.items():
            circuit.append("QUBIT_COORDS", [index], position)
        for fragment in self.fragments:
            circuit += fragment.gates
            for detector in fragment.detectors:
                if kind in (None, detector.kind):
                    time = detector.step * self.lattice.distance + detector.layer
                    # A patch may be prepared anew where one has been read out: half a round apart.
                    time -= 0.5 if detector.layer == self.lattice.distance else 0
                    targets = [stim.target_rec(record - fragment.num_records) for record in detector.records]
                    circuit.append("DETECTOR", targets, (*detector.position, time))
        for number, records in enumerate(observables):
            circuit.append("OBSERVABLE_INCLUDE", self.targets(records), number)
        return circuit

    def targets(self, records: Iterable[int]) -> list[stim.GateTarget]:
        """Return measurement records as Stim names them at the end of the circuit."""
        return [stim.target_rec(record - self._num_records) for record in records]

    def qubits(self, positions: Iterable[Position]) -> list[int]:
        """Return Stim's numbers of qubits."""
        return [self._index.setdefault(position, len(self._index)) for position in positions]

    def _open(self, gates: stim.Circuit, slab: Slab) -> None:
        """Measure out the seams that end, prepare the patches and seams that begin."""
        ended = self._slab.merged - slab.held - self._slab.closed_seams
        closed = self._closed_crossings(self._slab)
        self._measure_out(gates, [*ended, *(self._slab.crossings - slab.held_crossings - closed)])
        self._fresh = {}
        for cell, basis in sorted(slab.prepared):
            self._fresh.update((position, basis) for position in self.lattice.data(cell))
        for site in (*(slab.merged - slab.held), *(slab.crossings - slab.held_crossings)):
            self._fresh.update((position, seam_basis(site)) for position in self.lattice.data(site))
        resets: tuple[tuple[Basis, str], ...] = (("Z", "R"), ("X", "RX"))
        for basis, reset in resets:
            qubits = self.qubits(sorted(position for position, b in self._fresh.items() if b == basis))
            if qubits:
                gates.append(reset, qubits)
                flip(gates, basis, qubits, self.strengths.after_reset_flip_probability)
        running = {check.position for check in self._checks}
        new = [check.position for check in self.lattice.checks(slab) if self._starts(check.position, slab, running)]
        if new:
            gates.append("R", self.qubits(new))
            flip(gates, "Z", self.qubits(new), self.strengths.after_reset_flip_probability)

    def _starts(self, position: Position, slab: Slab, running: set[Position]) -> bool:
        """Whether the ancilla of a check must be reset: it was idle, or it belongs to a patch prepared anew."""
        cell = tuple(2 * (c // self.lattice.pitch) for c in position)
        return position not in running or any(event.cell == cell for event in slab.prepared)

    def _round(self, slab: Slab, checks: tuple[Check, ...]) -> stim.Circuit:
        gates = stim.Circuit()
        sites = (*slab.patches, *slab.merged, *slab.crossings)
        data = self.qubits(sorted(position for site in sites for position in self.lattice.data(site)))
        ancillas = self.qubits(check.position for check in checks)
        controls = self.qubits(check.position for check in checks if check.kind == "X")
        gates.append("TICK", [])
        noise(gates, "DEPOLARIZE1", data, self.strengths.before_round_data_depolarization)
        self._hadamards(gates, controls)
        for step in range(4):
            gates.append("TICK", [])
            pairs = [(check.position, check.steps[step], check.kind) for check in checks]
            touched = [
                self.qubits((ancilla, qubit) if kind == "X" else (qubit, ancilla))
                for ancilla, qubit, kind in pairs
                if qubit
            ]
            targets = [qubit for pair in touched for qubit in pair]
            gates.append("CX", targets)
            noise(gates, "DEPOLARIZE2", targets, self.strengths.after_clifford_depolarization)
        self._hadamards(gates, controls)
        gates.append("TICK", [])
        flip(gates, "Z", ancillas, self.strengths.before_measure_flip_probability)
        gates.append("MR", ancillas)
        flip(gates, "Z", ancillas, self.strengths.after_reset_flip_probability)
        return gates

    def _hadamards(self, gates: stim.Circuit, controls: list[int]) -> None:
        gates.append("TICK", [])
        gates.append("H", controls)
        noise(gates, "DEPOLARIZE1", controls, self.strengths.after_clifford_depolarization)

    def _first_round(
        self, checks: tuple[Check, ...], before: dict[Position, int]
    ) -> Iterable[tuple[Check, tuple[int, ...]]]:
        """Yield the checks whose first outcome is determined, with the records that add up to nothing.

        A check goes on if the qubits that left it were measured out, and those that joined it prepared, in its own
        basis. It begins determined if all its qubits were prepared in its basis.
        """
        supports = {check.position: set(check.support) for check in self._checks}
        for check in checks:
            now, then = set(check.support), supports.get(check.position, set())
            staying = {q for q in now & then if q not in self._read and q not in self._fresh}
            left = [self._read.get(q, ("", -1)) for q in then - staying] if staying else []
            joined = [self._fresh.get(q) for q in now - staying]
            if all(basis == check.kind for basis in (*joined, *(basis for basis, _ in left))):
                earlier = (*(record for _, record in left), before[check.position]) if staying else ()
                yield check, (*earlier, self._last[check.position])

    def _mark_first_round(self, slab: Slab) -> None:
        for cell in slab.patches:
            for kind in ("X", "Z"):
                own = [p for p in self.lattice.own_checks(cell) if self.lattice.kind(p) == kind]
                self.marks[Mark("sum", kind, cell, self._step)] = tuple(self._last[p] for p in own)
        for seam in slab.merged - slab.held:
            positions = self.lattice.seam_checks(seam)
            if self._last.keys() >= set(positions):
                kind = self.lattice.kind(positions[0])
                self.marks[Mark("joint", kind, seam, self._step)] = tuple(self._last[p] for p in positions)

    def _close(self, gates: stim.Circuit, slab: Slab) -> Iterable[Detector]:
        """Read out patches and their seams; yield the detectors that compare the last round with the read-out."""
        seams = [*slab.closed_seams, *self._closed_crossings(slab)]
        self._measure_out(gates, seams, dict(slab.measured))
        for cell, basis in sorted(slab.measured):
            for check in self._checks:
                if check.kind == basis and check.position in self.lattice.own_checks(cell):
                    read = [self._read.get(q, ("", -1)) for q in check.support]
                    if all(b == basis for b, _ in read):
                        records = (*(record for _, record in read), self._last[check.position])
                        yield Detector(check.position, basis, self._step, self.lattice.distance, records)

    def _closed_crossings(self, slab: Slab) -> set[Site]:
        return {c for seam in slab.closed_seams for c in seam_crossings(seam) if c in slab.crossings}

    def _measure_out(self, gates: stim.Circuit, seams: list[Site], patches: dict[Site, Basis] | None = None) -> None:
        """Measure out data qubits and mark the parts of logical operators among them."""
        bases = {**{seam: seam_basis(seam) for seam in seams}, **(patches or {})}
        step = self._step if patches is not None else self._step - 1
        measures: tuple[tuple[Basis, str], ...] = (("Z", "M"), ("X", "MX"))
        for basis, measure in measures:
            sites = sorted(site for site, b in bases.items() if b == basis)
            positions = [position for site in sites for position in self.lattice.data(site)]
            if not positions:
                continue
            qubits = self.qubits(positions)
            flip(gates, basis, qubits, self.strengths.before_measure_flip_probability)
            gates.append(measure, qubits)
            self._read.update((p, (basis, self._num_records + number)) for number, p in enumerate(positions))
            self._num_records += len(positions)
            for site in sites:
                records = tuple(self._read[position][1] for position in self.lattice.reference(site, basis))
                self.marks[Mark("read", basis, site, step)] = records
