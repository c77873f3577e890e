# SPDX-License-Identifier: Apache-2.0
"""A program at run time: each step's blocks and faces once the results before it are known."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

from synfab.surgery.assembly import Piece, pieces
from synfab.surgery.machine import Machine, Plan
from synfab.surgery.parts import Parts
from synfab.surgery.program import Program
from synfab.surgery.slab import Slab


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of a program as it was executed.

    Attributes
    ----------
    plan : Plan
        Patches, seams, results.
    before : Slab or None
        The slab before.
    """

    plan: Plan
    before: Slab | None

    def pieces(self, parts: Parts) -> tuple[Piece, ...]:
        """Return the blocks of the step, the faces among them, and the faces between them and the step before."""
        return tuple(pieces(parts, self.before, self.plan.slab, step=self.plan.number))

    def horizon(self, parts: Parts) -> tuple[Piece, ...]:
        """Return the faces at the end of the step as far as they are known without the next one.

        They close what was read out and leave the rest open. The next step's pieces replace them.
        """
        return tuple(pieces(parts, self.plan.slab, None, step=self.plan.number + 1))


def unfold(program: Program) -> Generator[Stage, Mapping[str, bool], None]:
    """Yield the stages of a program; ``send`` the decoded results so far to have the next.

    The next step may need any result of the steps before; :attr:`Stage.plan` says which there are. ``next`` is enough
    where no condition follows.

    Raises
    ------
    InputError
        If the program asks for what cannot be done, or a result that a condition needs is not sent.
    """
    machine, before, values = Machine(program), None, {}
    while not machine.done:
        plan = machine.advance(values)
        values = {**values, **((yield Stage(plan=plan, before=before)) or {})}
        before = plan.slab
