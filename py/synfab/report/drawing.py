# SPDX-License-Identifier: Apache-2.0
"""Plots for Markdown pages: SVG that follows the reader's light or dark theme."""

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DARK = b"<style>@media (prefers-color-scheme: dark) { svg { filter: invert(0.9) hue-rotate(180deg) } }</style>"


def drawing(title: str, draw: "Callable[[Axes], None]") -> bytes:
    """Return a plot as SVG; one of the same points is the same file, byte for byte."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "synfab", "svg.fonttype": "path"}):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
        drawn = BytesIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Title": title, "Date": None})
    head, rest = drawn.getvalue().split(b"<defs>", 1)
    return head + DARK + b"\n <defs>" + rest
