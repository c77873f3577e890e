# SPDX-License-Identifier: Apache-2.0
"""The shared micro-architecture: a few processing elements, each with many detectors in its memories."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from amaranth import Cat, Const, Module, Signal, Value
from amaranth.lib import data, wiring

from synfab.decoders import UnionFindSpec
from synfab.rtl.element import Placed
from synfab.rtl.order import any_of, parity_of
from synfab.rtl.union_find.bounds import max_shared_cycles
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.flood import Topology
from synfab.rtl.union_find.loader import Loader
from synfab.rtl.union_find.lookup import SlotTables, chosen_by
from synfab.rtl.union_find.partition import partitions
from synfab.rtl.union_find.processor import Processor, word_layout
from synfab.rtl.union_find.routing import Routing, Wiring
from synfab.rtl.union_find.scheduler import Phase, Scheduler


class SharedUnionFind(Fabric):
    """Union-find decoder in which several detectors share a processing element; see :class:`Fabric` for its streams.

    Parameters
    ----------
    spec, corrections, instances
        As of :class:`Fabric`.
    detectors_per_element : int
        At most so many detectors share an element; from 1 to the whole block.

    Raises
    ------
    InputError
        If ``detectors_per_element`` is less than 1, or the spec has no detectors.
    """

    def __init__(
        self,
        spec: UnionFindSpec,
        *,
        detectors_per_element: int,
        corrections: bool = False,
        instances: bool = False,
    ) -> None:
        super().__init__(spec, corrections=corrections, instances=instances)
        self._topology = Topology(spec)
        candidates = [
            (partition, Routing.of(spec, partition))
            for partition in partitions(spec, detectors_per_element=detectors_per_element)
        ]
        self.partition, self.routing = min(candidates, key=lambda pair: (pair[1].size, pair[0].revisits(spec)))

    @property
    def max_cycles(self) -> int:
        return max_shared_cycles(self.spec, self.partition, corrections=self.corrections)

    @property
    def memory_bits(self) -> int:
        """Bits of the detectors' words; a word that several read in one cycle is kept as often."""
        words = sum(len(wiring.views) for wiring in self.routing.wirings) * self.partition.depth
        return words * self._layout.size

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, partition = self.spec, self.partition
        m.submodules.loader = loader = Loader(spec.rounds, spec.detection_flips)
        m.submodules.scheduler = scheduler = Scheduler(
            num_groups=partition.num_groups,
            group_slots=partition.group_slots,
            stride_bits=partition.stride_bits,
            dependents=partition.dependents(spec),
            fetch=SlotTables.are_memories(partition.depth),
            corrections=self.corrections,
        )
        wiring.connect(m, wiring.flipped(self.i), loader.i)
        members = [
            [d for d in partition.places if partition.group(d) == group] for group in range(partition.num_groups)
        ]
        m.d.comb += [
            loader.free.eq(scheduler.idle),
            scheduler.start.eq(loader.start),
            scheduler.events.eq(Cat(any_of(loader.events[d] for d in detectors) for detectors in members)),
        ]
        processors = self._processors(m, loader, scheduler)
        for flag in ("grown", "changed", "adopted", "active", "conflict"):
            m.d.comb += getattr(scheduler, flag).eq(any_of(processor[flag] for processor in processors))

        observables = Signal(self.num_labels)
        with m.If(scheduler.idle):
            m.d.sync += observables.eq(0)
        with m.Elif(scheduler.visit):
            changes = [processor["observables_change"] for processor in processors]
            m.d.sync += observables.eq(parity_of([observables, *changes]))
        corrections = self._corrections(m, scheduler, processors) if self.corrections else Const(0, 0)
        m.d.comb += scheduler.ready.eq(self.hand_over(m, scheduler.done, observables, corrections))
        return m

    def _processors(self, m: Module, loader: Loader, scheduler: Scheduler) -> list[Placed]:
        """Place the elements."""
        depth = self.partition.depth
        views = SlotTables(depth=depth, coming=scheduler.coming, slot=scheduler.slot)
        constants = SlotTables(depth=depth, coming=scheduler.slot, slot=scheduler.visited)
        events = Signal(self.spec.num_detectors)
        with m.If(loader.start):
            m.d.sync += events.eq(loader.events)
        phase = scheduler.phase
        common = {
            "slot": scheduler.slot,
            "visit": scheduler.visit,
            "visited": scheduler.visited,
            "load": scheduler.first & ((phase == Phase.LOAD) | (phase == Phase.CLEAN)),
            "grow": scheduler.first & (phase == Phase.GROW),
            "relabel": phase == Phase.RELABEL,
            "flood": phase == Phase.FLOOD,
            "layer": scheduler.layer,
            "peel": phase == Phase.PEEL,
        }
        processors = [
            self.placement.element(Processor, self._parameters(wiring), f"processor_{element}")
            for element, wiring in enumerate(self.routing.wirings)
        ]
        shown = [self._words(processor) for processor in processors]
        for element, processor in enumerate(processors):
            event = chosen_by(
                scheduler.visited,
                self.partition.by_address(
                    [
                        Const(0) if detector is None else events[detector]
                        for detector in self.partition.elements[element]
                    ],
                    beyond=Const(0),
                ),
            )
            processor.connect(
                m,
                common
                | {"event": event & (phase != Phase.CLEAN), "view_slots": self._view_slots(element, views)}
                | {"neighbours": self._neighbours(element, shown, constants)}
                | self._constants(element, constants),
            )
        views.place(m, "view_table")
        constants.place(m, "constant_table")
        return processors

    def _parameters(self, wiring: Wiring) -> dict:
        spec = self.spec
        return {
            "num_inner": len(wiring.inner),
            "num_boundary": len(wiring.boundary),
            "num_views": len(wiring.views),
            "depth": self.partition.depth,
            "weight_bits": self._weight_bits,
            "tag_bits": self._tag_bits,
            "num_labels": self.num_labels,
            "port_bits": self._port_bits,
            "reaches_boundary": all(spec.reaches_boundary),
            "ram_style": "block" if SlotTables.are_memories(self.partition.depth) else "distributed",
        }

    @property
    def _layout(self) -> data.StructLayout:
        return word_layout(
            tag_bits=self._tag_bits,
            num_labels=self.num_labels,
            port_bits=self._port_bits,
            weight_bits=self._weight_bits,
        )

    @property
    def _tag_bits(self) -> int:
        return Topology(self.spec).tag_bits

    @property
    def _weight_bits(self) -> int:
        return max(self.spec.weights, default=1).bit_length()

    @property
    def _port_bits(self) -> int:
        return max(1, self.routing.num_inner.bit_length())

    def _words(self, processor: Placed) -> list[Value]:
        """Return the words that an element shows, by view."""
        size = self._layout.size
        words = processor["words"]
        return [words.word_select(view, size) for view in range(len(words) // size)]

    def _view_slots(self, element: int, tables: SlotTables) -> Value:
        """Return which words an element is to show in its views but the first."""
        partition = self.partition
        addresses = [
            [partition.address(view[slot]) if slot in view else None for slot in range(partition.num_slots)]
            for view in self.routing.wirings[element].views[1:]
        ]
        bits = (partition.depth - 1).bit_length()
        return Cat(tables.value(partition.by_address(column), bits) for column in addresses)

    def _neighbours(self, element: int, shown: Sequence[Sequence[Value]], tables: SlotTables) -> Value:
        """Return the words at the inner ports of an element."""
        wiring = self.routing.wirings[element]
        words = []
        for port, sources in enumerate(wiring.sources):
            choices = wiring.choices(port)
            numbers = [None if source is None else choices.index(source) for source in sources]
            number = tables.value(self.partition.by_address(numbers), max(1, (len(choices) - 1).bit_length()))
            words.append(chosen_by(number, [shown[source][view] for source, view in choices]))
        return Cat(words)

    def _constants(self, element: int, tables: SlotTables) -> dict[str, Value]:
        """Return what tells the detectors of an element apart."""
        spec, partition = self.spec, self.partition
        wiring, detectors = self.routing.wirings[element], partition.elements[element]

        def column(entries: Iterable[int | None], width: int, *, beyond: int | None = None) -> Value:
            return tables.value(partition.by_address(list(entries), beyond=beyond), width)

        def far_port(detector: int | None, edge: int | None) -> int | None:
            return None if edge is None else self.routing.far_port(spec, edge, detector)

        ports = [*wiring.inner, *wiring.boundary]
        pairs = combinations(range(len(wiring.inner)), 2)
        return {
            "index": column((None if d is None else Topology(self.spec).tag(d) for d in detectors), self._tag_bits),
            "deficits": Cat(
                column(
                    (None if e is None else (1 << self._weight_bits) - spec.weights[e] for e in edges),
                    self._weight_bits,
                )
                for edges in ports
            ),
            "observables": Cat(
                column((None if e is None else spec.edge_observables[e] for e in edges), self.num_labels)
                for edges in ports
            ),
            # Beyond the last slot of the last group lies what has neither events nor edges, so it never changes.
            "present": Cat(column((int(e is not None) for e in edges), 1, beyond=0) for edges in ports),
            "far_ports": Cat(
                column((far_port(d, e) for d, e in zip(detectors, edges, strict=True)), self._port_bits)
                for edges in wiring.inner
            ),
            "ascending": Cat(
                column((wiring.ascends(j, k, slot) for slot in range(partition.num_slots)), 1) for j, k in pairs
            ),
        }

    def _corrections(self, m: Module, scheduler: Scheduler, processors: Sequence[Placed]) -> Value:
        """Return the bit of every edge, as read in the last phase."""
        partition = self.partition
        reading = scheduler.visit & (scheduler.phase == Phase.READ)
        at = [reading & (scheduler.visited == partition.address(slot)) for slot in range(partition.num_slots)]
        flips: list[list[Value]] = [[] for _ in self.spec.edges]
        for ports, processor in zip(self.routing.wirings, processors, strict=True):
            for port, edges in enumerate([*ports.inner, *ports.boundary]):
                for slot, edge in enumerate(edges):
                    if edge is not None:
                        flips[edge].append(at[slot] & processor["corrections"][port])
        corrections = Signal(max(1, len(flips)))
        with m.If(scheduler.idle):
            m.d.sync += corrections.eq(0)
        with m.Else():
            m.d.sync += corrections.eq(corrections | Cat(any_of(ends) for ends in flips))
        return corrections
