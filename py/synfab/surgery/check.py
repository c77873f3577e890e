# SPDX-License-Identifier: Apache-2.0
"""What a program must keep to, in every branch, before anything is built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from synfab.circuits import NoiseStrengths
from synfab.dem import MAX_OBSERVABLES, DecodingGraph
from synfab.errors import InputError
from synfab.surgery.lattice import Lattice
from synfab.surgery.machine import Machine, Plan
from synfab.surgery.parts import marks_as_observables
from synfab.surgery.program import Program
from synfab.surgery.recorder import Recorder
from synfab.surgery.sheet import EMPTY, Sheet, of_kind, records
from synfab.surgery.slab import Slab
from synfab.surgery.turn import Result

MAX_BRANCHES = 4096
MAX_DISTANCE = 51
"""Of a program: a block has 70,304 vertices then."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One way through a program.

    Attributes
    ----------
    values : dict of str to bool
        The results on which it depends.
    plans : tuple of Plan
    """

    values: dict[str, bool]
    plans: tuple[Plan, ...]

    @property
    def results(self) -> dict[str, Result]:
        """All results by name."""
        return {result.name: result for plan in self.plans for result in plan.results}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What :func:`check` found.

    Attributes
    ----------
    num_cells : int
        Cells that hold a patch at some time: logical qubits, in the count of DecoNet's table II.
    num_steps, num_branches : int
        Steps of d rounds; ways through the conditions.
    num_blocks : int
        Of the longest branch, each one patch for one step.
    results : tuple of str
        Names in the order of the program.
    random_outputs : tuple of str
        Outputs that nothing determines, in some branch. Any other is 0 without errors.
    """

    num_cells: int
    num_steps: int
    num_branches: int
    num_blocks: int
    results: tuple[str, ...]
    random_outputs: tuple[str, ...]


def check(program: Program) -> Summary:
    """Follow every branch of a program and refuse what cannot be done.

    Raises
    ------
    InputError
        One sentence: the step, the operation, what must hold, what came, and the way out.
    """
    check_form(program)
    found = list(branches(program))
    names = dict.fromkeys(name for branch in found for name in branch.results)
    for output in program.outputs:
        missing = [name for name in output.parity if name not in names]
        if missing:
            raise InputError(
                f"output {output.name!r}: every part of a parity must be a result, not {missing[0]!r}; results are "
                f"{', '.join(map(repr, names)) or 'none'}"
            )
    return Summary(
        num_cells=len({site for branch in found for plan in branch.plans for site in plan.slab.patches}),
        num_steps=len(program.steps),
        num_branches=len(found),
        num_blocks=max(sum(len(plan.slab.patches) for plan in branch.plans) for branch in found),
        results=tuple(names),
        random_outputs=tuple(sorted({name for branch in found for name in random_outputs(program, branch)})),
    )


def check_form(program: Program) -> None:
    """Refuse distances and outputs that no program can have."""
    if program.distance < 3:
        raise InputError(f"distance must be at least 3, not {program.distance!r}; take 3 or 5")
    if program.distance % 2 == 0:
        raise InputError(
            f"distance must be odd, so that neighbouring patches fit together, not {program.distance!r}; take "
            f"{program.distance + 1}"
        )
    if program.distance > MAX_DISTANCE:
        raise InputError(
            f"distance must be at most {MAX_DISTANCE}, so that blocks and faces fit into memory, not "
            f"{program.distance!r}; take a smaller one"
        )
    if not program.steps:
        raise InputError("a program must have at least one step, not none; add a [[step]] with its ops")
    for name, patch in program.patches.items():
        if patch.distance not in (None, program.distance):
            raise InputError(
                f"patch {name!r} must have the program's distance {program.distance}, not {patch.distance!r}: patches "
                "of different distances cannot share a grid; leave it out"
            )
    if len(program.outputs) > MAX_OBSERVABLES:
        raise InputError(f"a program must have at most {MAX_OBSERVABLES} outputs, not {len(program.outputs)}")
    names = [output.name for output in program.outputs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"every output must have a name of its own, not {twice!r} twice; rename one")
    for output in program.outputs:
        twice = next((name for name in output.parity if output.parity.count(name) > 1), None)
        if twice is not None:
            raise InputError(
                f"output {output.name!r}: every result of a parity must be named once, not {twice!r} twice, which "
                "would cancel; leave it out"
            )


def branches(program: Program) -> Iterator[Branch]:
    """Yield every way through a program.

    Raises
    ------
    InputError
        If one of them cannot be executed, or there are more than 4096.
    """
    found = 0
    waiting: list[tuple[Machine, dict[str, bool], tuple[Plan, ...]]] = [(Machine(program), {}, ())]
    while waiting:
        machine, values, plans = waiting.pop()
        if machine.done:
            found += 1
            yield Branch(values=values, plans=plans)
            continue
        new = [name for name in machine.conditions() if name not in values]
        if found + len(waiting) + 2 ** len(new) > MAX_BRANCHES:
            raise InputError(
                f"a program must have at most {MAX_BRANCHES} branches, but by step {machine.step} it has more; use "
                "fewer results in conditions"
            )
        for choice in product((False, True), repeat=len(new)):
            taken = values | dict(zip(new, choice, strict=True))
            fork = machine.fork()
            waiting.append((fork, taken, (*plans, fork.advance(taken))))


def output_sheets(program: Program, results: Mapping[str, Result]) -> dict[str, Sheet]:
    """Return what each output is made of, given the results that exist."""
    sheets = {}
    for output in program.outputs:
        sheet = EMPTY
        for name in output.parity:
            sheet ^= results[name].sheet if name in results else EMPTY
        sheets[output.name] = sheet
    return sheets


def random_outputs(program: Program, branch: Branch) -> tuple[str, ...]:
    """Return the outputs that nothing determines in a branch."""
    sheets = output_sheets(program, branch.results)
    random = random_sheets([plan.slab for plan in branch.plans], list(sheets.values()))
    return tuple(name for name, is_random in zip(sheets, random, strict=True) if is_random)


def random_sheets(slabs: Sequence[Slab], sheets: Sequence[Sheet]) -> list[bool]:
    """Return for each sheet whether nothing determines its value, from Stim's analysis of a circuit without noise.

    It does not depend on the distance, so the circuit has distance 3.
    """
    recorder = Recorder(lattice=Lattice(distance=3), strengths=NoiseStrengths())
    for slab in slabs:
        recorder.append(slab)
    return [
        is_random
        for start in range(0, len(sheets), MAX_OBSERVABLES)
        for is_random in _random_of_few(recorder, sheets[start : start + MAX_OBSERVABLES])
    ]


def _random_of_few(recorder: Recorder, sheets: Sequence[Sheet]) -> list[bool]:
    coins = 0
    for kind in ("X", "Z"):
        circuit = recorder.circuit()
        first = circuit.num_detectors
        for sheet in sheets:
            circuit.append("DETECTOR", recorder.targets(records(of_kind(sheet, kind), recorder.marks)))
        # Without noise, what is left of the model is which detectors a fair coin flips together.
        gauge = marks_as_observables(circuit.detector_error_model(allow_gauge_detectors=True), first)
        for coin in DecodingGraph.from_dem(gauge).undetectable:
            coins |= coin.observables
    return [bool(coins >> number & 1) for number in range(len(sheets))]
