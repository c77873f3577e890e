# SPDX-License-Identifier: Apache-2.0
"""Union-find with dynamic faces: blocks come, are fused in space and time, and are committed while the next load."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.errors import InputError
from synfab.rtl.element import Placed, Placement
from synfab.rtl.fusion.control import FusionControl
from synfab.rtl.fusion.faces import FacePort, FaceTable, table_of
from synfab.rtl.fusion.growth import CutGrowth, LiveGrowth, artificial_weight
from synfab.rtl.fusion.link import Link
from synfab.rtl.fusion.plan import LiveEdge, OrderedTopology, Plan
from synfab.rtl.order import any_of, parity_of
from synfab.rtl.union_find.detector import Detector
from synfab.rtl.union_find.flood import Hop, State
from synfab.rtl.union_find.loader import Loader
from synfab.surgery.floor import Floor, code_bits


class FusionFabric(wiring.Component):
    """Fusion union-find of a floor of patches, step after step, with release by commitment.

    Equal, bit for bit, to :class:`~synfab.decoders.fusion.FusionDecoder` with ``release="commit"`` and the schedule
    ``Schedule.in_time(spec, keep=slots - 1, alone=alone, to_the_last=True)``: after each step the answer is what
    :meth:`FusionDecoder.corrections_so_far` flips, in marks.

    *A step.* Once the states of its faces are there (``f``), all steps move on by a slot. The oldest leaves, its
    correction committed; events and growth of the others stay, tags start anew. Blocks come one by one and grow on
    their own (``alone="block"``), or when all are there (``"step"``). When nothing grows any more and all are there,
    those of the step are fused along the faces that are merged, and then with the step before. Then the canonical
    forest is flooded and peeled, and the answer offered. The next step's rounds load meanwhile.

    A program begins after a step without edges whose faces above are what lies below the program's first step, and
    ends with ``slots - 1`` steps without edges, which commit its last ones. A cell without a patch has an empty block.

    Parameters
    ----------
    floor : Floor
    slots : int
        Steps that are held: a step is committed with ``slots - 1`` steps after it as a buffer.
    alone : {"block", "step"}
    hops : int
        Edges that tags and messages cross in a cycle.
    instances : bool
        As of :class:`~synfab.rtl.union_find.fabric.Fabric`.

    Members
    -------
    i : array of In(stream.Signature(Loader.layout(...))), one a cell
        ``detections``: of one layer of the cell's block, a bit for each of ``layer_size`` check positions
        (:class:`~synfab.surgery.Cells`), layers 0 to d; ``last`` and ``abort`` as of the fabric of one block.
    f : In(stream.Signature(FacePort.layout(floor)))
    o : Out(stream.Signature(FusionFabric.layout(floor, slots)))
        For each slot, the oldest first, ``inside``, ``below`` and ``above``: marks, flipped by edges within the step,
        by those of the face below that touch no earlier step, and by those of the face above; homes ascending, mark 0
        of a home first. Those of the oldest slot are final, the others what the correction would be now.

    Notes
    -----
    Fusion union-find: DecoNet (arXiv:2504.11805), section VII-E. Growth of the two sides of a cut edge, commitment and
    the shift are this project's.
    """

    def __init__(
        self,
        floor: Floor,
        *,
        slots: int = 2,
        alone: Literal["block", "step"] = "block",
        hops: int = 1,
        instances: bool = False,
    ) -> None:
        if hops < 1:
            raise InputError(f"hops must be at least 1 a cycle, not {hops!r}")
        if alone not in ("block", "step"):
            raise InputError(f"alone must be 'block' or 'step' in hardware, not {alone!r}")
        self.plan, self._hops = Plan(floor, slots), hops
        self.alone: Literal["block", "step"] = alone
        self.placement = Placement(instances=instances)
        super().__init__(
            {
                "i": In(stream.Signature(Loader.layout(self.rounds(floor)))).array(floor.num_cells),
                "f": In(stream.Signature(FacePort.layout(floor))),
                "o": Out(stream.Signature(self.layout(floor, slots))),
            }
        )

    @staticmethod
    def rounds(floor: Floor) -> list[range]:
        """Return the vertices of a block, layer by layer: those of its beats."""
        size = floor.cells.layer_size
        return [range(layer * size, (layer + 1) * size) for layer in range(floor.cells.distance + 1)]

    @staticmethod
    def layout(floor: Floor, slots: int) -> data.StructLayout:
        """Return the layout of an answer."""
        widths = {is_face: sum(h.num_marks for h in floor.homes if h.is_face == is_face) for is_face in (False, True)}
        names = {"inside": widths[False], "below": widths[True], "above": widths[True]}
        slot = data.StructLayout({name: max(1, width) for name, width in names.items()})
        return data.StructLayout({f"slot_{number}": slot for number in range(slots)})

    def verilog(self, name: str = "fusion") -> str:
        """Return the design as Verilog with the top module ``name``; see :meth:`Placement.verilog`."""
        return self.placement.verilog(self, name)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plan, floor = self.plan, self.plan.floor
        m.submodules.control = control = FusionControl(alone=self.alone)
        m.submodules.faces = faces = FacePort(floor)
        wiring.connect(m, wiring.flipped(self.f), faces.f)
        blocks, loaded = self._load(m, control)
        weights, marks = self._face_states(m, control, faces)

        topology = OrderedTopology(plan.graph)
        detectors = [
            self.placement.element(Detector, topology.kind(d), f"detector_{d}") for d in range(plan.num_detectors)
        ]
        growths = self._growths()
        links = [
            self.placement.element(Link, {}, f"link_{number}") if len(edge.ends) == 2 else None
            for number, edge in enumerate(plan.edges)
        ]
        full = [growths[edge]["full"] for edge in plan.edges]
        full += [self._side_full(growths[edge], side) for _, edge, side in plan.sides]
        hops = self._flood(m, topology, detectors, links, full)
        corrections = self._corrections(topology, detectors, links)
        # As of a detector, but without its word on a start, which here depends on whether anything is active.
        active = [hops[0].odd[d] & ~detector["bounded"] for d, detector in enumerate(detectors)]
        self._connect_growths(m, control, active, growths, weights)
        self._connect_links(m, control, detectors, links, hops)
        self._connect_detectors(m, control, topology, detectors, full, hops, blocks, corrections)

        rooms = self._rooms(growths)
        m.d.comb += [
            faces.shift.eq(control.shift),
            control.staged.eq(faces.staged),
            control.loaded.eq(loaded),
            control.flooding.eq(any_of(hops[0].adopt)),
            control.unsettled.eq(any_of(link["unsettled"] for link in links if link)),
            control.touched.eq(Cat(self._touched(growths, crossing=crossing) for crossing in (False, True))),
            control.growing.eq(any_of(a & any_of(room) for a, room in zip(active, rooms, strict=True))),
        ]
        self._answer(m, control, corrections, marks)
        return m

    def _load(self, m: Module, control: FusionControl) -> tuple[list[tuple[Value, Value]], Value]:
        """Return of each vertex of the floor whether its block comes, and its event; and whether all blocks came."""
        floor = self.plan.floor
        came = Signal(floor.num_cells)
        loaders = []
        for cell in range(floor.num_cells):
            loader = Loader(self.rounds(floor))
            m.submodules[f"loader_{cell}"] = loader
            wiring.connect(m, wiring.flipped(self.i[cell]), loader.i)
            m.d.comb += [loader.free.eq(control.open & ~came[cell]), loader.resting.eq(0)]
            with m.If(control.shift):
                m.d.sync += came[cell].eq(0)
            with m.Elif(loader.last):
                m.d.sync += came[cell].eq(1)
            loaders.append(loader)
        blocks = [(loaders[cell].last, loaders[cell].events[vertex]) for cell, vertex in floor.vertices]
        return blocks, came.all()

    def _face_states(
        self, m: Module, control: FusionControl, faces: FacePort
    ) -> tuple[dict[tuple[int, int], Value], dict[tuple[int, int], Value]]:
        """Return weight and marks of each floor edge in each slot (as of :class:`LiveEdge`)."""
        floor, slots = self.plan.floor, self.plan.slots
        by_home = defaultdict(list)
        for number, edge in enumerate(floor.edges):
            by_home[edge.home].append(number)
        weights, marks = {}, {}
        for home, numbers in by_home.items():
            kind, after = floor.homes[home], faces.codes[f"home_{home}"]
            parameters = table_of(floor, home, [floor.edges[number] for number in numbers])
            for slot in reversed(range(slots + kind.is_face)):
                code = Signal(code_bits(len(kind.parts)), name=f"code_{home}_{slot}")
                with m.If(control.shift):
                    m.d.sync += code.eq(after)
                after = code
                name = f"face_{home}_{slot}"
                found = self.placement.place(m, FaceTable, parameters, name, {"code": code})
                for place, number in enumerate(numbers):
                    weights[number, slot] = found["weights"].word_select(place, floor.weight_bits)
                    if kind.num_marks:
                        marks[number, slot] = found["marks"].word_select(place, kind.num_marks)
        return weights, marks

    def _growths(self) -> dict[LiveEdge, Placed]:
        plan, floor = self.plan, self.plan.floor
        growths = {}
        for edge in dict.fromkeys((*plan.edges, *plan.cuts)):
            name = f"edge_{edge.number}_{edge.slot}"
            if plan.is_cut(edge):
                parameters = {"weight_bits": floor.weight_bits, "stop": floor.stop}
                growths[edge] = self.placement.element(CutGrowth, parameters, name)
            else:
                parameters = {"weight_bits": floor.weight_bits, "num_ends": len(edge.ends)}
                growths[edge] = self.placement.element(LiveGrowth, parameters, name)
        return growths

    @staticmethod
    def _side_full(growth: Placed, side: int) -> Value:
        return growth["side_full"][side] if "side_full" in growth.outputs else growth["full"]

    def _flood(
        self,
        m: Module,
        topology: OrderedTopology,
        detectors: Sequence[Placed],
        links: Sequence[Placed | None],
        full: Sequence[Value],
    ) -> list[Hop]:
        """Chain the hops of a cycle, from the elements' state on."""
        messages = [link["message"] if link else None for link in links]
        state = State(
            tag=[detector["tag"] for detector in detectors],
            label=[detector["label"] for detector in detectors],
            parent=[detector.outputs.get("parent", Cat()) for detector in detectors],
            waiting=[detector["waiting"] for detector in detectors],
            message=[*messages, *[None] * (len(full) - len(messages))],
        )
        hops = []
        for number in range(self._hops):
            hops.append(Hop(self.placement, topology, number, state))
            state = hops[-1].after
        for hop in hops:
            hop.connect(m, event=[detector["event"] for detector in detectors], full=full)
        return hops

    def _corrections(
        self, topology: OrderedTopology, detectors: Sequence[Placed], links: Sequence[Placed | None]
    ) -> dict[LiveEdge, Value]:
        """Return whether the forest flips each edge; an artificial boundary's flip is its edge's."""
        plan = self.plan
        found: dict[LiveEdge, list[Value]] = defaultdict(list)
        for edge, link in zip(plan.edges, links, strict=True):
            if link:
                found[edge].append(link["correction"])
        bounded = [(d, edge) for edge in plan.edges for d in edge.ends if len(edge.ends) == 1]
        bounded += [(detector, edge) for detector, edge, _ in plan.sides]
        places = [number for number, (_, v) in enumerate(plan.graph.edges) if v < 0]
        for number, (detector, edge) in zip(places, bounded, strict=True):
            # What is cut is fused by the time of the answer: only what is open above can flip at a side.
            if not plan.is_cut(edge):
                found[edge].append(detectors[detector]["correction"][topology.boundary[detector].index(number)])
        return {edge: parity_of(bits) for edge, bits in found.items()}

    def _connect_growths(
        self,
        m: Module,
        control: FusionControl,
        active: Sequence[Value],
        growths: dict[LiveEdge, Placed],
        weights: dict[tuple[int, int], Value],
    ) -> None:
        plan, floor = self.plan, self.plan.floor
        by_place = {(edge.number, edge.slot): growth for edge, growth in growths.items()}
        for edge, growth in growths.items():
            above = by_place.get((edge.number, edge.slot + 1))
            weight = weights[edge.number, edge.slot]
            if plan.is_open_above(edge):
                weight = artificial_weight(weight, floor.stop)
            inputs = {
                "weight": weight,
                "shift": control.shift,
                "before": above["growth"] if above else Const(0, floor.weight_bits + 1),
                "grow": control.grow,
                "active": Cat(active[d] for d in edge.ends),
            }
            if plan.is_cut(edge):
                crosses = floor.edges[edge.number].is_crossing
                inputs["fused"] = control.joined if crosses else control.together
            growth.connect(m, inputs)

    def _connect_links(
        self,
        m: Module,
        control: FusionControl,
        detectors: Sequence[Placed],
        links: Sequence[Placed | None],
        hops: Sequence[Hop],
    ) -> None:
        first, after = hops[0], hops[-1].after
        for number, (edge, link) in enumerate(zip(self.plan.edges, links, strict=True)):
            if link:
                link.connect(
                    m,
                    {
                        "odd": Cat(first.odd[d] for d in edge.ends),
                        "in_tree": first.in_tree[number],
                        "chosen": first.chosen[number],
                        # Parity does not matter in a cluster at a boundary, unless the correction is made of it.
                        "heard": ~detectors[edge.ends[0]]["bounded"] | control.peel,
                        "next_message": after.message[number],
                    },
                )

    def _connect_detectors(
        self,
        m: Module,
        control: FusionControl,
        topology: OrderedTopology,
        detectors: Sequence[Placed],
        full: Sequence[Value],
        hops: Sequence[Hop],
        blocks: Sequence[tuple[Value, Value]],
        corrections: dict[LiveEdge, Value],
    ) -> None:
        plan, after = self.plan, hops[-1].after
        toggles: dict[int, list[Value]] = defaultdict(list)
        for edge, correction in corrections.items():
            slots = {d // plan.size for d in edge.ends}
            if slots == {0, 1}:
                toggles[edge.ends[1]].append(correction)
        began = Signal()
        with m.If(control.shift):
            m.d.sync += began.eq(1)
        for d, detector in enumerate(detectors):
            above = d + plan.size
            # To be fused can only take a boundary away, and makes no other tag invalid.
            start = control.shift | (control.fuse & detector["bounded"])
            if above < plan.num_detectors:
                # What stood here before a reset is nothing.
                moved = began & (detectors[above]["event"] ^ parity_of(toggles[above]))
                event = Mux(control.shift, moved, detector["event"])
            else:
                comes, new_event = blocks[d - plan.newest * plan.size]
                # Nothing has grown where a block comes.
                start = start | comes
                event = Mux(comes, new_event, detector["event"] & ~control.shift)
            detector.connect(
                m,
                {
                    "own_tag": Const(topology.tag(d), topology.tag_bits),
                    "start": start,
                    "new_event": event,
                    "relabel": control.relabel,
                    "boundary_full": Cat(full[e] for e in topology.boundary[d]),
                    "next_tag": after.tag[d],
                    "next_label": after.label[d],
                    "next_parent": after.parent[d],
                    "next_waiting": after.waiting[d],
                    "odd": hops[0].odd[d],
                },
            )

    def _touched(self, growths: dict[LiveEdge, Placed], *, crossing: bool) -> Value:
        """Return whether to fuse in space, or in time, would make a difference."""
        cuts = (edge for edge in growths if self.plan.is_cut(edge))
        return any_of(
            growths[edge]["touched"] for edge in cuts if self.plan.floor.edges[edge.number].is_crossing == crossing
        )

    def _rooms(self, growths: dict[LiveEdge, Placed]) -> list[list[Value]]:
        """Return for each detector where it can still grow."""
        rooms: list[list[Value]] = [[] for _ in range(self.plan.num_detectors)]
        for edge, growth in growths.items():
            for side, detector in enumerate(edge.ends):
                room = growth["room"]
                rooms[detector].append(room[side] if self.plan.is_cut(edge) else room)
        return rooms

    def _answer(
        self,
        m: Module,
        control: FusionControl,
        corrections: dict[LiveEdge, Value],
        marks: dict[tuple[int, int], Value],
    ) -> None:
        plan, floor = self.plan, self.plan.floor
        flips: dict[tuple[int, str, int], list[Value]] = defaultdict(list)
        for edge, correction in corrections.items():
            if (edge.number, edge.slot) not in marks:
                continue
            home = floor.edges[edge.number].home
            slot = min(edge.ends) // plan.size
            part = "inside" if not floor.homes[home].is_face else "below" if slot == edge.slot else "above"
            mask = marks[edge.number, edge.slot]
            flips[slot, part, home].append(mask & correction.replicate(len(mask)))
        answer = Signal.like(self.o.payload)
        for slot in range(plan.slots):
            for part in ("inside", "below", "above"):
                homes = [n for n, home in enumerate(floor.homes) if home.is_face == (part != "inside")]
                parities = [
                    parity_of(flips[slot, part, n]) if (slot, part, n) in flips else Const(0, floor.homes[n].num_marks)
                    for n in homes
                    if floor.homes[n].num_marks
                ]
                m.d.comb += answer[f"slot_{slot}"][part].eq(Cat(parities))
        held, valid = Signal.like(self.o.payload), Signal()
        m.d.comb += [
            self.o.valid.eq(valid),
            self.o.payload.eq(held),
            control.ready.eq(~valid | self.o.ready),
        ]
        with m.If(self.o.ready):
            m.d.sync += valid.eq(0)
        with m.If(control.done):
            m.d.sync += [valid.eq(1), held.eq(answer)]
