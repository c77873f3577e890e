# SPDX-License-Identifier: Apache-2.0
"""Fusion of a lattice-surgery program's blocks, as a decoder of whole graphs: what programs are sampled with."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.decoder import FusionDecoder
from synfab.decoders.fusion.schedule import Schedule
from synfab.decoders.fusion.spec import FusionSpec, places_by_coordinates
from synfab.dem import DecodingGraph


def program_fusion(
    *,
    distance: int,
    keep: int | None = None,
    weight_bits: int | None = None,
    rarest: float | None = None,
) -> Callable[[DecodingGraph, npt.NDArray[np.bool_]], npt.NDArray[np.bool_]]:
    """Return a decoder for :class:`synfab.surgery.Sampler`: stages of a program, fused in space and then in time.

    The graph that it is given may end where a program has to wait for a result. Then its last faces are those to the
    future as far as that is known.

    Parameters
    ----------
    distance : int
        Of the program: patches stand d+1 data qubits apart, steps last d rounds.
    keep : int or None
        As :meth:`Schedule.in_time` has it.
    weight_bits, rarest
        As :meth:`FusionSpec.compile` has them; without ``weight_bits`` all edges weigh the same.
    """

    def decode(graph: DecodingGraph, detections: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        places = places_by_coordinates(graph, cell=(2 * (distance + 1), 2 * (distance + 1)), rounds=distance)
        if weight_bits is None:
            spec = FusionSpec.compile(graph, places=places, weights="unit")
        else:
            spec = FusionSpec.compile(
                graph, places=places, weights="log_likelihood", weight_bits=weight_bits, rarest=rarest
            )
        schedule = Schedule.in_time(spec, keep=keep)
        return FusionDecoder(spec=spec, schedule=schedule).decode_batch(detections).astype(bool)

    return decode
