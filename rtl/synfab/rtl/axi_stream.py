# SPDX-License-Identifier: Apache-2.0
"""The board top: a union-find decoder behind AXI4-Stream ports of 64 bits, fed and read by a processor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from amaranth import Array, ClockDomain, ClockSignal, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.rtl.emission import emitted
from synfab.rtl.union_find import UnionFind
from synfab.rtl.union_find.loader import Loader

WORD_BITS = 64

WORD = data.StructLayout({"data": WORD_BITS, "last": 1})
"""A transfer on either side: TDATA and TLAST."""


@dataclass(frozen=True, kw_only=True)
class WordFormat:
    """How blocks and answers lie in 64-bit words, little end first; the oracle of :class:`AxiStreamTop`.

    *Block.* One round after the other, each padded to ``words_per_round`` words: bit k of the round is its k-th
    detector in ascending order, and sits in bit k % 64 of the round's word k // 64. ``tlast`` stands on the last
    word. A block that ends early is as if zeros had followed; words after the last round and bits above a round's
    detectors are ignored.

    *Answer.* One word with the observables, observable 0 in bit 0; then, if the decoder reports corrections, the
    bit of every edge, edge 0 in bit 0 of the second word, padded to whole words. ``tlast`` stands on the last word.

    Attributes
    ----------
    rounds : tuple of tuple of int
        Detectors of each round.
    num_edges : int or None
        Edges whose corrections are reported; None without corrections.
    """

    rounds: tuple[tuple[int, ...], ...]
    num_edges: int | None

    @classmethod
    def of(cls, spec: UnionFindSpec, *, corrections: bool = False) -> Self:
        """Return the format of the decoder made from ``spec``."""
        return cls(rounds=spec.rounds, num_edges=len(spec.edges) if corrections else None)

    @property
    def words_per_round(self) -> int:
        """Words of one round: the widest decides."""
        return _words(max(map(len, self.rounds)))

    @property
    def words_per_answer(self) -> int:
        """Words of one answer."""
        # An empty vector of corrections still has a word, as it has a bit in the decoder.
        return 1 if self.num_edges is None else 1 + _words(max(1, self.num_edges))

    def block_words(self, events: int) -> list[int]:
        """Return the words of one block from its detection events, detector 0 in bit 0."""
        words = []
        for detectors in self.rounds:
            bits = sum((events >> detector & 1) << bit for bit, detector in enumerate(detectors))
            words += [bits >> WORD_BITS * k & (1 << WORD_BITS) - 1 for k in range(self.words_per_round)]
        return words

    def answer_from_words(self, words: Sequence[int]) -> tuple[int, int | None]:
        """Return the observables and the corrections (None if not reported) from the words of one answer.

        Raises
        ------
        ValueError
            If there are not ``words_per_answer`` words.
        """
        if len(words) != self.words_per_answer:
            raise ValueError(f"an answer must have {self.words_per_answer} words, not {len(words)}")
        corrections = sum(word << WORD_BITS * k for k, word in enumerate(words[1:]))
        return words[0], None if self.num_edges is None else corrections


class Packer(wiring.Component):
    """Makes a beat of a round's words; a word with ``last`` makes one even if words are missing, which are then 0.

    Members
    -------
    i : In(stream.Signature(WORD))
    o : Out(stream.Signature(StructLayout))
        ``detections`` (``width`` bits) and ``last``, offered in the cycle of the round's last word.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self._width = layout["detections"].width
        super().__init__({"i": In(stream.Signature(WORD)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        num_words = _words(self._width)
        index = Signal(range(max(2, num_words)))
        collected = Signal(WORD_BITS * num_words)
        beat = Signal.like(collected)
        complete = Signal()
        word = self.i.payload
        m.d.comb += [
            beat.eq(collected),
            beat.word_select(index, WORD_BITS).eq(word.data),
            complete.eq(word.last | (index == num_words - 1)),
            self.o.payload.detections.eq(beat[: self._width]),
            self.o.payload.last.eq(word.last),
            self.o.valid.eq(self.i.valid & complete),
            self.i.ready.eq(self.o.ready | ~complete),
        ]
        with m.If(self.i.valid & self.i.ready):
            with m.If(complete):
                m.d.sync += [index.eq(0), collected.eq(0)]
            with m.Else():
                m.d.sync += [index.eq(index + 1), collected.eq(beat)]
        return m


class Unpacker(wiring.Component):
    """Sends an answer as words: the observables, then the corrections.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        The answer of a decoder; taken with its last word.
    o : Out(stream.Signature(WORD))
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self._layout = layout
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(WORD))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = []
        for name, field in self._layout:
            bits = Value.cast(self.i.payload[name])
            words += [bits[k : k + WORD_BITS] for k in range(0, field.width, WORD_BITS)]
        index = Signal(range(max(2, len(words))))
        m.d.comb += [
            self.o.payload.data.eq(Array(words)[index]),
            self.o.payload.last.eq(index == len(words) - 1),
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready & self.o.payload.last),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += index.eq(index + 1)
            with m.If(self.o.payload.last):
                m.d.sync += index.eq(0)
        return m


class AxiStreamTop(wiring.Component):
    """The AXI4-Stream wrapper of :class:`~synfab.rtl.union_find.UnionFind`.

    Blocks come in and answers go out as :class:`WordFormat` says, in order. A round takes ``words_per_round``
    cycles; no cycle is added to the decoder's latency. Every packet makes exactly one answer, whatever its length;
    ``tlast`` alone separates blocks, so a packet that is too short or too long does not disturb the next.

    Parameters
    ----------
    spec : UnionFindSpec
    corrections : bool
        Answer with the corrections of all edges, too.
    decoder : str or None
        The Verilog module of which the decoder is an instance; None makes it a submodule, for Amaranth's simulator.

    Members
    -------
    aclk, aresetn : In(1)
        Clock, and reset: synchronous, active low.
    s_axis_tdata : In(64)
    s_axis_tvalid, s_axis_tlast : In(1)
    s_axis_tready : Out(1)
    m_axis_tdata : Out(64)
    m_axis_tvalid, m_axis_tlast : Out(1)
    m_axis_tready : In(1)
    """

    def __init__(self, spec: UnionFindSpec, *, corrections: bool = False, decoder: str | None = "union_find") -> None:
        self.format = WordFormat.of(spec, corrections=corrections)
        self._spec, self._corrections, self._decoder = spec, corrections, decoder
        super().__init__(
            {
                "aclk": In(1),
                "aresetn": In(1),
                "s_axis_tdata": In(WORD_BITS),
                "s_axis_tvalid": In(1),
                "s_axis_tready": Out(1),
                "s_axis_tlast": In(1),
                "m_axis_tdata": Out(WORD_BITS),
                "m_axis_tvalid": Out(1),
                "m_axis_tready": In(1),
                "m_axis_tlast": Out(1),
            }
        )
        # Vivado's IP integrator knows the ports by their names, but not which clock the streams belong to (UG994).
        self.aclk.attrs.update(
            X_INTERFACE_INFO="xilinx.com:signal:clock:1.0 aclk CLK",
            X_INTERFACE_PARAMETER="ASSOCIATED_BUSIF s_axis:m_axis, ASSOCIATED_RESET aresetn",
        )
        self.aresetn.attrs.update(
            X_INTERFACE_INFO="xilinx.com:signal:reset:1.0 aresetn RST",
            X_INTERFACE_PARAMETER="POLARITY ACTIVE_LOW",
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain()
        sync.clk = self.aclk
        m.d.comb += ResetSignal().eq(~self.aresetn)
        m.submodules.packer = packer = Packer(Loader.layout(self._spec.rounds))
        m.submodules.unpacker = unpacker = Unpacker(UnionFind.layout(self._spec, corrections=self._corrections))
        self._place_decoder(m, packer.o, unpacker.i)
        m.d.comb += [
            packer.i.payload.data.eq(self.s_axis_tdata),
            packer.i.payload.last.eq(self.s_axis_tlast),
            packer.i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(packer.i.ready),
            self.m_axis_tdata.eq(unpacker.o.payload.data),
            self.m_axis_tlast.eq(unpacker.o.payload.last),
            self.m_axis_tvalid.eq(unpacker.o.valid),
            unpacker.o.ready.eq(self.m_axis_tready),
        ]
        return m

    def verilog(self, name: str = "union_find_axis") -> str:
        """Return the wrapper as Verilog with the top module ``name``; needs the decoder as an instance.

        The decoder's own modules are not in it: they are :meth:`UnionFind.verilog` of the same spec and
        ``corrections``.

        Raises
        ------
        ValueError
            If the decoder is a submodule.
        """
        if self._decoder is None:
            raise ValueError(
                "the wrapper's Verilog must name the decoder's module, not None: give decoder='union_find'"
            )
        return emitted(self, name)

    def _place_decoder(self, m: Module, beats: stream.Interface, answers: stream.Interface) -> None:
        if self._decoder is None:
            m.submodules.decoder = decoder = UnionFind(self._spec, corrections=self._corrections)
            wiring.connect(m, beats, decoder.i)
            wiring.connect(m, decoder.o, answers)
            return
        m.submodules.decoder = Instance(
            self._decoder,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_i__payload=beats.payload,
            i_i__valid=beats.valid,
            o_i__ready=beats.ready,
            o_o__payload=answers.payload,
            o_o__valid=answers.valid,
            i_o__ready=answers.ready,
        )


def _words(bits: int) -> int:
    return -(-bits // WORD_BITS)
