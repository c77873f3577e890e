# SPDX-License-Identifier: Apache-2.0
"""A branch of a program as an SVG: a picture a step, and the timeline of blocks and faces below."""

from collections.abc import Iterator, Sequence
from html import escape

from synfab.surgery.lattice import Site, neighbour_cells, seam_basis, site_kind
from synfab.surgery.machine import Plan
from synfab.surgery.merging import joint_kind

_CELL, _GAP, _MARGIN = 64, 20, 16
_PITCH = _CELL + _GAP
_COLORS = {"X": "#d9822b", "Z": "#2b6cb0", "patch": "#e2e8f0", "line": "#4a5568"}


def timeline(plans: Sequence[Plan], *, title: str) -> str:
    """Return an SVG document.

    Above, every step as the plane of patches; a merged seam has the colour of the parity that it measures. Below,
    every cell has a line of blocks, one a step: a bar between two of them is a face, in time along the line, in
    space between lines. A letter on the left of a block is its preparation, on the right its read-out.
    """
    sites = sorted({site for plan in plans for site in plan.slab.patches}, key=lambda s: (s[1], s[0]))
    columns = max(x for x, _ in sites) // 2 + 1
    rows = max(y for _, y in sites) // 2 + 1
    step_width = columns * _PITCH + _MARGIN
    top = _MARGIN + 24
    below = top + rows * _PITCH + 40
    # Blocks stand below their step, so the timeline is as wide as the pictures.
    width, height = _MARGIN + len(plans) * step_width + 40, below + len(sites) * _PITCH + _MARGIN
    body = [_text(_MARGIN, _MARGIN + 4, title, size=14)]
    for number, plan in enumerate(plans):
        left = _MARGIN + 40 + number * step_width
        body.append(_text(left, top + 2, f"step {plan.number}", size=12))
        body += _plane(plan, left, top + 12)
        body += _blocks(plan, plans[number + 1] if number + 1 < len(plans) else None, sites, left, below, step_width)
    body += [_text(_MARGIN - 8, below + n * _PITCH + _CELL / 2, f"{x // 2},{y // 2}") for n, (x, y) in enumerate(sites)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *body, "</svg>", ""])


def _plane(plan: Plan, left: float, top: float) -> Iterator[str]:
    for seam in sorted(plan.slab.merged):
        (x, y), wide = _corner(neighbour_cells(seam)[0], left, top), site_kind(seam) == "x"
        place = (
            (x + _CELL - 8, y + 16, _GAP + 16, _CELL - 32) if wide else (x + 16, y + _CELL - 8, _CELL - 32, _GAP + 16)
        )
        yield _rectangle(*place, fill=_COLORS[joint_kind(seam)], title=f"{joint_kind(seam) * 2} merge")
    for site in sorted(plan.slab.patches):
        x, y = _corner(site, left, top)
        yield from _patch(plan, site, x, y, _CELL)


def _corner(site: Site, left: float, top: float) -> tuple[float, float]:
    return left + site[0] // 2 * _PITCH, top + site[1] // 2 * _PITCH


def _patch(plan: Plan, site: Site, x: float, y: float, size: float) -> Iterator[str]:
    yield _rectangle(x, y, size, _CELL, fill=_COLORS["patch"], stroke=True)
    yield _text(x + size / 2, y + _CELL / 2 + 4, plan.names[site], middle=True)
    for events, place in ((plan.slab.prepared, x + 4), (plan.slab.measured, x + size - 12)):
        for event in events:
            if event.cell == site:
                yield _text(place, y + 14, event.basis, fill=_COLORS[event.basis])


def _blocks(
    plan: Plan, following: Plan | None, sites: list[Site], left: float, top: float, step_width: float
) -> Iterator[str]:
    size = min(step_width - 2 * _GAP, 2 * _CELL)
    ended = {event.cell for event in plan.slab.measured}
    line = {site: top + number * _PITCH for number, site in enumerate(sites)}
    for site in sites:
        if site not in plan.slab.patches:
            continue
        if following is not None and site in following.slab.patches - ended:
            yield _rectangle(
                left + size, line[site] + _CELL / 2 - 4, step_width - size, 8, fill="line", title="time face"
            )
        yield from _patch(plan, site, left, line[site], size)
    # Seams of neighbouring lines would hide each other on one vertical.
    for number, seam in enumerate(sorted(plan.slab.merged, key=lambda s: (s[1], s[0]))):
        one, other = (line[cell] for cell in neighbour_cells(seam))
        x = left + 16 + number * 12 % (size - 32)
        yield _rectangle(
            x, one + _CELL - 8, 6, other - one - _CELL + 16, fill=_COLORS[joint_kind(seam)], title=_face(seam)
        )


def _face(seam: Site) -> str:
    return f"face of a merge that measures {joint_kind(seam) * 2}, seam in {seam_basis(seam)}"


def _rectangle(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: bool = False, title: str = ""
) -> str:
    edge = f' stroke="{_COLORS["line"]}" rx="4"' if stroke else ""
    inner = f"<title>{escape(title)}</title>" if title else ""
    color = _COLORS.get(fill, fill)
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{color}"{edge}>{inner}</rect>'


def _text(x: float, y: float, text: str, *, size: int = 11, middle: bool = False, fill: str = "#1a202c") -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}"{anchor}>{escape(text)}</text>'
