# SPDX-License-Identifier: Apache-2.0
"""The spatial micro-architecture: a processing element a detector and an element an edge, all at work at once."""

from collections.abc import Sequence

from amaranth import Cat, Const, Module, Value
from amaranth.lib import wiring

from synfab.decoders import UnionFindSpec
from synfab.errors import InputError
from synfab.rtl.element import Placed
from synfab.rtl.order import any_of, parity_of
from synfab.rtl.union_find.bounds import max_spatial_cycles
from synfab.rtl.union_find.control import Control
from synfab.rtl.union_find.detector import Detector
from synfab.rtl.union_find.edge import BoundaryEdge, InnerEdge
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.flood import Hop, State, Topology
from synfab.rtl.union_find.growth import first_steps
from synfab.rtl.union_find.hints import HintPort, Hints
from synfab.rtl.union_find.loader import Loader
from synfab.rtl.union_find.weights import WeightPort


class UnionFind(Fabric):
    """Union-find decoder with one processing element a detector; see :class:`Fabric` for its streams.

    Latency depends on the data. The first growth steps, as many as it takes the lightest edge to become full, fall in
    the cycle that takes the last beat, or after it in one where edges are erased; every further one takes one cycle,
    and one more for each cycle in which clusters that it merged still settle. A block without detection events is
    answered two cycles after its last beat. The logical prediction needs no peeling: labels travel with the flood, and
    only if a cluster holds a cycle of edges that flips an observable is the canonical forest flooded anew; with
    ``corrections`` it is flooded for every block with detection events. The next block loads while one is decoded, and
    is decoded while the answer waits. With ``hints`` all this comes a cycle later.

    Parameters
    ----------
    spec, corrections, runtime_weights, hints, instances
        As of :class:`Fabric`.
    hops : int
        Edges that tags and messages cross in a cycle: more of them settle in fewer cycles, through longer logic.

    Notes
    -----
    Growth and merging follow Delfosse and Nickerson (Quantum 5, 595); one element a detector follows Helios
    (arXiv:2301.08419; 2406.08491, section IV). Cluster parity by messages in both directions of a tree, labels in
    place of peeling, and the check that makes them canonical are this project's.
    """

    def __init__(
        self,
        spec: UnionFindSpec,
        *,
        hops: int = 1,
        corrections: bool = False,
        runtime_weights: bool = False,
        hints: Hints | None = None,
        instances: bool = False,
    ) -> None:
        if hops < 1:
            raise InputError(f"hops must be at least 1 a cycle, not {hops!r}")
        super().__init__(
            spec, corrections=corrections, runtime_weights=runtime_weights, hints=hints, instances=instances
        )
        self._hops = hops
        self._topology = Topology(spec)

    @property
    def max_cycles(self) -> int:
        return max_spatial_cycles(
            self.spec,
            hops=self._hops,
            corrections=self.corrections,
            runtime_weights=self.runtime_weights,
            hints=self.hints,
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        m.submodules.loader = loader = Loader(spec.rounds, spec.detection_flips, early=True)
        m.submodules.control = control = Control(corrections=self.corrections)
        weights = hints = None
        if self.hints:
            m.submodules.hints = hints = HintPort(spec, self.hints)
            wiring.connect(m, wiring.flipped(self.i), hints.i)
            wiring.connect(m, hints.o, loader.i)
            m.d.comb += hints.free.eq(control.free)
        else:
            wiring.connect(m, wiring.flipped(self.i), loader.i)
        if self.runtime_weights:
            m.submodules.weights = weights = WeightPort(spec)
            wiring.connect(m, wiring.flipped(self.w), weights.w)
            m.d.comb += [
                weights.last.eq(loader.last | loader.abort),
                weights.start.eq(loader.start),
                weights.grow.eq(control.grow),
            ]
        port = weights or hints
        m.d.comb += [
            loader.free.eq(control.free),
            loader.resting.eq(control.resting),
            control.start.eq(loader.start),
            control.events.eq(loader.events.any()),
            control.last.eq(loader.last),
            control.forget.eq(loader.abort | port.changing if port else loader.abort),
        ]
        detectors = [
            self.placement.element(Detector, self._topology.kind(d), f"detector_{d}") for d in range(spec.num_detectors)
        ]
        edges = [self._edge(e) for e in range(len(spec.edges))]
        hops = self._flood(m, detectors, edges)
        self._connect_detectors(m, loader, control, detectors, edges, hops)
        self._connect_edges(m, loader, control, port, detectors, edges, hops)

        growing = (self._growing(d, detector, edges) for d, detector in enumerate(detectors))
        m.d.comb += [
            control.flooding.eq(any_of(hops[0].adopt)),
            control.unsettled.eq(any_of(edge["unsettled"] for edge in edges if "unsettled" in edge.outputs)),
            control.growing.eq(any_of(growing)),
            control.conflict.eq(any_of(edge["conflict"] for edge in edges)),
        ]
        observables = parity_of(detector["observables"] for detector in detectors)
        corrections = Cat(self._correction(e, detectors, edge) for e, edge in enumerate(edges))
        m.d.comb += control.ready.eq(self.hand_over(m, control.done, observables, corrections))
        return m

    def _edge(self, edge: int) -> Placed:
        spec = self.spec
        parameters = {
            "weight": spec.weights[edge],
            "loaded_bits": spec.weight_bits if self.runtime_weights else 0,
            "hints": self.hints.weights if self.hints and self.hints.lanes[edge] else (),
            "first_steps": 1 if self.runtime_weights else first_steps(self.hints.lowest(spec) if self.hints else spec),
            "observables": spec.edge_observables[edge],
            "num_labels": self.num_labels,
        }
        make = BoundaryEdge if spec.edges[edge][1] < 0 else InnerEdge
        return self.placement.element(make, parameters, f"edge_{edge}")

    def _flood(self, m: Module, detectors: Sequence[Placed], edges: Sequence[Placed]) -> list[Hop]:
        """Chain the hops of a cycle, from the elements' state on."""
        state = State(
            tag=[detector["tag"] for detector in detectors],
            label=[detector["label"] for detector in detectors],
            parent=[detector.outputs.get("parent", Cat()) for detector in detectors],
            waiting=[detector["waiting"] for detector in detectors],
            message=[edge.outputs.get("message") for edge in edges],
        )
        hops = []
        for number in range(self._hops):
            hops.append(Hop(self.placement, self._topology, number, state))
            state = hops[-1].after
        for hop in hops:
            hop.connect(m, event=[d["event"] for d in detectors], full=[e["full"] for e in edges])
        return hops

    def _connect_detectors(
        self,
        m: Module,
        loader: Loader,
        control: Control,
        detectors: Sequence[Placed],
        edges: Sequence[Placed],
        hops: Sequence[Hop],
    ) -> None:
        after = hops[-1].after
        for d, detector in enumerate(detectors):
            detector.connect(
                m,
                {
                    "own_tag": Const(self._topology.tag(d), self._topology.tag_bits),
                    "start": loader.start,
                    "new_event": loader.events[d],
                    "relabel": control.relabel,
                    "boundary_full": Cat(edges[e]["full"] for e in self._topology.boundary[d]),
                    "next_tag": after.tag[d],
                    "next_label": after.label[d],
                    "next_parent": after.parent[d],
                    "next_waiting": after.waiting[d],
                    "odd": hops[0].odd[d],
                },
            )

    def _connect_edges(
        self,
        m: Module,
        loader: Loader,
        control: Control,
        port: WeightPort | HintPort | None,
        detectors: Sequence[Placed],
        edges: Sequence[Placed],
        hops: Sequence[Hop],
    ) -> None:
        first, after = hops[0], hops[-1].after
        for e, edge in enumerate(edges):
            ends = self._topology.ends(e)
            inputs = {
                "start": loader.start,
                "grow": control.grow,
                "active": Cat(detectors[d]["active"] for d in ends),
            }
            if isinstance(port, HintPort):
                inputs |= self._hinted(e, port, clear=loader.last | loader.abort)
            elif port:
                inputs |= {
                    "steps": port.steps,
                    "load": port.load[e],
                    "load_default": port.default,
                    "value": port.value,
                    "clear": port.last,
                }
            if len(ends) == 1:
                edge.connect(m, inputs | {"label": detectors[ends[0]]["label"]})
                continue
            # Parity does not matter any more in a cluster at the boundary, unless corrections are made of it.
            heard = ~detectors[ends[0]]["bounded"]
            edge.connect(
                m,
                inputs
                | {
                    "odd": Cat(first.odd[d] for d in ends),
                    "in_tree": first.in_tree[e],
                    "chosen": first.chosen[e],
                    "heard": heard | control.peel if self.corrections else heard,
                    "labels": Cat(detectors[d]["label"] for d in ends),
                    "next_message": after.message[e],
                },
            )

    def _hinted(self, edge: int, port: HintPort, *, clear: Value) -> dict[str, Value]:
        """Return what an edge is told of hints; nothing, if it has none."""
        assert self.hints is not None
        place = self.hints.lanes[edge]
        return {} if place is None else {"load": port.load[edge], "level": port.levels[place[1]], "clear": clear}

    def _growing(self, detector: int, placed: Placed, edges: Sequence[Placed]) -> Value:
        """Return whether a detector's cluster has something to grow, while nothing changes and no block starts."""
        growing = placed["active"]
        if not self.spec.reaches_boundary[detector]:
            growing &= ~Cat(edges[e]["full"] for e in self.spec.ports[detector]).all()
        return growing

    def _correction(self, edge: int, detectors: Sequence[Placed], placed: Placed) -> Value:
        if "correction" in placed.outputs:
            return placed["correction"]
        (detector,) = self._topology.ends(edge)
        return detectors[detector]["correction"][self._topology.boundary[detector].index(edge)]
