# SPDX-License-Identifier: Apache-2.0
"""What every micro-architecture shows to the outside."""

from abc import abstractmethod

from amaranth import Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.errors import InputError
from synfab.rtl.element import Placement
from synfab.rtl.union_find.hints import HintPort, Hints
from synfab.rtl.union_find.loader import Loader


class Fabric(wiring.Component):
    """Weighted union-find decoder behind two streams; a subclass is one micro-architecture.

    Takes the detection events of one block, a round a beat, and answers with the predicted observable flips.
    Equal, bit for bit, to :meth:`UnionFindSpec.decode` and, with ``corrections``, to
    :meth:`UnionFindSpec.decode_to_edges`.

    Parameters
    ----------
    spec : UnionFindSpec
    corrections : bool
        Answer with the corrections of all edges, too.
    runtime_weights : bool
        Take weights from ``w``; without it the spec's are part of the hardware.
    hints : Hints or None
        Take levels with the beats, which lower weights; not with ``runtime_weights``.
    instances : bool
        Emit one Verilog module a kind of element (see :class:`~synfab.rtl.element.Placement`); False for
        Amaranth's simulator.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        ``detections``: events of one round, its lowest detector in bit 0 (``spec.rounds``); ``last`` ends the
        block. Rounds that do not come count as empty, beats past the last round are ignored. ``abort`` ends the
        block, too, but it is forgotten, this beat included, and gets no answer. With ``hints`` also ``levels``, for the
        same block; those of rounds that do not come are silent.
    w : In(stream.Signature(StructLayout))
        Only with ``runtime_weights``. ``weight`` (weight_bits bits) of edge number ``edge``, for the block whose last
        beat passes next (not in the same cycle); with ``default`` for all further blocks, too, until a reset brings
        the spec's back. Weight 0 erases the edge: it is full from the start (``weights`` of
        :meth:`UnionFindSpec.decode_batch`). Of two entries for one edge the later counts. An entry is ignored if no
        edge has its number, or if it would make 0 a default. Defaults that are to rise come as a list of all edges by
        ascending number: other entries lead to the same answers, in more cycles
        (:class:`~synfab.rtl.union_find.weights.WeightPort`).
    o : Out(stream.Signature(StructLayout))
        ``observables`` (num_observables bits, at least 1), and with ``corrections`` the bit of every edge.

    Raises
    ------
    InputError
        If the spec has no detectors, or hints are not for it.
    """

    def __init__(
        self,
        spec: UnionFindSpec,
        *,
        corrections: bool = False,
        runtime_weights: bool = False,
        hints: Hints | None = None,
        instances: bool = False,
    ) -> None:
        if hints and runtime_weights:
            raise InputError("hints must come to a fabric with weights of its own, not with runtime_weights; take one")
        if hints:
            hints.require(spec)
        if not spec.num_detectors:
            raise InputError("a fabric must have at least one detector, not a spec without any; nothing to decode")
        self.spec = spec
        self.corrections, self.runtime_weights, self.hints = corrections, runtime_weights, hints
        self.num_labels = max(1, spec.num_observables)
        self.placement = Placement(instances=instances)
        streams = {
            "i": In(stream.Signature(HintPort.layout(spec, hints) if hints else Loader.layout(spec.rounds))),
            "o": Out(stream.Signature(self.layout(spec, corrections=corrections))),
        }
        if runtime_weights:
            streams["w"] = In(stream.Signature(self.weight_layout(spec)))
        super().__init__(streams)

    @property
    @abstractmethod
    def max_cycles(self) -> int:
        """Cycles that no block exceeds, whatever its events, its weights and the blocks before.

        From the transfer of its last beat to the first offer of its answer, without those in which the answer before
        it is held up. Proved in :mod:`synfab.rtl.union_find.bounds`.
        """

    @staticmethod
    def layout(spec: UnionFindSpec, *, corrections: bool = False) -> data.StructLayout:
        """Return the layout of an answer."""
        answer = {"observables": max(1, spec.num_observables)}
        if corrections:
            answer["corrections"] = max(1, len(spec.edges))
        return data.StructLayout(answer)

    @staticmethod
    def weight_layout(spec: UnionFindSpec) -> data.StructLayout:
        """Return the layout of an entry of ``w``: ``weight``, ``default``, ``edge``."""
        edge_bits = max(1, (len(spec.edges) - 1).bit_length())
        return data.StructLayout({"weight": spec.weight_bits, "default": 1, "edge": edge_bits})

    @property
    def memory_bits(self) -> int:
        """Bits of the detectors' words, where they live in memories."""
        return 0

    def hand_over(self, m: Module, done: Value, observables: Value, corrections: Value) -> Value:
        """Put the answer register between the decoder and ``o``.

        Parameters
        ----------
        done : Value
            The answer is taken into the register; only in a cycle in which the returned value is 1.
        observables, corrections : Value
            XOR of the labels of all detection events, and the bit of every edge, before ``flipped_edges``.

        Returns
        -------
        Value
            Whether the register can take an answer: it is empty, or being emptied.
        """
        spec = self.spec
        answer = Signal.like(self.o.payload)
        m.d.comb += answer.observables.eq(observables ^ Const(spec.observable_flips, self.num_labels))
        if self.corrections:
            flipped = Const(sum(1 << edge for edge in spec.flipped_edges), len(answer.corrections))
            m.d.comb += answer.corrections.eq(corrections ^ flipped)
        held = Signal.like(self.o.payload)
        valid = Signal()
        m.d.comb += [self.o.valid.eq(valid), self.o.payload.eq(held)]
        with m.If(self.o.ready):
            m.d.sync += valid.eq(0)
        with m.If(done):
            m.d.sync += [valid.eq(1), held.eq(answer)]
        return ~valid | self.o.ready

    def verilog(self, name: str = "union_find") -> str:
        """Return the design as Verilog with the top module ``name``; see :meth:`Placement.verilog`."""
        return self.placement.verilog(self, name)
