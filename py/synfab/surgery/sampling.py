# SPDX-License-Identifier: Apache-2.0
"""Shots of a program: noise from Stim, branches from decoded results, logical values at the end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits import NoiseStrengths
from synfab.circuits.layout import Basis
from synfab.dem import MAX_OBSERVABLES
from synfab.errors import InputError
from synfab.surgery.assembly import Assembly, Piece
from synfab.surgery.cells import Place
from synfab.surgery.check import check_form, output_sheets, random_sheets
from synfab.surgery.frames import frame_simulator
from synfab.surgery.global_decoding import Decoder
from synfab.surgery.lattice import Lattice
from synfab.surgery.machine import Machine
from synfab.surgery.parts import Parts
from synfab.surgery.program import Program
from synfab.surgery.recorder import Recorder
from synfab.surgery.sheet import Sheet, of_kind, records
from synfab.surgery.slab import Slab
from synfab.surgery.unfolding import Stage

KINDS: tuple[Basis, Basis] = ("X", "Z")
Bits = npt.NDArray[np.bool_]

BlockDecoder = Callable[[Basis, Sequence[Piece], Sequence[Place], Bits, Sequence[Sheet]], Bits]
"""From a kind of check, the blocks and faces so far, the places of detectors, their events, bool of shape
(shots, places), and sheets of the kind, to predicted flips of the sheets, bool of shape (shots, sheets)."""


@dataclass(frozen=True, kw_only=True)
class BranchSamples:
    """The shots that took one way through a program.

    Attributes
    ----------
    values : dict of str to bool
        The decoded results on which the way depended, as they were when it was taken.
    shots : int
    results, outputs : dict of str to ndarray
        Decoded values, bool of shape (shots,), with the whole branch decoded at once.
    random_outputs : tuple of str
        Outputs that nothing determines; any other is wrong where it is 1.
    """

    values: dict[str, bool]
    shots: int
    results: dict[str, Bits]
    outputs: dict[str, Bits]
    random_outputs: tuple[str, ...]

    @property
    def num_errors(self) -> int:
        """Shots in which a determined output is wrong."""
        wrong = [bits for name, bits in self.outputs.items() if name not in self.random_outputs]
        return int(np.any(wrong, axis=0).sum()) if wrong else 0


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Samples a program under one noise model.

    Every step is simulated on Pauli frames (:class:`stim.FlipSimulator`) for all shots that are in the same branch.
    Where a condition follows, the results that it needs are decoded from the blocks so far, with the faces beyond
    them open; the shots divide by the decoded values, and each part goes on with its own frames.

    Attributes
    ----------
    program : Program
    noise : {"phenomenological", "circuit"}
    p : float
    decoder : Decoder or None
        Takes the graph of all blocks so far; see :mod:`synfab.surgery.global_decoding`.
    block_decoder : BlockDecoder or None
        In its place: takes the blocks and faces so far as they are.

    Raises
    ------
    InputError
        If the program has no proper form, the noise cannot be, or not one of both decoders is given.
    """

    program: Program
    noise: Literal["phenomenological", "circuit"]
    p: float
    decoder: Decoder | None = None
    block_decoder: BlockDecoder | None = None
    parts: dict[Basis, Parts] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_form(self.program)
        if (self.decoder is None) == (self.block_decoder is None):
            raise InputError("a sampler must have either a decoder or a block_decoder, not both or none; give one")
        parts = {k: Parts(distance=self.program.distance, noise=self.noise, p=self.p, kind=k) for k in KINDS}
        object.__setattr__(self, "parts", parts)

    def sample(self, shots: int, *, seed: int | None = None) -> tuple[BranchSamples, ...]:
        """Return ``shots`` shots, by branch in the order of the conditions' values.

        The same ``seed`` gives the same shots with the same version of Stim.
        """
        if shots < 1:
            raise InputError(f"shots must be at least 1, not {shots!r}; there is nothing to sample")
        strengths = NoiseStrengths.of(self.noise, self.p)
        recorder = Recorder(lattice=Lattice(distance=self.program.distance), strengths=strengths)
        seeds = np.random.SeedSequence(seed)
        start = _Group(
            sampler=self,
            seeds=seeds,
            machine=Machine(self.program),
            recorder=recorder,
            simulator=stim.FlipSimulator(batch_size=shots, seed=_seed(seeds)),
            flips=np.zeros((0, shots), bool),
        )
        found = list(start.run())
        return tuple(sorted(found, key=lambda branch: tuple(branch.values.values())))


@dataclass
class _Group:
    """Shots in the same branch."""

    sampler: Sampler
    machine: Machine
    recorder: Recorder
    simulator: stim.FlipSimulator
    seeds: np.random.SeedSequence
    flips: Bits  # measurement records of earlier simulators, a row each
    values: dict[str, bool] = field(default_factory=dict)
    slabs: tuple[Slab, ...] = ()
    pieces: dict[Basis, tuple[Piece, ...]] = field(default_factory=lambda: {"X": (), "Z": ()})
    last: Stage | None = None

    def run(self) -> Iterator[BranchSamples]:
        """Go on to the end, in as many branches as there are."""
        while not self.machine.done:
            new = [name for name in self.machine.conditions() if name not in self.values]
            if new:
                for group in self._divided(new):
                    yield from group._step().run()
                return
            self._step()
        yield self._finished()

    def _step(self) -> "_Group":
        plan = self.machine.advance(self.values)
        self.last = Stage(plan=plan, before=self.slabs[-1] if self.slabs else None)
        self.slabs = (*self.slabs, plan.slab)
        self.simulator.do(self.recorder.append(plan.slab).gates)
        for kind, parts in self.sampler.parts.items():
            self.pieces[kind] = (*self.pieces[kind], *self.last.pieces(parts))
        return self

    def _divided(self, names: list[str]) -> Iterator["_Group"]:
        """Decode results and yield a group for each combination of values that some shot has."""
        sheets = [self.machine.results[name].sheet for name in names]
        decoded = self._decoded(sheets)
        flips = self._records()
        for values in np.unique(decoded, axis=0):
            chosen = np.flatnonzero((decoded == values).all(axis=1))
            (seeds,) = self.seeds.spawn(1)
            yield _Group(
                sampler=self.sampler,
                machine=self.machine.fork(),
                recorder=self.recorder.fork(),
                simulator=frame_simulator(self.simulator, chosen, seed=_seed(seeds)),
                seeds=seeds,
                flips=flips[:, chosen],
                values=self.values | dict(zip(names, values.tolist(), strict=True)),
                slabs=self.slabs,
                pieces=dict(self.pieces),
                last=self.last,
            )

    def _records(self) -> Bits:
        return np.vstack([self.flips, self.simulator.get_measurement_flips()])

    def _decoded(self, sheets: Sequence[Sheet]) -> Bits:
        """Return the values of sheets, bool of shape (shots, sheets)."""
        flips = self._records()
        random = random_sheets(self.slabs, sheets)
        order = sorted(range(len(sheets)), key=lambda number: random[number])
        values = np.zeros((flips.shape[1], len(sheets)), bool)
        for number, sheet in enumerate(sheets):
            values[:, number] = _parity(flips, records(sheet, self.recorder.marks))
        for kind in KINDS:
            used = [number for number in order if of_kind(sheets[number], kind)]
            if used:
                strict = sum(not random[number] for number in used)
                values[:, used] ^= self._flipped(kind, [of_kind(sheets[n], kind) for n in used], flips, strict)
        return values

    def _flipped(self, kind: Basis, sheets: list[Sheet], flips: Bits, strict: int) -> Bits:
        """Decode everything so far."""
        assert self.last is not None
        parts = self.sampler.parts[kind]
        pieces = (*self.pieces[kind], *self.last.horizon(parts))
        detectors = [detector for detector in self.recorder.detectors if detector.kind == kind]
        places = [parts.cells.place(d.position, d.step, d.layer) for d in detectors]
        events = np.zeros((flips.shape[1], len(detectors)), bool)
        for column, detector in enumerate(detectors):
            events[:, column] = _parity(flips, detector.records)
        if self.sampler.block_decoder:
            return self.sampler.block_decoder(kind, pieces, places, events, sheets)
        assert self.sampler.decoder is not None
        assembly = Assembly.of(parts.cells, pieces)
        graph = assembly.graph(sheets, num_strict=strict)
        detections = np.zeros((flips.shape[1], graph.num_detectors), bool)
        detections[:, [assembly.vertex(place) for place in places]] = events
        return self.sampler.decoder(graph, detections)

    def _finished(self) -> BranchSamples:
        results = self.machine.results
        outputs = output_sheets(self.sampler.program, results)
        random = random_sheets(self.slabs, list(outputs.values()))
        sheets = [*outputs.values(), *(result.sheet for result in results.values())]
        few = range(0, max(1, len(sheets)), MAX_OBSERVABLES)
        decoded = np.hstack([self._decoded(sheets[start : start + MAX_OBSERVABLES]) for start in few])
        columns = decoded.T
        return BranchSamples(
            values=self.values,
            shots=decoded.shape[0],
            outputs={name: columns[number] for number, name in enumerate(outputs)},
            results={name: columns[len(outputs) + number] for number, name in enumerate(results)},
            random_outputs=tuple(name for name, is_random in zip(outputs, random, strict=True) if is_random),
        )


def _seed(seeds: np.random.SeedSequence) -> int:
    return int(seeds.generate_state(1, np.uint64)[0] >> np.uint64(1))


def _parity(flips: Bits, rows: Sequence[int]) -> Bits:
    return np.logical_xor.reduce(flips[list(rows)], axis=0) if rows else np.zeros(flips.shape[1], bool)
