# SPDX-License-Identifier: Apache-2.0
"""What happens to every patch and seam during d rounds."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from synfab.circuits.layout import Basis
from synfab.surgery.lattice import Pattern, Site, neighbour_cells, site_kind


class Event(NamedTuple):
    """The preparation or read-out of a patch, all its data qubits in one basis."""

    cell: Site
    basis: Basis


@dataclass(frozen=True, kw_only=True)
class Slab(Pattern):
    """One time step of d rounds.

    Attributes
    ----------
    patches, merged : frozenset of Site
        What is there during the rounds.
    prepared : frozenset of Event
        Patches prepared before the first round. All other patches go on from the slab before.
    measured : frozenset of Event
        Patches read out after the last round, with all their seams.
    held : frozenset of Site
        Merged seams that go on from the slab before. Any other seam that was merged there was measured out, after the
        last round if it touches a patch that was read out, else before the first round of this slab.
    """

    prepared: frozenset[Event] = frozenset()
    measured: frozenset[Event] = frozenset()
    held: frozenset[Site] = frozenset()

    @property
    def closed_seams(self) -> frozenset[Site]:
        """Merged seams that end with a read-out."""
        ended = {event.cell for event in self.measured}
        return frozenset(seam for seam in self.merged if ended.intersection(neighbour_cells(seam)))

    @property
    def held_crossings(self) -> frozenset[Site]:
        """Crossings whose data qubit goes on from the slab before."""
        return Pattern(patches=self.patches, merged=self.held).crossings

    def near(self, site: Site, *, whole_seam: bool = False) -> Self:
        """Return what touches ``site``, moved so that the site's cell of lowest column and row becomes (0, 0).

        With ``whole_seam`` a seam also has what touches the crossings at its ends.
        """
        x0, y0 = neighbour_cells(site)[0]
        reach = [1, 1]
        if whole_seam:
            reach[1 if site_kind(site) == "x" else 0] = 2

        def moved(sites: frozenset[Site]) -> frozenset[Site]:
            close = (s for s in sites if abs(s[0] - site[0]) <= reach[0] and abs(s[1] - site[1]) <= reach[1])
            return frozenset((x - x0, y - y0) for x, y in close)

        def moved_events(events: frozenset[Event]) -> frozenset[Event]:
            moved_away = (Event((e.cell[0] - x0, e.cell[1] - y0), e.basis) for e in events)
            return frozenset(event for event in moved_away if event.cell in inside)

        # A seam at the rim of the view joins a patch within to one outside: it is none of the view's.
        inside = moved(self.patches)
        seams = frozenset(seam for seam in moved(self.merged) if inside.issuperset(neighbour_cells(seam)))
        return replace(
            self,
            patches=inside,
            merged=seams,
            prepared=moved_events(self.prepared),
            measured=moved_events(self.measured),
            held=moved(self.held) & seams,
        )
