# SPDX-License-Identifier: Apache-2.0
"""The page of the pre-decoders' benchmark: every number in it comes from the JSON file, or is named as published."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from synfab.artefact import write_bytes, write_text
from synfab.benchmarks.predecoder.extent import DECODERS, FOLLOW_UPS, HINTS, MAIN
from synfab.benchmarks.predecoder.models import PredecoderBenchmark
from synfab.circuits.layout import Basis
from synfab.predecoder.evaluation import FollowUp, GlobalDecoder
from synfab.predecoder.experiment import Noise
from synfab.predecoder.paired import Paired
from synfab.report.drawing import drawing
from synfab.report.markdown import cells, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = """# Pre-decoders, measured

This page and its plots are written by `synfab bench predecoder` from
[`benchmarks/predecoder.json`](../benchmarks/predecoder.json), which it measures from scratch or goes on with: rotated
surface code, d rounds, circuit-level noise as Stim generates it, the models of the zoo as integers, both bases.
*Ratio* is the number of logical errors with the pre-decoder over that of the decoder *beside* it alone, on the same
shots of both bases, with its standard error; below 1 is better; *X* and *Z* are those of each basis. *SDR* is the
number of detection events before over after, *speed-up* the CPU time of the global decoder alone over that behind the
pre-decoder, in one run (noisy). How accuracy goes with parameters, bits and training samples is on the page of the
[frontier](predecoder_frontier.md).
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
PUBLISHED = """## Beside published nets

Ratios beside PyMatching, X basis, hard outputs ({source}), under the noise of that paper's section VI. At the same p
matching fails more often under it than under Stim's, which the tables above are of, and our nets were not trained on
it; so here are those nets under that noise, hard outputs in front of matching and two-bit hints in front of the
union-find, X basis, and other figures of the papers.
"""
PUBLISHED_NOISE: Noise = "depolarizing"


class Group(NamedTuple):
    """Of counts that are added up over the bases."""

    model: str
    distance: int
    p: float
    follow_up: str
    beside: GlobalDecoder


Groups = dict[Group, dict[Basis, Paired]]


def write_page(benchmark: PredecoderBenchmark, path: Path) -> None:
    """Write the page, and its plot into ``figures`` beside it."""
    write_text(path, page(benchmark))
    drawn = drawing("Logical errors over those of matching alone", partial(_plot, groups=_groups(benchmark)))
    write_bytes(path.parent / "figures" / "predecoder_ratio.svg", drawn)


def page(benchmark: PredecoderBenchmark) -> str:
    """Return the page as Markdown."""
    groups, published_noise = _groups(benchmark), _groups(benchmark, noise=PUBLISHED_NOISE)
    parts = [
        HEAD,
        f"Tools: {benchmark.versions}. Stage {benchmark.stage}.\n",
        "![Logical errors over those of matching alone](figures/predecoder_ratio.svg)\n",
        TWO_BITS,
        _table(groups, (key for key in groups if key.follow_up == HINTS)),
        "\n" + HARD,
        _table(groups, (key for key in groups if key.follow_up in MAIN and key.follow_up != HINTS)),
        "\n" + RULES,
        _rules(groups),
        "\n" + OTHERS,
        _table(groups, (key for key in groups if key.follow_up not in MAIN)),
        "\n" + PUBLISHED.format(source=published()["source"]),
        _published(published_noise),
        "",
        _published_words(),
    ]
    return "\n".join(parts) + "\n"


def published() -> dict[str, Any]:
    """Return what papers say of other models."""
    return tomllib.loads((files("synfab.benchmarks.predecoder") / "published.toml").read_text())


def _groups(benchmark: PredecoderBenchmark, *, noise: Noise = "circuit") -> Groups:
    """Return the counts of each basis."""
    groups: Groups = defaultdict(dict)
    for one in benchmark.judged:
        if one.noise == noise:
            groups[Group(one.model, one.distance, one.p, one.follow_up, one.beside)][one.basis] = one.paired
    return groups


def _both(found: Mapping[Basis, Paired]) -> Paired:
    return sum(found.values(), Paired())


def _table(groups: Groups, keys: Iterable[Group]) -> str:
    heads = ["model", "d", "p", "follow-up", "beside", "shots", "alone", "with", "ratio", "+-", "X", "Z"]
    rows = []
    for key in sorted(keys, key=lambda key: (key.model, key.p, *key[1:])):
        found = _both(groups[key])
        about = (key.model, key.distance, f"{key.p:g}", key.follow_up, key.beside.replace("_", " "))
        counts = (found.shots, found.alone, found.together, found.ratio, found.ratio_error)
        bases = (_ratio(groups[key].get(basis)) for basis in get_args(Basis))
        rows.append(cells(*about, *counts, *bases, found.density_reduction, found.speed_up))
    return table([*heads, "SDR", "speed-up"], rows)


def _rules(groups: Groups) -> str:
    """Return a row for each rule in each setting where a rule was in front of all decoders."""
    rules = _rule_names()
    rows: dict[tuple[float, int, str, str], dict[GlobalDecoder, Paired]] = defaultdict(dict)
    for (model, distance, p, name, beside), found in groups.items():
        if beside == "pymatching" and name in rules:
            rows[p, distance, model, rules[name]][FOLLOW_UPS[name].decoder] = _both(found)
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
    return None if found is None or not found.alone else f"{found.ratio:.2f} ± {found.ratio_error:.2f}"


def _gain(row: dict[GlobalDecoder, Paired]) -> tuple[float | None, float | None]:
    found = row.get("pymatching")
    return (found.density_reduction, found.speed_up) if found else (None, None)


def _published(groups: Groups) -> str:
    """Return published ratios, and those of our models under that noise."""
    ours: dict[tuple[str, float, str], dict[int, Paired]] = defaultdict(dict)
    for key, found in groups.items():
        if key.beside == "pymatching" and "X" in found:
            ours[key.model, key.p, key.follow_up][key.distance] = found["X"]
    distances = sorted({*(d for _, ratios in _published_ratios() for d in ratios), *(key.distance for key in groups)})
    rows = [
        cells(name, "hard", parameters, p, *(ratios.get(d) for d in distances), "published")
        for (name, parameters, p), ratios in _published_ratios()
    ]
    rows += [
        cells(name, follow_up, None, f"{p:g}", *(_ratio(found.get(d)) for d in distances), "measured")
        for (name, p, follow_up), found in sorted(ours.items())
    ]
    return table(["model", "follow-up", "parameters", "p", *(f"d={d}" for d in distances), ""], rows)


def _published_words() -> str:
    """Return what the papers say in words or give as single numbers."""
    return table(["net", "figure", "published"], [cells(*one.values()) for one in published()["figures"]])


def _published_ratios() -> Iterator[tuple[tuple[str, int, str], dict[int, float]]]:
    for model in published()["models"]:
        for p, values in model["improvement"].items():
            yield (model["name"], model["parameters"], p), {int(d): 1 / value for d, value in values.items()}


def _plot(axes: "Axes", *, groups: Groups) -> None:
    wanted = {key: _both(groups[key]) for key in groups if key.follow_up == HINTS and key.beside == "pymatching"}
    for number, (model, p) in enumerate(sorted({(key.model, key.p) for key in wanted})):
        line = sorted(
            (key.distance, found) for key, found in wanted.items() if (key.model, key.p) == (model, p) and found.alone
        )
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
