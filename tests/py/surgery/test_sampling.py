# SPDX-License-Identifier: Apache-2.0
"""Sampled programs: nothing is wrong without errors, branches follow their results, and decoding helps."""

from typing import Literal

import numpy as np
import pytest
import stim

from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.surgery import Program, Sampler, check, shipped_programs
from synfab.surgery.frames import frame_simulator
from synfab.surgery.global_decoding import Decoder, matching, union_find

TINY = 1e-9
"""Too rare to happen in a test, yet every edge is there."""

CNOT = """
name = "cnot_of_{before}_to_{after}"
distance = 3

[patches]
control = [0, 0]
ancilla = [0, 1]
target = [1, 1]

[[step]]
ops = [
    {{ prepare = "control", basis = "{before[0]}" }},
    {{ prepare = "target", basis = "{before[1]}" }},
    {{ prepare = "ancilla", basis = "X" }},
]

[[step]]
ops = [{{ merge = ["control", "ancilla"], result = "zz" }}]

[[step]]
ops = [
    {{ split = ["control", "ancilla"] }},
    {{ merge = ["ancilla", "target"], result = "xx" }},
    {{ measure = "ancilla", result = "ancilla_z" }},
]

[[step]]
ops = [
    {{ measure = "control", basis = "{after[0]}", result = "control" }},
    {{ measure = "target", basis = "{after[1]}", result = "target" }},
]

[[output]]
name = "output"
parity = {parity}
"""

# X of the control takes X of the target along, Z of the target Z of the control; the frames are Z of the control by
# the XX parity, and X of the target by the ZZ parity and the ancilla.
STABILIZERS = {
    ("ZZ", "ZZ"): [["control"], ["target", "zz", "ancilla_z"]],
    ("XX", "XX"): [["control", "xx"], ["target"]],
    ("XZ", "XX"): [["control", "target", "xx"]],
    ("XZ", "ZZ"): [["control", "target", "zz", "ancilla_z"]],
    ("ZX", "ZX"): [["control"], ["target"]],
}


def distance_3(name: str) -> Program:
    return Program.load(name).model_copy(update={"distance": 3})


def sampler(
    program: Program,
    *,
    p: float = TINY,
    noise: Literal["phenomenological", "circuit"] = "phenomenological",
    decoder: Decoder = matching,
) -> Sampler:
    return Sampler(program=program, noise=noise, p=p, decoder=decoder)


@pytest.mark.parametrize("bases", STABILIZERS, ids=str)
def test_a_cnot_maps_stabilizers_as_it_should(bases):
    before, after = bases
    for parity in STABILIZERS[bases]:
        program = Program.from_toml(CNOT.format(before=before, after=after, parity=parity))
        assert check(program).random_outputs == ()
        (branch,) = sampler(program).sample(64, seed=1)
        assert not branch.outputs["output"].any()
        # With one result left out the rest is random: each of them is needed.
        for name in parity:
            rest = [other for other in parity if other != name]
            if rest:
                lacking = Program.from_toml(CNOT.format(before=before, after=after, parity=rest))
                assert check(lacking).random_outputs == ("output",)


@pytest.mark.parametrize("name", shipped_programs())
def test_nothing_is_wrong_without_errors(name):
    found = sampler(distance_3(name)).sample(128, seed=2)
    assert sum(branch.shots for branch in found) == 128
    assert sum(branch.num_errors for branch in found) == 0


def test_branches_are_taken_from_decoded_results():
    found = sampler(distance_3("feedback"), p=0.01).sample(2000, seed=3)
    assert [branch.values for branch in found] == [{"coin": False}, {"coin": True}]
    assert all(800 < branch.shots < 1200 for branch in found)
    assert [sorted(branch.results) for branch in found] == [["coin", "z"], ["coin", "x"]]
    # Each shot has in the end the result for which it took its branch.
    for branch, value in zip(found, (False, True), strict=True):
        assert (branch.results["coin"] == value).mean() > 0.99


def test_the_decoder_decides_the_branch():
    """Asked with the graph of what is there; its predicted flip turns the coin."""
    asked = []

    def contrary(graph, detections):
        asked.append((graph.num_observables, detections.shape))
        return np.ones((len(detections), graph.num_observables), bool)

    honest = sampler(distance_3("feedback")).sample(256, seed=4)
    turned = sampler(distance_3("feedback"), decoder=contrary).sample(256, seed=4)
    assert [branch.shots for branch in turned] == [branch.shots for branch in honest][::-1]
    assert asked[0] == (1, (256, asked[0][1][1]))


def test_same_seed_same_shots():
    one, other = (sampler(distance_3("feedback"), p=0.02).sample(200, seed=5) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert a.values == b.values
        for name in a.results:
            np.testing.assert_array_equal(a.results[name], b.results[name])


def test_a_memory_fails_as_often_as_stims():
    """One patch, one step: the rate of the memory experiment, sampled and decoded by Stim and PyMatching."""
    import pymatching

    program = Program.from_toml(
        'name = "memory"\ndistance = 3\n[patches]\na = [0, 0]\n[[step]]\n'
        'ops = [{ prepare = "a" }, { measure = "a", result = "z" }]\n[[output]]\nname = "kept"\nparity = ["z"]\n'
    )
    shots, p = 20_000, 0.008
    memory = Memory(code="rotated_surface", distance=3, p=p)
    detections, flips = memory.circuit().compile_detector_sampler(seed=6).sample(shots, separate_observables=True)
    expected = np.count_nonzero(pymatching.Matching(memory.dem()).decode_batch(detections) != flips)
    for decoder in (matching, union_find(weight_bits=4)):
        (branch,) = sampler(program, p=p, noise="circuit", decoder=decoder).sample(shots, seed=7)
        # Five standard deviations of the difference of two counts, and union-find's own loss of a few per cent.
        assert abs(branch.num_errors - expected) < 5 * np.sqrt(2 * expected) + 0.1 * expected


@pytest.mark.parametrize("decoder", [matching, union_find()], ids=["matching", "union_find"])
def test_decoding_helps(decoder):
    """Against taking the outcomes as they are."""

    def nothing(graph, detections):
        return np.zeros((len(detections), graph.num_observables), bool)

    program = distance_3("cnot")
    decoded, raw = (
        sampler(program, p=0.004, noise="circuit", decoder=which).sample(2000, seed=8)[0].num_errors
        for which in (decoder, nothing)
    )
    assert 0 < 3 * decoded < raw


def test_frames_go_over_to_another_simulator():
    simulator = stim.FlipSimulator(batch_size=300, num_qubits=3, seed=1)
    simulator.do(stim.Circuit("H 0\nCX 0 1\nDEPOLARIZE1(0.5) 0 1 2"))
    chosen = np.arange(0, 300, 3)
    other = frame_simulator(simulator, chosen, seed=2)
    assert other.peek_pauli_flips() == [simulator.peek_pauli_flips()[shot] for shot in chosen]


def test_an_even_distance_is_refused():
    with pytest.raises(InputError, match=r"^distance must be odd"):
        sampler(Program.load("cnot").model_copy(update={"distance": 4}))


@pytest.mark.parametrize("p", [0, -0.1, 0.51, 2, float("nan")])
def test_a_noise_that_cannot_be_is_refused(p):
    with pytest.raises(InputError, match=rf"^p must be above 0 and at most 0\.5, not {p}; it is the strength of"):
        sampler(distance_3("cnot"), p=p)


def test_a_noise_model_that_programs_do_not_have_is_refused():
    """Preparations and merges have no place in code-capacity noise."""
    with pytest.raises(InputError, match=r"^noise must be 'phenomenological' or 'circuit', not 'code_capacity'; "):
        sampler(distance_3("cnot"), noise="code_capacity")  # pyright: ignore[reportArgumentType]


def test_no_shots_are_refused():
    with pytest.raises(InputError, match=r"^shots must be at least 1, not 0; "):
        sampler(distance_3("cnot")).sample(0)


@pytest.mark.parametrize("decoders", [{}, {"decoder": matching, "block_decoder": lambda *_: np.zeros((1, 1), bool)}])
def test_one_decoder_must_be_given(decoders):
    with pytest.raises(InputError, match=r"^a sampler must have either a decoder or a block_decoder, not both or none"):
        Sampler(program=distance_3("cnot"), noise="circuit", p=0.01, **decoders)
