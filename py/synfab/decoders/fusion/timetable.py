# SPDX-License-Identifier: Apache-2.0
"""A schedule as arrays: from which step on an edge may grow, and until when."""

from collections import namedtuple

import numpy as np

from synfab.decoders.fusion.schedule import Schedule
from synfab.decoders.fusion.spec import FusionSpec

NEVER = 1 << 30

# opens, closes: an edge of the parted graph grows in steps opens <= step < closes.
# begins, freezes: a detector has its event from step begins on, and adds to no edge from step freezes on.
# fused: the edge that an artificial boundary becomes; -1 for all other edges.
# releases: whether a step ends with releases.
# commits: whether to release is to commit; if so, edges close with the first of their ends.
Timetable = namedtuple("Timetable", "opens closes begins freezes fused releases commits")


def timetable(spec: FusionSpec, schedule: Schedule, *, commits: bool) -> Timetable:
    """Return a schedule, found to be right, as the kernels take it."""
    num_edges, cut = len(spec.whole.edges), np.array([*spec.cut_edges], np.int64)
    begins = np.full(len(spec.blocks), NEVER, np.int32)
    freezes = np.full(len(spec.blocks), NEVER, np.int32)
    fusions = {}
    for number, step in enumerate(schedule.steps):
        begins[list(step.begin)] = number
        freezes[list(step.release)] = number + 1
        fusions |= dict.fromkeys(step.fuse, number)
    when = np.array([fusions[face] for face in spec.cut_edges.values()], np.int32)
    opens = np.zeros(num_edges + 2 * len(cut), np.int32)
    closes = np.full(len(opens), NEVER, np.int32)
    opens[cut] = when
    closes[num_edges:] = np.repeat(when, 2)
    fused = np.full(len(opens), -1, np.int32)
    fused[num_edges:] = np.repeat(cut, 2)
    if commits:
        closes[:num_edges] = freezes[spec.edge_blocks].min(axis=1)
    owners = np.array(spec.owners, np.int64)
    return Timetable(
        opens=opens,
        closes=closes,
        begins=begins[owners],
        freezes=freezes[owners],
        fused=fused,
        releases=np.array([bool(step.release) for step in schedule.steps]),
        commits=commits,
    )
