# SPDX-License-Identifier: Apache-2.0
"""The spatial micro-architecture: a processing element a detector and an element an edge, all at work at once."""

from amaranth import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring

from synfab.rtl.order import any_of, parity_of
from synfab.rtl.union_find.control import Control
from synfab.rtl.union_find.detector import Detector
from synfab.rtl.union_find.edge import BoundaryEdge, InnerEdge
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.loader import Loader


class UnionFind(Fabric):
    """Union-find decoder with one processing element a detector; see :class:`Fabric` for its streams.

    Latency depends on the data. The first growth step falls in the cycle that takes the last beat; every further
    one takes one cycle, and one more for each cycle in which clusters that it merged still settle. A block without
    detection events is answered two cycles after its last beat. The logical prediction needs no peeling: labels
    travel with the flood, and only if a cluster holds a cycle of edges that flips an observable is the canonical
    forest flooded anew; with ``corrections`` it is flooded for every block with detection events. The next block
    loads while one is decoded, and is decoded while the answer waits.

    Notes
    -----
    Growth and merging follow Delfosse and Nickerson (Quantum 5, 595); one element a detector follows Helios
    (arXiv:2301.08419; 2406.08491, section IV). Cluster parity by messages in both directions of a tree, labels in
    place of peeling, and the check that makes them canonical are this project's.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.loader = loader = Loader(self.spec.rounds, self.spec.detection_flips)
        m.submodules.control = control = Control(always_relabel=self.corrections)
        wiring.connect(m, wiring.flipped(self.i), loader.i)
        m.d.comb += [
            loader.enable.eq(control.idle),
            control.start.eq(loader.start),
            control.events.eq(loader.events.any()),
        ]

        edges, detectors = self._elements(m, loader, control)
        m.d.comb += [
            control.changing.eq(any_of(d["changing"] for d in detectors)),
            control.growing.eq(any_of(d["growing"] for d in detectors)),
            control.conflict.eq(any_of(e["conflict"] for e in edges)),
        ]
        observables = parity_of(d["observables"] for d in detectors)
        corrections = Cat(e["correction"] for e in edges)
        m.d.comb += control.ready.eq(self.hand_over(m, control.done, observables, corrections))
        return m

    def _elements(
        self, m: Module, loader: Loader, control: Control
    ) -> tuple[list[dict[str, Value]], list[dict[str, Value]]]:
        """Place the elements; return the outputs of the edges, in order, and of the detectors."""
        spec, labels = self.spec, self.num_labels
        bits = (spec.num_detectors + 1).bit_length()
        # What a detector shows to its edges, wired before the elements exist.
        active = [Signal(name=f"active_{d}") for d in range(spec.num_detectors)]
        tags = [Signal(bits, name=f"tag_{d}") for d in range(spec.num_detectors)]
        label = [Signal(labels, name=f"label_{d}") for d in range(spec.num_detectors)]
        inner = [[e for e in ports if spec.edges[e][1] >= 0] for ports in spec.ports]
        chosen = [Signal(len(edges), name=f"chosen_{d}") for d, edges in enumerate(inner)]
        message = [Signal(len(edges), name=f"message_{d}") for d, edges in enumerate(inner)]
        common = {"start": loader.start, "grow": control.grow}

        edges: list[dict[str, Value]] = []
        for index, (u, v) in enumerate(spec.edges):
            weight, mask, name = spec.weights[index], spec.edge_observables[index], f"edge_{index}"
            if v < 0:
                make, parameters = BoundaryEdge, {"weight": weight, "observables": mask, "num_labels": labels}
                inputs = common | {"active": active[u], "label": label[u]}
            else:
                make = InnerEdge
                parameters = {"weight": weight, "observables": mask, "tag_bits": bits, "num_labels": labels}
                inputs = common | {
                    "active": Cat(active[u], active[v]),
                    "tags": Cat(tags[u], tags[v]),
                    "labels": Cat(label[u], label[v]),
                    "chosen": Cat(chosen[end][inner[end].index(index)] for end in (u, v)),
                    "message": Cat(message[end][inner[end].index(index)] for end in (u, v)),
                }
            edges.append(self.placement.place(m, make, parameters, name, inputs))

        detectors = []
        for index, ports in enumerate(spec.ports):
            boundary = [e for e in ports if spec.edges[e][1] < 0]
            ends = [spec.edges[e].index(index) for e in inner[index]]
            far = [spec.edges[e][1 - end] for e, end in zip(inner[index], ends, strict=True)]
            near = list(zip(inner[index], ends, strict=True))
            inputs = {
                "index": Const(index + 1, bits),
                "start": loader.start,
                "event": loader.events[index],
                "relabel": control.relabel,
                "peel": control.peel,
                "offer": Cat(edges[e]["offer"][end] for e, end in near),
                "received": Cat(edges[e]["received"][end] for e, end in near),
                "full": Cat(edges[e]["full"] for e in inner[index]),
                "offered_tags": Cat(tags[d] for d in far),
                "offered_labels": Cat(edges[e]["offered_labels"].word_select(end, labels) for e, end in near),
                "boundary_full": Cat(edges[e]["full"] for e in boundary),
            }
            parameters = {
                "num_inner": len(ends),
                "boundary_observables": tuple(spec.edge_observables[e] for e in boundary),
                "reaches_boundary": spec.reaches_boundary[index],
                "tag_bits": bits,
                "num_labels": labels,
            }
            outputs = self.placement.place(m, Detector, parameters, f"detector_{index}", inputs)
            shown = {"active": active, "tag": tags, "label": label, "chosen": chosen, "message": message}
            m.d.comb += [wires[index].eq(outputs[port]) for port, wires in shown.items() if port in outputs]
            for k, edge in enumerate(boundary):
                edges[edge]["correction"] = outputs["correction"][k]
            detectors.append(outputs)
        return edges, detectors
