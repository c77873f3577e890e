# SPDX-License-Identifier: Apache-2.0
"""The board top against the word format and the reference: traffic, contradictory lengths, aborts, entries, resets."""

import itertools
import random
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from amaranth import Cat, Signal
from amaranth.sim import Simulator

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.rtl.axi_stream import AxiStreamTop, WordFormat
from synfab.rtl.simulation import Exchange, Pause, Port, exchange, never
from synfab.rtl.union_find.design import Design

BOUNDARY = -1
LAST = 1 << 64
USER = 1 << 65

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
SHARED = Design(micro_architecture="shared", detectors_per_element=3)
WEIGHTS = Design(runtime_weights=True, corrections=True)


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

    def __init__(self, spec: UnionFindSpec, *, design: Design | None = None) -> None:
        self.top: Any = AxiStreamTop(spec, design=design, decoder=None)
        self.format = self.top.format
        top = self.top
        self.i = Port(top.s_axis_tvalid, top.s_axis_tready, Cat(top.s_axis_tdata, top.s_axis_tlast, top.s_axis_tuser))
        self.o = Port(top.m_axis_tvalid, top.m_axis_tready, Cat(top.m_axis_tdata, top.m_axis_tlast))

    def simulate(self, *testbenches: Callable[[Any], Coroutine]) -> None:
        """Run the first after a reset, the others from the start."""

        async def after_reset(context: Any) -> None:
            await self.reset(context)
            await testbenches[0](context)

        simulator = Simulator(self.top)
        simulator.add_clock(1e-6)
        for testbench in (after_reset, *testbenches[1:]):
            simulator.add_testbench(testbench)
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
    spec: UnionFindSpec, packets: list[list[int]], design: Design, **traffic: Pause
) -> list[tuple[int, int | None]]:
    """Answers to packets, whose last word may hold the bit of an abort."""
    board = Board(spec, design=design)
    seen = []

    async def testbench(context: Any) -> None:
        beats = [beat for words in packets for beat in packet(words)]
        answered = sum(not words[-1] & USER for words in packets)
        seen.append(await board.exchange(context, beats, answered, **traffic))

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
    design = Design(corrections=corrections)
    assert rtl_answers(spec, packets, design, **traffic) == ref_answers(spec, shots, corrections)


def ref_shot(spec: UnionFindSpec, words: list[int]) -> npt.NDArray[np.uint8]:
    """The detection events in a packet, whatever its length."""
    shot = np.zeros(spec.num_detectors, np.uint8)
    width = WordFormat.of(spec).words_per_round
    for number, detectors in enumerate(spec.rounds):
        bits = sum(word << 64 * k for k, word in enumerate(words[number * width : (number + 1) * width]))
        shot[list(detectors)] = [bits >> k & 1 for k in range(len(detectors))]
    return shot


@pytest.mark.parametrize(
    ("name", "design"),
    [("repetition", Design()), ("wide", Design()), ("repetition", SHARED)],
    ids=["repetition", "wide", "shared"],
)
def test_packets_of_any_length_and_content(name, design):
    """A short packet is as if zeros followed; superfluous words and bits are ignored; the next is unharmed."""
    spec = SPECS[name]()
    draw = random.Random(6)
    whole = len(WordFormat.of(spec).block_words(0))
    packets = [[draw.getrandbits(64) for _ in range(1 + k % (whole + 4))] for k in range(32)]
    random.Random(7).shuffle(packets)
    shots = np.array([ref_shot(spec, words) for words in packets])
    assert rtl_answers(spec, packets, design) == ref_answers(spec, shots, False)


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize(
    ("name", "design"),
    [("repetition", Design()), ("wide", Design()), ("repetition", SHARED)],
    ids=["repetition", "wide", "shared"],
)
def test_aborted_packets_are_forgotten(name, design, paused):
    """Of any length; TUSER counts with TLAST alone."""
    spec = SPECS[name]()
    draw = random.Random(8)
    whole = len(WordFormat.of(spec).block_words(0))
    packets = [[draw.getrandbits(64) for _ in range(1 + k % (whole + 2))] for k in range(48)]
    draw.shuffle(packets)
    aborted = [draw.random() < 0.4 for _ in packets]
    beats = [
        [*(word | draw.choice((0, USER)) for word in words[:-1]), words[-1] | USER * abort]
        for words, abort in zip(packets, aborted, strict=True)
    ]
    shots = np.array([ref_shot(spec, words) for words, abort in zip(packets, aborted, strict=True) if not abort])
    assert 10 < len(shots) < len(packets) - 10
    traffic = {"input_pause": pauses(3), "output_pause": pauses(4)} if paused else {}
    assert rtl_answers(spec, beats, design, **traffic) == ref_answers(spec, shots, False)


@dataclass
class Block:
    """One block: its detection events and the words of its entries."""

    shot: npt.NDArray[np.uint8]
    entries: list[int]
    aborted: bool


def random_blocks(spec: UnionFindSpec, number: int) -> list[Block]:
    """With entries that cannot be: of no edge, too heavy, erased by default."""
    draw = random.Random(9)
    largest = (1 << spec.weight_bits) - 1

    def entry() -> int:
        edge = draw.choice((draw.randrange(len(spec.edges)), draw.randrange(2 * len(spec.edges)), draw.getrandbits(32)))
        weight = draw.choice((0, draw.randint(0, largest), draw.randint(0, 3 * largest), draw.getrandbits(16)))
        word = WordFormat.entry_word(edge=edge, weight=weight, default=draw.random() < 0.3)
        return word | draw.getrandbits(15) << 17

    return [
        Block(
            (np.array([draw.random() for _ in range(spec.num_detectors)]) < 0.3).astype(np.uint8),
            [entry() for _ in range(draw.choice((0, 1, 3, 8)))],
            draw.random() < 0.2,
        )
        for _ in range(number)
    ]


def ref_answers_with_entries(spec: UnionFindSpec, blocks: list[Block]) -> list[tuple[int, int | None]]:
    default, answers = list(spec.weights), []
    for block in blocks:
        weights = list(default)
        for edge, weight, lasting in map(WordFormat.entry_from_word, block.entries):
            if edge < len(spec.edges) and weight < 1 << spec.weight_bits and not (lasting and weight == 0):
                weights[edge] = weight
                if lasting:
                    default[edge] = weight
        if not block.aborted:
            observables = spec.decode(block.shot, weights=weights)
            edges = spec.decode_to_edges(block.shot[np.newaxis], weights=weights)[0]
            answers.append((number_of(observables), number_of(edges)))
    return answers


@pytest.mark.parametrize("paused", [False, True], ids=["full-speed", "paused"])
@pytest.mark.parametrize("name", ["repetition", "wide"])
def test_entries(name, paused):
    """Words of blocks and of entries in any order in which all entries precede the last word."""
    spec = SPECS[name]()
    blocks = random_blocks(spec, 60)
    board = Board(spec, design=WEIGHTS)
    draw = random.Random(10)
    w = Port(board.top.w_axis_tvalid, board.top.w_axis_tready, board.top.w_axis_tdata)
    answered = sum(not block.aborted for block in blocks)
    received: list[int] = []

    async def send(context: Any) -> None:
        for block in blocks:
            *words, last = packet(board.format.block_words(number_of(block.shot)))
            ports = [board.i] * len(words) + [w] * len(block.entries)
            draw.shuffle(ports)
            queues = {id(board.i): iter(words), id(w): iter(block.entries)}
            order = [(port, next(queues[id(port)])) for port in ports]
            for port, word in [*order, (board.i, last | USER * block.aborted)]:
                if paused:
                    await context.tick().repeat(1 + draw.choice((0, draw.randint(0, 9))))
                await exchange(context, port, idle, [word], answers=0)

    async def receive(context: Any) -> None:
        beats = answered * board.format.words_per_answer
        hold = pauses(11) if paused else never
        received.extend((await exchange(context, idle, board.o, [], answers=beats, output_pause=hold)).received)

    idle = Port(Signal(), Signal(), Signal())
    board.simulate(send, receive)
    assert answers_from_beats(board.format, received) == ref_answers_with_entries(spec, blocks)


def test_format_of_an_entry():
    word = WordFormat.entry_word(edge=5, weight=3, default=True)
    assert word == 5 << 32 | 1 << 16 | 3
    assert WordFormat.entry_from_word(word) == (5, 3, True)
    assert WordFormat.entry_from_word(WordFormat.entry_word(edge=7, weight=0)) == (7, 0, False)
    with pytest.raises(ValueError, match="must have an edge of 32 bits and a weight of 16, not 1 and 65536"):
        WordFormat.entry_word(edge=1, weight=1 << 16)


def test_packets_read_by_the_reference_are_those_of_the_format():
    for make in SPECS.values():
        spec = make()
        for shot in shots_of(spec, 10):
            assert np.array_equal(ref_shot(spec, WordFormat.of(spec).block_words(number_of(shot))), shot)


@pytest.mark.parametrize("name", ["repetition", "wide"])
def test_reset_in_mid_packet_leaves_no_trace(name):
    """The reset falls between words, while a block is decoded, and while an answer is sent."""
    spec = SPECS[name]()
    board = Board(spec, design=Design(corrections=True))
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
    "s_axis_tuser": ("input", 1),
    "m_axis_tdata": ("output", 64),
    "m_axis_tvalid": ("output", 1),
    "m_axis_tready": ("input", 1),
    "m_axis_tlast": ("output", 1),
}
PORTS_OF_ENTRIES = {
    "w_axis_tdata": ("input", 64),
    "w_axis_tvalid": ("input", 1),
    "w_axis_tready": ("output", 1),
}


def modules(verilog: str) -> list[str]:
    return re.findall(r"^module (\\?\S+) ?\(", verilog, re.MULTILINE)


def ports(verilog: str) -> dict[str, tuple[str, int]]:
    """The ports of the first module by name: direction and width."""
    top = verilog[: verilog.index("endmodule")]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", top, re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


def test_verilog_has_the_ports_that_the_block_design_connects():
    verilog = AxiStreamTop(wide()).verilog()
    assert modules(verilog)[0] == "union_find_axis"
    assert ports(verilog) == PORTS
    assert ports(AxiStreamTop(wide(), design=WEIGHTS).verilog()) == PORTS | PORTS_OF_ENTRIES


@pytest.mark.parametrize(("design", "streams"), [(Design(), "s_axis:m_axis"), (WEIGHTS, "s_axis:m_axis:w_axis")])
def test_verilog_tells_the_clock_of_the_streams(design, streams):
    verilog = AxiStreamTop(wide(), design=design).verilog("board_top")
    assert modules(verilog)[0] == "board_top"
    top = verilog[: verilog.index("endmodule")]
    parameter = f'(* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {streams}, ASSOCIATED_RESET aresetn" *)'
    assert re.search(re.escape(parameter) + r"\n  input aclk;", top)


@pytest.mark.parametrize("design", [Design(corrections=True), WEIGHTS, SHARED], ids=["spatial", "weights", "shared"])
def test_verilog_goes_with_the_decoder_s(design):
    """The instance has the ports of the decoder's module, and no module is in both files."""
    decoder = design.fabric(repetition()).verilog()
    wrapper = AxiStreamTop(repetition(), design=design).verilog()
    assert not set(modules(decoder)) & set(modules(wrapper))
    instance = re.search(r"^  union_find decoder \((.*?)\);", wrapper, re.MULTILINE | re.DOTALL)
    assert instance is not None
    assert set(re.findall(r"\.(\w+)\(", instance[1])) == set(ports(decoder))


@pytest.mark.usefixtures("unused")
def test_submodule_form_has_no_verilog():
    with pytest.raises(ValueError, match="must name the decoder's module, not None: give decoder='union_find'"):
        AxiStreamTop(repetition(), decoder=None).verilog()
