# SPDX-License-Identifier: Apache-2.0
"""Which edges of a released part the correction may use: its spanning forest, chosen when it is released.

What was released before counts as one vertex a tree. That is what a summary of a released block can know
(:mod:`synfab.decoders.fusion.stream`); so whoever keeps the block chooses in the same way.
"""

from collections import namedtuple

import numpy as np

from synfab.decoders.fusion.compilation import kernel
from synfab.decoders.union_find.tables import Graph

# A vertex of what is to be spanned is a *node*: a detector, or a tree of released ones, named by its root.
# node: of each detector. following: circular list of a node's detectors. Of a node: rooted, if its tree ends at the
# boundary; layer and parent_edge, as in the plain forest; tree: its new root.
NODE = np.dtype(
    [*((name, np.int32) for name in ("node", "following", "layer", "parent_edge", "tree")), ("rooted", np.uint8)],
    align=True,
)
Forest = namedtuple("Forest", "nodes chosen")


def forest(graph: Graph) -> Forest:
    """Return a forest without edges."""
    nodes = np.zeros(len(graph.detectors), NODE)
    nodes["node"] = nodes["following"] = np.arange(len(nodes))
    nodes["layer"] = nodes["parent_edge"] = -1
    return Forest(nodes=nodes, chosen=np.zeros(len(graph.edges), np.uint8))


@kernel
def choose(tables, trees, timetable, step, num_touched):
    """Choose the edges of what is released by the end of ``step``; at step NEVER, of everything."""
    last = step + 1
    tail = _plant(tables, trees, timetable, last, num_touched)
    tail = _layer(tables, trees, timetable, last, 0, tail)
    detectors, _, _, lists = tables
    nodes = trees.nodes
    for k in range(num_touched):
        detector = lists[k].touched
        unreached = nodes[detector].node == detector and nodes[detector].layer == -1
        if unreached and timetable.freezes[detector] <= last:
            head = tail
            nodes[detector].layer = 0
            lists[tail].queue = detector
            end = _layer(tables, trees, timetable, last, head, head + 1)
            # Any walk finds the members; the one that counts begins at the root.
            lowest = detector
            for place in range(head, end):
                member = lists[place].queue
                nodes[member].layer = nodes[member].parent_edge = -1
                if detectors[member].rank < detectors[lowest].rank:
                    lowest = member
            nodes[lowest].layer = 0
            lists[head].queue = lowest
            tail = _layer(tables, trees, timetable, last, head, head + 1)
    _join(tables, trees, tail)


@kernel
def _plant(tables, trees, timetable, last, num_touched):
    """Put the nodes that end at the boundary into layer 0, and at the head of the queue; return their number.

    Of a tree only the root is asked: it ends at the boundary by the edge that it had when it was released.
    """
    detectors, edges, ports, lists = tables
    nodes = trees.nodes
    num_roots = 0
    for k in range(num_touched):
        detector = lists[k].touched
        if nodes[detector].node != detector or timetable.freezes[detector] > last:
            continue
        for port in range(detectors[detector].first_port, detectors[detector + 1].first_port):
            edge = ports[port].edge
            is_full = edges[edge].growth == edges[edge].weight
            if ports[port].end < 0 and timetable.fused[edge] < 0 and is_full:
                nodes[detector].rooted = 1
                trees.chosen[edge] = 1
                break
        if nodes[detector].rooted:
            nodes[detector].layer = 0
            lists[num_roots].queue = detector
            num_roots += 1
    return num_roots


@kernel
def _layer(tables, trees, timetable, last, head, tail):
    """Reach what full edges lead to from the nodes ``head .. tail`` of the queue; return the end of the queue."""
    detectors, edges, ports, lists = tables
    nodes = trees.nodes
    while head < tail:
        node = lists[head].queue
        layer = nodes[node].layer + 1
        head += 1
        member = node
        while True:
            for port in range(detectors[member].first_port, detectors[member + 1].first_port):
                edge, end = ports[port].edge, ports[port].end
                if end < 0 or edges[edge].growth < edges[edge].weight or timetable.freezes[end] > last:
                    continue
                other = nodes[end].node
                if nodes[other].layer < 0:
                    nodes[other].layer = layer
                    lists[tail].queue = other
                    tail += 1
                elif nodes[other].layer != layer or nodes[other].parent_edge < edge:
                    continue
                nodes[other].parent_edge = edge
            member = nodes[member].following
            if member == node:
                break
    return tail


@kernel
def _join(tables, trees, tail):
    """Make one node of every tree, from the roots on, and choose its edges."""
    _, edges, _, lists = tables
    nodes = trees.nodes
    for k in range(tail):
        node = lists[k].queue
        edge = nodes[node].parent_edge
        nodes[node].tree = node
        if edge >= 0:
            trees.chosen[edge] = 1
            u, v = nodes[edges[edge].u].node, nodes[edges[edge].v].node
            nodes[node].tree = nodes[v if u == node else u].tree
    for k in range(tail):
        node = lists[k].queue
        tree = nodes[node].tree
        nodes[node].layer = nodes[node].parent_edge = -1
        if tree != node:
            member = node
            while True:
                nodes[member].node = tree
                member = nodes[member].following
                if member == node:
                    break
            nodes[node].following, nodes[tree].following = nodes[tree].following, nodes[node].following


@kernel
def rest_forest(tables, trees, num_touched, num_grown):
    """Put everything that the shot touched back to its resting value."""
    _, _, _, lists = tables
    nodes = trees.nodes
    for k in range(num_touched):
        detector = lists[k].touched
        nodes[detector].node = nodes[detector].following = detector
        nodes[detector].layer = nodes[detector].parent_edge = -1
        nodes[detector].rooted = 0
    for k in range(num_grown):
        trees.chosen[lists[k].grown_edge] = 0
