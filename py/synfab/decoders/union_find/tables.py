# SPDX-License-Identifier: Apache-2.0
"""The tables that the reference's kernels work on, one record a detector, an edge and a port."""

from collections import namedtuple
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from synfab.decoders.union_find.spec import UnionFindSpec

# What a detector, an edge and a port know, each in one record, so that a visit is one cache line. Between shots
# every field holds its resting value; only what a shot touched is put back.
DETECTOR = np.dtype(
    [
        ("first_port", np.int32),  # ports of detector v: from its first_port up to that of v + 1
        ("rank", np.int32),  # the lowest of a cluster is its root: root candidates first, in ascending order
        ("parent", np.int32),  # union-find forest: towards the cluster's root
        ("following", np.int32),  # circular list of the cluster's members
        ("seen", np.int32),  # number of the last growth event after which this root was active
        ("layer", np.int32),  # breadth-first layer in the spanning forest, -1 if not reached
        ("parent_edge", np.int32),  # edge to the layer before, or to the boundary; -1 at a root without one
        ("label", np.uint64),  # observables flipped on the way to the root
        ("odd", np.uint8),  # at a root: odd number of detection events in the cluster
        ("bounded", np.uint8),  # at a root: the cluster has a full edge to the boundary
        ("event", np.uint8),  # a detection event; during peeling: an odd number of them in the subtree
        ("touched", np.uint8),
    ],
    align=True,
)
EDGE = np.dtype(
    [
        ("growth", np.int32),
        ("increment", np.int32),  # while a step is being worked out: how many ends are active
        ("weight", np.int32),
        ("u", np.int32),
        ("v", np.int32),  # -1: the boundary
        ("observables", np.uint64),
    ],
    align=True,
)
PORT = np.dtype([("edge", np.int32), ("end", np.int32)])  # end: the detector there, -1 for the boundary

# Lists that a shot fills from the start; how far they are filled travels as an argument.
LISTS = np.dtype([(name, np.int32) for name in ("touched", "active", "queue", "grown_edge", "step_edge", "full_edge")])

Graph = namedtuple("Graph", "detectors edges ports lists detection_flips observable_flips flipped_edges")


def compiled(spec: "UnionFindSpec") -> Graph:
    """Return the tables that the kernels work on, at rest."""
    num_ports = [len(edges) for edges in spec.ports]
    detectors = np.zeros(spec.num_detectors + 1, DETECTOR)
    detectors["first_port"][1:] = np.cumsum(num_ports)
    detectors["parent"] = detectors["following"] = np.arange(spec.num_detectors + 1)
    detectors["rank"] = np.arange(spec.num_detectors + 1) + spec.num_detectors
    detectors["rank"][list(spec.root_candidates)] -= spec.num_detectors
    detectors["layer"] = detectors["parent_edge"] = -1
    edges = np.zeros(len(spec.edges), EDGE)
    edges["u"], edges["v"] = np.array(spec.edges, np.int32).reshape(-1, 2).T
    edges["weight"], edges["observables"] = spec.weights, np.array(spec.edge_observables, np.uint64)
    ports = np.zeros(sum(num_ports), PORT)
    ports["edge"] = [edge for detector_edges in spec.ports for edge in detector_edges]
    owner = np.repeat(np.arange(spec.num_detectors), num_ports)
    u, v = edges["u"][ports["edge"]], edges["v"][ports["edge"]]
    ports["end"] = np.where(u == owner, v, u)
    flips = np.zeros(8 * ((spec.num_detectors + 7) // 8), np.uint8)
    flips[list(spec.detection_flips)] = 1
    return Graph(
        detectors=detectors,
        edges=edges,
        ports=ports,
        lists=np.zeros(max(len(edges), len(detectors)), LISTS),
        detection_flips=np.packbits(flips, bitorder="little"),
        observable_flips=np.uint64(spec.observable_flips),
        flipped_edges=np.array(spec.flipped_edges, np.int32),
    )


def own_tables(graph: Graph) -> tuple[npt.NDArray, ...]:
    """Copy what a decoder writes to, so that two threads may decode with one spec."""
    return graph.detectors.copy(), graph.edges.copy(), graph.ports, graph.lists.copy()
