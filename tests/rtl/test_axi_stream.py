# SPDX-License-Identifier: Apache-2.0
"""The board top against the word format and the reference: traffic, contradictory lengths, resets, and its Verilog."""

import itertools
import random
import re
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth import Cat
from amaranth.sim import Simulator

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.axi_stream import AxiStreamTop, WordFormat
from synfab.rtl.simulation import Exchange, Pause, Port, exchange, never
from synfab.rtl.union_find import UnionFind

BOUNDARY = -1
LAST = 1 << 64

Shots = npt.NDArray[np.uint8]


def repetition() -> UnionFindSpec:
    memory = Memory(code="repetition", distance=3, rounds=2, noise="phenomenological", p=0.02)
    return UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()))


def wide() -> UnionFindSpec:
    """70 detectors, each with an edge to the boundary: a round takes two words, and so do the 71 corrections."""
    edges = [(0, BOUNDARY), (0, 1), *((detector, BOUNDARY) for detector in range(1, 70))]
    return UnionFindSpec(
        num_detectors=70,
        num_observables=2,
        edges=tuple(edges),
        weights=tuple(1 + index % 3 for index in range(71)),
        edge_observables=tuple(index % 4 for index in range(71)),
        rounds=(tuple(range(3)), tuple(range(3, 70))),
        weight_bits=2,
    )


def without_observables() -> UnionFindSpec:
    return UnionFindSpec(
        num_detectors=2,
        num_observables=0,
        edges=(),
        weights=(),
        edge_observables=(),
        rounds=((0,), (1,)),
        weight_bits=1,
    )


SPECS = {"repetition": repetition, "wide": wide, "without observables": without_observables}


def shots_of(spec: UnionFindSpec, number: int) -> Shots:
    """Some syndromes, the empty and the full one among them."""
    shots = np.random.default_rng(5).random((number, spec.num_detectors)) < np.linspace(0, 1, number)[:, np.newaxis]
    return shots.astype(np.uint8)


def number_of(bits: npt.NDArray[np.uint8]) -> int:
    return sum(int(bit) << k for k, bit in enumerate(bits))


def ref_answers(spec: UnionFindSpec, shots: Shots, corrections: bool) -> list[tuple[int, int | None]]:
    observables = [number_of(row) for row in spec.decode_batch(shots)]
    edges = [number_of(row) for row in spec.decode_to_edges(shots)]
    return list(zip(observables, edges if corrections else itertools.repeat(None), strict=False))


def packet(words: list[int]) -> list[int]:
    """The beats of a packet: TLAST above TDATA."""
    return [*words[:-1], words[-1] | LAST]


def answers_from_beats(words: WordFormat, beats: list[int]) -> list[tuple[int, int | None]]:
    """Split at TLAST and read each answer."""
    answers, begun = [], []
    for beat in beats:
        begun.append(beat & LAST - 1)
        if beat & LAST:
            answers.append(words.answer_from_words(begun))
            begun = []
    assert not begun, "the last answer must end with TLAST"
    return answers


class Board:
    """The top, simulated as a submodule form, and the processor at its streams."""

    def __init__(self, spec: UnionFindSpec, *, corrections: bool = False) -> None:
        self.top: Any = AxiStreamTop(spec, corrections=corrections, decoder=None)
        self.format = WordFormat.of(spec, corrections=corrections)
        top = self.top
        self.i = Port(top.s_axis_tvalid, top.s_axis_tready, Cat(top.s_axis_tdata, top.s_axis_tlast))
        self.o = Port(top.m_axis_tvalid, top.m_axis_tready, Cat(top.m_axis_tdata, top.m_axis_tlast))

    def simulate(self, testbench: Callable[[Any], Coroutine]) -> None:
        async def after_reset(context: Any) -> None:
            await self.reset(context)
            await testbench(context)

        simulator = Simulator(self.top)
        simulator.add_clock(1e-6)
        simulator.add_testbench(after_reset)
        simulator.run()

    async def reset(self, context: Any) -> None:
        context.set(self.top.aresetn, 0)
        await context.tick()
        assert not context.get(self.top.m_axis_tvalid)
        context.set(self.top.aresetn, 1)

    async def exchange(
        self, context: Any, beats: list[int], answers: int, *, input_pause: Pause = never, output_pause: Pause = never
    ) -> Exchange:
        words = answers * self.format.words_per_answer
        pauses = {"input_pause": input_pause, "output_pause": output_pause}
        return await exchange(context, self.i, self.o, beats, answers=words, patience=1000, **pauses)


def rtl_answers(
    spec: UnionFindSpec, packets: list[list[int]], corrections: bool, **traffic: Pause
) -> list[tuple[int, int | None]]:
    board = Board(spec, corrections=corrections)
    seen = []

    async def testbench(context: Any) -> None:
        beats = [beat for words in packets for beat in packet(words)]
        seen.append(await board.exchange(context, beats, len(packets), **traffic))

    board.simulate(testbench)
    return answers_from_beats(board.format, seen[0].received)


def pauses(seed: int) -> Pause:
    draw = random.Random(seed)
    return lambda: draw.choice((0, draw.randint(1, 6)))


def test_format_of_a_block():
    words = WordFormat.of(wide())
    assert (words.words_per_round, words.words_per_answer) == (2, 1)
    # Detector 1 is bit 1 of round 0; detectors 3, 66, 67 and 69 are bits 0, 63, 64 and 66 of round 1.
    events = sum(1 << detector for detector in (1, 3, 66, 67, 69))
    assert words.block_words(events) == [2, 0, 1 | 1 << 63, 1 | 1 << 2]


def test_format_of_an_answer():
    words = WordFormat.of(wide(), corrections=True)
    assert words.words_per_answer == 3
    assert words.answer_from_words([3, 1 << 63, 1]) == (3, 1 << 63 | 1 << 64)
    assert WordFormat.of(wide()).answer_from_words([2]) == (2, None)
    with pytest.raises(ValueError, match="an answer must have 3 words, not 2"):
        words.answer_from_words([0, 0])


@pytest.mark.parametrize("corrections", [False, True], ids=["observables", "corrections"])
@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize("name", SPECS)
def test_answers(name, paused, corrections):
    spec = SPECS[name]()
    shots = shots_of(spec, 24)
    words = WordFormat.of(spec, corrections=corrections)
    packets = [words.block_words(number_of(shot)) for shot in shots]
    traffic = {"input_pause": pauses(1), "output_pause": pauses(2)} if paused else {}
    assert rtl_answers(spec, packets, corrections, **traffic) == ref_answers(spec, shots, corrections)


def ref_shot(spec: UnionFindSpec, words: list[int]) -> npt.NDArray[np.uint8]:
    """The detection events in a packet, whatever its length."""
    shot = np.zeros(spec.num_detectors, np.uint8)
    width = WordFormat.of(spec).words_per_round
    for number, detectors in enumerate(spec.rounds):
        bits = sum(word << 64 * k for k, word in enumerate(words[number * width : (number + 1) * width]))
        shot[list(detectors)] = [bits >> k & 1 for k in range(len(detectors))]
    return shot


@pytest.mark.parametrize("name", ["repetition", "wide"])
def test_packets_of_any_length_and_content(name):
    """A short packet is as if zeros followed; superfluous words and bits are ignored; the next is unharmed."""
    spec = SPECS[name]()
    draw = random.Random(6)
    whole = len(WordFormat.of(spec).block_words(0))
    packets = [[draw.getrandbits(64) for _ in range(1 + k % (whole + 4))] for k in range(32)]
    random.Random(7).shuffle(packets)
    shots = np.array([ref_shot(spec, words) for words in packets])
    assert rtl_answers(spec, packets, False) == ref_answers(spec, shots, False)


def test_packets_read_by_the_reference_are_those_of_the_format():
    for make in SPECS.values():
        spec = make()
        for shot in shots_of(spec, 10):
            assert np.array_equal(ref_shot(spec, WordFormat.of(spec).block_words(number_of(shot))), shot)


@pytest.mark.parametrize("name", ["repetition", "wide"])
def test_reset_in_mid_packet_leaves_no_trace(name):
    """The reset falls between words, while a block is decoded, and while an answer is sent."""
    spec = SPECS[name]()
    board = Board(spec, corrections=True)
    shots = shots_of(spec, 16)
    got = []

    async def testbench(context: Any) -> None:
        for number, shot in enumerate(shots):
            full = packet([(1 << 64) - 1] * len(board.format.block_words(0)))
            await exchange(context, board.i, board.o, full[: 1 + number % len(full)], answers=0)
            if number % 3 == 0 and number % len(full) == len(full) - 1:
                await exchange(context, board.i, board.o, [], answers=1)
            await context.tick().repeat(1 + number % 7)
            await board.reset(context)
            beats = packet(board.format.block_words(number_of(shot)))
            got.extend((await board.exchange(context, beats, 1)).received)

    board.simulate(testbench)
    assert answers_from_beats(board.format, got) == ref_answers(spec, shots, True)


def test_no_cycle_is_added():
    """An empty block is answered two cycles after its last word, as by the decoder itself."""
    spec = repetition()
    board = Board(spec)
    seen = []

    async def testbench(context: Any) -> None:
        seen.append(await board.exchange(context, packet(board.format.block_words(0)), 1))

    board.simulate(testbench)
    (result,) = seen
    assert result.sent == [0, 1, 2]
    assert result.offered == [4]


PORTS = {
    "aclk": ("input", 1),
    "aresetn": ("input", 1),
    "s_axis_tdata": ("input", 64),
    "s_axis_tvalid": ("input", 1),
    "s_axis_tready": ("output", 1),
    "s_axis_tlast": ("input", 1),
    "m_axis_tdata": ("output", 64),
    "m_axis_tvalid": ("output", 1),
    "m_axis_tready": ("input", 1),
    "m_axis_tlast": ("output", 1),
}


def modules(verilog: str) -> list[str]:
    return re.findall(r"^module (\\?\S+) ?\(", verilog, re.MULTILINE)


def ports(verilog: str) -> dict[str, tuple[str, int]]:
    """The ports of the first module by name: direction and width."""
    top = verilog[: verilog.index("endmodule")]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_verilog_has_the_ports_that_the_block_design_connects():
    verilog = AxiStreamTop(wide(), corrections=True).verilog()
    assert modules(verilog)[0] == "union_find_axis"
    assert ports(verilog) == PORTS


def test_verilog_tells_the_clock_of_the_streams():
    verilog = AxiStreamTop(wide()).verilog("board_top")
    assert modules(verilog)[0] == "board_top"
    top = verilog[: verilog.index("endmodule")]
    parameter = '(* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axis:m_axis, ASSOCIATED_RESET aresetn" *)'
    assert re.search(re.escape(parameter) + r"\n  input aclk;", top)


def test_verilog_goes_with_the_decoder_s():
    """The instance has the ports of the decoder's module, and no module is in both files."""
    decoder = UnionFind(repetition(), corrections=True, instances=True).verilog()
    wrapper = AxiStreamTop(repetition(), corrections=True).verilog()
    assert not set(modules(decoder)) & set(modules(wrapper))
    instance = re.search(r"^  union_find decoder \((.*?)\);", wrapper, re.MULTILINE | re.DOTALL)
    assert instance is not None
    assert set(re.findall(r"\.(\w+)\(", instance[1])) == set(ports(decoder))


@pytest.mark.usefixtures("unused")
def test_submodule_form_has_no_verilog():
    with pytest.raises(ValueError, match="must name the decoder's module, not None: give decoder='union_find'"):
        AxiStreamTop(repetition(), decoder=None).verilog()
