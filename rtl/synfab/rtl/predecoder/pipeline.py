# SPDX-License-Identifier: Apache-2.0
"""The net, what comes after it, and the union-find fabric: from rounds of events to the logical answer."""

from dataclasses import replace
from typing import Any, cast

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from synfab.errors import InputError
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.pipeline import PipelineSpec
from synfab.rtl.predecoder.closed_clusters import ClosedClusters
from synfab.rtl.predecoder.decisions import Decisions
from synfab.rtl.predecoder.framing import Framing
from synfab.rtl.predecoder.lanes import Lanes
from synfab.rtl.predecoder.loaded import Loaded
from synfab.rtl.predecoder.net import Predecoder
from synfab.rtl.predecoder.places import round_orders
from synfab.rtl.predecoder.planes import InputPlanes
from synfab.rtl.predecoder.residual import Residual
from synfab.rtl.union_find import Fabric, UnionFind
from synfab.rtl.union_find.loader import Loader

# Blocks between the last residual round and the answer: in the answer's register, decoded, and waiting before it.
FRAMES = 4


class Pipeline(wiring.Component):
    """Pre-decoder and union-find behind two streams; equal to :meth:`PipelineSpec.decode_batch`.

    Takes the rounds of a block as the fabric alone does, and answers alike. While the net works on late rounds of a
    block, the fabric decodes early ones, and blocks may follow each other without a gap as long as the fabric keeps up.
    The gate of the closed-cluster commit needs the whole block, and holds one at a time.

    Parameters
    ----------
    spec : PipelineSpec
    positions_per_cycle : int
        Of the net.
    loaded : Loaded or None
        How the net's weights are held in memory, and what its logits are compared with; None for constants.
    hops : int
        Of the fabric.
    instances : bool
        As of both.

    Attributes
    ----------
    net : Predecoder
    fabric : UnionFind
    cycles_to_fabric : int
        From the transfer of the last round of a whole block to that of its last residual round to the fabric, unless a
        block before holds it up, or the next one begins at once and pauses: fixed, whatever the events.
    max_cycles : int
        From the transfer of a block's last round to the first offer of its answer, if blocks come alone.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        As of the fabric.
    o : Out(stream.Signature(StructLayout))
        ``observables``: 1 bit.
    weights, refused
        With ``loaded``: as of the net, see :meth:`numbers`.

    Raises
    ------
    InputError
        If the net cannot be built so, or the detectors of inner rounds come in several orders.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        *,
        positions_per_cycle: int,
        loaded: Loaded | None = None,
        hops: int = 1,
        instances: bool = False,
    ) -> None:
        self.spec, self._orders = spec, round_orders(spec)
        volume = spec.volume
        planes = InputPlanes.of(cast(LayoutName, spec.net.layout), distance=volume.distance, basis=volume.basis)
        self.net = Predecoder(
            spec.net,
            planes=planes,
            positions_per_cycle=positions_per_cycle,
            loaded=loaded,
            bounds=Decisions.bounds_of(spec) if loaded else (),
            instances=instances,
        )
        self._lanes = Lanes(spec=spec) if spec.thresholds else None
        hints = self._lanes.hints if self._lanes else None
        self.fabric = UnionFind(spec.decoder, hops=hops, hints=hints, instances=instances)
        # The last round's logits come after those that it settles; then a cycle to offer the round of decisions.
        rounds = (spec.net.look_ahead + 1) * self.net.cycles_per_round - self.net.cycles_per_beat
        self.cycles_to_fabric = self.net.latency_cycles + rounds + 1
        if spec.commit == "closed":
            self.cycles_to_fabric += ClosedClusters.cycles(spec)
        members = {
            "i": In(stream.Signature(Loader.layout(spec.decoder.rounds))),
            "o": Out(stream.Signature(Fabric.layout(spec.decoder))),
        }
        if loaded:
            members |= {name: self.net.signature.members[name] for name in ("weights", "refused")}
        super().__init__(members)

    def numbers(self, spec: PipelineSpec) -> list[int]:
        """Return the list that loads the net and the bounds of another spec, in the order of ``net.lists``.

        Raises
        ------
        InputError
            If weights are constants, the net has another shape, or the specs differ in more than that.
        """
        if self.net.lists is None:
            raise InputError("a net must be in memory to be loaded, not in the logic; give loaded=Loaded()")
        bounds = ("above", "thresholds")
        alike = replace(spec, net=self.spec.net, **{name: getattr(self.spec, name) for name in bounds})
        if alike.sha256 != self.spec.sha256:
            raise InputError(
                "only the net, above and thresholds can be loaded: experiment, commit, union-find and hints must be "
                "those of the hardware, not others; compile both specs from one circuit and alike follow-ups"
            )
        return self.net.lists.numbers(spec.net, Decisions.bounds_of(spec))

    @property
    def max_cycles(self) -> int:
        # A block that ends early is followed by its empty rounds.
        late = (len(self.spec.decoder.rounds) - 1) * self.net.cycles_per_round
        return late + self.cycles_to_fabric + self.fabric.max_cycles

    def after_the_net(self) -> dict[str, wiring.Component]:
        """Return what decides on flips and applies them: ``decisions``, ``gate`` of closed clusters, ``residual``."""
        net, closed = self.net, self.spec.commit == "closed"
        return {
            "decisions": Decisions(
                self.spec,
                positions_per_cycle=net.positions_per_cycle,
                logit_bits=net.logit_bits,
                loaded=net.lists is not None,
            ),
            **({"gate": ClosedClusters(self.spec)} if closed else {}),
            "residual": Residual(self.spec, lanes=self._lanes),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        m.submodules.net, m.submodules.fabric = net, fabric = self.net, self.fabric
        parts: Any = self.after_the_net()
        m.submodules.decisions = decisions = parts["decisions"]
        m.submodules.residual = residual = parts["residual"]
        # Rounds that the net has taken and not answered yet.
        depth = spec.net.look_ahead + -(-net.latency_cycles // net.cycles_per_round) + 4
        m.submodules.events = events = SyncFIFO(width=Residual.event_layout(spec).size, depth=depth)
        m.submodules.frames = frames = SyncFIFO(width=1, depth=FRAMES)

        m.submodules.framing = framing = Framing(spec.decoder.rounds)
        wiring.connect(m, wiring.flipped(self.i), framing.i)
        i, beat, taken = framing.o, framing.o.payload, Signal()
        m.d.comb += [
            i.ready.eq(net.i.ready & events.w_rdy),
            taken.eq(i.valid & i.ready),
            net.i.valid.eq(i.valid & events.w_rdy),
            net.i.payload.events.eq(self._planes(m, beat, taken)),
            net.i.payload.last.eq(beat.last | beat.abort),
            events.w_en.eq(taken),
            events.w_data.eq(Cat(beat.detections, beat.abort)),
        ]
        wiring.connect(m, net.o, decisions.i)
        if net.lists:
            wiring.connect(m, wiring.flipped(self.weights), net.weights)
            m.d.comb += [self.refused.eq(net.refused), decisions.bounds.eq(net.bounds)]
        decided = residual
        if spec.commit == "closed":
            m.submodules.gate = decided = parts["gate"]
            wiring.connect(m, decided.o, residual.i)
            wiring.connect(m, decided.events_o, residual.events_i)
        wiring.connect(m, decisions.o, decided.i)
        m.d.comb += [
            decided.events_i.valid.eq(events.r_rdy),
            decided.events_i.payload.as_value().eq(events.r_data),
            events.r_en.eq(decided.events_i.ready),
        ]

        beat, last = residual.o.payload, residual.o.payload.last
        room = ~last | frames.w_rdy
        m.d.comb += [
            fabric.i.valid.eq(residual.o.valid & room),
            residual.o.ready.eq(fabric.i.ready & room),
            *(fabric.i.payload[name].eq(beat[name]) for name in beat.shape().members),
            frames.w_en.eq(residual.o.valid & residual.o.ready & last),
            frames.w_data.eq(residual.frame),
            self.o.valid.eq(fabric.o.valid & frames.r_rdy),
            self.o.payload.observables.eq(fabric.o.payload.observables ^ frames.r_data),
            fabric.o.ready.eq(self.o.ready & frames.r_rdy),
            frames.r_en.eq(self.o.valid & self.o.ready),
        ]
        return m

    def _planes(self, m: Module, beat: data.View, taken: Value) -> Value:
        """Return a round's events where the net finds them."""
        sites, first = self.spec.layout.event_sites, Signal(init=1)
        with m.If(taken):
            m.d.sync += first.eq(beat.last | beat.abort)
        kinds = []
        for order in self._orders:
            bits: list[Value] = [Signal(name="absent") for _ in range(len(self.net.i.payload.events))]
            for bit, (species, check) in enumerate(order):
                bits[sites[species, check]] = beat.detections[bit]
            kinds.append(Cat(bits))
        return Mux(first, kinds[0], Mux(beat.last, kinds[2], kinds[1]))

    def verilog(self, name: str = "union_find") -> str:
        """Return the design as Verilog with the top module ``name``; see :meth:`Placement.verilog`."""
        return self.net.placement.verilog(self, name, beside=(self.fabric.placement,))
