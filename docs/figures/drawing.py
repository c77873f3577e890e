# SPDX-License-Identifier: Apache-2.0
"""Decoding graphs as SVG: the same input makes the same bytes, and colours follow the reader's light or dark theme."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]

STYLE = """
  .paper { fill: #ffffff }
  .edge { stroke: #c3c9d0; stroke-width: 2 }
  .rest { stroke: #2b6cb0; stroke-width: 7 }
  .active { stroke: #dd7a1f; stroke-width: 7 }
  .flip { stroke: #ffd43b; stroke-width: 3 }
  .node { fill: #ffffff; stroke: #5b6570; stroke-width: 1.5 }
  .event { fill: #22282f; stroke: #22282f; stroke-width: 1.5 }
  .wall { fill: #5b6570 }
  .arrow { fill: #22282f }
  text { font-family: sans-serif; fill: #22282f; text-anchor: middle }
  .inside { font-size: 10px; dominant-baseline: central }
  .inverse { fill: #ffffff }
  .number { font-size: 10px; fill: #5b6570; paint-order: stroke; stroke: #ffffff; stroke-width: 3px }
  .title { font-size: 13px }
  @media (prefers-color-scheme: dark) {
    .paper, .node { fill: #14181d }
    .edge { stroke: #434c56 }
    .rest { stroke: #5aa0e6 }
    .active { stroke: #f0974a }
    .node { stroke: #9aa5b1 }
    .event, .arrow { fill: #e8edf2; stroke: #e8edf2 }
    .wall { fill: #9aa5b1 }
    text { fill: #e8edf2 }
    .inverse { fill: #14181d }
    .number { fill: #9aa5b1; stroke: #14181d }
  }
"""

RADIUS = 9
MARGIN = 40
TITLE_HEIGHT = 34
LEGEND_HEIGHT = 34


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One moment of a decode.

    Attributes
    ----------
    title : str
    places : sequence of Point
        Of each detector, x to the right and y down, in units of the picture's scale.
    events, active : frozenset of int
        Detectors with an event, and those in active clusters.
    edges : sequence of (Point, Point)
    boundary : frozenset of int
        Edges whose second end is the boundary.
    shares : sequence of (float, float)
        The part of each edge that has grown from either end.
    flipped : frozenset of int
        Edges of the correction.
    numbers : mapping of int to str
        What is written at an edge.
    layers : mapping of int to int
        Layer of each detector in the forest, written beside it.
    arrows : mapping of int to int
        At an edge of the forest, the end, 0 or 1, that lies towards the root.
    """

    title: str
    places: Sequence[Point]
    events: frozenset[int]
    active: frozenset[int]
    edges: Sequence[tuple[Point, Point]]
    boundary: frozenset[int]
    shares: Sequence[tuple[float, float]]
    flipped: frozenset[int] = frozenset()
    numbers: Mapping[int, str] = field(default_factory=dict)
    layers: Mapping[int, int] = field(default_factory=dict)
    arrows: Mapping[int, int] = field(default_factory=dict)


def picture(panels: Sequence[Panel], *, scale: float, title: str) -> str:
    """Return panels of equal extent side by side, with a legend, as an SVG document."""
    points = [point for panel in panels for edge in panel.edges for point in edge]
    left, top = (min(point[axis] for point in points) for axis in range(2))
    right, bottom = (max(point[axis] for point in points) for axis in range(2))
    width = scale * (right - left) + 2 * MARGIN
    height = scale * (bottom - top) + 2 * MARGIN
    total = (width * len(panels), height + TITLE_HEIGHT + LEGEND_HEIGHT)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total[0]:.0f} {total[1]:.0f}" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{total[0]:.0f}" height="{total[1]:.0f}" rx="6"/>',
    ]
    for number, panel in enumerate(panels):
        origin = (number * width + MARGIN - scale * left, TITLE_HEIGHT + MARGIN - scale * top)
        parts.append(f'<text class="title" x="{(number + 0.5) * width:.1f}" y="26">{panel.title}</text>')
        parts += _panel(panel, lambda point, at=origin: (at[0] + scale * point[0], at[1] + scale * point[1]))
    flips = any(panel.flipped for panel in panels)
    parts += _legend(total, active=any(panel.active for panel in panels), flips=flips)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, at: Callable[[Point], Point]) -> list[str]:
    parts = [_line("edge", at(a), at(b)) for a, b in panel.edges]
    owner = {place: detector for detector, place in enumerate(panel.places)}
    for edge, (a, b) in enumerate(panel.edges):
        for near, far, share in ((a, b, panel.shares[edge][0]), (b, a, panel.shares[edge][1])):
            if share:
                kind = "active" if owner[near] in panel.active else "rest"
                parts.append(_line(kind, at(near), at(_between(near, far, share))))
    parts += [_line("flip", *map(at, panel.edges[edge])) for edge in sorted(panel.flipped)]
    for edge in sorted(panel.boundary):
        x, y = at(panel.edges[edge][1])
        parts.append(f'<rect class="wall" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>')
    for edge, end in sorted(panel.arrows.items()):
        parts.append(_arrow(at(panel.edges[edge][1 - end]), at(panel.edges[edge][end])))
    for edge, text in panel.numbers.items():
        (ax, ay), (bx, by) = map(at, panel.edges[edge])
        steep = abs(bx - ax) < abs(by - ay)
        x, y = _between((ax, ay), (bx, by), 0.62 if edge in panel.boundary else 0.4 if steep else 0.5)
        # Beside a steep edge, above a flat one.
        shift = (12, 4) if steep else (0, -9)
        parts.append(f'<text class="number" x="{x + shift[0]:.1f}" y="{y + shift[1]:.1f}">{text}</text>')
    for detector, place in enumerate(panel.places):
        x, y = at(place)
        event = detector in panel.events
        parts.append(f'<circle class="{"event" if event else "node"}" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"/>')
        shade = " inverse" if event else ""
        parts.append(f'<text class="inside{shade}" x="{x:.1f}" y="{y:.1f}">{detector}</text>')
        if detector in panel.layers:
            below = place[1] > min(other[1] for other in panel.places)
            y += 24 if below else -16
            parts.append(f'<text class="number" x="{x:.1f}" y="{y:.1f}">layer {panel.layers[detector]}</text>')
    return parts


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


def _line(kind: str, a: Point, b: Point) -> str:
    return f'<line class="{kind}" x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"/>'


def _arrow(tail: Point, head: Point) -> str:
    """Return an arrow head in the middle of a line."""
    length = ((head[0] - tail[0]) ** 2 + (head[1] - tail[1]) ** 2) ** 0.5
    along = ((head[0] - tail[0]) / length, (head[1] - tail[1]) / length)
    x, y = _between(tail, head, 0.5)
    tip = (x + 9 * along[0], y + 9 * along[1])
    wings = [(x - 5 * along[0] + side * along[1], y - 5 * along[1] - side * along[0]) for side in (-7, 7)]
    return f'<polygon class="arrow" points="{" ".join(f"{px:.1f},{py:.1f}" for px, py in (tip, *wings))}"/>'


def _legend(total: tuple[float, float], *, active: bool, flips: bool) -> list[str]:
    entries = [("event", "detection event"), ("rest", "grown, at rest")]
    entries += [("active", "grown, cluster active")] if active else []
    entries += [("flip", "correction")] if flips else []
    entries += [("wall", "boundary")]
    step = min(170.0, total[0] / len(entries))
    x, y = (total[0] - step * len(entries)) / 2 + 16, total[1] - 20
    parts = []
    for kind, text in entries:
        if kind == "event":
            parts.append(f'<circle class="event" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
        elif kind == "wall":
            parts.append(f'<rect class="wall" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>')
        else:
            under = ["rest"] if kind == "flip" else []
            parts += [_line(stroke, (x - 11, y), (x + 11, y)) for stroke in [*under, kind]]
        parts.append(f'<text class="inside" style="text-anchor: start" x="{x + 17:.1f}" y="{y:.1f}">{text}</text>')
        x += step
    return parts
