# SPDX-License-Identifier: Apache-2.0
"""The page of the pre-decoders' benchmark: every number in it comes from the JSON file, or is named as published."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synfab.artefact import write_bytes, write_text
from synfab.benchmarks.predecoder.extent import DECODERS, FOLLOW_UPS, HINTS, MAIN
from synfab.benchmarks.predecoder.models import PredecoderBenchmark
from synfab.predecoder.evaluation import FollowUp, GlobalDecoder
from synfab.predecoder.paired import Paired
from synfab.report.drawing import drawing
from synfab.report.markdown import cells, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = """# Pre-decoders, measured

This page and its plots are written by `synfab bench predecoder` from
[`benchmarks/predecoder.json`](../benchmarks/predecoder.json), which it measures from scratch or goes on with: rotated
surface code, d rounds, circuit-level noise, the models of the zoo as integers, both bases. *Ratio* is the number of
logical errors with the pre-decoder over that of the decoder *beside* it alone, on the same shots, with its standard
error; below 1 is better. *SDR* is the number of detection events before over after, *speed-up* the CPU time of the
global decoder alone over that behind the pre-decoder, in one run (noisy).
"""

TWO_BITS = """## Two-bit hints in front of the union-find

Flips that are likelier than not are committed; every edge that a flip explains, and is not sure, gets a weight of its
own for this shot.
"""
HARD = "## Hard outputs in front of matching\n\nEvery flip that is likelier than not is committed.\n"
OTHERS = """## Other ways to follow up

The same in full, and a decoder beside that is the one behind the rule. A bit less or a third bit of hints, and hints
for matching, show what the two bits and the union-find cost.
"""
RULES = """## Rules against each other

Logical errors over those of PyMatching alone on the same shots, by what decodes behind the rule; mostly on fewer shots
than above. *Above 2.5* commits only flips of such a logit, *closed clusters* only groups of them that explain all
events they touch. *Clean-up* removes the vertical pairs of events that are left; *sheets of 6* is syndrome collapse
(arXiv:2208.01178, section IV B): six layers are added up into one, and the decoder behind has the graph of the sheets.
Hints are weights at run time: matching is built anew for every shot with them. Without a net, *isolated pairs* commits
pairs of events that are alone, and *nothing* is that decoder by itself. SDR and speed-up are those in front of
uncorrelated matching.
"""
PUBLISHED = "## Published\n\nRatios beside PyMatching, X basis, hard outputs ({source}).\n"

Group = tuple[str, int, float, str, GlobalDecoder]


def write_page(benchmark: PredecoderBenchmark, path: Path) -> None:
    """Write the page, and its plot into ``figures`` beside it."""
    write_text(path, page(benchmark))
    drawn = drawing("Logical errors over those of matching alone", partial(_plot, groups=_groups(benchmark)))
    write_bytes(path.parent / "figures" / "predecoder_ratio.svg", drawn)


def page(benchmark: PredecoderBenchmark) -> str:
    """Return the page as Markdown."""
    groups = _groups(benchmark)
    parts = [
        HEAD,
        f"Tools: {benchmark.versions}. Stage {benchmark.stage}.\n",
        "![Logical errors over those of matching alone](figures/predecoder_ratio.svg)\n",
        TWO_BITS,
        _table(groups, (key for key in groups if key[3] == HINTS)),
        "\n" + HARD,
        _table(groups, (key for key in groups if key[3] in MAIN and key[3] != HINTS)),
        "\n" + RULES,
        _rules(groups),
        "\n" + OTHERS,
        _table(groups, (key for key in groups if key[3] not in MAIN)),
        "\n" + PUBLISHED.format(source=published()["source"]),
        _published(),
    ]
    return "\n".join(parts) + "\n"


def published() -> dict[str, Any]:
    """Return what papers say of other models."""
    return tomllib.loads((files("synfab.benchmarks.predecoder") / "published.toml").read_text())


def _groups(benchmark: PredecoderBenchmark) -> dict[Group, Paired]:
    """Return the counts of both bases together."""
    groups: dict[Group, Paired] = defaultdict(Paired)
    for one in benchmark.judged:
        groups[one.model, one.distance, one.p, one.follow_up, one.beside] += one.paired
    return groups


def _table(groups: dict[Group, Paired], keys: Iterable[Group]) -> str:
    heads = ["model", "d", "p", "follow-up", "beside", "shots", "alone", "with", "ratio", "+-", "SDR", "speed-up"]
    rows = []
    for model, distance, p, follow_up, beside in sorted(keys, key=lambda key: (key[0], key[2], *key[1:])):
        found = groups[model, distance, p, follow_up, beside]
        about = (model, distance, f"{p:g}", follow_up, beside.replace("_", " "))
        counts = (found.shots, found.alone, found.together, found.ratio, found.ratio_error)
        rows.append(cells(*about, *counts, found.density_reduction, found.speed_up))
    return table(heads, rows)


def _rules(groups: dict[Group, Paired]) -> str:
    """Return a row for each rule in each setting where a rule was in front of all decoders."""
    rules = _rule_names()
    rows: dict[tuple[float, int, str, str], dict[GlobalDecoder, Paired]] = defaultdict(dict)
    for (model, distance, p, name, beside), found in groups.items():
        if beside == "pymatching" and name in rules:
            rows[p, distance, model, rules[name]][FOLLOW_UPS[name].decoder] = found
    decoders = DECODERS.values()
    whole = {key[:3] for key, row in rows.items() if row.keys() == set(decoders)}
    order = list(rules.values())
    return table(
        ["p", "d", "model", "rule", *(decoder.replace("_", " ") for decoder in decoders), "SDR", "speed-up"],
        [
            cells(f"{p:g}", distance, model, rule, *(_ratio(row.get(decoder)) for decoder in decoders), *_gain(row))
            for (p, distance, model, rule), row in sorted(
                rows.items(), key=lambda item: (*item[0][:3], order.index(item[0][3]))
            )
            if (p, distance, model) in whole
        ],
    )


def _rule_names() -> dict[str, str]:
    """Return for each follow-up the name of its rule: that of the first that differs by the decoder alone."""
    first: dict[FollowUp, str] = {}
    rules = {}
    for name, follow_up in FOLLOW_UPS.items():
        rule = first.setdefault(replace(follow_up, decoder="union_find"), name)
        for behind in filter(None, DECODERS):
            rule = rule.removesuffix(behind)
        rules[name] = rule
    return rules


def _ratio(found: Paired | None) -> str | None:
    return None if found is None else f"{found.ratio:.2f} ± {found.ratio_error:.2f}"


def _gain(row: dict[GlobalDecoder, Paired]) -> tuple[float | None, float | None]:
    found = row.get("pymatching")
    return (found.density_reduction, found.speed_up) if found else (None, None)


def _published() -> str:
    distances = sorted({int(d) for _, ratios in _published_ratios() for d in ratios})
    rows = [
        cells(name, parameters, p, *(ratios.get(d) for d in distances))
        for (name, parameters, p), ratios in _published_ratios()
    ]
    return table(["model", "parameters", "p", *(f"d={d}" for d in distances)], rows)


def _published_ratios() -> Iterator[tuple[tuple[str, int, str], dict[int, float]]]:
    for model in published()["models"]:
        for p, values in model["improvement"].items():
            yield (model["name"], model["parameters"], p), {int(d): 1 / value for d, value in values.items()}


def _plot(axes: "Axes", *, groups: dict[Group, Paired]) -> None:
    wanted = [key for key in groups if key[3] == HINTS and key[4] == "pymatching"]
    for number, (model, p) in enumerate(sorted({(key[0], key[2]) for key in wanted})):
        line = sorted((key[1], groups[key]) for key in wanted if (key[0], key[2]) == (model, p) and groups[key].alone)
        axes.errorbar(
            [d for d, _ in line],
            [found.ratio for _, found in line],
            [found.ratio_error for _, found in line],
            fmt="o-",
            capsize=3,
            color=f"C{number}",
            label=f"{model}, two-bit hints, union-find, p = {p:g}",
        )
    for (name, _, p), ratios in _published_ratios():
        axes.plot(list(ratios), list(ratios.values()), "x--", alpha=0.5, label=f"{name}, p = {p} (published)")
    axes.axhline(1, color="C7", linestyle=":")
    axes.set_xlabel("code distance d")
    axes.set_ylabel("logical errors over those of PyMatching alone")
    axes.set_ylim(bottom=0)
