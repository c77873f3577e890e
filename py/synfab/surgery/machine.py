# SPDX-License-Identifier: Apache-2.0
"""Executes a program step by step: from operations and conditions to slabs, logical results and their frames."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Self

from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.surgery.fragment import Mark
from synfab.surgery.lattice import Site
from synfab.surgery.program import Measure, Operation, Program
from synfab.surgery.sheet import Frame, Sheet
from synfab.surgery.slab import Slab
from synfab.surgery.turn import ORDER, Result, Turn, described, patches_of


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one step does.

    Attributes
    ----------
    number : int
    slab : Slab
    names : dict of Site to str
        Which patch is where during the rounds.
    operations : tuple of Operation
        Those whose conditions held.
    results : tuple of Result
        What can be decoded once the step's rounds are there.
    """

    number: int
    slab: Slab
    names: dict[Site, str]
    operations: tuple[Operation, ...]
    results: tuple[Result, ...]


@dataclass
class Machine:
    """The state between two steps.

    Attributes
    ----------
    program : Program
    where : dict of str to Site
        The patches that are there.
    results : dict of str to Result
        Those of operations that took place.
    merged : frozenset of Site
        Seams that go on unless they are split.
    frames : dict of str to Frame
        Of the patches that are there.
    starts : dict of Site to int
        The step in which what is at a cell or seam began.
    """

    program: Program
    step: int = 0
    where: dict[str, Site] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    merged: frozenset[Site] = frozenset()
    frames: dict[str, Frame] = field(default_factory=dict)
    starts: dict[Site, int] = field(default_factory=dict)

    def fork(self) -> Self:
        """Return a machine that goes on from here on its own."""
        other = copy(self)
        for name in ("where", "results", "frames", "starts"):
            setattr(other, name, dict(getattr(self, name)))
        return other

    @property
    def done(self) -> bool:
        """Whether no step is left."""
        return self.step == len(self.program.steps)

    def conditions(self) -> tuple[str, ...]:
        """Return the results on which the next step depends.

        Raises
        ------
        InputError
            If one of them is not there yet, or in this branch not at all.
        """
        names = []
        for op in self.program.steps[self.step].ops:
            for name in (condition.lstrip("!") for condition in op.condition):
                if name not in self.results:
                    raise InputError(
                        f"step {self.step}: the condition of {described(op)} must be a result that exists by then, "
                        f"not {name!r}; {self._why_missing(name)}"
                    )
                names.append(name)
        return tuple(dict.fromkeys(names))

    def advance(self, values: Mapping[str, bool]) -> Plan:
        """Execute the next step.

        Parameters
        ----------
        values : mapping of str to bool
            The decoded results, at least those of :meth:`conditions`.

        Raises
        ------
        InputError
            If an operation cannot take place; the sentence says which, why, and the way out.
        """
        for name in self.conditions():
            if name not in values:
                raise InputError(
                    f"step {self.step}: the result {name!r} must be sent before the step, since a condition needs it; "
                    "decode the steps so far"
                )
        taken = [op for op in self.program.steps[self.step].ops if _holds(op, values)]
        self._require_known(taken)
        turn = Turn(machine=self, before=self.merged)
        for kind in ORDER:
            for op in taken:
                if isinstance(op, kind):
                    turn.begin(op)
        slab = turn.slab(tuple(op for op in taken if isinstance(op, Measure)))
        names = {site: name for name, site in self.where.items()} | turn.spans
        results = turn.end(slab)
        for result in results:
            self._define(result)
        self.merged = slab.merged - slab.closed_seams
        self.step += 1
        return Plan(number=self.step - 1, slab=slab, names=names, operations=tuple(taken), results=tuple(results))

    def rows(self, site: Site, kind: Basis, last: int) -> Sheet:
        """Return the operator of ``kind`` of a patch or seam at the end of each of its slabs up to ``last``."""
        return frozenset(Mark("row", kind, site, step) for step in range(self.starts[site], last + 1))

    def _define(self, result: Result) -> None:
        if result.name in self.results:
            raise InputError(
                f"step {self.step}: every result must have a name of its own, not {result.name!r} again; rename one"
            )
        self.results[result.name] = result

    def _why_missing(self, name: str) -> str:
        for number, step in enumerate(self.program.steps):
            if any(getattr(op, "result", None) == name for op in step.ops):
                when = "depends on a condition itself" if number < self.step else f"comes with step {number}"
                return f"that {when}: it can be used from the step after"
        known = ", ".join(map(repr, self.results)) or "none"
        return f"no operation has it; so far there are {known}"

    def _require_known(self, taken: Iterable[Operation]) -> None:
        for op in taken:
            for name in patches_of(op):
                if name not in self.program.patches:
                    known = ", ".join(map(repr, self.program.patches))
                    raise InputError(
                        f"step {self.step}: a patch must be one of {known}, not {name!r}; add it to patches"
                    )


def _holds(op: Operation, values: Mapping[str, bool]) -> bool:
    return all(values[name.lstrip("!")] != name.startswith("!") for name in op.condition)
