# SPDX-License-Identifier: Apache-2.0
"""Where flips and events of a volume are in the rounds that hardware passes on."""

import numpy as np

from synfab.errors import InputError
from synfab.predecoder.pipeline import PipelineSpec
from synfab.predecoder.volume import detector_places


def flip_places(spec: PipelineSpec) -> dict[int, tuple[int, int]]:
    """Return layer and target site of every flip that the net proposes and that means anything."""
    volume, layout = spec.volume, spec.layout
    sites = spec.net.num_outputs * layout.rows * layout.cols
    found: dict[int, tuple[int, int]] = {}
    first = 0
    for table, each in ((layout.data_sites, volume.num_data), (layout.timelike_sites, volume.num_checks)):
        for number, (species, layer, index) in enumerate(np.ndindex(2, volume.layers, each)):
            target = int(table[species, index])
            if spec.effect.has_site[first + number] and target < sites:
                found[first + number] = (layer, target)
        first += 2 * volume.layers * each
    return found


def event_bits(spec: PipelineSpec) -> dict[int, tuple[int, int]]:
    """Return the layer of every place of a detector, and its bit among the events of that round."""
    places = detector_places(spec.detectors).tolist()
    return {
        places[detector]: (layer, bit)
        for layer, detectors in enumerate(spec.decoder.rounds)
        for bit, detector in enumerate(detectors)
    }


def round_orders(spec: PipelineSpec) -> list[list[tuple[int, int]]]:
    """Return (species, check) of each detector, in the decoder's order, in the first, an inner and the last round.

    Raises
    ------
    InputError
        If the inner rounds differ.
    """
    shape = spec.detectors.shape
    rounds: list[list[tuple[int, int]]] = [[] for _ in spec.decoder.rounds]
    for place, (layer, _) in event_bits(spec).items():
        species, _, check = np.unravel_index(place, shape)
        rounds[layer].append((int(species), int(check)))
    if any(order != rounds[1] for order in rounds[1:-1]):
        raise InputError(
            "the detectors of all inner rounds must come in one order of checks, not in several; reorder the circuit's "
            "DETECTOR lines"
        )
    return [rounds[0], rounds[1], rounds[-1]]
