# SPDX-License-Identifier: Apache-2.0
"""Judgement of nets: against counting by hand, and nets that know nothing or everything."""

from dataclasses import replace
from math import inf
from typing import get_args

import numpy as np
import pytest
import stim
from pymatching import Matching

from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.predecoder.decisions import collapsed, collapsed_model
from synfab.predecoder.evaluation import FollowUp, GlobalDecoder, Judge, Net, Setting, no_net
from synfab.predecoder.inputs import plane_layout
from synfab.predecoder.labels import LabelSampler, bits_from_words
from synfab.predecoder.layouts import layout_by_name
from synfab.predecoder.nets import ARCHITECTURES
from synfab.predecoder.paired import Paired

SETTING = Setting(distance=3, basis="Z", p=0.01)
HINTS = ((1.0, 0.5), (4.5, 3.5))


def certain_no_of(outputs: int) -> Net:
    return lambda planes: np.full((len(planes), outputs, *planes.shape[2:]), -50.0)


certain_no = certain_no_of(12)


def test_net_that_says_no_changes_nothing():
    judge = Judge(setting=SETTING, layout="supercell", seed=1)
    follow_ups = {
        f"{decoder} {commit} {bool(hints)}": FollowUp(decoder=decoder, commit=commit, hints=hints)
        for decoder in ("union_find", "pymatching", "correlated_pymatching")
        for commit in ("hard", "closed", "none")
        for hints in ((), HINTS)
        if decoder == "union_find" or not hints
    }
    for name, found in judge.judge(certain_no, follow_ups, shots=2048).items():
        assert found.shots == 2048, name
        assert found.together == found.alone == found.both > 0, name
        assert found.density_reduction == 1


@pytest.mark.parametrize("name", ["S", "model_1", "six_layers"])
def test_every_layout_is_judged(name):
    """A net of 2022 has outputs for data qubits alone: it proposes no flips of measurements."""
    architecture = ARCHITECTURES[name]
    judge = Judge(setting=SETTING, layout=architecture.layout, seed=1)

    def flips_one(planes: np.ndarray) -> np.ndarray:
        assert planes.shape[1] == architecture.num_inputs
        logits = np.full((len(planes), architecture.num_outputs, *planes.shape[2:]), -50.0)
        # A Z flip of the data qubit in the middle, which two X checks see, in layer 1.
        layout = plane_layout(architecture.layout, 3)
        channel, row, column = np.unravel_index(layout.data_sites[0, 4], layout.target_shape)
        logits[:, channel, 1, row, column] = 50
        return logits

    for net, more in ((certain_no_of(architecture.num_outputs), 0), (flips_one, 2)):
        found = judge.judge(net, {"": FollowUp()}, shots=64)[""]
        assert found.shots == 64
        assert abs(found.events_after - found.events_before) <= more * 64
        assert (found.events_after == found.events_before) == (more == 0)


def test_net_that_knows_the_labels_leaves_nothing():
    """An oracle: it is asked for the very shots of the judge, in their order."""
    layout = layout_by_name("supercell", 3)
    sampler = LabelSampler(circuit=SETTING.circuit, reach=0).compile(seed=1)

    def oracle(planes: np.ndarray) -> np.ndarray:
        batch = layout.batch(sampler.sample(len(planes) // 64))
        assert np.array_equal(batch.events, planes[:, :4])
        return batch.targets * 100.0 - 50

    judge = Judge(setting=SETTING, layout="supercell", seed=1)
    found = judge.judge(oracle, {"hard": FollowUp(hints=HINTS)}, shots=4096)["hard"]
    assert found.together == found.both == 0
    assert found.alone > 0
    assert found.events_after == 0
    assert found.density_reduction == inf


def test_alone_is_the_decoder_on_stim_s_shots():
    judge = Judge(setting=SETTING, layout="supercell", seed=3)
    found = judge.judge(certain_no, {"uf": FollowUp(), "pm": FollowUp(decoder="pymatching")}, shots=65536)
    shots, flips = SETTING.circuit.compile_detector_sampler(seed=8).sample(65536, separate_observables=True)
    matching = Matching.from_detector_error_model(SETTING.model)
    expected = int(np.not_equal(matching.decode_batch(shots), flips).sum())
    assert abs(found["pm"].alone - expected) < 5 * (2 * expected) ** 0.5
    assert 0.9 < found["uf"].alone / found["pm"].alone < 1.3


def test_matching_and_union_find_take_the_same_hints_and_stand_beside_any_decoder():
    """Silent hints are no hints; logits of chance make all edges alike; each decoder alone is the one it names."""
    judge = Judge(setting=SETTING, layout="supercell", seed=4)
    silent, plain = FollowUp(commit="none", hints=HINTS), FollowUp(commit="none")
    follow_ups = {
        f"{decoder} {name} beside {beside}": replace(follow_up, decoder=decoder, beside=beside)
        for decoder in ("union_find", "pymatching")
        for name, follow_up in (("silent", silent), ("plain", plain))
        for beside in ("union_find", "pymatching")
    }
    found = judge.judge(certain_no, follow_ups, shots=4096)
    uf, pm = (found[f"{name} plain beside {name}"].alone for name in ("union_find", "pymatching"))
    for name, paired in found.items():
        assert paired.alone == (uf if name.endswith("union_find") else pm)
        if name.startswith("union_find"):
            assert paired.together == uf
    # Weights of four bits are not PyMatching's own.
    assert abs(found["pymatching silent beside pymatching"].together - pm) < 0.2 * pm
    unsure = judge.judge(
        lambda planes: certain_no(planes) / 100, {"": replace(silent, decoder="pymatching")}, shots=4096
    )
    assert unsure[""].together not in (pm, found["pymatching silent beside pymatching"].together)


def decoded(decoder: GlobalDecoder, model: stim.DetectorErrorModel, shots: np.ndarray) -> np.ndarray:
    if decoder == "union_find":
        return UnionFindSpec.compile(DecodingGraph.from_dem(model)).decode_batch(shots)
    correlated = decoder == "correlated_pymatching"
    matching = Matching.from_detector_error_model(model, enable_correlations=correlated)
    return np.asarray(matching.decode_batch(shots, enable_correlations=correlated))


def test_sheets_are_decoded_by_their_own_graph():
    """Sheets of one layer are none; thicker ones are collapsed and decoded as by hand."""
    judge = Judge(setting=SETTING, layout="supercell", seed=4)
    follow_ups = {
        (decoder, sheet): FollowUp(commit="none", decoder=decoder, sheet=sheet)
        for decoder in get_args(GlobalDecoder)
        for sheet in (1, 2, 9)
    }
    found = judge.judge(certain_no, follow_ups, shots=8192)
    sampler = LabelSampler(circuit=SETTING.circuit, reach=0).compile(seed=4)
    volume, detectors = sampler.schedule.volume, sampler.schedule.detectors
    labels = [sampler.sample(32) for _ in range(4)]
    events, actual = (
        np.concatenate([bits_from_words(one).reshape(2048, -1) for one in ones]).astype(bool)
        for ones in ([one.detectors for one in labels], [one.observables for one in labels])
    )
    for (decoder, sheet), paired in found.items():
        assert paired.alone == found[decoder, 1].together == found[decoder, 1].both
        model = collapsed_model(SETTING.model, detectors=detectors, height=sheet)
        left = collapsed(events, volume=volume, height=sheet)
        errors = int((decoded(decoder, model, left.astype(np.uint8)) != actual).sum())
        if sheet > 1:
            assert errors == paired.together > paired.alone, (decoder, sheet)
            assert paired.events_after == left.sum()
        else:
            # Edges in another order break ties in another way.
            assert abs(errors - paired.together) < 0.1 * errors


def test_correlated_matching_takes_hints():
    """Silent hints leave it as it is; doubt of everything makes it worse; alone it is without them."""
    judge = Judge(setting=SETTING, layout="supercell", seed=4)
    silent = FollowUp(commit="none", hints=HINTS, decoder="correlated_pymatching")
    plain = replace(silent, hints=())
    found = judge.judge(certain_no, {"silent": silent, "plain": plain}, shots=1024)
    assert found["silent"] == found["plain"]
    assert found["plain"].together == found["plain"].alone > 0
    unsure = judge.judge(lambda planes: certain_no(planes) / 100, {"": silent}, shots=1024)[""]
    assert unsure.alone == found["plain"].alone < unsure.together


def test_hints_are_not_for_sheets():
    with pytest.raises(InputError, match=r"hints must be for edges of the circuit's own graph, not of .* sheets of 2"):
        FollowUp(hints=HINTS, sheet=2)
    with pytest.raises(InputError, match="sheet must be an integer of at least 1, not 0"):
        FollowUp(sheet=0)


def test_isolated_pairs_need_no_net():
    judge = Judge(setting=SETTING, layout="supercell", seed=4)
    rule = FollowUp(commit="isolated_pairs", decoder="pymatching")
    found = judge.judge(no_net, {"rule": rule}, shots=8192)["rule"]
    assert found.density_reduction > 1.3
    assert 0.9 < found.ratio < 1.6
    assert found.seconds_alone > 0 < found.seconds_together


def test_unit_of_integer_logits():
    """A spec's logits in their unit are the float net's."""
    judge = Judge(setting=SETTING, layout="supercell", seed=1)
    fine = Judge(setting=SETTING, layout="supercell", seed=1, logit_unit=2**-4)
    rng = np.random.default_rng(0)
    logits = rng.integers(-100, 20, (2048, 12, 4, 2, 2)) / 16
    follow_ups = {"hints": FollowUp(hints=HINTS), "closed": FollowUp(commit="closed", above=0.5)}
    assert judge.judge(lambda planes: logits, follow_ups, shots=2048) == fine.judge(
        lambda planes: np.rint(16 * logits).astype(int), follow_ups, shots=2048
    )


@pytest.mark.parametrize("both", [0, 40])
def test_error_of_the_ratio_is_that_of_repeated_draws(both):
    rng = np.random.default_rng(5)
    shots, alone, together = 100_000, 100, 80
    parts = [both, alone - both, together - both]
    draws = rng.multinomial(shots, [*(part / shots for part in parts), 1 - sum(parts) / shots], size=4000)
    ratios = (draws[:, 0] + draws[:, 2]) / (draws[:, 0] + draws[:, 1])
    found = Paired(shots=shots, alone=alone, together=together, both=both)
    assert found.ratio == 0.8
    assert found.ratio_error == pytest.approx(ratios.std(), rel=0.1)


@pytest.mark.parametrize("shots", [0, 100])
def test_shots_come_in_words(shots):
    judge = Judge(setting=SETTING, layout="supercell", seed=1)
    with pytest.raises(
        InputError, match=rf"^shots must be a multiple of 64, not {shots}; take {64 if not shots else 128}$"
    ):
        judge.judge(no_net, {"": FollowUp()}, shots=shots)
