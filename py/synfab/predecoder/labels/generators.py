# SPDX-License-Identifier: Apache-2.0
"""The flips that nothing shows: sets of places whose common flip changes no detector and no observable."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from synfab.circuits.parameters import require_integer
from synfab.errors import InputError
from synfab.predecoder.volume import Indices, Volume

WIDEST = 8
"""Places of the largest generator: a product of three checks in a row."""
LONGEST_REACH = 3


@lru_cache(maxsize=64)
def generators(volume: Volume, reach: int) -> Indices:
    """Return the generators of homological equivalence, in the order in which a pass applies them.

    *In space*: a check of one species commutes with those of the other, so the flips of its data qubits in one layer
    change nothing. With ``reach`` 2 or 3, also the products of so many checks that hang together by shared qubits.

    *In time*: a data qubit flipped in layers k and k+1, and the outcomes of its checks (one or two) flipped in round
    k. For the species whose first outcomes are random and that the read-out does not see, the data flip of layer 0 or
    of the last layer is not there, and the rest is a generator nevertheless.

    Parameters
    ----------
    volume : Volume
    reach : int
        From 1 to 3.

    Returns
    -------
    int32 (G, 8)
        Place numbers (see :attr:`Volume.num_sites`), the last in :func:`order` first, ascending in that order from
        the second on, then -1. In space layer by layer, in time from the last round to the first.
    """
    require_integer("reach", reach, 1)
    if reach > LONGEST_REACH:
        raise InputError(f"reach must be at most {LONGEST_REACH}, the checks of the largest generator, not {reach!r}")
    rank = order(volume)
    rows = []
    for sites in [*_in_space(volume, reach), *_in_time(volume)]:
        ordered = sorted(sites, key=rank.__getitem__)
        rows.append([ordered[-1], *ordered[:-1]] + [-1] * (WIDEST - len(ordered)))
    table = np.array(rows, np.int32)
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def order(volume: Volume) -> list[int]:
    """Return the rank of each place: of two label sets of equal weight the one without the highest place is kept.

    Layers count first, then data before measurements, then rows from the top, and in a row places from the right for
    Z flips and their checks, from the left for X flips: the code with X and Z exchanged is its own mirror image, and
    so is the order. The random outcomes of layer 0 rank above all
    others: no detector is there, so the flip of a data qubit explains better what is seen.
    """
    keys: list[tuple[int, ...]] = [()] * volume.num_sites
    for species in range(2):
        mirror = -1 if species == 0 else 1
        for layer in range(volume.layers):
            for qubit, (x, y) in enumerate(volume.data):
                keys[volume.data_site(species, layer, qubit)] = (layer, 0, y, mirror * x, species)
            above = volume.layers if layer == 0 and species != volume.known else layer
            for number, check in enumerate(volume.checks[species]):
                x, y = check.position
                keys[volume.timelike_site(species, layer, number)] = (above, 1, y, mirror * x, species)
    rank = [0] * volume.num_sites
    for place, site in enumerate(sorted(range(volume.num_sites), key=keys.__getitem__)):
        rank[site] = place
    return rank


def _in_space(volume: Volume, reach: int) -> Iterator[list[int]]:
    for species in range(2):
        # The flips of a species are of the Pauli that its checks do not have: the checks of the other one.
        supports = volume.supports[1 - species]
        single = [frozenset(q for q in row.tolist() if q < volume.num_data) for row in supports]
        products = {(number,): support for number, support in enumerate(single)}
        largest = dict(products)
        for _ in range(reach - 1):
            largest = {
                tuple(sorted((*numbers, number))): support ^ single[number]
                for numbers, support in largest.items()
                for number in range(len(single))
                if number not in numbers and any(single[number] & single[n] for n in numbers)
            }
            products |= largest
        for layer in np.flatnonzero(volume.data_mask[species]).tolist():
            for support in products.values():
                yield [volume.data_site(species, layer, qubit) for qubit in support]


def _in_time(volume: Volume) -> Iterator[list[int]]:
    for species in range(2):
        checks_of: list[list[int]] = [[] for _ in range(volume.num_data + 1)]
        for number, row in enumerate(volume.supports[species].tolist()):
            for qubit in row:
                checks_of[qubit].append(number)
        for layer in range(volume.layers - 2, -1, -1):
            for qubit in range(volume.num_data):
                flips = [k for k in (layer, layer + 1) if volume.data_mask[species, k]]
                sites = [volume.data_site(species, k, qubit) for k in flips]
                yield sites + [volume.timelike_site(species, layer, number) for number in checks_of[qubit]]
