# SPDX-License-Identifier: Apache-2.0
"""Pre-decoder and union-find as one spec: the same as the judge of nets counts, and as its parts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stim

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp, Judge, Setting
from synfab.predecoder.integers import Convolution, PredecoderSpec
from synfab.predecoder.labels import LabelSampler
from synfab.predecoder.labels.words import bits_from_words
from synfab.predecoder.nets.architecture import NUM_INPUTS, LayoutName
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.pipeline import DecisionStream, PipelineSpec

MODELS = Path(__file__).parents[3] / "models"
SHOTS = 4096
FOLLOW_UPS = {
    "two-bit hints": TWO_BIT_HINTS,
    "five bits": FollowUp(hints=TWO_BIT_HINTS.hints, weight_bits=5),
    "closed": FollowUp(commit="closed", above=2.3),
    "hard": FollowUp(above=0.7),
}


OTHERS = {"grid": {"outputs": 4, "input_bits": 2}, "grid_2022": {"outputs": 2, "input_bits": 1}}


@pytest.fixture(scope="module")
def net() -> PredecoderSpec:
    return PredecoderSpec.load(MODELS / "surface-s" / "spec.json")


def random_net(layout: LayoutName, outputs: int, *, input_bits: int, bias: int = -300) -> PredecoderSpec:
    """A net whose logits are of all sizes that thresholds have; the lower its bias, the more of them are below 0."""
    rng = np.random.default_rng(1)
    hidden = Convolution(
        weights=rng.integers(-8, 8, (6, NUM_INPUTS[layout], 3, 3, 3)),
        weight_bits=4,
        bias=rng.integers(0, 20, 6),
        shift=np.full(6, 2),
        input_bits=input_bits,
        activation_bits=4,
    )
    last = Convolution(
        weights=rng.integers(-8, 8, (outputs, 6, 3, 3, 3)),
        weight_bits=4,
        bias=np.full(outputs, bias),
        shift=np.zeros(outputs, int),
        input_bits=4,
    )
    return PredecoderSpec(layout=layout, layers=(hidden, last), logit_fraction_bits=6)


@pytest.mark.parametrize(
    ("layout", "basis", "name"),
    [
        *(("supercell", basis, name) for basis in ("X", "Z") for name in FOLLOW_UPS),
        ("grid", "X", "two-bit hints"),
        ("grid", "Z", "closed"),
        ("grid_2022", "Z", "two-bit hints"),
    ],
)
def test_logical_errors_are_those_that_the_judge_counts(net, layout, basis, name):
    """The judge works with logits in floating point, planes of labels and thresholds in natural units."""
    if layout != "supercell":
        net = random_net(layout, **OTHERS[layout])
    setting = Setting(distance=3, rounds=4, basis=basis, p=0.01)
    judge = Judge(setting=setting, layout=layout, seed=5, logit_unit=2.0**-net.logit_fraction_bits)
    judged = judge.judge(IntegerNet(net), {"": FOLLOW_UPS[name]}, shots=SHOTS)[""]
    spec = PipelineSpec.compile(net, setting.circuit, follow_up=FOLLOW_UPS[name])
    sampler = LabelSampler(circuit=setting.circuit, reach=0).compile(seed=5)
    errors = events = 0
    for _ in range(SHOTS // 2048):
        labels = sampler.sample(32)
        flat = sampler.schedule.detectors.ravel()
        shots = bits_from_words(labels.detectors).reshape(2048, -1)[:, flat >= 0][:, np.argsort(flat[flat >= 0])]
        actual = bits_from_words(labels.observables).reshape(2048, -1)[:, 0]
        errors += int((spec.decode_batch(shots.astype(np.uint8))[:, 0] != actual).sum())
        events += int(spec.decided(shots).left.sum())
    assert errors == judged.together > 0
    assert events == judged.events_after


STREAMED = {name: one for name, one in FOLLOW_UPS.items() if one.commit == "hard"} | {
    "any of": replace(TWO_BIT_HINTS, all_of=False)
}


@pytest.mark.parametrize(
    ("layout", "basis", "name"),
    [
        *(("supercell", basis, name) for basis in ("X", "Z") for name in STREAMED),
        ("grid", "Z", "two-bit hints"),
        ("grid_2022", "X", "any of"),
    ],
)
def test_stream_decides_what_the_whole_block_does(net, layout, basis, name):
    """Flips, what is left, the frame and the weights; each as soon as the net has seen enough, block after block."""
    if layout != "supercell":
        net = random_net(layout, **OTHERS[layout], bias=-20)
    circuit = Memory(code="rotated_surface", distance=3, rounds=6, basis=basis, p=0.03).circuit()
    spec = PipelineSpec.compile(net, circuit, follow_up=STREAMED[name])
    shots = np.asarray(circuit.compile_detector_sampler(seed=2).sample(40))
    whole, volume = spec.decided(shots), spec.volume
    own = np.array(spec.decoder.weights)
    stream = DecisionStream(spec)
    for number, shot in enumerate(shots):
        pushed = [stream.push(shot[list(detectors)]) for detectors in spec.decoder.rounds]
        assert [one is None for one in pushed] == [layer < net.look_ahead for layer in range(volume.layers)]
        rounds = [one for one in pushed if one is not None] + stream.finish()
        assert [one.layer for one in rounds] == list(range(volume.layers))
        data, timelike = (np.stack([getattr(one, kind) for one in rounds], axis=1) for kind in ("data", "timelike"))
        assert np.array_equal(np.concatenate([data.ravel(), timelike.ravel()]), whole.flips[number])
        for one, detectors in zip(rounds, spec.decoder.rounds, strict=True):
            assert np.array_equal(one.left, whole.left[number, list(detectors)])
        assert sum(one.frame for one in rounds) % 2 == whole.frame[number]
        weights = own.copy()
        for one in rounds:
            weights[one.edges] = one.weights
        assert np.array_equal(weights, own if whole.weights is None else whole.weights[number])
    assert whole.flips.any(axis=1).sum() > 10
    assert whole.frame.any()
    assert whole.weights is None or (whole.weights < own).any()


def test_stream_of_another_block_or_commit_is_refused(net):
    circuit = Memory(code="rotated_surface", distance=3, p=0.01).circuit()
    spec = PipelineSpec.compile(net, circuit)
    with pytest.raises(InputError, match="commit must be 'hard' to decide a round before its block ends, not 'closed'"):
        DecisionStream(replace(spec, commit="closed"))
    stream, rounds = DecisionStream(spec), [np.zeros(len(detectors)) for detectors in spec.decoder.rounds]
    with pytest.raises(InputError, match=r"round 0 must have the shape \(4\), not \(8,\); take the detectors of the"):
        stream.push(rounds[1])
    stream.push(rounds[0])
    with pytest.raises(InputError, match="a block must have 4 rounds before it is finished, not 1; begin it anew"):
        stream.finish()
    for one in rounds:
        stream.push(one)
    with pytest.raises(InputError, match="a block must have 4 rounds, not more; finish it before the next one"):
        stream.push(rounds[0])
    assert [one.layer for one in stream.finish()] == [2, 3]


def test_packed_shots_and_a_saved_spec_answer_alike(net, tmp_path):
    circuit = Memory(code="rotated_surface", distance=3, basis="X", p=0.02).circuit()
    spec = PipelineSpec.compile(net, circuit)
    shots = np.asarray(circuit.compile_detector_sampler(seed=1).sample(300))
    loaded = PipelineSpec.load(spec.save(tmp_path / "spec.json"))
    assert loaded.sha256 == spec.sha256
    packed = np.packbits(shots, axis=1, bitorder="little")
    expected = spec.decode_batch(shots)
    assert expected.any()
    assert np.array_equal(loaded.decode_batch(packed, bit_packed_shots=True), expected)


def with_outputs(net: PredecoderSpec, number: int) -> PredecoderSpec:
    """The net with so many of its outputs, over and over."""
    *others, last = net.layers
    chosen = np.arange(number) % last.num_outputs
    parts = {name: getattr(last, name)[chosen] for name in ("weights", "bias", "shift")}
    return replace(net, layers=(*others, replace(last, **parts)))


def test_disjoint_errors_count_as_independent_ones(net):
    circuit = Memory(code="rotated_surface", distance=3, p=0.01).circuit().flattened()
    circuit.insert(circuit.num_ticks, stim.CircuitInstruction("PAULI_CHANNEL_1", [1], [0.01, 0.02, 0.01]))
    assert PipelineSpec.compile(net, circuit).decoder.num_detectors == circuit.num_detectors


def test_parts_of_other_experiments_are_refused(net, tmp_path):
    three, five = (Memory(code="rotated_surface", distance=d, p=0.01).circuit() for d in (3, 5))
    whole, other = PipelineSpec.compile(net, three), PipelineSpec.compile(net, five)
    hopeless: list[tuple[dict[str, Any], str]] = [
        ({"decoder": other.decoder}, r"detectors must number the decoder's 120 detectors .* take both from one"),
        ({"commit": "none"}, "commit must be 'hard' or 'closed', not 'none'"),
        ({"thresholds": (9, 5, 3)}, "thresholds must ascend from above 0"),
        ({"weights": ()}, "weights must be 1 or more, one for each of 3 thresholds"),
        (
            {"net": with_outputs(net, 16)},
            "net must propose flips of all data qubits, in at most 12 planes, not in 16",
        ),
        (
            {"net": with_outputs(net, 4)},
            "net must propose flips of all data qubits, in at most 12 planes, not in 4",
        ),
        (
            {"net": random_net("grid", 4, input_bits=1)},
            "net must take inputs of 2 bits, as planes of the layout 'grid' have, not of 1; take a net of this layout",
        ),
        ({"above": -1, "commit": "closed"}, "above must be at least 0 and most_rounds at least 1, not -1 and 16"),
        ({"thresholds": (3,), "weights": (32,)}, r"weights of hints must have the decoder's 5 bits, not be \(32,\)"),
    ]
    for changed, sentence in hopeless:
        with pytest.raises(InputError, match=sentence):
            replace(whole, **changed)
    for follow_up in (FollowUp(decoder="pymatching"), FollowUp(clean_up=True), FollowUp(sheet=2)):
        with pytest.raises(InputError, match="a pipeline must commit 'hard' or 'closed' before a union-find, without"):
            PipelineSpec.compile(net, three, follow_up=follow_up)
    with pytest.raises(InputError, match="must hold a whole pipeline spec that synfab wrote"):
        PipelineSpec.load(tmp_path / "spec.json")
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(InputError, match="must hold a whole pipeline spec that synfab wrote"):
        PipelineSpec.load(tmp_path / "spec.json")
