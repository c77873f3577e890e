# SPDX-License-Identifier: Apache-2.0
"""Release by commitment: the correction at released detectors is settled, and they are gone.

What window decoders do with their commit regions (Skoric et al., arXiv:2209.08552), here to clusters that stay: their
growth in what is left goes on from where it is.
"""

import numpy as np

from synfab.decoders.fusion.compilation import kernel
from synfab.decoders.union_find.reference import merge, root_of, span


@kernel
def commit(tables, timetable, desk, last, counts, flips):
    """Commit the correction at the detectors that freeze by ``last``, and take them and their edges away.

    Parameters
    ----------
    counts : (int, int, int)
        Touched detectors, grown edges, exits.
    flips : ndarray of uint8
        Of the edges; 1 is written where the committed correction flips one.

    Returns
    -------
    num_touched, num_grown : int
    mask : uint64
        The observables that the committed correction flips.
    """
    detectors, edges, _, _ = tables
    num_touched, num_grown, num_exits = counts
    for k in range(num_exits):
        # The forest takes artificial boundaries for boundaries.
        detectors[root_of(detectors, edges[desk.exits[k]].u)].bounded = 1
    mask = _settle(tables, timetable, desk.left, last, span(tables, num_touched), flips)
    num_left = _rest_released(tables, timetable, desk.left, last, num_touched)
    num_full, num_grown = _still_there(tables, timetable, last, num_grown)
    return merge(tables, num_full, num_left), num_grown, mask


@kernel
def _settle(tables, timetable, left, last, num_queued, flips):
    """Peel the forest; commit what flips at released detectors, and lay out the events that are left."""
    detectors, edges, _, lists = tables
    mask = np.uint64(0)
    for k in range(num_queued):
        left[lists[k].queue] = detectors[lists[k].queue].event
    for k in range(num_queued - 1, -1, -1):
        detector = lists[k].queue
        edge = detectors[detector].parent_edge
        if not detectors[detector].event or edge < 0:
            continue
        u, v = edges[edge].u, edges[edge].v
        if v >= 0:
            detectors[u + v - detector].event ^= 1
        if timetable.freezes[u] <= last or (v >= 0 and timetable.freezes[v] <= last):
            flips[edge] = 1
            mask ^= edges[edge].observables
            left[u] ^= 1
            if v >= 0:
                left[v] ^= 1
    return mask


@kernel
def _rest_released(tables, timetable, left, last, num_touched):
    """Make single clusters of what stays, and put the rest at rest; return how many detectors stay."""
    detectors, _, _, lists = tables
    num_left = 0
    for k in range(num_touched):
        detector = lists[k].touched
        detectors[detector].parent = detectors[detector].following = detector
        detectors[detector].layer = detectors[detector].parent_edge = -1
        detectors[detector].label = detectors[detector].bounded = detectors[detector].seen = 0
        if timetable.freezes[detector] <= last:
            detectors[detector].event = detectors[detector].odd = detectors[detector].touched = 0
        else:
            detectors[detector].event = detectors[detector].odd = left[detector]
            lists[num_left].touched = detector
            num_left += 1
    return num_left


@kernel
def _still_there(tables, timetable, last, num_grown):
    """Put closed edges at rest; return how many of those that stay are full, and how many have grown."""
    _, edges, _, lists = tables
    num_full = num_left = 0
    for k in range(num_grown):
        edge = lists[k].grown_edge
        # An ordinary edge closes at the end of a step, an artificial boundary at the beginning of one.
        if timetable.closes[edge] < last + (timetable.fused[edge] < 0):
            edges[edge].growth = 0
            continue
        lists[num_left].grown_edge = edge
        num_left += 1
        if timetable.fused[edge] < 0 and edges[edge].growth == edges[edge].weight:
            lists[num_full].full_edge = edge
            num_full += 1
    return num_full, num_left
