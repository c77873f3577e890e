# SPDX-License-Identifier: Apache-2.0
"""The board top: a decoder behind AXI4-Stream ports of 64 bits, fed and read by a processor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from amaranth import Array, ClockDomain, ClockSignal, Instance, Module, Mux, ResetSignal, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from synfab.decoders import UnionFindSpec
from synfab.rtl.emission import emitted
from synfab.rtl.predecoder.loaded import ListFormat, WeightPort
from synfab.rtl.union_find.design import Design
from synfab.rtl.union_find.fabric import Fabric
from synfab.rtl.union_find.loader import Loader

WORD_BITS = 64

WORD = data.StructLayout({"data": WORD_BITS, "last": 1})
"""A transfer of an answer: TDATA and TLAST."""

BLOCK_WORD = data.StructLayout({"data": WORD_BITS, "last": 1, "user": 1})
"""A transfer of a block: TDATA, TLAST and TUSER."""

ENTRY_WORD = data.StructLayout({"weight": 16, "default": 1, "reserved": 15, "edge": 32})
"""TDATA of an entry of weights."""

NUMBER_WORD = data.StructLayout({"number": signed(32), "last": 1, "reserved": 31})
"""TDATA of a number of a list."""


@dataclass(frozen=True, kw_only=True)
class WordFormat:
    """How blocks, answers and entries lie in 64-bit words, little end first; the oracle of :class:`AxiStreamTop`.

    *Block.* One round after the other, each padded to ``words_per_round`` words: bit k of the round is its k-th
    detector in ascending order, and sits in bit k % 64 of the round's word k // 64. ``tlast`` stands on the last
    word. A block that ends early is as if zeros had followed; words after the last round and bits above a round's
    detectors are ignored. ``tuser`` counts with ``tlast`` alone: the block is aborted, that is, forgotten, and gets no
    answer.

    *Answer.* One word with the observables, observable 0 in bit 0; then, if the decoder reports corrections, the
    bit of every edge, edge 0 in bit 0 of the second word, padded to whole words. ``tlast`` stands on the last word.

    *Entry*, with weights at run time. One word: the weight in bits 0 to 15 (0 erases the edge), bit 16 for a default
    that holds for all further blocks, too, and the number of the edge in bits 32 to 63. It is for the block whose last
    word is transferred next, in a later cycle; an aborted block takes its entries along, but for defaults. An entry is
    ignored if no edge has its number, if its weight does not fit the decoder's, or if it would make 0 a default. The
    other bits are ignored.

    *Number*, with a net in memory. One word: the number in bits 0 to 31, signed, and bit 32 with the last of a list. A
    list is what :class:`~synfab.rtl.predecoder.loaded.WeightPort` takes: it rules blocks of which the first word is
    transferred later, in a later cycle, or it is refused. The other bits are ignored.

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

    @staticmethod
    def entry_word(*, edge: int, weight: int, default: bool = False) -> int:
        """Return the word of an entry.

        Raises
        ------
        ValueError
            If the edge has more than 32 bits, or the weight more than 16.
        """
        if not 0 <= edge < 1 << 32 or not 0 <= weight < 1 << 16:
            raise ValueError(f"an entry must have an edge of 32 bits and a weight of 16, not {edge!r} and {weight!r}")
        return weight | int(default) << 16 | edge << 32

    @staticmethod
    def list_words(numbers: Sequence[int]) -> list[int]:
        """Return the words of a list.

        Raises
        ------
        ValueError
            If a number has more than 32 bits.
        """
        if wrong := [number for number in numbers if not -1 << 31 <= number < 1 << 31]:
            raise ValueError(f"a number of a list must have 32 bits with its sign, not be {wrong[0]!r}")
        return [number & 0xFFFFFFFF | (place == len(numbers) - 1) << 32 for place, number in enumerate(numbers)]

    @staticmethod
    def entry_from_word(word: int) -> tuple[int, int, bool]:
        """Return edge, weight, and whether it is a default."""
        return word >> 32, word & 0xFFFF, bool(word >> 16 & 1)


class Packer(wiring.Component):
    """Makes a beat of a round's words; a word with ``last`` makes one even if words are missing, which are then 0.

    Members
    -------
    i : In(stream.Signature(BLOCK_WORD))
    o : Out(stream.Signature(StructLayout))
        ``detections`` (``width`` bits), ``last`` and ``abort``, offered in the cycle of the round's last word.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        self._width = layout["detections"].width
        super().__init__({"i": In(stream.Signature(BLOCK_WORD)), "o": Out(stream.Signature(layout))})

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
            self.o.payload.abort.eq(word.last & word.user),
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


class EntryReader(wiring.Component):
    """Hands on the entries that the decoder can tell from others, and takes those away that it cannot.

    Members
    -------
    i : In(stream.Signature(ENTRY_WORD))
    o : Out(stream.Signature(StructLayout))
        ``weight``, ``default`` and ``edge``, in the cycle of the word.
    """

    def __init__(self, layout: data.StructLayout) -> None:
        super().__init__({"i": In(stream.Signature(ENTRY_WORD)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, entry = self.i.payload, self.o.payload
        # A number cut short would be another edge's, and a weight cut short an erasure.
        fits = (word.weight >> len(entry.weight) == 0) & (word.edge >> len(entry.edge) == 0)
        m.d.comb += [
            entry.weight.eq(word.weight),
            entry.default.eq(word.default),
            entry.edge.eq(word.edge),
            self.o.valid.eq(self.i.valid & fits),
            self.i.ready.eq(self.o.ready | ~fits),
        ]
        return m


class NumberReader(wiring.Component):
    """Hands on the numbers of lists; a number cut short would be another, so a list with one is made to be refused.

    A list of which a number is too wide is ended where it should not end, or does not end where it should: the
    decoder then refuses it, and what is left of it goes no further.

    Parameters
    ----------
    lists : ListFormat

    Members
    -------
    i : In(stream.Signature(NUMBER_WORD))
    o : Out(stream.Signature(WeightPort.layout(lists)))
    """

    def __init__(self, lists: ListFormat) -> None:
        self._lists = lists
        super().__init__({"i": In(stream.Signature(NUMBER_WORD)), "o": Out(stream.Signature(WeightPort.layout(lists)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word, beat, length = self.i.payload, self.o.payload, self._lists.length
        # Of the number in its list; ``length`` for all that come too late.
        place, dropping = Signal(range(length + 1)), Signal()
        fits, at_end, passed = Signal(), Signal(), Signal()
        m.d.comb += [
            beat.number.eq(word.number),
            fits.eq(beat.number == word.number),
            at_end.eq(place == length - 1),
            beat.last.eq(Mux(fits, word.last, ~at_end)),
            self.o.valid.eq(self.i.valid & ~dropping),
            passed.eq(self.o.valid & self.o.ready),
            # A last number that does not fit passes twice: as one that is not the last, and then as one that is.
            self.i.ready.eq(dropping | (self.o.ready & (fits | ~at_end))),
        ]
        with m.If(passed):
            m.d.sync += place.eq(place + (place != length))
            with m.If(beat.last):
                m.d.sync += [place.eq(0), dropping.eq(~word.last)]
        with m.If(dropping & self.i.valid):
            m.d.sync += dropping.eq(~word.last)
        return m


class AxiStreamTop(wiring.Component):
    """The AXI4-Stream wrapper of a :class:`~synfab.rtl.union_find.Fabric`, or of one behind a pre-decoder.

    Blocks, entries and lists come in and answers go out as :class:`WordFormat` says, in order. A round takes
    ``words_per_round`` cycles; no cycle is added to the decoder's latency. Every packet that is not aborted makes
    exactly one answer, whatever its length; ``tlast`` alone separates blocks, so a packet that is too short or too long
    does not disturb the next.

    Parameters
    ----------
    spec : UnionFindSpec
        Of the union-find.
    design : Design
        How the decoder is built.
    lists : ListFormat or None
        Of the nets that a pre-decoder takes, if it has its weights in memory.
    decoder : str or None
        The Verilog module of which the decoder is an instance; None makes a fabric alone a submodule, for Amaranth's
        simulator.

    Members
    -------
    aclk, aresetn : In(1)
        Clock, and reset: synchronous, active low.
    s_axis_tdata : In(64)
    s_axis_tvalid, s_axis_tlast : In(1)
    s_axis_tuser : In(1)
        With ``tlast``: the block is aborted.
    s_axis_tready : Out(1)
    w_axis_tdata : In(64)
        With ``w_axis_tvalid`` and ``w_axis_tready`` only in a design with ``runtime_weights``: an entry a word, without
        ``tlast``; or with ``lists``: a number a word, without ``tlast``, for a word says itself that it ends a list.
    w_axis_tvalid : In(1)
    w_axis_tready : Out(1)
    refused : Out(1)
        With ``lists``: the last list that ended or went wrong was refused.
    m_axis_tdata : Out(64)
    m_axis_tvalid, m_axis_tlast : Out(1)
    m_axis_tready : In(1)

    Raises
    ------
    ValueError
        If there are lists, and the decoder is a submodule or takes entries.
    """

    def __init__(
        self,
        spec: UnionFindSpec,
        *,
        design: Design | None = None,
        lists: ListFormat | None = None,
        decoder: str | None = "union_find",
    ) -> None:
        self._spec, self._design, self._lists, self._decoder = spec, design or Design(), lists, decoder
        if lists and (decoder is None or self._design.runtime_weights):
            raise ValueError("lists must go to an instance without runtime_weights, not to another decoder")
        self.format = WordFormat.of(spec, corrections=self._design.corrections)
        ports = {
            "aclk": In(1),
            "aresetn": In(1),
            "s_axis_tdata": In(WORD_BITS),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "s_axis_tlast": In(1),
            "s_axis_tuser": In(1),
            "m_axis_tdata": Out(WORD_BITS),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            "m_axis_tlast": Out(1),
        }
        streams = ["s_axis", "m_axis"]
        if self._design.runtime_weights or lists:
            ports |= {"w_axis_tdata": In(WORD_BITS), "w_axis_tvalid": In(1), "w_axis_tready": Out(1)}
            streams.append("w_axis")
        if lists:
            ports["refused"] = Out(1)
        super().__init__(ports)
        # Vivado's IP integrator knows the ports by their names, but not which clock the streams belong to (UG994).
        self.aclk.attrs.update(
            X_INTERFACE_INFO="xilinx.com:signal:clock:1.0 aclk CLK",
            X_INTERFACE_PARAMETER=f"ASSOCIATED_BUSIF {':'.join(streams)}, ASSOCIATED_RESET aresetn",
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
        m.submodules.unpacker = unpacker = Unpacker(Fabric.layout(self._spec, corrections=self._design.corrections))
        streams = {"i": packer.o, "o": unpacker.i}
        if self._design.runtime_weights or self._lists:
            reader = NumberReader(self._lists) if self._lists else EntryReader(Fabric.weight_layout(self._spec))
            m.submodules.reader = reader
            streams["weights" if self._lists else "w"] = reader.o
            m.d.comb += [
                reader.i.payload.as_value().eq(self.w_axis_tdata),
                reader.i.valid.eq(self.w_axis_tvalid),
                self.w_axis_tready.eq(reader.i.ready),
            ]
        self._place_decoder(m, streams)
        m.d.comb += [
            packer.i.payload.data.eq(self.s_axis_tdata),
            packer.i.payload.last.eq(self.s_axis_tlast),
            packer.i.payload.user.eq(self.s_axis_tuser),
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

        The decoder's own modules are not in it: they are :meth:`Fabric.verilog` of the same spec and design, or
        :meth:`Pipeline.verilog` of one whose net has the same lists.

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

    def _place_decoder(self, m: Module, streams: Mapping[str, stream.Interface]) -> None:
        """Put the decoder between the streams, named as its own; all but ``o`` go into it."""
        if self._decoder is None:
            m.submodules.decoder = decoder = self._design.fabric(self._spec, instances=False)
            for name, port in streams.items():
                wiring.connect(m, port, getattr(decoder, name))
            return
        ports = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for name, port in streams.items():
            forward, backward = ("o", "i") if name == "o" else ("i", "o")
            ports |= {
                f"{forward}_{name}__payload": port.payload,
                f"{forward}_{name}__valid": port.valid,
                f"{backward}_{name}__ready": port.ready,
            }
        if self._lists:
            ports["o_refused"] = self.refused
        m.submodules.decoder = Instance(self._decoder, **ports)


def _words(bits: int) -> int:
    return -(-bits // WORD_BITS)
