# SPDX-License-Identifier: Apache-2.0
"""The page of the frontier: every number in it comes from the JSON file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from synfab.artefact import write_bytes, write_text
from synfab.benchmarks.predecoder.extent import HINTS
from synfab.benchmarks.predecoder.frontier import Frontier, FrontierNet, Study
from synfab.predecoder.evaluation import GlobalDecoder
from synfab.predecoder.paired import Paired
from synfab.report.drawing import drawing
from synfab.report.markdown import cells, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = """# The frontier of the pre-decoders

How accuracy goes with parameters, with bits and with training samples: written by `synfab bench frontier`, which trains
each net and judges it, into [`benchmarks/frontier.json`](../benchmarks/frontier.json). All nets see the same batches in
the same order, of d=5, 7 and 9, p=0.002, 0.003 and 0.006, and both bases, and have their weights in integers when they
are judged. They are trained for a few minutes each, which is far less than the models of the zoo
([results](predecoder_results.md)): compare them with each other. Judged at d={distances}, both bases; *ratio* is that
of logical errors beside PyMatching alone, on the same shots, of two-bit hints in front of the union-find (*hints*) and
of hard outputs in front of matching (*hard*); *SDR* is the number of detection events before over after.
"""
ABOUT: dict[Study, tuple[str, str]] = {
    "parameters": ("Parameters", "Weights of eight bits, activations of four, the same samples for all."),
    "bits": ("Bits", "The same float stage, then quantized training in other widths: bits of each layer's weights."),
    "samples": (
        "Samples",
        "The same nets with a quarter of the float stage and with four times of it; and the models of the zoo, which "
        "also saw d=13 and have other widths.",
    ),
    "layout": (
        "Layout",
        "*grid* is the layout of the 2026 paper, with a net like its model 1 with ReLU and fewer filters. A round has "
        "d x d sites there and ((d+1)/2) x ((d+1)/2) of a supercell net, 49 and 16 at d=7, and a net does its work at "
        "each.",
    ),
}


def write_page(frontier: Frontier, path: Path) -> None:
    """Write the page, and its plot into ``figures`` beside it."""
    write_text(path, page(frontier))
    drawn = drawing("Logical errors over those of matching alone", partial(_plot, frontier=frontier))
    write_bytes(path.parent / "figures" / "predecoder_frontier.svg", drawn)


def page(frontier: Frontier) -> str:
    """Return the page as Markdown."""
    distances = sorted({one.distance for net in frontier.nets for one in net.judged})
    parts = [
        HEAD.format(distances=", ".join(map(str, distances))),
        f"Tools: {frontier.versions}. Stage {frontier.stage}.\n",
        "![Logical errors over those of matching alone](figures/predecoder_frontier.svg)\n",
    ]
    for study in get_args(Study):
        if nets := [net for net in frontier.nets if study in net.studies]:
            title, about = ABOUT[study]
            parts += [f"## {title}\n\n{about}\n", _table(nets)]
    return "\n".join(parts).replace("|\n## ", "|\n\n## ") + "\n"


def _table(nets: list[FrontierNet]) -> str:
    points = sorted(
        {(one.distance, one.p) for net in nets for one in net.judged}, key=lambda point: (point[0], -point[1])
    )
    heads = ["net", "filters", "parameters", "weights", "activations", "float samples", "quantized samples"]
    for distance, p in points:
        heads += [f"d={distance}, p={p:g}: hints", "hard", "SDR"]
    rows = []
    for net in sorted(nets, key=lambda net: (net.parameters, net.float_samples, -sum(net.weight_bits), net.name)):
        row: list = [net.name, ", ".join(map(str, net.filters)), net.parameters]
        row += ["-".join(map(str, net.weight_bits)), net.activation_bits, net.float_samples, net.quantized_samples]
        for point in points:
            hints, hard = (_paired(net, *point, follow_up) for follow_up in (HINTS, "hard"))
            row += [_ratio(hints), _ratio(hard), hard.density_reduction]
        rows.append(cells(*row))
    return table(heads, rows)


def _paired(net: FrontierNet, distance: int, p: float, follow_up: str) -> Paired:
    """Return the counts of both bases beside matching."""
    beside: GlobalDecoder = "pymatching"
    found = (
        one.paired
        for one in net.judged
        if (one.distance, one.p, one.follow_up, one.beside) == (distance, p, follow_up, beside)
    )
    return sum(found, Paired())


def _ratio(found: Paired) -> str | None:
    return f"{found.ratio:.3f} ± {found.ratio_error:.3f}" if found.alone else None


def _plot(axes: "Axes", *, frontier: Frontier) -> None:
    points = sorted({(one.distance, one.p) for net in frontier.nets for one in net.judged})
    for study, marker in zip(get_args(Study), "osD^", strict=True):
        for number, (distance, p) in enumerate(points):
            nets = [net for net in frontier.nets if study in net.studies]
            found = [(net.parameters, _paired(net, distance, p, HINTS)) for net in nets]
            known = [(parameters, paired) for parameters, paired in found if paired.alone]
            axes.errorbar(
                [parameters for parameters, _ in known],
                [paired.ratio for _, paired in known],
                [paired.ratio_error for _, paired in known],
                fmt=marker,
                color=f"C{number}",
                alpha=0.7,
                label=f"{study}, d = {distance}, p = {p:g}",
            )
    axes.axhline(1, color="C7", linestyle=":")
    axes.set_xscale("log")
    axes.set_xlabel("weights and biases")
    axes.set_ylabel("logical errors over those of PyMatching alone")
