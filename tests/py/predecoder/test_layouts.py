# SPDX-License-Identifier: Apache-2.0
"""Layouts: index maps both ways, against the definition by positions and the matrices of the paper."""

from typing import get_args

import numpy as np
import pytest

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.predecoder.labels import Labels, LabelSampler, bits_from_words
from synfab.predecoder.layouts import LAYOUTS, PlaneLayout, grid, layout_by_name, supercell
from synfab.predecoder.volume import Volume

BASES: tuple[Basis, ...] = get_args(Basis)
DISTANCES = (3, 5, 7, 9)


def samples(distance: int, rounds: int, basis: Basis, words: int = 2) -> Labels:
    noise = PauliNoise.depolarizing(0.01)
    circuit = Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, noise=noise).circuit()
    return LabelSampler(circuit=circuit).compile(seed=distance).sample(words)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("name", LAYOUTS)
class TestMaps:
    def test_sites_and_sources_are_inverse(self, name, distance) -> None:
        layout = layout_by_name(name, distance)
        volume = Volume(distance=distance, rounds=2, basis="Z")
        assert layout.event_sites.shape == layout.timelike_sites.shape == (2, volume.num_checks)
        assert layout.data_sites.shape == (2, volume.num_data)
        events = layout.event_sites.ravel()
        targets = np.concatenate([layout.data_sites.ravel(), layout.timelike_sites.ravel()])
        for sites, source in ((events, layout.event_source), (targets, layout.target_source)):
            assert np.array_equal(source.ravel()[sites], np.arange(len(sites)))
            assert np.count_nonzero(source >= 0) == len(set(sites.tolist())) == len(sites)
        assert layout.event_source.shape == layout.event_shape
        assert layout.target_source.shape == layout.target_shape

    def test_tables_cannot_be_written(self, name, distance) -> None:
        layout = layout_by_name(name, distance)
        for table in (layout.event_sites, layout.data_sites, layout.timelike_sites, layout.event_source):
            with pytest.raises(ValueError, match="read-only"):
                table[...] = 0

    @pytest.mark.parametrize("basis", BASES)
    @pytest.mark.parametrize("rounds", [2, 4])
    def test_batch_and_back(self, name, distance, basis, rounds) -> None:
        labels = samples(distance, rounds, basis)
        layout, volume = layout_by_name(name, distance), labels.volume
        batch = layout.batch(labels)
        assert batch.events.dtype == batch.targets.dtype == batch.observables.dtype == np.uint8
        assert batch.events.shape == (128, layout.event_channels, rounds + 1, layout.rows, layout.cols)
        assert batch.targets.shape == (128, layout.target_channels, rounds + 1, layout.rows, layout.cols)
        assert np.array_equal(batch.observables, bits_from_words(labels.observables))
        assert np.array_equal(layout.sites_from_targets(batch.targets, volume=volume), labels.sites)

        # By plain indexing: layers follow the channel, everything else is the site.
        for planes, table, words, channels in (
            (batch.events, layout.event_sites, labels.detectors, layout.event_channels),
            (batch.targets, layout.data_sites, labels.data, layout.target_channels),
            (batch.targets, layout.timelike_sites, labels.timelike, layout.target_channels),
        ):
            flat = planes.transpose(0, 2, 1, 3, 4).reshape(128, rounds + 1, channels * layout.rows * layout.cols)
            bits = bits_from_words(words)
            for species in (0, 1):
                assert np.array_equal(flat[:, :, table[species]], bits[:, species])
        assert batch.events.sum() == bits_from_words(labels.detectors).sum()
        assert batch.targets.sum() == bits_from_words(labels.sites).sum()

    @pytest.mark.parametrize("basis", BASES)
    def test_masks(self, name, distance, basis) -> None:
        volume = Volume(distance=distance, rounds=4, basis=basis)
        layout = layout_by_name(name, distance)
        events, targets = layout.event_mask(volume), layout.target_mask(volume)
        assert events.sum() == volume.num_checks * volume.detector_mask.sum()
        assert targets.sum() == (
            volume.num_data * volume.data_mask.sum() + volume.num_checks * volume.timelike_mask.sum()
        )
        presence = layout.presence(volume)
        assert presence.dtype == np.uint8
        assert np.array_equal(presence > 0, events)
        # Of the checks of one species d - 1 have two qubits.
        assert np.count_nonzero(presence == 1) == (distance - 1) * volume.detector_mask.sum()
        everything = np.ones((64, *targets.shape), np.uint8)
        kept = bits_from_words(layout.sites_from_targets(everything, volume=volume))[0]
        assert kept.sum() == targets.sum()

    def test_fingerprints_differ(self, name, distance) -> None:
        others = {layout_by_name(n, d).fingerprint for n in LAYOUTS for d in DISTANCES if (n, d) != (name, distance)}
        assert layout_by_name(name, distance).fingerprint not in others


def test_the_matrices_of_the_paper() -> None:
    """Equations 17 and 18, twice each entry; the paper's X checks are this code's Z checks."""
    first = [[2, 0, 2, 0, 1], [1, 2, 0, 2, 0], [2, 0, 2, 0, 1], [1, 2, 0, 2, 0], [0, 0, 0, 0, 0]]
    second = [[0, 1, 2, 1, 2], [0, 2, 0, 2, 0], [0, 0, 2, 0, 2], [0, 2, 0, 2, 0], [0, 0, 1, 0, 1]]
    volume = Volume(distance=5, rounds=3, basis="Z")
    presence = grid(5).presence(volume)
    for layer in (1, 2):
        assert presence[0, layer].tolist() == second
        assert presence[1, layer].tolist() == first
    assert not presence[0, [0, 3]].any()
    assert presence[1, 0].tolist() == presence[1, 3].tolist() == first


@pytest.mark.parametrize("distance", DISTANCES)
def test_grid_stands_at_data_qubits(distance) -> None:
    volume, layout = Volume(distance=distance, rounds=2, basis="Z"), grid(distance)
    area = distance * distance
    for species in (0, 1):
        assert layout.data_sites[species].tolist() == list(range(species * area, (species + 1) * area))
        for check, row in enumerate(volume.supports[species].tolist()):
            support = [qubit for qubit in row if qubit < volume.num_data]
            anchor = int(layout.event_sites[species, check]) - species * area
            top = [q for q in support if q // distance == min(s // distance for s in support)]
            assert anchor == (max(top) if species == 0 else min(top))
            assert layout.timelike_sites[species, check] == (2 + species) * area + anchor


@pytest.mark.parametrize("distance", DISTANCES)
def test_supercells_are_blocks_of_the_ancilla_grid(distance) -> None:
    volume, layout = Volume(distance=distance, rounds=2, basis="Z"), supercell(distance)
    assert (layout.rows, layout.cols) == ((distance + 1) // 2,) * 2

    def site(channel: int, row: int, column: int) -> int:
        return (channel * layout.rows + row // 2) * layout.cols + column // 2

    for species, checks in enumerate(volume.checks):
        for index, check in enumerate(checks):
            column, row = (value // 2 for value in check.position)
            channel = 2 * (row % 2) + column % 2
            assert channel in ((1, 2), (0, 3))[species]
            assert layout.event_sites[species, index] == site(channel, row, column)
            assert layout.timelike_sites[species, index] == site(8 + channel, row, column)
        for qubit in range(volume.num_data):
            row, column = divmod(qubit, distance)
            assert layout.data_sites[species, qubit] == site(4 * species + 2 * (row % 2) + column % 2, row, column)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_bulk_looks_the_same_everywhere(name) -> None:
    """What a convolution relies on: the qubits of a bulk check are at the same steps from it, per channel."""
    layout = layout_by_name(name, 9)
    volume = Volume(distance=9, rounds=2, basis="Z")
    area = layout.rows * layout.cols
    for species in (0, 1):
        steps: dict[int, set[tuple]] = {}
        for check, row in enumerate(volume.supports[species].tolist()):
            channel, place = divmod(int(layout.event_sites[species, check]), area)
            if volume.num_data in row:
                continue
            there = np.divmod(layout.data_sites[species, row], area)
            offsets = zip(
                there[0].tolist(),
                (there[1] // layout.cols - place // layout.cols).tolist(),
                (there[1] % layout.cols - place % layout.cols).tolist(),
                strict=True,
            )
            steps.setdefault(channel, set()).add(tuple(sorted(offsets)))
        assert {len(each) for each in steps.values()} == {1}


class TestBadInput:
    def test_unknown_layout(self) -> None:
        with pytest.raises(InputError) as caught:
            layout_by_name("hexagon", 5)
        assert str(caught.value) == "layout must be one of 'grid', 'supercell', not 'hexagon'"

    @pytest.mark.parametrize("make", [grid, supercell])
    def test_distance(self, make) -> None:
        with pytest.raises(InputError, match="distance must be odd, so that both kinds of checks are equally many"):
            make(6)
        with pytest.raises(InputError, match="distance must be an integer of at least 3, not 1"):
            make(1)

    def test_samples_of_another_distance(self) -> None:
        with pytest.raises(InputError) as caught:
            grid(5).batch(samples(3, 2, "X", 1))
        assert str(caught.value) == (
            "the layout 'grid' is one of distance 5, the samples are of distance 3: make it with grid(3)"
        )

    def test_planes_of_another_shape(self) -> None:
        volume = Volume(distance=3, rounds=2, basis="Z")
        layout: PlaneLayout = supercell(3)
        for shape in ((64, 12, 2, 2, 2), (60, 12, 3, 2, 2)):
            with pytest.raises(InputError, match=r"targets must be of shape \(64 W, 12, 3, 2, 2\) in the layout"):
                layout.sites_from_targets(np.zeros(shape, np.uint8), volume=volume)
