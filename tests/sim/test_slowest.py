# SPDX-License-Identifier: Apache-2.0
"""The search for the slowest syndrome: what it finds, how it goes on, and what it notices."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError, MismatchError
from synfab.rtl.union_find import Design
from synfab.sim import slowest as module
from synfab.sim.loop import RtlDecoder
from synfab.sim.slowest import CHILDREN, Slowest, slowest

SPATIAL = Design()
SHARED = Design(micro_architecture="shared", detectors_per_element=6)


def phenomenological(distance: int) -> UnionFindSpec:
    dem = PhenomenologicalBlock(distance=distance, p=0.001).dem()
    return UnionFindSpec.compile(DecodingGraph.from_dem(dem), weights="unit")


def circuit_level(distance: int) -> UnionFindSpec:
    dem = Memory(code="rotated_surface", distance=distance, p=0.001).dem()
    return UnionFindSpec.compile(DecodingGraph.from_dem(dem))


PROBLEMS = {
    "phenomenological, d=3": lambda: phenomenological(3),
    "phenomenological, d=5": lambda: phenomenological(5),
    "phenomenological, d=7": lambda: phenomenological(7),
    "circuit-level, d=3": lambda: circuit_level(3),
    "circuit-level, d=5": lambda: circuit_level(5),
}

Compiled = tuple[RtlDecoder, int]
"""A decoder, and the cycles that no syndrome exceeds."""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Callable[..., Compiled]:
    """Compiles a problem once for all tests."""
    folder = tmp_path_factory.mktemp("verilated")

    @cache
    def make(name: str, design: Design = SPATIAL) -> Compiled:
        fabric = design.fabric(PROBLEMS[name]())
        return RtlDecoder(spec=fabric.spec, verilog=fabric.verilog(), cache=folder), fabric.max_cycles

    return make


@pytest.fixture(scope="module")
def small(compiled) -> Compiled:
    return compiled("phenomenological, d=3")


def cycles_of(decoder: RtlDecoder, detection_events: tuple[int, ...]) -> int:
    shot = np.zeros((1, decoder.spec.num_detectors), np.uint8)
    shot[0, list(detection_events)] = 1
    return int(decoder.play(np.packbits(shot, axis=1, bitorder="little")).cycles[0])


def every_cycles(decoder: RtlDecoder) -> npt.NDArray[np.int64]:
    """The cycles of every syndrome of 12 detectors."""
    assert decoder.spec.num_detectors == 12
    numbers = np.arange(1 << 12, dtype="<u2")
    return decoder.play(numbers.view(np.uint8).reshape(-1, 2)).cycles


def test_no_syndrome_is_slower_than_what_it_finds(small):
    decoder, bound = small
    every = every_cycles(decoder)
    # Few syndromes are the slowest, and fewer are tried than there are.
    assert (every == every.max()).sum() < len(every) / 100
    found = slowest(decoder, shots=3 * CHILDREN, seed=1, bound=bound)
    assert found.cycles == every.max() <= bound
    assert cycles_of(decoder, found.detection_events) == found.cycles
    assert found.shots == 3 * CHILDREN < len(every)


def test_shared_fabric_is_searched(compiled):
    """Its turns go on where the block before left them, so that a syndrome does not always take as long."""
    decoder, bound = compiled("phenomenological, d=3", SHARED)
    found = slowest(decoder, shots=4 * CHILDREN, seed=1, bound=bound)
    assert every_cycles(decoder).max() <= found.cycles <= bound
    assert cycles_of(decoder, found.detection_events) > 0.9 * found.cycles


def test_equal_seeds_search_alike(small):
    decoder, bound = small
    seen: list[list[Slowest]] = [[], [], []]
    for progress, seed in zip(seen, (1, 1, 2), strict=True):
        slowest(decoder, shots=2 * CHILDREN, seed=seed, bound=bound, progress=progress.append)
    assert seen[0] == seen[1]
    assert [found.shots for found in seen[0]] == [CHILDREN, 2 * CHILDREN]
    assert [found.detection_events for found in seen[0]] != [found.detection_events for found in seen[2]]


def killed_after(shots: int) -> Any:
    def progress(found: Slowest) -> None:
        if found.shots >= shots:
            raise KeyboardInterrupt

    return progress


def test_killed_search_goes_on_with_the_climb_that_was_broken_off(small, tmp_path, monkeypatch):
    decoder, bound = small
    monkeypatch.setattr(module, "CLIMB_SHOTS", 2 * CHILDREN)
    parameters = {"seed": 3, "bound": bound}
    whole = slowest(decoder, shots=5 * CHILDREN, **parameters)
    path = tmp_path / "search.json"
    with pytest.raises(KeyboardInterrupt):
        slowest(decoder, shots=5 * CHILDREN, **parameters, path=path, progress=killed_after(4 * CHILDREN))
    assert Slowest.model_validate_json(path.read_text()).shots == 2 * CHILDREN
    seen: list[Slowest] = []
    assert slowest(decoder, shots=5 * CHILDREN, **parameters, path=path, progress=seen.append) == whole
    assert [found.shots for found in seen] == [3 * CHILDREN, 4 * CHILDREN, 5 * CHILDREN]
    assert Slowest.model_validate_json(path.read_text()) == whole


def test_more_shots_continue_the_search(small, tmp_path, monkeypatch):
    decoder, bound = small
    monkeypatch.setattr(module, "CLIMB_SHOTS", 2 * CHILDREN)
    parameters = {"seed": 3, "bound": bound}
    path = tmp_path / "search.json"
    fewer = slowest(decoder, shots=2 * CHILDREN + 1, **parameters, path=path)
    assert fewer.shots == 3 * CHILDREN
    more = slowest(decoder, shots=4 * CHILDREN, **parameters, path=path)
    assert more == slowest(decoder, shots=4 * CHILDREN, **parameters)
    seen: list[Slowest] = []
    assert slowest(decoder, shots=CHILDREN, **parameters, path=path, progress=seen.append) == more
    assert seen == []


def test_too_small_a_bound_is_noticed(small, tmp_path):
    decoder, bound = small
    path = tmp_path / "search.json"
    found = slowest(decoder, shots=CHILDREN, seed=1, bound=bound, path=path)
    assert slowest(decoder, shots=CHILDREN, seed=1, bound=found.cycles).cycles == found.cycles
    complaint = (
        f"the RTL must answer every block within {found.cycles - 1} cycles, as proved, but it takes {found.cycles} "
        r"for the detection events \["
    )
    with pytest.raises(MismatchError, match=complaint):
        slowest(decoder, shots=CHILDREN, seed=1, bound=found.cycles - 1)
    # One that was stored is not forgotten when the bound becomes smaller.
    with pytest.raises(MismatchError, match=complaint):
        slowest(decoder, shots=CHILDREN, seed=1, bound=found.cycles - 1, path=path)


def test_wrong_answer_is_noticed(small):
    """The same hardware is played against the reference of another graph."""
    decoder, bound = small
    masks = (1 - decoder.spec.edge_observables[0], *decoder.spec.edge_observables[1:])
    other = RtlDecoder(spec=replace(decoder.spec, edge_observables=masks), verilog=decoder.verilog, cache=decoder.cache)
    with pytest.raises(MismatchError, match=r"must equal its reference, but for the detection events \[.*\] it flips"):
        slowest(other, shots=CHILDREN, seed=1, bound=bound)


def test_foreign_files_are_refused(small, tmp_path):
    decoder, bound = small
    path = tmp_path / "search.json"
    known = Slowest(decoder="ab" * 32, seed=1, shots=1, cycles=1, bound=1, detection_events=())
    path.write_text(known.model_dump_json())
    with pytest.raises(InputError, match=r"must be a search of this decoder with seed 2, not of abababababababab with"):
        slowest(decoder, shots=1, seed=2, bound=bound, path=path)
    complaint = r"search\.json must hold a search for the slowest syndrome, not .*; remove it"
    for text in ("", "{}", known.model_dump_json(exclude={"shots"})):
        path.write_text(text)
        with pytest.raises(InputError, match=complaint):
            slowest(decoder, shots=1, seed=1, bound=bound, path=path)


def test_budget_must_be_positive(small):
    with pytest.raises(InputError, match="shots must be at least 1, not 0"):
        slowest(small[0], shots=0, seed=1, bound=100)


@pytest.mark.parametrize(
    "name",
    [
        "phenomenological, d=5",
        "circuit-level, d=3",
        pytest.param("phenomenological, d=7", marks=pytest.mark.slow),
    ],
)
def test_search_is_worse_than_chance_and_within_the_bound(name, compiled):
    decoder, bound = compiled(name)
    found = slowest(decoder, shots=4 * CHILDREN, seed=1, bound=bound)
    assert found.cycles <= bound
    rng = np.random.default_rng(1)
    chance = rng.random((4 * CHILDREN, decoder.spec.num_detectors)) < rng.random((4 * CHILDREN, 1)) ** 2
    drawn = decoder.play(np.packbits(chance, axis=1, bitorder="little")).cycles
    assert drawn.max() < found.cycles


@pytest.mark.parametrize("name", ["phenomenological, d=5", "circuit-level, d=3"])
def test_hypothesis_finds_no_slower_one_than_the_bound(name, compiled):
    decoder, bound = compiled(name)

    @given(events=st.sets(st.integers(0, decoder.spec.num_detectors - 1)))
    @settings(max_examples=300, deadline=None, derandomize=True)
    def within(events: set[int]) -> None:
        cycles = cycles_of(decoder, tuple(events))
        target(cycles)
        assert cycles <= bound

    within()
