# SPDX-License-Identifier: Apache-2.0
"""Homological equivalence: what it may change, that it ends, and where its normal form is the only one."""

from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis
from synfab.errors import InputError
from synfab.predecoder.labels import Labels, LabelSampler, Words, bits_from_words, canonical, words_from_bits
from synfab.predecoder.labels.generators import generators, order
from synfab.predecoder.volume import Volume

BASES: tuple[Basis, ...] = get_args(Basis)
REACHES = (1, 2, 3)


def sets(volume: Volume, reach: int = 1) -> list[list[int]]:
    return [[site for site in row if site >= 0] for row in generators(volume, reach).tolist()]


def shots(volume: Volume, patterns: list[list[int]]) -> Labels:
    """One pattern of flips a shot, with the detection events and observable that it makes; empty shots fill up."""
    bits = np.zeros((-(-len(patterns) // 64) * 64, volume.num_sites), np.uint8)
    for row, pattern in zip(bits, patterns, strict=False):
        row[pattern] ^= 1
    return explained(volume, words_from_bits(bits))


def explained(volume: Volume, sites: Words) -> Labels:
    width = sites.shape[-1]
    nothing = Labels(
        volume=volume,
        detectors=np.zeros((2, volume.layers, volume.num_checks, width), np.uint64),
        sites=sites,
        observables=np.zeros((1, width), np.uint64),
    )
    return Labels(volume=volume, detectors=nothing.syndrome(), sites=sites, observables=nothing.logical())


def random_sites(volume: Volume, density: float, words: int, seed: int) -> Words:
    generator = np.random.default_rng(seed)
    bits = (generator.random((64 * words, volume.num_sites)) < density).astype(np.uint8)
    layers = np.concatenate([np.repeat(mask, each) for mask, each in places_of(volume)])
    return words_from_bits(bits * layers.astype(np.uint8))


def places_of(volume: Volume) -> list[tuple[np.ndarray, int]]:
    return [(volume.data_mask.ravel(), volume.num_data), (volume.timelike_mask.ravel(), volume.num_checks)]


def ref_canonical(volume: Volume, pattern: set[int], reach: int) -> set[int]:
    """The definition, with sets."""
    table, rank = sets(volume, reach), order(volume)

    def one_pass(pattern: set[int], ties: bool) -> set[int]:
        for generator in table:
            held = len(pattern.intersection(generator))
            tie = 2 * held == len(generator) and max(generator, key=lambda site: rank[site]) in pattern
            if 2 * held > len(generator) or (ties and tie):
                pattern = pattern.symmetric_difference(generator)
        return pattern

    for ties in (False, True):
        while (changed := one_pass(pattern, ties)) != pattern:
            pattern = changed
    return pattern


VOLUMES = [Volume(distance=d, rounds=r, basis=b) for d, r in ((3, 2), (3, 3), (5, 2), (5, 4)) for b in BASES]


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("volume", VOLUMES, ids=str)
class TestWhateverThePattern:
    @pytest.mark.parametrize("density", [0.02, 0.2, 0.5])
    def test_nothing_visible_changes_and_no_weight_rises(self, volume, reach, density) -> None:
        labels = explained(volume, random_sites(volume, density, 3, seed=1))
        short = labels.canonical(reach=reach)
        assert not short.residual().any()
        assert np.array_equal(short.logical(), labels.observables)
        before, after = (bits_from_words(each.sites).sum(axis=1, dtype=np.int64) for each in (labels, short))
        assert (after <= before).all()
        assert (after < before).any()
        assert np.array_equal(canonical(short.sites, volume=volume, reach=reach), short.sites)

    def test_equal_to_the_definition(self, volume, reach) -> None:
        sites = random_sites(volume, 0.1, 1, seed=2)
        found = bits_from_words(canonical(sites, volume=volume, reach=reach))
        for shot, bits in enumerate(bits_from_words(sites)):
            expected = ref_canonical(volume, set(np.flatnonzero(bits).tolist()), reach)
            assert set(np.flatnonzero(found[shot]).tolist()) == expected

    def test_every_generator_is_invisible_and_vanishes(self, volume, reach) -> None:
        labels = shots(volume, sets(volume, reach))
        assert not labels.detectors.any()
        assert not labels.observables.any()
        assert not labels.canonical(reach=reach).sites.any()


@pytest.mark.parametrize("volume", VOLUMES, ids=str)
def test_generators_make_everything_invisible(volume) -> None:
    """Counted: places that exist, less independent detectors and the observable, are the independent generators.

    So two labels with the same detection events and observable differ by generators, and the other way round.
    """
    exist = [site for site, there in enumerate(existing(volume)) if there]
    labels = shots(volume, [[site] for site in exist])
    seen = bits_from_words(np.concatenate([labels.detectors.reshape(-1, labels.sites.shape[-1]), labels.observables]))
    visible = rank([int("".join(map(str, row)), 2) for row in seen[: len(exist)].tolist()])
    invisible = rank([sum(1 << site for site in generator) for generator in sets(volume)])
    assert invisible == len(exist) - visible


def existing(volume: Volume) -> np.ndarray:
    return np.concatenate([np.repeat(mask, each) for mask, each in places_of(volume)])


def rank(rows: list[int]) -> int:
    pivots: dict[int, int] = {}
    for row in rows:
        while row:
            top = row.bit_length()
            if top not in pivots:
                pivots[top] = row
                break
            row ^= pivots[top]
    return len(pivots)


def forms(labels: Labels, count: int, reach: int, *seen: Words) -> list[set[bytes]]:
    """Normal forms of each class: of patterns with the same detection events and the same ``seen``."""
    width = labels.sites.shape[-1]
    keys = bits_from_words(np.concatenate([labels.detectors.reshape(-1, width), *seen]))
    found = bits_from_words(labels.canonical(reach=reach).sites)
    classes: dict[bytes, set[bytes]] = {}
    for key, form in zip(keys[:count], found[:count], strict=True):
        classes.setdefault(key.tobytes(), set()).add(form.tobytes())
    return list(classes.values())


class TestUniqueness:
    """Exhaustive at distance 3."""

    @pytest.mark.parametrize("species", [0, 1])
    @pytest.mark.parametrize(("reach", "counts"), [(1, (42, 42)), (2, (33, 34)), (3, (32, 32))])
    def test_all_flips_of_a_layer(self, species, reach, counts) -> None:
        """2^4 syndromes times two logical classes are 32 classes of the 512 patterns.

        With products of three checks the normal form of each is unique; single checks leave 42.
        """
        volume = Volume(distance=3, rounds=3, basis=BASES[species])
        patterns = [[volume.data_site(species, 1, q) for q in range(9) if m >> q & 1] for m in range(512)]
        labels = shots(volume, patterns)
        classes = forms(labels, 512, reach, labels.observables)
        assert len(classes) == 32
        assert sum(map(len, classes)) == counts[species]

    @pytest.mark.parametrize("species", [0, 1])
    def test_all_flips_in_space_and_time(self, species) -> None:
        """The random species of two rounds: one layer of data between two rounds of outcomes, 2^17 patterns.

        No observable counts its flips, so a chain right across the patch is invisible too. No single step takes such a
        chain away: every one of the 16 syndromes has two normal forms, that with and that without.
        """
        volume = Volume(distance=3, rounds=2, basis=BASES[1 - species])
        sites = [volume.data_site(species, 1, q) for q in range(9)]
        sites += [volume.timelike_site(species, k, c) for k in (0, 1) for c in range(4)]
        bits = np.zeros((2**17, volume.num_sites), np.uint8)
        bits[:, sites] = np.arange(2**17)[:, None] >> np.arange(17) & 1
        classes = forms(explained(volume, words_from_bits(bits)), 2**17, 3)
        assert len(classes) == 16
        crossed = Volume(distance=3, rounds=2, basis=BASES[species]).logical
        across = [volume.data_site(species, 1, q) for q in crossed.tolist()]
        for each in classes:
            one, other = (np.frombuffer(form, np.uint8) for form in each)
            assert one[across].sum() % 2 != other[across].sum() % 2

    @pytest.mark.parametrize("volume", [Volume(distance=3, rounds=3, basis=basis) for basis in BASES], ids=str)
    def test_all_single_flips_that_look_alike(self, volume) -> None:
        """Two flips of the known species that no detector tells apart become one and the same."""
        species = volume.known
        sites = [site for site, there in enumerate(existing(volume)) if there]
        half = 2 * volume.layers * volume.num_data
        mine = [
            site
            for site in sites
            if (site // (volume.layers * volume.num_data) if site < half else (site - half) // (volume.layers * 4))
            == species
        ]
        labels = shots(volume, [[site] for site in mine])
        classes = forms(labels, len(mine), 1, labels.observables)
        assert len(classes) < len(mine)
        assert {len(each) for each in classes} == {1}

    def test_pairs_of_single_faults(self) -> None:
        """Two flips each: measured, not proved; a change of the rules must not make it worse."""
        volume = Volume(distance=3, rounds=2, basis="Z")
        sites = [volume.data_site(1, k, q) for k in range(3) for q in range(9)]
        sites += [volume.timelike_site(1, k, c) for k in (0, 1) for c in range(4)]
        patterns = [list(pair) for size in (0, 1, 2) for pair in combinations(sites, size)]
        labels = shots(volume, patterns)
        classes = forms(labels, len(patterns), 1, labels.observables)
        several = sum(len(each) > 1 for each in classes)
        assert (len(classes), several) == (368, 11)


def test_late_errors_move_to_the_round_that_sees_them() -> None:
    """A data flip after a round's last gate comes with wrong outcomes of its checks: one flip in the next layer."""
    volume = Volume(distance=5, rounds=4, basis="Z")
    qubit = 12
    checks = [c for c, row in enumerate(volume.supports[1].tolist()) if qubit in row]
    assert len(checks) == 2
    late = [volume.data_site(1, 1, qubit), *(volume.timelike_site(1, 1, c) for c in checks)]
    labels = shots(volume, [late])
    assert np.flatnonzero(bits_from_words(labels.canonical().sites)[0]).tolist() == [volume.data_site(1, 2, qubit)]


def test_the_paper_counts_fewer_labels_after_it() -> None:
    noise = PauliNoise.depolarizing(0.006)
    circuit = Memory(code="rotated_surface", distance=7, basis="X", noise=noise).circuit()
    raw = LabelSampler(circuit=circuit, reach=0).compile(seed=1).sample(32)
    weights = [bits_from_words(labels.sites).sum() for labels in (raw, *(raw.canonical(reach=r) for r in REACHES))]
    assert weights[0] > 2 * weights[1] > 2 * weights[2] >= 2 * weights[3]


@pytest.mark.parametrize(
    ("reach", "sentence"),
    [
        (0, "reach must be an integer of at least 1, not 0"),
        (4, "reach must be at most 3, the checks of the largest generator, not 4"),
    ],
)
def test_bad_reach(reach, sentence) -> None:
    volume = Volume(distance=3, rounds=2, basis="Z")
    with pytest.raises(InputError) as caught:
        canonical(np.zeros((volume.num_sites, 1), np.uint64), volume=volume, reach=reach)
    assert str(caught.value) == sentence
