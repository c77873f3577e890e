# SPDX-License-Identifier: Apache-2.0
"""The space-time volume of a memory experiment, as numbered places: detectors, data flips, measurement flips."""

from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
import numpy.typing as npt

from synfab.circuits.layout import Basis, Check, Position, rotated
from synfab.circuits.parameters import require_choice, require_integer
from synfab.errors import InputError

SPECIES: tuple[Basis, Basis] = ("X", "Z")
"""By species: the kind of its checks. Species 0 is X checks and the Z flips they see, species 1 the other way round."""

Indices = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A memory experiment of the rotated surface code: ``rounds`` rounds of checks and the read-out, two species.

    A *layer* is a round or the read-out, which is the last: layer k has the detectors that compare round k with the
    one before, so there are ``layers`` = ``rounds`` + 1 of them. In each layer and species there are

    - ``num_checks`` checks, in the order of :func:`synfab.circuits.rotated`: rows of ancillas from the top, each from
      the left;
    - ``num_data`` data qubits, row by row from the top left.

    The checks of the *known* species have the experiment's basis: the preparation fixes their first outcomes, so they
    have detectors in every layer. Those of the other species are random in layer 0, and the read-out says nothing
    about them: they have detectors in all layers but the first and the last.

    Attributes
    ----------
    distance : int
        Odd, at least 3.
    rounds : int
        At least 2, so that both species have detectors.
    basis : {"X", "Z"}
        What is prepared and read out.

    Raises
    ------
    InputError
        If a parameter is out of range; the sentence begins with its name.
    """

    distance: int
    rounds: int
    basis: Basis

    def __post_init__(self) -> None:
        require_distance(self.distance)
        require_integer("rounds", self.rounds, 2)
        require_choice("basis", self.basis, get_args(Basis))

    @property
    def layers(self) -> int:
        """Rounds, and the read-out."""
        return self.rounds + 1

    @property
    def num_data(self) -> int:
        """Data qubits."""
        return self.distance**2

    @property
    def num_checks(self) -> int:
        """Checks of one species."""
        return (self.distance**2 - 1) // 2

    @property
    def known(self) -> int:
        """The species whose checks have the experiment's basis."""
        return SPECIES.index(self.basis)

    @cached_property
    def checks(self) -> tuple[tuple[Check, ...], ...]:
        """The checks of each species."""
        return tuple(tuple(c for c in rotated(self.distance).checks if c.kind == kind) for kind in SPECIES)

    @cached_property
    def data(self) -> tuple[Position, ...]:
        """Positions (x, y) of the data qubits."""
        return rotated(self.distance).data

    @cached_property
    def supports(self) -> Indices:
        """int32 (2, num_checks, 4): the data qubits of each check, ascending; ``num_data`` where there are only two."""
        number = {position: index for index, position in enumerate(self.data)}
        table = np.full((2, self.num_checks, 4), self.num_data, np.int32)
        for species, checks in enumerate(self.checks):
            for index, check in enumerate(checks):
                table[species, index, : len(check.support)] = sorted(number[q] for q in check.support)
        return _fixed(table)

    @cached_property
    def logical(self) -> Indices:
        """int32 (distance,): the data qubits whose flips of the known species make up the observable."""
        number = {position: index for index, position in enumerate(self.data)}
        (support,) = rotated(self.distance).observables[self.basis]
        return _fixed(np.array([number[q] for q in support], np.int32))

    @cached_property
    def detector_mask(self) -> Mask:
        """Where a species has detectors: bool (2, layers)."""
        mask = np.ones((2, self.layers), np.bool_)
        mask[1 - self.known, [0, -1]] = False
        return _fixed(mask)

    @cached_property
    def data_mask(self) -> Mask:
        """Where flips of data qubits can be seen, the detectors' layers: bool (2, layers)."""
        return self.detector_mask

    @cached_property
    def timelike_mask(self) -> Mask:
        """Where measurement flips are, every layer but the read-out: bool (2, layers)."""
        mask = np.ones((2, self.layers), np.bool_)
        mask[:, -1] = False
        return _fixed(mask)

    @property
    def num_sites(self) -> int:
        """Places of a label: data flips (species, layer, data qubit), then measurement flips (species, layer, check).

        Both in C order; a place that the masks leave out is always 0.
        """
        return 2 * self.layers * (self.num_data + self.num_checks)

    def data_site(self, species: int, layer: int, qubit: int) -> int:
        """Return the number of a data flip."""
        return (species * self.layers + layer) * self.num_data + qubit

    def timelike_site(self, species: int, layer: int, check: int) -> int:
        """Return the number of a measurement flip."""
        return 2 * self.layers * self.num_data + (species * self.layers + layer) * self.num_checks + check


def detector_places(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the place of each detector, ``(species, layer, check)`` in C order.

    Parameters
    ----------
    numbers : int64 (2, layers, num_checks)
        The number of the detector at each place, -1 where there is none; together all from 0 on.
    """
    (places,) = np.nonzero(numbers.ravel() >= 0)
    return places[np.argsort(numbers.ravel()[places])]


def require_distance(distance: int) -> None:
    """Raise InputError unless ``distance`` is one that volumes and layouts are made for."""
    require_integer("distance", distance, 3)
    if distance % 2 == 0:
        raise InputError(
            f"distance must be odd, so that both kinds of checks are equally many, not {distance!r}: choose "
            f"{distance - 1} or {distance + 1}"
        )


def _fixed(array: npt.NDArray) -> npt.NDArray:
    array.setflags(write=False)
    return array
