# SPDX-License-Identifier: Apache-2.0
"""Plots as inline SVG: the same bytes for the same data, and colours that follow the page's scheme."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from synfab.report import notation

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Matplotlib knows fixed colours only. Each role has one that occurs nowhere else, which is replaced by the
# CSS variable of the role, so that one SVG serves light, dark and print.
ROLES = {
    "ink": "#010a01",
    "muted": "#010a02",
    "line": "#010a03",
    "paper": "#010a04",
    "bad": "#010a05",
    "series-1": "#010b01",
    "series-2": "#010b02",
    "series-3": "#010b03",
    "series-4": "#010b04",
    "series-5": "#010b05",
    "series-6": "#010b06",
}
SERIES = tuple(colour for role, colour in ROLES.items() if role.startswith("series"))

WIDTH = 9.0  # inches; on the page the width is that of the column

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_LABEL_LENGTH = 44


def label(text: str) -> str:
    """Return a name fit for a plot: cut when long, and never hidden as one that starts with an underscore."""
    cut = text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"
    # Matplotlib leaves labels with a leading underscore out of legends; a zero-width space keeps them in.
    return f"\u200b{cut}" if cut.startswith("_") else cut


def drawing(
    draw: Callable[[Figure], None], *, name: str, size: tuple[float, float], title: str, description: str
) -> str:
    """Return what ``draw`` puts on a matplotlib figure as an SVG element for an HTML page.

    Parameters
    ----------
    draw
        Called with an empty figure under synfab's style.
    name
        Unique on its page: it salts the ids that the SVG refers to itself by.
    size
        Width and height in inches; on the page the width is that of its column.
    title, description
        The accessible name and text of the plot.
    """
    import warnings

    import matplotlib
    from matplotlib.figure import Figure

    file = io.StringIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        # The page's font draws the text; what matplotlib's own lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_style(name))
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(file, format="svg", transparent=True)
    return _inlined(file.getvalue(), name=name, title=title, description=description)


def decade_ticks(axis: Axis) -> None:
    """Label a logarithmic axis in plain characters: the decades, and 2 and 5 where there are few of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    decades = LogLocator(base=10, subs=(1.0,))
    seen = sum(low <= value <= high for value in decades.tick_values(low, high))
    axis.set_major_locator(decades if seen > 2 else LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    mantissa, exponent = (int(part) for part in f"{value:.0e}".split("e"))
    if not math.isclose(mantissa * 10.0**exponent, value):
        # On a narrow axis matplotlib puts ticks in between.
        return f"{value:.3g}"
    if 0 <= exponent <= 3:
        return f"{value:,.0f}"
    power = notation.power_of_ten(exponent)
    return power if mantissa == 1 else f"{mantissa}·{power}"


def _style(name: str) -> dict[Any, Any]:
    ink, muted, line = ROLES["ink"], ROLES["muted"], ROLES["line"]
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        # A dollar sign in a name is a dollar sign.
        "text.parse_math": False,
        "text.color": ink,
        "font.size": 9.0,
        "axes.edgecolor": line,
        "axes.labelcolor": muted,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": line,
        "grid.linewidth": 0.6,
        "xtick.color": line,
        "ytick.color": line,
        "xtick.labelcolor": muted,
        "ytick.labelcolor": muted,
        "legend.frameon": False,
        "hatch.linewidth": 0.8,
    }


def _inlined(document: str, *, name: str, title: str, description: str) -> str:
    """Return matplotlib's SVG document as an element: accessible, unique ids, colours of the page.

    Its metadata go, which hold the date.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    text = ElementTree.tostring(root, encoding="unicode")
    wanted = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    for element in root.iter():
        if element.get("id") is not None and element.get("id") not in wanted:
            del element.attrib["id"]
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-text")
    for position, (tag, words) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{'text' if position else 'title'}"})
        element.text = words
        root.insert(position, element)
    for element in root.iter():
        for key, value in element.attrib.items():
            for role, colour in ROLES.items():
                value = value.replace(colour, f"var(--{role})")
            element.set(key, value)
    return ElementTree.tostring(root, encoding="unicode")
