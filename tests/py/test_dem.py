# SPDX-License-Identifier: Apache-2.0
"""The decoding graph against what Stim means, what PyMatching reads, and brute enumeration."""

from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pymatching
import pytest
import stim
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.circuits import Memory
from synfab.dem import DecodingGraph, Edge, read_dem, survey
from synfab.errors import InputError


def graph_of(text: str) -> DecodingGraph:
    return DecodingGraph.from_dem(stim.DetectorErrorModel(text))


def about(edges: tuple[Edge, ...]) -> list[tuple[tuple[int, ...], int, Any]]:
    """Probabilities are sums and products of floats, whose order may differ."""
    return [(edge.detectors, edge.observables, pytest.approx(edge.probability, rel=1e-12)) for edge in edges]


def edges_of(text: str) -> list[tuple[tuple[int, ...], int, Any]]:
    return about(graph_of(text).edges)


class TestInstructions:
    def test_edges_are_sorted_by_detectors_then_observables(self) -> None:
        text = """
            error(0.1) D1 L1
            error(0.2) D2 D0
            error(0.3) D1
            error(0.4) D0
        """
        assert edges_of(text) == [((0,), 0, 0.4), ((0, 2), 0, 0.2), ((1,), 0, 0.3), ((1,), 2, 0.1)]

    def test_repeat_and_shift_detectors(self) -> None:
        text = """
            error(0.1) D0 L0
            repeat 3 {
                error(0.2) D0 D2
                shift_detectors 2
            }
            error(0.3) D0 L1
        """
        assert edges_of(text) == [((0,), 1, 0.1), ((0, 2), 0, 0.2), ((2, 4), 0, 0.2), ((4, 6), 0, 0.2), ((6,), 2, 0.3)]
        assert graph_of(text).num_detectors == 7

    def test_nested_repeat_shifts_coordinates(self) -> None:
        text = """
            repeat 2 {
                repeat 2 {
                    error(0.1) D0
                    detector(1, 2, 0) D0
                    shift_detectors(0, 0, 1) 1
                }
                shift_detectors(10, 0, 0) 0
            }
        """
        graph = graph_of(text)
        assert graph.coordinates == ((1, 2, 0), (1, 2, 1), (11, 2, 2), (11, 2, 3))
        assert graph.rounds == ((0,), (1,), (2,), (3,))
        assert [edge.detectors for edge in graph.edges] == [(0,), (1,), (2,), (3,)]

    def test_components_are_edges_of_their_own(self) -> None:
        text = "error(0.1) D0 D1 ^ D2 L0 ^ D3 D4 L1"
        assert edges_of(text) == [((0, 1), 0, 0.1), ((2,), 1, 0.1), ((3, 4), 2, 0.1)]

    def test_observables_of_a_component_without_detectors_join_the_first_with_some(self) -> None:
        assert edges_of("error(0.1) L0 ^ D0 D1 L0 L1 ^ D2") == [((0, 1), 2, 0.1), ((2,), 0, 0.1)]
        assert graph_of("error(0.1) D0 ^ L0").undetectable == ()
        assert edges_of("error(0.1) D0 L0 ^ D0 ^ L0") == []

    def test_tags_are_read_over(self) -> None:
        assert edges_of("error[why](0.1) D0 D1 L0\nshift_detectors[x] 1\nerror(0.2) D0") == [
            ((0, 1), 1, 0.1),
            ((1,), 0, 0.2),
        ]

    def test_targets_named_twice_cancel(self) -> None:
        assert edges_of("error(0.1) D0 D1 D2 D1 L0 L0 L1") == [((0, 2), 2, 0.1)]
        assert edges_of("error(0.1) D0 D0") == []
        assert edges_of("error(0.1) D0 ^ D1 ^ D0") == [((1,), 0, 0.1)]

    def test_an_error_without_targets_is_nothing(self) -> None:
        assert graph_of("error(0.1)") == graph_of("")

    def test_an_error_of_probability_0_is_nothing_even_if_unmatchable(self) -> None:
        assert edges_of("error(0) D0 D1 D2\nerror(0) D0\nerror(0.1) D1") == [((1,), 0, 0.1)]

    def test_duplicates_combine_to_an_odd_number(self) -> None:
        # 0.1, 0.2, 0.3: odd with probability (1 - 0.8 * 0.6 * 0.4) / 2.
        text = "error(0.1) D0 D1\nerror(0.2) D1 D0\nerror(0.3) D3 ^ D0 D1"
        assert edges_of(text) == [((0, 1), 0, (1 - 0.8 * 0.6 * 0.4) / 2), ((3,), 0, 0.3)]

    def test_two_certain_errors_cancel(self) -> None:
        assert edges_of("error(1) D0\nerror(1) D0\nerror(0.1) D1") == [((1,), 0, 0.1)]

    def test_parallel_edges_with_other_observables_stay_apart(self) -> None:
        assert edges_of("error(0.1) D0 D1\nerror(0.2) D0 D1 L0") == [((0, 1), 0, 0.1), ((0, 1), 1, 0.2)]

    def test_probabilities_above_one_half_are_kept(self) -> None:
        assert edges_of("error(0.9) D0\nerror(1) D1") == [((0,), 0, 0.9), ((1,), 0, 1.0)]

    def test_detectors_and_observables_without_errors_count(self) -> None:
        graph = graph_of("error(0.1) D1\ndetector D5\nlogical_observable L3")
        assert (graph.num_detectors, graph.num_observables) == (6, 4)
        assert graph.coordinates == ((),) * 6

    def test_observable_only_errors_are_undetectable(self) -> None:
        graph = graph_of("error(0.1) L0\nerror(0.2) L0\nerror(0.3) L0 L2\nerror(0.4) D0")
        assert about(graph.undetectable) == [((), 1, 0.26), ((), 5, 0.3)]
        assert len(graph.edges) == 1

    def test_the_empty_model(self) -> None:
        graph = graph_of("")
        assert (graph.num_detectors, graph.num_observables, graph.edges, graph.rounds) == (0, 0, (), ())


class TestRounds:
    def test_last_coordinate_is_time(self) -> None:
        graph = graph_of("detector(0, 1) D0\ndetector(5, 0) D1\ndetector(9, 1) D2\ndetector(9, 0.5) D3")
        assert graph.rounds == ((1,), (3,), (0, 2))

    def test_one_round_if_a_coordinate_is_missing(self) -> None:
        assert graph_of("detector(0, 1) D0\ndetector D1\ndetector(9, 0) D2").rounds == ((0, 1, 2),)

    def test_rounds_of_a_memory(self) -> None:
        graph = DecodingGraph.from_dem(Memory(code="rotated_surface", distance=3, rounds=4, p=0.01).dem())
        assert [len(detectors) for detectors in graph.rounds] == [4, 8, 8, 8, 4]
        assert sorted(sum(graph.rounds, ())) == list(range(graph.num_detectors))


class TestRefusals:
    def test_hyperedge(self) -> None:
        with pytest.raises(InputError) as caught:
            graph_of("error(0.25) D0 L0\nshift_detectors 1\nerror(0.25) D0 D2 D4 L0\nerror(0.5) D0 D1 D2 D3")
        assert str(caught.value) == (
            "the error 'error(0.25) D1 D3 D5 L0' cannot be matched: an error must flip at most two detectors, not 3 "
            "(D1 D3 D5); make the model with circuit.detector_error_model(decompose_errors=True) (1 more such errors)"
        )

    def test_component_of_three(self) -> None:
        with pytest.raises(InputError) as caught:
            graph_of("error[tag](0.25) D0 D1 ^ D2 D3 D4")
        assert str(caught.value) == (
            "the error 'error[tag](0.25) D0 D1 ^ D2 D3 D4' cannot be matched: each ^ component must flip at most two "
            "detectors, not 3 (D2 D3 D4); the code is not matchable as it stands: decode one basis at a time, or "
            "leave out the detectors of the other basis"
        )

    def test_a_hyperedge_that_cancels_is_matchable(self) -> None:
        assert edges_of("error(0.1) D0 D1 D2 D2") == [((0, 1), 0, 0.1)]

    def test_survey_lists_every_refusal_and_keeps_the_rest(self) -> None:
        model = stim.DetectorErrorModel(
            """
            error(0.125) D0 D1 D2
            error(0.125) D3
            error(0.125) D0 ^ D1 D2 D3
            """
        )
        graph, refusals = survey(model)
        assert [edge.detectors for edge in graph.edges] == [(3,)]
        assert graph.num_detectors == 4
        assert [refusal.instruction for refusal in refusals] == [
            "error(0.125) D0 D1 D2",
            "error(0.125) D0 ^ D1 D2 D3",
        ]

    def test_colour_code(self) -> None:
        circuit = stim.Circuit.generated(
            "color_code:memory_xyz", distance=3, rounds=2, before_round_data_depolarization=0.01
        )
        with pytest.raises(InputError, match=r"cannot be matched: an error must flip at most two detectors, not 3"):
            DecodingGraph.from_dem(circuit.detector_error_model())

    def test_more_than_64_observables(self) -> None:
        with pytest.raises(InputError) as caught:
            graph_of("logical_observable L64")
        assert str(caught.value) == (
            "a decoding graph must have at most 64 observables, not 65; split the problem by groups of observables"
        )

    def test_64_observables(self) -> None:
        assert edges_of("error(0.1) D0 L63") == [((0,), 1 << 63, 0.1)]


class TestReadDem:
    def test_reads_what_stim_writes(self, tmp_path: Path) -> None:
        model = Memory(code="repetition", distance=3, p=0.01).dem()
        model.to_file(tmp_path / "model.dem")
        assert read_dem(tmp_path / "model.dem") == model

    @pytest.mark.parametrize("name", ["missing.dem", "."])
    def test_no_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError, match=r"^a detector error model must be a readable file, not '"):
            read_dem(tmp_path / name)

    @pytest.mark.parametrize("text", [b"error(0.1) D0 ^", b"X 0", b"error(2) D0", b"\xff\xfe"])
    def test_not_a_model(self, tmp_path: Path, text: bytes) -> None:
        (tmp_path / "bad.dem").write_bytes(text)
        with pytest.raises(InputError, match=r"bad\.dem must be a detector error model as Stim writes it: "):
            read_dem(tmp_path / "bad.dem")


MEMORIES = [
    Memory(code=code, distance=distance, basis=basis, noise=noise, p=0.003)
    for code in ("rotated_surface", "unrotated_surface", "repetition", "toric", "xzzx")
    for basis in ("X", "Z")
    for noise in ("circuit", "phenomenological", "code_capacity")
    for distance in (3, 4)
    if (code, basis) != ("repetition", "X")
]


@pytest.mark.parametrize("memory", MEMORIES, ids=lambda m: f"{m.code}-{m.basis}-{m.noise}-d{m.distance}")
def test_same_edges_as_pymatching(memory: Memory) -> None:
    """PyMatching reads models by its own code; it folds parallel edges, which these codes do not have."""
    dem = memory.dem()
    graph = DecodingGraph.from_dem(dem)
    got = {edge.detectors: (edge.observables, pytest.approx(edge.probability, rel=1e-9)) for edge in graph.edges}
    assert len(got) == len(graph.edges)
    expected = {}
    for u, v, data in pymatching.Matching.from_detector_error_model(dem).edges():
        detectors = (u,) if v is None else (min(u, v), max(u, v))
        mask = sum(1 << observable for observable in data["fault_ids"])
        expected[detectors] = (mask, data["error_probability"])
    assert got == expected
    assert graph.num_detectors == dem.num_detectors
    assert all(graph.coordinates)
    assert graph.undetectable == ()


# A random model as a tree, so that the oracle need not ask Stim what it means.
probabilities = st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.75, 1.0])
detector_targets = st.lists(st.integers(0, 4), min_size=1, max_size=2)
observable_targets = st.lists(st.integers(0, 2), max_size=3)
groups = st.tuples(detector_targets, observable_targets)


def cancels(groups: list[tuple[list[int], list[int]]]) -> bool:
    """Whether two components are equal or one loses its detectors: cases with examples of their own above."""
    flips = [flip_mask(*group, 0) for group in groups]
    return len(set(flips)) < len(flips) or any(len(detectors) > len(set(detectors)) for detectors, _ in groups)


single = st.tuples(st.tuples(st.lists(st.integers(0, 4), max_size=2), observable_targets))
several = st.lists(groups, min_size=2, max_size=3).filter(lambda groups: not cancels(groups))
errors = st.tuples(st.just("error"), probabilities, st.one_of(single, several))
shifts = st.tuples(st.just("shift"), st.integers(0, 1))
blocks = st.lists(st.one_of(errors, shifts), max_size=4)
repeats = st.tuples(st.just("repeat"), st.integers(1, 2), blocks.filter(bool))
models = st.lists(st.one_of(errors, errors, shifts, repeats), max_size=6)

NUM_DETECTORS = 32


def flip_mask(detectors: list[int], observables: list[int], offset: int) -> int:
    bits = [1 << (detector + offset) for detector in detectors]
    bits += [1 << (NUM_DETECTORS + observable) for observable in observables]
    return reduce(xor, bits, 0)


def bits_of(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def group_text(detectors: list[int], observables: list[int]) -> str:
    return " ".join([*(f"D{detector}" for detector in detectors), *(f"L{observable}" for observable in observables)])


def model_text(items: list) -> str:
    lines = []
    for item in items:
        if item[0] == "error":
            lines.append(f"error({item[1]}) {' ^ '.join(group_text(*group) for group in item[2])}")
        elif item[0] == "shift":
            lines.append(f"shift_detectors {item[1]}")
        else:
            lines.append(f"repeat {item[1]} {{\n{model_text(item[2])}\n}}")
    return "\n".join(lines)


def mechanisms(items: list, offset: int = 0) -> tuple[list[tuple[int, float]], int]:
    """Return every component as (flip mask, probability), and the offset of the detectors afterwards."""
    found = []
    for item in items:
        if item[0] == "error":
            found += [(flip_mask(detectors, observables, offset), item[1]) for detectors, observables in item[2]]
        elif item[0] == "shift":
            offset += item[1]
        else:
            for _ in range(item[1]):
                inner, offset = mechanisms(item[2], offset)
                found += inner
    return found, offset


def distribution(flips: list[tuple[int, float]]) -> dict[int, float]:
    """Enumerate what independent mechanisms flip together, with its probability."""
    outcomes = {0: 1.0}
    for mask, probability in flips:
        outcome_lists = [(outcome, weight * (1 - probability)) for outcome, weight in outcomes.items()]
        outcome_lists += [(outcome ^ mask, weight * probability) for outcome, weight in outcomes.items()]
        outcomes = {}
        for outcome, weight in outcome_lists:
            outcomes[outcome] = outcomes.get(outcome, 0.0) + weight
    return outcomes


@given(models)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_graph_has_the_distribution_of_the_model(items: list) -> None:
    graph = DecodingGraph.from_dem(stim.DetectorErrorModel(model_text(items)))
    found, _ = mechanisms(items)
    expected = distribution([(mask, p) for mask, p in found if mask and p])
    edges = [*graph.edges, *graph.undetectable]
    got = distribution([(flip_mask([*e.detectors], bits_of(e.observables), 0), e.probability) for e in edges])
    assert {outcome for outcome, weight in got.items() if weight} <= set(expected)
    for outcome, weight in expected.items():
        assert got.get(outcome, 0.0) == pytest.approx(weight, abs=1e-12)
    keys = [(edge.detectors, edge.observables) for edge in edges]
    assert len(set(keys)) == len(keys)
    assert [edge[:2] for edge in graph.edges] == sorted(edge[:2] for edge in graph.edges)
