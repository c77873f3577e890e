# SPDX-License-Identifier: Apache-2.0
"""When blocks begin, when they are fused, and when they are released."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, Self, get_args

from synfab.decoders.fusion.spec import Face, FusionSpec
from synfab.errors import InputError

Alone = Literal["block", "step", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens at once, before growth goes on until no cluster is active; releases come after that.

    Attributes
    ----------
    begin : tuple of int
        Blocks whose detection events are there from now on.
    fuse : tuple of Face
        Faces that stop being artificial boundaries.
    release : tuple of int
        Blocks that are frozen at the end of the step.
    """

    begin: tuple[int, ...] = ()
    fuse: tuple[Face, ...] = ()
    release: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Steps, one after the other; :func:`synfab.decoders.fusion.checks.check` says what a schedule must be like.

    Attributes
    ----------
    steps : tuple of Step
    """

    steps: tuple[Step, ...]

    @classmethod
    def at_once(cls, spec: FusionSpec) -> Self:
        """Everything in one step: plain union-find on the whole graph."""
        return cls(steps=(Step(begin=tuple(range(len(spec.blocks))), fuse=spec.faces),))

    @classmethod
    def blocks_first(cls, spec: FusionSpec) -> Self:
        """Every block on its own, then all faces."""
        return cls(steps=(Step(begin=tuple(range(len(spec.blocks)))), Step(fuse=spec.faces)))

    @classmethod
    def in_time(
        cls,
        spec: FusionSpec,
        *,
        keep: int | None = None,
        alone: Alone = "block",
        to_the_last: bool = False,
    ) -> Self:
        """As blocks arrive, step after step of the program.

        Parameters
        ----------
        keep : int or None
            A block is released once it has been fused with this many steps after it, at least 1. None: no block is
            released.
        alone : {"block", "step", "nothing"}
            What is decoded before it is fused with more: every block, then with its neighbours in space, then with
            the step before; or the blocks of a step together, then with the step before; or nothing.
        to_the_last : bool
            Go on releasing after the last step, a step at a time, as hardware does that has no notion of an end; not
            all that is left at once. It makes a difference where to release is to commit.
        """
        if keep is not None and keep < 1:
            raise InputError(f"keep must be at least 1 step, or None to release nothing, not {keep!r}")
        if alone not in get_args(Alone):
            raise InputError(f"alone must be 'block', 'step' or 'nothing', not {alone!r}")
        blocks: dict[int, list[int]] = defaultdict(list)
        for block, (_, _, time) in enumerate(spec.blocks):
            blocks[time].append(block)
        times = sorted(blocks)
        among, behind = _faces_by_time(spec)
        steps: list[Step] = []
        for number, time in enumerate(times):
            last = len(times) if to_the_last else len(times) - 1
            ended = times[number - keep] if keep is not None and keep <= number < last else None
            now, released = (() if one is None else tuple(blocks[one]) for one in (time, ended))
            found = {
                "block": [Step(begin=now), Step(fuse=among[time]), Step(fuse=behind[time], release=released)],
                "step": [Step(begin=now, fuse=among[time]), Step(fuse=behind[time], release=released)],
                "nothing": [Step(begin=now, fuse=among[time] + behind[time], release=released)],
            }
            steps += [step for step in found[alone] if step != Step()]
        if to_the_last and keep is not None:
            steps += [Step(release=tuple(blocks[time])) for time in times[-keep:-1]]
        return cls(steps=tuple(steps))

    def steps_until(self, spec: FusionSpec, time: int) -> int:
        """Return how many steps lead to the last one that begins or fuses a block of a program's step, as of ``spec``.

        Of a schedule in time: what comes after them only releases, or belongs to later steps of the program.

        Raises
        ------
        InputError
            If the program has no such step, or nothing of it begins or is fused.
        """
        blocks = [{*step.begin, *sum(step.fuse, ())} for step in self.steps]
        last = [max((spec.blocks[block][2] for block in found), default=None) for found in blocks]
        if time not in last:
            known = sorted({one for one in last if one is not None})
            raise InputError(f"time must be a step of the program that the schedule knows, of {known}, not {time!r}")
        return len(last) - last[::-1].index(time)


def _faces_by_time(spec: FusionSpec) -> tuple[dict[int, tuple[Face, ...]], dict[int, tuple[Face, ...]]]:
    """Return the faces within each step of the program, and those from it to steps before, ascending."""
    among: dict[int, tuple[Face, ...]] = defaultdict(tuple)
    behind: dict[int, tuple[Face, ...]] = defaultdict(tuple)
    for face in spec.faces:
        earlier, later = sorted(spec.blocks[block][2] for block in face)
        found = among if earlier == later else behind
        found[later] += (face,)
    return among, behind
