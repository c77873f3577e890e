# SPDX-License-Identifier: Apache-2.0
"""Curves of a training run."""

from pathlib import Path

from synfab.flow.curves import _means, write_curves

ROWS = "density_reduction,epoch,ler_ratio,loss,step\n,0,,0.02,49\n,0,,0.01,99\n{},0,{},,99\n"


def written(folder: Path, ratio: str) -> bytes:
    for stage in ("float", "quantized"):
        (folder / stage).mkdir(parents=True, exist_ok=True)
        (folder / stage / "metrics.csv").write_text(ROWS.format("4.5", ratio))
    return write_curves(folder).read_bytes()


def test_curves_are_those_of_the_metrics(tmp_path):
    first = written(tmp_path, "0.9")
    assert first.startswith(b"<?xml")
    assert written(tmp_path, "0.9") == first
    assert written(tmp_path, "0.8") != first
    # A stage that has only begun has nothing to show yet.
    (tmp_path / "quantized" / "metrics.csv").write_text("")
    assert write_curves(tmp_path).read_bytes() != first


def test_losses_are_means_of_parts():
    assert _means([(k, float(k % 2)) for k in range(400)]) == [(k, 0.5) for k in range(3, 400, 4)]
    assert _means([(7, 2.0)]) == [(7, 2.0)]
    assert _means([]) == []
