# SPDX-License-Identifier: Apache-2.0
"""The frontier: nets are trained as said, float stages are shared, the page says what was counted."""

from dataclasses import replace

import pytest

from synfab.benchmarks.predecoder import Judged
from synfab.benchmarks.predecoder.extent import HINTS
from synfab.benchmarks.predecoder.frontier import FULL, QUICK, Frontier, run
from synfab.benchmarks.predecoder.frontier_page import page, write_page
from synfab.benchmarks.predecoder.run import run as judge
from synfab.errors import InputError
from synfab.predecoder.integers import PredecoderSpec
from synfab.zoo import Zoo, default_zoo


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Of the first net alone."""
    folder = tmp_path_factory.mktemp("frontier")
    run(folder / "frontier.json", extent=replace(QUICK, trials=QUICK.trials[:1]), runs=folder / "runs")
    return folder


def test_a_run_goes_on_with_the_next_net(begun):
    heard = []
    done = run(
        begun / "frontier.json",
        extent=QUICK,
        runs=begun / "runs",
        progress=lambda net, message: heard.append((net, message)),
    )
    assert heard == [("tiny-bits", "training"), ("tiny-bits", "judging")]
    assert Frontier.model_validate_json((begun / "frontier.json").read_text()) == done
    first, second = done.nets
    assert (first.weight_bits, first.activation_bits) == ((4, 4), 4)
    assert (second.weight_bits, second.activation_bits) == ((2, 2), 2)
    assert first.spec_sha256 != second.spec_sha256
    assert (first.parameters, first.float_samples, first.quantized_samples) == (2176, 512, 256)
    # One float stage for both, and the spec that was judged is the one that training left.
    floats = [begun / "runs" / net.name / "float" / "metrics.csv" for net in done.nets]
    assert floats[0].read_bytes() == floats[1].read_bytes()
    for net in done.nets:
        spec = PredecoderSpec.load(begun / "runs" / net.name / "model" / "spec.json")
        assert [layer.weight_bits for layer in spec.layers] == list(net.weight_bits)
        again = judge(begun / f"{net.name}.json", {net.name: spec}, extent=QUICK.judging, show_progress=False)
        assert [counts(one) for one in again.judged] == [counts(one) for one in net.judged]
    write_page(done, begun / "page.md")
    text = (begun / "page.md").read_text()
    for net in done.nets:
        hints = [one for one in net.judged if (one.follow_up, one.beside) == (HINTS, "pymatching")]
        ratio = sum(one.together for one in hints) / sum(one.alone for one in hints)
        assert f"| {net.name} | 4, 12 | 2,176 |" in text
        assert f"| {ratio:.3f} ±" in text
    assert (begun / "figures" / "predecoder_frontier.svg").read_bytes().startswith(b"<?xml")


def counts(one: Judged) -> tuple[int, ...]:
    return one.shots, one.alone, one.together, one.both, one.events_before, one.events_after


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.json").write_text('{"tools": 1}')
    with pytest.raises(InputError, match="must be a benchmark that synfab wrote, to be gone on with"):
        run(tmp_path / "other.json", extent=QUICK, runs=tmp_path)


def test_every_study_changes_one_thing():
    """But for the layout, of which there is one."""
    by_study = {study: [trial for trial in FULL.trials if study in trial.studies] for study in ("parameters", "bits")}
    assert {trial.float_steps for trials in by_study.values() for trial in trials} == {2000}
    assert {trial.architecture.filters for trial in by_study["bits"]} == {(32, 32, 12)}
    assert {bits for trial in by_study["parameters"] for bits in trial.weight_bits} == {8}
    assert {trial.activation_bits for trial in by_study["parameters"]} == {4}


def test_page_is_that_of_the_stored_benchmark(pytestconfig):
    root = pytestconfig.rootpath
    stored = Frontier.model_validate_json((root / "benchmarks" / "frontier.json").read_text())
    assert {net.name for net in stored.nets} == {trial.name for trial in FULL.trials} | set(
        Zoo(directory=default_zoo()).names()
    )
    assert (root / "docs" / "predecoder_frontier.md").read_text() == page(stored), "run synfab bench frontier"
