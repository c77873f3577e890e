# SPDX-License-Identifier: Apache-2.0
"""What comes after the net, against Stim, brute force, and words."""

import itertools
from typing import Any

import numpy as np
import pytest
import stim
from hypothesis import given, settings
from hypothesis import strategies as st

from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.predecoder.decisions import (
    EdgeHints,
    FlipEffect,
    closed_cluster_commit,
    collapsed,
    collapsed_model,
    isolated_pair_commit,
    threshold_commit,
    vertical_clean_up,
)
from synfab.predecoder.labels import LabelSampler, Schedule, bits_from_words
from synfab.predecoder.volume import Volume


def circuit_of(distance: int, basis, rounds: int | None = None) -> stim.Circuit:
    return Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, p=0.01).circuit()


def bits(words: np.ndarray) -> np.ndarray:
    unpacked = bits_from_words(words)
    return unpacked.reshape(len(unpacked), -1).astype(bool)


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize(("distance", "rounds"), [(3, None), (3, 2), (5, 4)])
def test_labels_applied_leave_nothing_and_give_stim_s_observable(distance, rounds, basis):
    """The XOR networks on flips shots first are those of the sampler, which works on words."""
    labels = LabelSampler(circuit=circuit_of(distance, basis, rounds)).compile(seed=1).sample(8)
    effect = FlipEffect(volume=labels.volume)
    events, flips = bits(labels.detectors), bits(labels.sites)
    assert events.any()
    assert not effect.residual(events, flips).any()
    assert np.array_equal(effect.frame(flips), bits(labels.observables)[:, 0])
    # A single flip more is a residual of exactly its ends.
    sites = np.flatnonzero(effect.has_site)
    for shot, site in zip(range(len(flips)), np.random.default_rng(1).permutation(sites), strict=False):
        flips[shot, site] ^= True
        left = np.flatnonzero(effect.residual(events[shot : shot + 1], flips[shot : shot + 1])[0])
        assert left.tolist() == [end for end in effect.ends[site].tolist() if end >= 0]


def test_places_that_mean_nothing_have_no_effect_but_on_themselves():
    effect = FlipEffect(volume=Volume(distance=3, rounds=3, basis="X"))
    ends = effect.ends[~effect.has_site]
    assert (ends == -1).all()
    assert effect.has_detector.sum() == circuit_of(3, "X").num_detectors
    seen = effect.ends[effect.has_site]
    assert effect.has_detector[seen[seen >= 0]].all()


def test_commit_is_strictly_above_the_threshold():
    logits = np.array([[-1, 0, 1, 2, 3]])
    assert threshold_commit(logits).tolist() == [[False, False, True, True, True]]
    assert threshold_commit(logits, above=2).tolist() == [[False, False, False, False, True]]


def literal_closed(logits: np.ndarray, events: np.ndarray, effect: FlipEffect, above: float) -> list[int]:
    """Groups by a search over shared detectors, as the docstring has them."""
    proposed = set(np.flatnonzero(logits > 0).tolist())
    committed = []
    while proposed:
        group, edge = set(), [proposed.pop()]
        while edge:
            site = edge.pop()
            group.add(site)
            ends = {end for end in effect.ends[site].tolist() if end >= 0}
            near = {other for other in proposed if ends & set(effect.ends[other].tolist())}
            proposed -= near
            edge += near
        flips = np.zeros((1, len(logits)), bool)
        flips[0, sorted(group)] = True
        touched = {end for site in group for end in effect.ends[site].tolist() if end >= 0}
        kept = effect.residual(events[np.newaxis], flips)[0]
        if all(logits[site] > above for site in group) and not any(kept[end] for end in touched):
            committed += group
    return sorted(committed)


@given(seed=st.integers(0, 10_000), density=st.sampled_from([0.02, 0.1, 0.3]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_closed_clusters_are_the_literal_groups(seed, density):
    rng = np.random.default_rng(seed)
    effect = FlipEffect(volume=Volume(distance=3, rounds=2, basis="Z"))
    flips = (rng.random(effect.volume.num_sites) < density) & effect.has_site
    logits = np.where(flips, rng.integers(1, 6, flips.shape), -rng.integers(0, 6, flips.shape))
    events = effect.syndrome(flips[np.newaxis])[0] ^ (rng.random(effect.num_detectors) < 0.02)
    committed = closed_cluster_commit(logits[np.newaxis], events[np.newaxis], effect=effect, above=1, most_rounds=200)
    assert np.flatnonzero(committed[0]).tolist() == literal_closed(logits, events, effect, 1)


def test_few_rounds_commit_the_far_end_of_a_long_group():
    """A line of measurement flips of one check in all rounds, with an event left at its last end."""
    volume = Volume(distance=3, rounds=8, basis="Z")
    effect = FlipEffect(volume=volume)
    line = [volume.timelike_site(volume.known, layer, 0) for layer in range(volume.rounds)]
    logits = np.full((1, volume.num_sites), -1)
    logits[0, line] = 5
    first = volume.known * volume.layers * volume.num_checks
    events = np.zeros((1, effect.num_detectors), bool)
    events[0, first] = True
    for rounds in (1, 3, 5, 100):
        committed = closed_cluster_commit(logits, events, effect=effect, above=0, most_rounds=rounds)
        assert np.flatnonzero(committed[0]).tolist() == line[: max(0, len(line) - rounds)]


def test_vertical_pairs_are_removed_from_the_first_layer_on():
    volume = Volume(distance=3, rounds=5, basis="Z")
    for pattern in itertools.product((False, True), repeat=volume.layers):
        events = np.zeros((1, 2, volume.layers, volume.num_checks), bool)
        events[0, 1, :, 2] = pattern
        left = vertical_clean_up(events.reshape(1, -1), volume=volume).reshape(events.shape)[0, 1, :, 2]
        text = "".join(str(int(bit)) for bit in pattern).replace("11", "00")
        assert left.astype(int).tolist() == [int(bit) for bit in text]


@pytest.mark.parametrize(("height", "sheets"), [(1, 6), (2, 3), (4, 2), (6, 1), (9, 1)])
def test_collapse_adds_up_the_events_of_a_sheet(height, sheets):
    volume = Volume(distance=3, rounds=5, basis="X")
    events = np.random.default_rng(1).random((40, 2 * volume.layers * volume.num_checks)) < 0.3
    found = collapsed(events, volume=volume, height=height).reshape(40, 2, sheets, volume.num_checks)
    planes = events.reshape(40, 2, volume.layers, volume.num_checks)
    for sheet in range(sheets):
        counted = planes[:, :, sheet * height : (sheet + 1) * height].sum(axis=2) % 2
        assert np.array_equal(found[:, :, sheet], counted == 1)
    with pytest.raises(InputError, match="height must be an integer of at least 1, not 0"):
        collapsed(events, volume=volume, height=0)
    with pytest.raises(InputError, match="height must be an integer of at least 1, not 0"):
        collapsed_model(stim.DetectorErrorModel(), detectors=np.zeros((2, 6, 4), int), height=0)


def circuit_of_sheets(circuit: stim.Circuit, detectors: np.ndarray, height: int) -> stim.Circuit:
    """The circuit with a detector for each check of a sheet: of all records that its detectors have in sum."""
    sheets = stim.Circuit()
    records: list[set[int]] = []
    for instruction in circuit.flattened():
        assert isinstance(instruction, stim.CircuitInstruction)
        if instruction.name == "DETECTOR":
            records.append({sheets.num_measurements + target.value for target in instruction.targets_copy()})
        else:
            sheets.append(instruction)
    for planes in detectors:
        for first in range(0, len(planes), height):
            for column in planes[first : first + height].T:
                odd: set[int] = set()
                for number in column[column >= 0].tolist():
                    odd ^= records[number]
                targets = [stim.target_rec(record - sheets.num_measurements) for record in sorted(odd)]
                sheets.append(stim.CircuitInstruction("DETECTOR", targets))
    return sheets


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize(("distance", "height"), [(3, 1), (3, 2), (3, 9), (5, 4), (7, 6)])
def test_collapse_is_a_circuit_whose_detectors_are_sheets(basis, distance, height):
    """Its events from the same records are the collapsed ones, and its error model is the collapsed one."""
    circuit = circuit_of(distance, basis)
    schedule = Schedule.from_circuit(circuit)
    detectors = schedule.detectors
    model = collapsed_model(circuit.detector_error_model(decompose_errors=True), detectors=detectors, height=height)
    sheets = circuit_of_sheets(circuit, detectors, height)
    found, expected = (
        DecodingGraph.from_dem(one) for one in (model, sheets.detector_error_model(decompose_errors=True))
    )
    assert found.num_detectors == expected.num_detectors
    assert not found.undetectable
    assert [edge[:2] for edge in found.edges] == [edge[:2] for edge in expected.edges]
    probabilities = [edge.probability for edge in found.edges]
    assert probabilities == pytest.approx([edge.probability for edge in expected.edges], rel=1e-12)
    records = circuit.compile_sampler(seed=1).sample(200)
    events, expected_events = (
        one.compile_m2d_converter().convert(measurements=records, append_observables=False) for one in (circuit, sheets)
    )
    flat = detectors.ravel()
    placed = np.where(flat >= 0, events[:, flat], False)
    assert np.array_equal(collapsed(placed, volume=schedule.volume, height=height), expected_events)


def hints_of(distance: int, basis="X", **options) -> EdgeHints:
    circuit = circuit_of(distance, basis)
    schedule = LabelSampler(circuit=circuit).compile().schedule
    graph = DecodingGraph.from_dem(circuit.detector_error_model(decompose_errors=True))
    parts: dict[str, Any] = {"thresholds": (2, 4, 8), "weights": (1, 3, 6)} | options
    return EdgeHints(
        effect=FlipEffect(volume=schedule.volume),
        decoder=UnionFindSpec.compile(graph),
        detectors=schedule.detectors,
        **parts,
    )


@pytest.mark.parametrize("basis", ["X", "Z"])
@pytest.mark.parametrize("distance", [3, 5])
def test_explanations_have_the_edges_detectors_and_observable(distance, basis):
    hints = hints_of(distance, basis)
    number = hints.detectors.ravel()
    edges = zip(hints.decoder.edges, hints.decoder.edge_observables, strict=True)
    for (edge, observables), ways in zip(edges, hints.explanations, strict=True):
        assert (ways[0] >= 0).any()
        lengths = set()
        for way in ways:
            sites = way[way >= 0]
            if len(sites):
                flips = np.zeros((1, hints.effect.volume.num_sites), bool)
                flips[0, sites] = True
                changed = sorted(number[np.flatnonzero(hints.effect.syndrome(flips)[0])].tolist())
                assert changed == sorted(set(edge) - {-1})
                assert hints.effect.frame(flips)[0] == bool(observables)
                lengths.add(len(sites))
        assert len(lengths) == 1


@pytest.mark.parametrize("all_of", [False, True])
def test_levels_are_the_literal_minimum(all_of):
    hints = hints_of(3, all_of=all_of)
    rng = np.random.default_rng(2)
    logits = rng.integers(-12, 13, (30, hints.effect.volume.num_sites))
    levels, weights = hints.edge_levels(logits), hints.edge_weights(logits, [5] * len(hints.decoder.edges))
    for shot, edge in itertools.product(range(30), range(len(hints.decoder.edges))):
        level = hints.silent
        for way in hints.explanations[edge]:
            sites = [site for site in way.tolist() if site >= 0]
            sizes = [sum(abs(int(logits[shot, site])) >= bound for bound in (2, 4, 8)) for site in sites]
            level = min(level, (max if all_of else min)(sizes)) if sizes else level
        assert levels[shot, edge] == level
        # The third weight is more than the edge's own.
        assert weights[shot, edge] == (1, 3, 5, 5)[level]


def test_silent_hints_leave_the_weights():
    hints = hints_of(3)
    defaults = list(range(1, 1 + len(hints.decoder.edges)))
    logits = np.full((2, hints.effect.volume.num_sites), -100)
    assert np.array_equal(hints.edge_weights(logits, defaults), [defaults, defaults])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"thresholds": (4, 2, 8)}, r"thresholds must ascend from above 0, not be \(4, 2, 8\)"),
        ({"thresholds": ()}, "thresholds must ascend"),
        ({"thresholds": (0, 2, 8)}, "thresholds must ascend from above 0"),
        ({"weights": (1, 2)}, r"weights must be 1 or more, one for each of 3 thresholds, not \(1, 2\)"),
        ({"weights": (0, 2, 3)}, "weights must be 1 or more"),
    ],
)
def test_contradictory_hints_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        hints_of(3, **options)


@pytest.mark.parametrize("density", [0.02, 0.1, 0.5])
def test_isolated_pairs_are_the_literal_ones(density):
    effect = FlipEffect(volume=Volume(distance=5, rounds=4, basis="X"))
    events = (np.random.default_rng(3).random((50, effect.num_detectors)) < density) & effect.has_detector
    committed = isolated_pair_commit(events, effect=effect)
    assert committed.any()
    pairs = [frozenset(pair) for pair in effect.ends.tolist() if min(pair) >= 0]
    for shot, flips in zip(events, committed, strict=True):
        fired = set(np.flatnonzero(shot).tolist())
        found = [pair for pair in pairs if pair <= fired]
        alone = {pair for pair in found if not any(pair & other and pair != other for other in found)}
        assert {frozenset(effect.ends[site].tolist()) for site in np.flatnonzero(flips)} == alone
        assert flips.sum() == len(alone)
