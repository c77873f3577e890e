# SPDX-License-Identifier: Apache-2.0
"""What a slab adds to a circuit, and the names of what its records mean."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import stim

from synfab.circuits.layout import Basis, Position
from synfab.surgery.lattice import Site


class Mark(NamedTuple):
    """A set of measurement records, or an operator at the end of a slab, by what it is.

    Attributes
    ----------
    name : {"read", "sum", "joint", "row"}
        read: the read-out of the logical operator of ``kind`` of a patch, or of that operator's part in a seam, after
        slab ``step``. sum: all own checks of ``kind`` of a patch in the first round. joint: all checks of a seam in
        the first round after it was merged. row: no record, but the operator that read would read.
    kind : {"X", "Z"}
    site : Site
    step : int
    """

    name: Literal["read", "sum", "joint", "row"]
    kind: Basis
    site: Site
    step: int


class Detector(NamedTuple):
    """A detector: which check it compares, when, and the measurement records that it adds up.

    ``layer`` is the round within the slab, or ``distance`` for the read-out that ends a patch.
    """

    position: Position
    kind: Basis
    step: int
    layer: int
    records: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """One slab of a circuit.

    Attributes
    ----------
    gates : stim.Circuit
        Preparation, rounds and read-outs, without detectors.
    detectors : tuple of Detector
        Those that end in this slab.
    num_records : int
        Measurement records up to its end, from the start of the experiment.
    """

    gates: stim.Circuit
    detectors: tuple[Detector, ...]
    num_records: int
