# SPDX-License-Identifier: Apache-2.0
"""The exact fusion reference, compiled by numba on the tables and kernels of plain union-find.

Its graph is the parted one (:attr:`FusionSpec.parted`): a face's edge and its two artificial boundaries are three
edges, and the timetable says which of them grows when. Within a step growth runs from event to event, as in
:mod:`synfab.decoders.union_find.reference`.
"""

from collections import namedtuple

import numpy as np
import numpy.typing as npt

from synfab.decoders.fusion.commitment import commit
from synfab.decoders.fusion.compilation import compiled, kernel
from synfab.decoders.fusion.forest import choose, forest, rest_forest
from synfab.decoders.fusion.timetable import NEVER, Timetable
from synfab.decoders.union_find.reference import (
    fill,
    label,
    merge,
    peel,
    rest,
    root_of,
    span,
    still_active,
)
from synfab.decoders.union_find.tables import Graph, own_tables

Shots = npt.NDArray[np.uint8]

# Where a shot lays out its events, its full artificial boundaries, when a root had one of these, the events that a
# commitment leaves, and the edges that it flips.
Desk = namedtuple("Desk", "events exits seen left flips")


def predictions(graph: Graph, timetable: Timetable, shots: Shots) -> npt.NDArray[np.uint64]:
    """Return the observable mask of each bit-packed shot."""
    masks = np.full(len(shots), graph.observable_flips)
    _predict(own_tables(graph), timetable, _desk(graph), forest(graph), graph.detection_flips, shots, masks)
    return masks


def corrections(graph: Graph, timetable: Timetable, shots: Shots) -> npt.NDArray[np.uint8]:
    """Return the flipped edges of each bit-packed shot, ``(shots, num_edges)``, edges of the parted graph."""
    flips = np.zeros((len(shots), len(graph.edges)), np.uint8)
    _correct(own_tables(graph), timetable, _desk(graph), forest(graph), graph.detection_flips, shots, flips)
    flips[:, graph.flipped_edges] ^= 1
    return flips


def clusters(graph: Graph, timetable: Timetable, shots: Shots) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return cluster labels, ``(shots, num_detectors)``, and growth, ``(shots, num_edges)``, at the end."""
    labels = np.zeros((len(shots), len(graph.detectors) - 1), np.int32)
    growth = np.zeros((len(shots), len(graph.edges)), np.int32)
    _cluster(own_tables(graph), timetable, _desk(graph), forest(graph), graph.detection_flips, shots, labels, growth)
    return labels, growth[:, timetable.fused < 0]


def _desk(graph: Graph) -> Desk:
    num_detectors, num_edges = len(graph.detectors), len(graph.edges)
    return Desk(
        events=np.zeros(num_detectors, np.int32),
        exits=np.zeros(num_edges, np.int32),
        seen=np.zeros(num_detectors, np.int32),
        left=np.zeros(num_detectors, np.uint8),
        flips=np.zeros(num_edges, np.uint8),
    )


@kernel
def _noted(events, num_detectors, flips, shot):
    """Lay out the detection events; return their number."""
    count = 0
    for byte in range(len(shot)):
        bits = shot[byte] ^ flips[byte]
        detector = 8 * byte
        while bits:
            if bits & 1 and detector < num_detectors:
                events[count] = detector
                count += 1
            bits >>= 1
            detector += 1
    return count


@kernel
def _begin(tables, begins, events, num_events, step, num_touched):
    """Load the events of the blocks that begin; return the number of touched detectors."""
    detectors, _, _, lists = tables
    for k in range(num_events):
        detector = events[k]
        if begins[detector] == step:
            detectors[detector].event = 1
            detectors[detector].odd = 1
            detectors[detector].touched = 1
            lists[num_touched].touched = detector
            num_touched += 1
    return num_touched


@kernel
def _fuse(tables, timetable, step, num_grown):
    """Let the artificial boundaries of the faces become their edges; return numbers of full and of grown edges."""
    _, edges, _, lists = tables
    num_full, tail = 0, num_grown
    for k in range(num_grown):
        side = lists[k].grown_edge
        edge = timetable.fused[side]
        if edge < 0 or timetable.closes[side] != step:
            continue
        before = edges[edge].growth
        if before == 0:
            lists[tail].grown_edge = edge
            tail += 1
        edges[edge].growth = min(edges[edge].weight, before + edges[side].growth)
        edges[side].growth = 0
        if before < edges[edge].growth == edges[edge].weight:
            lists[num_full].full_edge = edge
            num_full += 1
    return num_full, tail


@kernel
def _advance(tables, timetable, step, num_active, num_grown):
    """Grow the active clusters, unless frozen, up to the next full edge; return numbers of full and of grown edges."""
    detectors, edges, ports, lists = tables
    num_step = 0
    for k in range(num_active):
        first = lists[k].active
        detector = first
        while True:
            if timetable.freezes[detector] > step:
                for port in range(detectors[detector].first_port, detectors[detector + 1].first_port):
                    edge = ports[port].edge
                    if edges[edge].growth < edges[edge].weight:
                        if not timetable.opens[edge] <= step < timetable.closes[edge]:
                            continue
                        if edges[edge].increment == 0:
                            lists[num_step].step_edge = edge
                            num_step += 1
                        edges[edge].increment += 1
            detector = detectors[detector].following
            if detector == first:
                break
    return fill(tables, num_step, num_grown)


@kernel
def _set_apart(lists, fused, exits, num_full, num_exits):
    """Move the artificial boundaries from the full edges to the exits; return the numbers of both."""
    num_inner = 0
    for k in range(num_full):
        edge = lists[k].full_edge
        if fused[edge] < 0:
            lists[num_inner].full_edge = edge
            num_inner += 1
        else:
            exits[num_exits] = edge
            num_exits += 1
    return num_inner, num_exits


@kernel
def _still_exits(exits, closes, num_exits, step):
    """Drop the exits of fused faces; return the number of those that stay."""
    num_left = 0
    for k in range(num_exits):
        if closes[exits[k]] > step:
            exits[num_left] = exits[k]
            num_left += 1
    return num_left


@kernel
def _without_exit(tables, exits, seen, num_exits, num_active, event):
    """Keep what is active in the list: odd, and bounded neither really nor artificially; return the number."""
    detectors, edges, _, lists = tables
    for k in range(num_exits):
        seen[root_of(detectors, edges[exits[k]].u)] = event
    num_left = 0
    for k in range(still_active(tables, num_active, event)):
        if seen[lists[k].active] != event:
            lists[num_left].active = lists[k].active
            num_left += 1
    return num_left


@kernel
def _grow(tables, timetable, desk, trees, num_events, event, flips):
    """Run the schedule to its end.

    Returns
    -------
    counts : (int, int, int)
        Of touched detectors, grown edges, exits.
    event : int
        The number of the last event.
    mask : uint64
        The observables that were committed; ``flips`` has the edges.
    """
    _, _, _, lists = tables
    events, exits, seen = desk.events, desk.exits, desk.seen
    mask = np.uint64(0)
    num_touched = num_grown = num_exits = 0
    for step in range(len(timetable.releases)):
        num_touched = _begin(tables, timetable.begins, events, num_events, step, num_touched)
        num_exits = _still_exits(exits, timetable.closes, num_exits, step)
        num_full, num_grown = _fuse(tables, timetable, step, num_grown)
        num_touched = merge(tables, num_full, num_touched)
        num_active = num_touched
        for k in range(num_active):
            lists[k].active = lists[k].touched
        event += 1
        num_active = _without_exit(tables, exits, seen, num_exits, num_active, event)
        while num_active:
            event += 1
            num_full, num_grown = _advance(tables, timetable, step, num_active, num_grown)
            if num_full == 0:
                break
            num_full, num_exits = _set_apart(lists, timetable.fused, exits, num_full, num_exits)
            num_touched = merge(tables, num_full, num_touched)
            num_active = _without_exit(tables, exits, seen, num_exits, num_active, event)
        if timetable.releases[step]:
            if timetable.commits:
                counts = (num_touched, num_grown, num_exits)
                num_touched, num_grown, committed = commit(tables, timetable, desk, step + 1, counts, flips)
                mask ^= committed
            else:
                choose(tables, trees, timetable, step, num_touched)
    return (num_touched, num_grown, num_exits), event, mask


@kernel
def _settle(tables, timetable, trees, num_touched, num_grown):
    """Leave full only what the forest is made of, if blocks were released; return the length of its queue."""
    _, edges, _, lists = tables
    if timetable.releases.any():
        choose(tables, trees, timetable, NEVER, num_touched)
        for k in range(num_grown):
            edge = lists[k].grown_edge
            if edges[edge].growth == edges[edge].weight and not trees.chosen[edge]:
                edges[edge].growth = 0
        rest_forest(tables, trees, num_touched, num_grown)
    return span(tables, num_touched)


@compiled
def _predict(tables, timetable, desk, trees, flips, shots, masks):
    detectors, _, _, _ = tables
    events, event = desk.events, 0
    for shot in range(len(shots)):
        num_events = _noted(events, len(detectors) - 1, flips, shots[shot])
        if not num_events:
            continue
        counts, event, mask = _grow(tables, timetable, desk, trees, num_events, event, desk.flips)
        num_touched, num_grown, _ = counts
        masks[shot] ^= mask
        if timetable.commits:
            masks[shot] ^= commit(tables, timetable, desk, NEVER, counts, desk.flips)[2]
        else:
            _settle(tables, timetable, trees, num_touched, num_grown)
            for k in range(num_events):
                masks[shot] ^= detectors[events[k]].label
        rest(tables, num_touched, num_grown)


@compiled
def _correct(tables, timetable, desk, trees, flips, shots, corrections):
    detectors, _, _, _ = tables
    events, event = desk.events, 0
    for shot in range(len(shots)):
        num_events = _noted(events, len(detectors) - 1, flips, shots[shot])
        counts, event, _ = _grow(tables, timetable, desk, trees, num_events, event, corrections[shot])
        num_touched, num_grown, _ = counts
        if timetable.commits:
            commit(tables, timetable, desk, NEVER, counts, corrections[shot])
        else:
            peel(tables, _settle(tables, timetable, trees, num_touched, num_grown), corrections[shot])
        rest(tables, num_touched, num_grown)


@compiled
def _cluster(tables, timetable, desk, trees, flips, shots, labels, growth):
    detectors, _, _, _ = tables
    events, event = desk.events, 0
    for shot in range(len(shots)):
        num_events = _noted(events, len(detectors) - 1, flips, shots[shot])
        counts, event, _ = _grow(tables, timetable, desk, trees, num_events, event, desk.flips)
        num_touched, num_grown, _ = counts
        label(tables, labels[shot], growth[shot])
        if not timetable.commits:
            _settle(tables, timetable, trees, num_touched, num_grown)
        rest(tables, num_touched, num_grown)
