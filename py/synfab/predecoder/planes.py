# SPDX-License-Identifier: Apache-2.0
"""What planes must be, for nets of all kinds; each refusal is one sentence that begins with what is refused."""

from collections.abc import Sequence

from synfab.errors import InputError

SHOTS = "shots"
VOLUMES = "rounds", "rows", "columns"


def require_shape(name: str, shape: Sequence[int], wanted: tuple[int | str, ...], *, repair: str) -> None:
    """Raise InputError unless a shape is as it is wanted; what it is of is not looked at.

    Parameters
    ----------
    wanted : tuple of int or str
        A word stands for any number from 1 on; ``SHOTS`` may be 0, too.
    """
    if len(shape) != len(wanted) or not all(_fits(side, want) for side, want in zip(shape, wanted, strict=True)):
        sides = ", sides of at least 1" if any(isinstance(want, str) for want in wanted) else ""
        raise InputError(
            f"{name} must have the shape ({', '.join(map(str, wanted))}){sides}, not {tuple(shape)}; {repair}"
        )


def require_volumes(shape: Sequence[int], *, num_inputs: int, layout: str) -> None:
    """Raise InputError unless the shape is one of volumes that a net of ``num_inputs`` planes a round takes."""
    repair = f"the net has the layout {layout!r}: take planes of this one, of at least a round"
    require_shape("planes", shape, (SHOTS, num_inputs, *VOLUMES), repair=repair)


def _fits(side: int, want: int | str) -> bool:
    if isinstance(want, str):
        return side >= 1 or want == SHOTS
    return side == want
