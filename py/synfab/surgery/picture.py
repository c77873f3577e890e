# SPDX-License-Identifier: Apache-2.0
"""A step of a program as text: where the patches are, what is merged, what begins and ends."""

from synfab.surgery.lattice import Site, site_kind
from synfab.surgery.machine import Plan
from synfab.surgery.merging import joint_kind


def picture(plan: Plan) -> str:
    """Return the grid of a step, patches in brackets with their preparation before and their read-out behind.

    ``=`` joins patches that are merged in a row, ``#`` in a column; the letters say which parity the merge measures.
    """
    labels = {site: _label(plan, site) for site in plan.slab.patches}
    width = max(map(len, labels.values()))
    columns = range(min(x for x, _ in labels), max(x for x, _ in labels) + 1)
    lines = [f"step {plan.number}"]
    for y in range(min(y for _, y in labels), max(y for _, y in labels) + 1):
        parts = [_part(plan, (x, y), labels, width) for x in columns]
        line = "".join(parts).rstrip()
        if line:
            lines.append("  " + line)
    lines += [f"  result {result.name}: {result.kind * _weight(result.name, plan)}" for result in plan.results]
    return "\n".join(lines)


def _weight(name: str, plan: Plan) -> int:
    """Return on how many patches a result's operator acts: two for a merge, one for a read-out."""
    return 2 if any(getattr(op, "result", None) == name and hasattr(op, "merge") for op in plan.operations) else 1


def _label(plan: Plan, site: Site) -> str:
    begins = "".join(event.basis for event in plan.slab.prepared if event.cell == site)
    ends = "".join(event.basis for event in plan.slab.measured if event.cell == site)
    return f"{begins:1}[{plan.names[site]}]{ends:1}"


def _part(plan: Plan, site: Site, labels: dict[Site, str], width: int) -> str:
    kind, merged = site_kind(site), site in plan.slab.merged
    if kind == "cell":
        return labels.get(site, "").center(width)
    parity = joint_kind(site) * 2 if kind != "crossing" else ""
    if kind == "x":
        return f"={parity}=" if merged else " " * 4
    if kind == "y":
        return (f"#{parity}#" if merged else "").center(width)
    return " " * 4
