# SPDX-License-Identifier: Apache-2.0
"""The choice of a design, against measurements of all of them: real yosys and Verilator on a small code."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from synfab.boards import board
from synfab.errors import InputError
from synfab.flow.build import Problem
from synfab.flow.candidates import Candidate, Workbench, design_name
from synfab.flow.choice import Chooser, Demands, decoder_keys
from synfab.flow.config import load_config
from synfab.flow.toml_values import with_values
from synfab.rtl.union_find.design import Design

SMALL = """# A comment.
[code]
code = "repetition"
distance = 3
noise = "phenomenological"
p = 0.05

[decoder]
weight_bits = 3     # another comment
"""
SHOTS = 400
VMK180 = board("vmk180")


def shared(number: int) -> Design:
    return Design(micro_architecture="shared", detectors_per_element=number)


DESIGNS = [Design(), shared(1), shared(2), shared(4), shared(8)]


@pytest.fixture(scope="module")
def config_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("choice") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def workbench(config_file) -> Workbench:
    config = load_config(config_file)
    problem = Problem.from_config(config)
    folder = config_file.parent / "out"
    return Workbench(config=config, problem=problem, directory=folder, shots=SHOTS, listener=lambda step, state: None)


@pytest.fixture(scope="module")
def all_measured(workbench) -> dict[Design, Candidate]:
    return {
        design: Candidate(design=design, area=workbench.area(design), cycles=workbench.cycles(design))
        for design in DESIGNS
    }


def chooser(workbench: Workbench, **demands) -> Chooser:
    return Chooser(config=workbench.config, demands=Demands(**demands), workbench=workbench)


def holding(workbench: Workbench, found: dict[Design, Candidate], **demands) -> list[Candidate]:
    judge = chooser(workbench, **demands)
    return [candidate for candidate in found.values() if max(judge.excess(candidate).values()) <= 1]


def lut(candidate: Candidate) -> int:
    assert candidate.area is not None
    return candidate.area.lut


def mean(candidate: Candidate) -> float:
    assert candidate.cycles is not None
    return candidate.cycles.mean


def test_designs_differ_as_the_bisection_takes_for_granted(all_measured):
    """Here, as on all small codes, one element for all detectors is larger than two elements are."""
    several = [all_measured[design] for design in DESIGNS[1:]]
    assert sorted(several, key=mean) == several
    smallest = several.index(min(several, key=lut))
    assert 0 < smallest < len(several) - 1
    assert sorted(several[: smallest + 1], key=lut, reverse=True) == several[: smallest + 1]
    assert sorted(several[smallest:], key=lut) == several[smallest:]


def test_the_smallest_in_time_is_chosen(workbench, all_measured):
    rounds, clock_mhz = len(workbench.spec.rounds), workbench.config.target.clock_mhz
    for edge in all_measured.values():
        limit = mean(edge) / rounds * 1000 / clock_mhz
        for round_ns in (limit * 0.999, limit * 1.001):
            possible = holding(workbench, all_measured, round_ns=round_ns)
            if possible:
                chosen = chooser(workbench, round_ns=round_ns).choose()
                assert chosen.design == min(possible, key=lut).design


def test_the_fastest_that_fits_is_chosen(workbench, all_measured):
    for edge in all_measured.values():
        for fits in (lut(edge) / VMK180.lut * 0.999, lut(edge) / VMK180.lut * 1.001):
            possible = holding(workbench, all_measured, fits=fits)
            if possible:
                assert chooser(workbench, fits=fits).choose().design == min(possible, key=mean).design


def test_both_demands_are_held_or_refused_with_the_distance(workbench, all_measured):
    answers = set()
    for edge in all_measured.values():
        for other in all_measured.values():
            assert other.cycles is not None
            demands = {"fits": lut(edge) / VMK180.lut * 1.001, "latency_cycles": other.cycles.p99, "at": "p99"}
            possible = holding(workbench, all_measured, **demands)
            if possible:
                chosen = chooser(workbench, **demands).choose().design
                assert chosen == min(possible, key=lut).design
                answers.add(chosen)
    assert len(answers) >= 3


def test_nothing_fits_is_a_sentence_with_the_distance(workbench, all_measured):
    smallest = min(map(lut, all_measured.values())) / VMK180.lut
    with pytest.raises(InputError) as refusal:
        chooser(workbench, fits=smallest / 2).choose()
    assert str(refusal.value) == (
        f"a design must take at most {smallest / 2:.4g} of vmk180, but the nearest, shared, n=4, takes {smallest:.3g} "
        "of its LUT; relax a demand, take a larger board or a faster clock, or a smaller code"
    )
    with pytest.raises(
        InputError, match=r"at most 0\.\d+ of vmk180 and 10 ns a round, but the nearest, .* ns a round;"
    ):
        chooser(workbench, fits=smallest * 1.01, round_ns=10).choose()


def test_hops_are_tried_for_a_latency_alone(workbench, all_measured):
    """Two cycles are too few for any design, so all are tried."""
    hasty = chooser(workbench, latency_cycles=2, at="mean")
    with pytest.raises(InputError, match=r"at most 2 cycles \(mean\), but the nearest, spatial, \d hops, takes \d"):
        hasty.choose()
    tried = [design_name(design) for design in hasty.measured]
    assert {"spatial", "spatial, 2 hops", "spatial, 4 hops"} <= set(tried)
    patient = chooser(workbench, round_ns=1)
    with pytest.raises(InputError, match="at most 1 ns a round, but the nearest, spatial, takes"):
        patient.choose()
    assert all(design.hops == 1 for design in patient.measured)


def test_few_are_measured(workbench, all_measured):
    found = chooser(workbench, round_ns=1000)
    found.choose()
    assert sum(candidate.cycles is not None for candidate in found.measured.values()) <= 4
    assert sum(candidate.area is not None for candidate in found.measured.values()) <= 4


def test_runtime_weights_are_spatial(workbench):
    config = workbench.config
    decoder = config.decoder.model_copy(update={"runtime_weights": True})
    own = replace(workbench, config=config.model_copy(update={"decoder": decoder}))
    chosen = chooser(own, fits=0.5).choose()
    assert chosen.design == Design(runtime_weights=True)
    assert [candidate.design for candidate in chosen.candidates] == [chosen.design]


@pytest.mark.parametrize(
    ("demands", "sentence"),
    [
        ({}, "a choice must have one of --fits, --round-ns and --latency-cycles, not none; say what must hold"),
        ({"fits": 0.0}, "fits must be above 0, not 0.0; nothing takes less"),
        ({"round_ns": float("nan")}, "round_ns must be above 0, not nan; nothing takes less"),
        (
            {"latency_cycles": 5, "at": "p98"},
            "at must be one of 'mean', 'p50', 'p99', 'p99.9', 'max', not 'p98'",
        ),
    ],
)
def test_demands_are_checked(demands, sentence):
    with pytest.raises(InputError) as refusal:
        Demands(**demands)
    assert str(refusal.value) == sentence


def test_command_line(config_file, workbench, all_measured, tmp_path):
    """What is stored is not measured again, and the copy of the config builds what was chosen."""
    synfab, copy = str(Path(sys.executable).with_name("synfab")), tmp_path / "copy.toml"
    command = [synfab, "choose", str(config_file), "-o", str(workbench.directory), "--shots", str(SHOTS)]
    demands = ["--fits", "0.25", "--round-ns", "1000", "--write", str(copy)]
    done = subprocess.run([*command, *demands, "--json"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "running" not in done.stderr
    answer = json.loads(done.stdout)
    (chosen,) = [candidate for candidate in answer["candidates"] if candidate["chosen"]]
    assert chosen["area"]["lut"] == min(map(lut, all_measured.values()))
    assert load_config(copy).decoder.design() == Design(**chosen["design"])
    assert "weight_bits = 3     # another comment" in copy.read_text()
    done = subprocess.run([*command, "--fits", "0.25"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    pasted = tomllib.loads(done.stdout[done.stdout.index("[decoder]") :])
    assert pasted == {"decoder": decoder_keys(Design())}
    done = subprocess.run([*command, "--fits", "1e-9"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "the nearest, shared, n=4, takes" in done.stderr


VALUES = {"hops": 2, "micro_architecture": "spatial"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[code]\np = 1\n", '[code]\np = 1\n\n[decoder]\nhops = 2\nmicro_architecture = "spatial"\n'),
        (
            "[decoder] # d\nhops = 1\n# end",
            '[decoder] # d\nmicro_architecture = "spatial"\nhops = 2\n# end',
        ),
        (
            "[decoder]\nweights = 'unit'\n[sample]",
            "[decoder]\nhops = 2\nmicro_architecture = \"spatial\"\nweights = 'unit'\n[sample]",
        ),
    ],
)
def test_values_are_put_into_toml(text, expected):
    assert with_values(text, "decoder", VALUES) == expected


@pytest.mark.parametrize("text", ["decoder = { hops = 1 }\n", "decoder.hops = 1\n"])
def test_another_form_of_toml_is_refused(text):
    with pytest.raises(InputError, match=r"^the table \[decoder\] must have a header and a line for each key"):
        with_values(text, "decoder", VALUES)
