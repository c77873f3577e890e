# SPDX-License-Identifier: Apache-2.0
"""What must hold of a union-find spec, and the sentences that say so."""

from typing import TYPE_CHECKING

from synfab.dem import MAX_OBSERVABLES
from synfab.errors import InputError
from synfab.quantize import MAX_WEIGHT_BITS

if TYPE_CHECKING:
    from synfab.decoders.union_find.spec import UnionFindSpec

BOUNDARY = -1

FORMAT = "synfab.union_find/2"


def check(spec: "UnionFindSpec") -> None:
    """Raise :class:`InputError` unless every part of ``spec`` is in range and the parts agree."""
    if spec.format != FORMAT:
        raise InputError(f"a union-find spec must have the format {FORMAT!r}, not {spec.format!r}")
    if not 0 <= spec.num_observables <= MAX_OBSERVABLES:
        raise InputError(f"a spec must have 0 to {MAX_OBSERVABLES} observables, not {spec.num_observables!r}")
    _check_edges(spec)
    _check_weights(spec)
    if any(mask >> spec.num_observables for mask in (*spec.edge_observables, spec.undetectable_flips)):
        raise InputError(f"an observable mask must fit {spec.num_observables} observables")
    if list(spec.flipped_edges) != sorted(set(spec.flipped_edges) & set(range(len(spec.edges)))):
        raise InputError(
            f"flipped_edges must be ascending indices of the {len(spec.edges)} edges, not {spec.flipped_edges}"
        )
    if sorted(d for detectors in spec.rounds for d in detectors) != list(range(spec.num_detectors)):
        raise InputError(f"rounds must hold each of the {spec.num_detectors} detectors exactly once")


def _check_edges(spec: "UnionFindSpec") -> None:
    if not len(spec.edges) == len(spec.weights) == len(spec.edge_observables):
        raise InputError(
            "a spec must have one weight and one observable mask an edge, not "
            f"{len(spec.edges)} edges, {len(spec.weights)} weights, {len(spec.edge_observables)} masks"
        )
    for index, (u, v) in enumerate(spec.edges):
        if not (0 <= u < spec.num_detectors and (v == BOUNDARY or u < v < spec.num_detectors)):
            raise InputError(
                f"edge {index} must join two of the {spec.num_detectors} detectors in ascending order, or "
                f"one and the boundary (-1), not {(u, v)}"
            )


def _check_weights(spec: "UnionFindSpec") -> None:
    if not 1 <= spec.weight_bits <= MAX_WEIGHT_BITS:
        raise InputError(f"weight_bits of a spec must lie in 1..{MAX_WEIGHT_BITS}, not {spec.weight_bits!r}")
    largest = (1 << spec.weight_bits) - 1
    for index, weight in enumerate(spec.weights):
        if not (isinstance(weight, int) and 1 <= weight <= largest):
            raise InputError(
                f"the weight of edge {index} must be an integer that fits {spec.weight_bits} bits "
                f"(1..{largest}), not {weight!r}; raise weight_bits or scale the weights"
            )
