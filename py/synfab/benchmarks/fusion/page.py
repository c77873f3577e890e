# SPDX-License-Identifier: Apache-2.0
"""The tables of ``docs/fusion.md``: every number between its markers comes from the JSON file."""

from collections.abc import Callable, Iterable
from pathlib import Path

from synfab.artefact import write_text
from synfab.benchmarks.fusion.methods import COLOURS, INNER, Fusion, Windows
from synfab.benchmarks.fusion.models import Compared, FusionBenchmark
from synfab.report.markdown import between, cells, marked_page, table

NORMAL_95 = 1.96
"""Standard errors on either side that hold 95 % of a normal distribution."""

FUSIONS = {
    "fused": Fusion().name,
    "released after 1 step": Fusion(order="in time", keep=1).name,
    "after 2": Fusion(order="in time", keep=2).name,
    "whole steps, released after 1": Fusion(order="step by step", keep=1).name,
    "committed after 1 step": Fusion(order="in time", keep=1, commits=True).name,
    "whole steps, committed after 1": Fusion(order="step by step", keep=1, commits=True).name,
    "nothing alone, released after 1": Fusion(order="as they begin", keep=1).name,
    "boundary at the end of the edge": Fusion(stop="end").name,
}
BUFFERS: dict[str, Callable[[int], int]] = {
    "0": lambda _: 0,
    "1": lambda _: 1,
    "2": lambda _: 2,
    "(d+1)/2": lambda distance: (distance + 1) // 2,
    "d": lambda distance: distance,
    "2d": lambda distance: 2 * distance,
}

Setting = tuple[str, float, str, str, str, int, int]


def write_page(benchmark: FusionBenchmark, path: Path) -> None:
    """Write the tables of a benchmark into the page.

    Raises
    ------
    InputError
        If there is no page, or it lacks the markers between which they belong.
    """
    write_text(path, page(marked_page(path), benchmark))


def page(text: str, benchmark: FusionBenchmark) -> str:
    """Return a page with the tables of a benchmark."""
    source = f"Stage {benchmark.stage}; {benchmark.versions}."
    text = between(text, "fusion", f"{source}\n\n{_fusion_table(benchmark.compared)}")
    tables = [f"### {order[0].upper()}{order[1:]}\n\n{_windows_table(benchmark.compared, order)}" for order in COLOURS]
    return between(text, "windows", "\n\n".join([source, *tables]))


def _fusion_table(compared: Iterable[Compared]) -> str:
    heads = ["noise", "p", "weights", "blocks", "basis", "d", "shots", "errors, global", *FUSIONS]
    rows = []
    for found in _settings(one for one in compared if one.method in FUSIONS.values()).values():
        one = next(iter(found.values()))
        ratios = [_ratio(found.get(method)) for method in FUSIONS.values()]
        about = (one.noise, f"{one.p:g}", one.weights, one.shape, one.basis, one.distance, one.shots, one.alone)
        rows.append(cells(*about, *ratios))
    return table(heads, rows)


def _windows_table(compared: Iterable[Compared], order: str) -> str:
    heads = ["noise", "blocks", "basis", "inner decoder", "d", "shots", "errors, global", *BUFFERS]
    rows = []
    for found in _settings(one for one in compared if one.method.startswith(f"{order}, ")).values():
        for inner in INNER:
            one = next((one for one in found.values() if f", {inner}, " in one.method), None)
            if one is not None:
                names = [Windows(order=order, inner=inner, buffer=of(one.distance)).name for of in BUFFERS.values()]
                about = (one.noise, one.shape, one.basis, inner, one.distance, one.shots, one.alone)
                rows.append(cells(*about, *(_ratio(found.get(name)) for name in names)))
    return table(heads, rows)


def _settings(compared: Iterable[Compared]) -> dict[Setting, dict[str, Compared]]:
    """Return what was compared on the same shots, by setting and then by method."""
    found: dict[Setting, dict[str, Compared]] = {}
    for one in compared:
        key = (one.noise, -one.p, one.weights, one.shape, one.basis, one.distance, one.shots)
        found.setdefault(key, {})[one.method] = one
    # The phenomenological ones first, as in the extent.
    return {key: found[key] for key in sorted(found, key=lambda key: (key[0] != "phenomenological", *key[1:]))}


def _ratio(one: Compared | None) -> str | None:
    """Return errors over those of the global decoder, with half the 95 % interval."""
    if one is None or not one.alone:
        return None
    return f"{one.paired.ratio:.3f} ± {NORMAL_95 * one.paired.ratio_error:.3f}"
