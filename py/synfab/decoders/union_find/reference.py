# SPDX-License-Identifier: Apache-2.0
"""The exact union-find reference, compiled by numba; its time follows the detection events, not the graph.

Growth runs from event to event: the number of steps until the next edge fills is known, and nothing else happens
in between, so that all edges of the active clusters advance by that many steps at once. Only weights of a shot's
own cost a look at every edge.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from synfab.decoders.union_find.tables import Graph, own_tables

kernel = njit(cache=True, error_model="numpy", forceinline=True)

# A row of weights an edge for each shot, one row for all of them, or one row without entries: the spec's weights.
Weights = npt.NDArray[np.uint16]


def predictions(graph: Graph, shots: npt.NDArray[np.uint8], weights: Weights) -> npt.NDArray[np.uint64]:
    """Return the observable mask of each bit-packed shot."""
    masks = np.full(len(shots), graph.observable_flips)
    _predict(own_tables(graph), graph.detection_flips, shots, weights, masks)
    return masks


def corrections(graph: Graph, shots: npt.NDArray[np.uint8], weights: Weights) -> npt.NDArray[np.uint8]:
    """Return the flipped edges, ``(shots, num_edges)``, of each bit-packed shot."""
    flips = np.zeros((len(shots), len(graph.edges)), np.uint8)
    _correct(own_tables(graph), graph.detection_flips, shots, weights, flips)
    flips[:, graph.flipped_edges] ^= 1
    return flips


def clusters(
    graph: Graph, shots: npt.NDArray[np.uint8], weights: Weights
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return cluster labels, ``(shots, num_detectors)``, and growth, ``(shots, num_edges)``."""
    labels = np.zeros((len(shots), len(graph.detectors) - 1), np.int32)
    growth = np.zeros((len(shots), len(graph.edges)), np.int32)
    _cluster(own_tables(graph), graph.detection_flips, shots, weights, labels, growth)
    return labels, growth


@kernel
def root_of(detectors, detector):
    while detectors[detector].parent != detector:
        detectors[detector].parent = detectors[detectors[detector].parent].parent
        detector = detectors[detector].parent
    return detector


@kernel
def _load(detectors, lists, flips, shot):
    """Mark the detection events and return their number; they lead the list of touched detectors."""
    count = 0
    for byte in range(len(shot)):
        bits = shot[byte] ^ flips[byte]
        detector = 8 * byte
        while bits:
            if bits & 1 and detector < len(detectors) - 1:
                detectors[detector].event = 1
                detectors[detector].odd = 1
                detectors[detector].touched = 1
                lists[count].touched = detector
                count += 1
            bits >>= 1
            detector += 1
    return count


@kernel
def _advance(tables, num_active, num_grown):
    """Grow the active clusters up to the next full edge; return the numbers of full edges and of grown edges."""
    detectors, edges, ports, lists = tables
    num_step = 0
    for k in range(num_active):
        first = lists[k].active
        detector = first
        while True:
            for port in range(detectors[detector].first_port, detectors[detector + 1].first_port):
                edge = ports[port].edge
                if edges[edge].growth < edges[edge].weight:
                    if edges[edge].increment == 0:
                        lists[num_step].step_edge = edge
                        num_step += 1
                    edges[edge].increment += 1
            detector = detectors[detector].following
            if detector == first:
                break
    return fill(tables, num_step, num_grown)


@kernel
def fill(tables, num_step, num_grown):
    """Grow the edges of the step, by their increments, up to the next full one; return the numbers as above."""
    _, edges, _, lists = tables
    steps = 2**30
    for k in range(num_step):
        edge = lists[k].step_edge
        # An edge has two ends, so that its growth a step is 1 or 2.
        shift = edges[edge].increment - 1
        steps = min(steps, (edges[edge].weight - edges[edge].growth + shift) >> shift)
    num_full = 0
    for k in range(num_step):
        edge = lists[k].step_edge
        if edges[edge].growth == 0:
            lists[num_grown].grown_edge = edge
            num_grown += 1
        edges[edge].growth += steps * edges[edge].increment
        edges[edge].increment = 0
        if edges[edge].growth >= edges[edge].weight:
            edges[edge].growth = edges[edge].weight
            lists[num_full].full_edge = edge
            num_full += 1
    return num_full, num_grown


@kernel
def merge(tables, num_full, num_touched):
    """Join the clusters at the ends of the full edges; return the number of touched detectors."""
    detectors, edges, _, lists = tables
    for k in range(num_full):
        edge = lists[k].full_edge
        u, v = edges[edge].u, edges[edge].v
        for end in (u, v):
            if end >= 0 and not detectors[end].touched:
                detectors[end].touched = 1
                lists[num_touched].touched = end
                num_touched += 1
        root = root_of(detectors, u)
        if v < 0:
            detectors[root].bounded = 1
            continue
        other = root_of(detectors, v)
        if root != other:
            detectors[other].parent = root
            detectors[root].odd ^= detectors[other].odd
            detectors[root].bounded |= detectors[other].bounded
            following = detectors[root].following
            detectors[root].following = detectors[other].following
            detectors[other].following = following
    return num_touched


@kernel
def still_active(tables, num_active, event):
    """Keep the roots of what is still active in the list of active clusters, once each; return their number."""
    detectors, _, _, lists = tables
    num_still_active = 0
    for k in range(num_active):
        root = root_of(detectors, lists[k].active)
        if detectors[root].seen != event:
            detectors[root].seen = event
            if detectors[root].odd and not detectors[root].bounded:
                lists[num_still_active].active = root
                num_still_active += 1
    return num_still_active


@kernel
def _erase(tables, weights, num_touched):
    """Take over the weights of a shot and join what its erased edges join; return the number of touched detectors."""
    _, edges, _, lists = tables
    num_full = 0
    for edge in range(len(weights)):
        edges[edge].weight = weights[edge]
        if weights[edge] == 0:
            lists[num_full].full_edge = edge
            num_full += 1
    return merge(tables, num_full, num_touched)


@kernel
def _grow(tables, weights, num_events):
    """Run growth and merging to the end; return the numbers of touched detectors and of grown edges."""
    _, _, _, lists = tables
    num_active = num_touched = num_events
    for k in range(num_active):
        lists[k].active = lists[k].touched
    num_grown = 0
    event = 0
    if len(weights):
        event = 1
        num_touched = _erase(tables, weights, num_touched)
        num_active = still_active(tables, num_active, event)
    while num_active:
        event += 1
        num_full, num_grown = _advance(tables, num_active, num_grown)
        if num_full == 0:
            break
        num_touched = merge(tables, num_full, num_touched)
        num_active = still_active(tables, num_active, event)
    return num_touched, num_grown


@kernel
def _plant(tables, num_touched):
    """Set the roots of the spanning forest in layer 0 and at the head of the queue; return their number."""
    detectors, edges, ports, lists = tables
    num_roots = 0
    for k in range(num_touched):
        detector = lists[k].touched
        root = root_of(detectors, detector)
        if detectors[root].bounded:
            for port in range(detectors[detector].first_port, detectors[detector + 1].first_port):
                edge = ports[port].edge
                if ports[port].end < 0 and edges[edge].growth == edges[edge].weight:
                    detectors[detector].layer = 0
                    detectors[detector].parent_edge = edge
                    detectors[detector].label = edges[edge].observables
                    lists[num_roots].queue = detector
                    num_roots += 1
                    break
        elif root == detector:
            lowest = detector
            member = detectors[detector].following
            while member != detector:
                if detectors[member].rank < detectors[lowest].rank:
                    lowest = member
                member = detectors[member].following
            detectors[lowest].layer = 0
            lists[num_roots].queue = lowest
            num_roots += 1
    return num_roots


@kernel
def span(tables, num_touched):
    """Build the spanning forest in breadth-first layers; the queue then holds the detectors, roots first."""
    detectors, edges, ports, lists = tables
    tail = _plant(tables, num_touched)
    head = 0
    while head < tail:
        detector = lists[head].queue
        layer = detectors[detector].layer + 1
        head += 1
        for port in range(detectors[detector].first_port, detectors[detector + 1].first_port):
            edge, end = ports[port].edge, ports[port].end
            if end < 0 or edges[edge].growth < edges[edge].weight:
                continue
            if detectors[end].layer < 0:
                detectors[end].layer = layer
                lists[tail].queue = end
                tail += 1
            elif detectors[end].layer != layer or detectors[end].parent_edge < edge:
                continue
            detectors[end].parent_edge = edge
            detectors[end].label = detectors[detector].label ^ edges[edge].observables
    return tail


@kernel
def peel(tables, num_queued, flips):
    """Flip the parent edge of every detector with an odd subtree, from the last layer to the first."""
    detectors, edges, _, lists = tables
    for k in range(num_queued - 1, -1, -1):
        detector = lists[k].queue
        edge = detectors[detector].parent_edge
        if detectors[detector].event and edge >= 0:
            flips[edge] = 1
            if edges[edge].v >= 0:
                detectors[edges[edge].u + edges[edge].v - detector].event ^= 1


@kernel
def rest(tables, num_touched, num_grown):
    """Put everything that the shot touched back to its resting value."""
    detectors, edges, _, lists = tables
    for k in range(num_grown):
        edges[lists[k].grown_edge].growth = 0
    for k in range(num_touched):
        detector = lists[k].touched
        detectors[detector].parent = detector
        detectors[detector].following = detector
        detectors[detector].seen = 0
        detectors[detector].layer = -1
        detectors[detector].parent_edge = -1
        detectors[detector].label = 0
        detectors[detector].odd = 0
        detectors[detector].bounded = 0
        detectors[detector].event = 0
        detectors[detector].touched = 0


@njit(cache=True, error_model="numpy", nogil=True)
def _predict(tables, flips, shots, weights, masks):
    detectors, _, _, lists = tables
    for shot in range(len(shots)):
        num_events = _load(detectors, lists, flips, shots[shot])
        if not num_events:
            continue
        own = weights[min(shot, len(weights) - 1)]
        num_touched, num_grown = _grow(tables, own, num_events)
        span(tables, num_touched)
        for k in range(num_events):
            masks[shot] ^= detectors[lists[k].touched].label
        rest(tables, num_touched, num_grown)


@njit(cache=True, error_model="numpy", nogil=True)
def _correct(tables, flips, shots, weights, corrections):
    detectors, _, _, lists = tables
    for shot in range(len(shots)):
        own = weights[min(shot, len(weights) - 1)]
        num_touched, num_grown = _grow(tables, own, _load(detectors, lists, flips, shots[shot]))
        num_queued = span(tables, num_touched)
        peel(tables, num_queued, corrections[shot])
        rest(tables, num_touched, num_grown)


@kernel
def label(tables, labels, growth):
    """Write out the lowest detector of each detector's cluster, and the growth of each edge."""
    detectors, edges, _, _ = tables
    # The first member met in ascending order is the lowest.
    labels[:] = -1
    for detector in range(len(labels)):
        root = root_of(detectors, detector)
        if labels[root] < 0:
            labels[root] = detector
    # A root's own label is that of its cluster until it is overwritten with the same.
    for detector in range(len(labels)):
        labels[detector] = labels[root_of(detectors, detector)]
    for edge in range(len(edges)):
        growth[edge] = edges[edge].growth


@njit(cache=True, error_model="numpy", nogil=True)
def _cluster(tables, flips, shots, weights, labels, growth):
    for shot in range(len(shots)):
        own = weights[min(shot, len(weights) - 1)]
        num_touched, num_grown = _grow(tables, own, _load(tables[0], tables[3], flips, shots[shot]))
        label(tables, labels[shot], growth[shot])
        rest(tables, num_touched, num_grown)
