# SPDX-License-Identifier: Apache-2.0
"""Weights that shots bring with them, 0 for an erased edge: checked at the reference's border, or built here."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError

Overrides = Sequence[Sequence[tuple[int | np.integer, int | np.integer]]]
"""A list of ``(edge, weight)`` for each shot."""

# What the reference takes for "the spec's own weights".
NO_WEIGHTS = np.zeros((1, 0), np.uint16)


def weight_rows(
    weights: npt.ArrayLike | None, *, num_shots: int, num_edges: int, weight_bits: int
) -> npt.NDArray[np.uint16]:
    """Return weights as the reference takes them: a row a shot, one row for all shots, or a row without entries.

    Raises
    ------
    InputError
        If ``weights`` are not integers ``0 .. 2**weight_bits - 1`` of shape ``(num_edges,)`` or
        ``(num_shots, num_edges)``.
    """
    if weights is None:
        return NO_WEIGHTS
    repair = "UnionFindSpec.shot_weights builds them from overrides and erasures"
    array = weight_array(weights, (num_edges,), (num_shots, num_edges), repair=repair)
    rows = array.reshape(-1, num_edges) if num_edges else NO_WEIGHTS
    largest = (1 << weight_bits) - 1
    if rows.size and not 0 <= int(rows.min()) <= int(rows.max()) <= largest:
        row, edge = np.argwhere((rows < 0) | (rows > largest))[0].tolist()
        raise InputError(
            f"the weight of edge {edge} in row {row} must fit {weight_bits} bits (0..{largest}, 0 for an erased "
            f"edge), not {rows[row, edge]}; clip it, or raise weight_bits of the spec"
        )
    return np.ascontiguousarray(rows, dtype=np.uint16)


def weight_array(weights: npt.ArrayLike, *shapes: tuple[int, ...], repair: str) -> npt.NDArray[np.integer]:
    """Return ``weights`` as an array of integers that has one of the ``shapes``; ``repair`` ends the sentence.

    Raises
    ------
    InputError
        If they are anything else.
    """
    array = _array(weights, "weights")
    # Without entries there is nothing of a wrong type.
    if array.shape not in shapes or (array.size and array.dtype.kind not in "iu"):
        raise InputError(
            f"weights must be integers of shape {' or '.join(map(str, shapes))}, not {array.dtype} of shape "
            f"{array.shape}; {repair}"
        )
    return array


def _array(values: npt.ArrayLike, name: str) -> npt.NDArray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} must be an array, not rows of unequal length; give every row all edges") from error


def shot_weights(
    weights: Sequence[int], *, weight_bits: int, overrides: Overrides | None, erasures: npt.ArrayLike | None
) -> npt.NDArray[np.uint8 | np.uint16]:
    """Return :meth:`UnionFindSpec.shot_weights` for default ``weights``, one an edge."""
    flags = None if erasures is None else _erasure_flags(erasures, len(weights))
    counts = [len(given) for given in (overrides, flags) if given is not None]
    if not counts:
        raise InputError("shot_weights must be given overrides or erasures, not neither; give an empty list a shot")
    if min(counts) != max(counts):
        raise InputError(
            f"overrides and erasures must be of the same shots, not of {counts[0]} and {counts[1]}; give an empty "
            "list for a shot without overrides"
        )
    rows = np.tile(np.array(weights, np.uint8 if weight_bits <= 8 else np.uint16), (counts[0], 1))
    for shot, pairs in enumerate(() if overrides is None else overrides):
        for pair in pairs:
            edge, weight = _checked_pair(pair, shot, num_edges=len(weights), weight_bits=weight_bits)
            rows[shot, edge] = weight
    if flags is not None:
        rows[flags] = 0
    return rows


def _erasure_flags(erasures: npt.ArrayLike, num_edges: int) -> npt.NDArray[np.bool_]:
    flags = _array(erasures, "erasures")
    if flags.dtype != np.bool_ or flags.ndim != 2 or flags.shape[1] != num_edges:
        raise InputError(
            f"erasures must be bool of shape (shots, {num_edges}), not {flags.dtype} of shape {flags.shape}; set "
            "True at the erased edges of each shot"
        )
    return flags


def _checked_pair(pair: object, shot: int, *, num_edges: int, weight_bits: int) -> tuple[int, int]:
    """Return an override that is one; negative edges would count from the end."""
    largest = (1 << weight_bits) - 1
    match pair:
        case (int() | np.integer() as edge, int() | np.integer() as weight) if (
            0 <= edge < num_edges and 0 <= weight <= largest
        ):
            return int(edge), int(weight)
    raise InputError(
        f"an override must be an edge (0..{num_edges - 1}) and its weight (0..{largest}, 0 for an erased edge), not "
        f"{pair!r} in shot {shot}; number edges as the spec does"
    )
