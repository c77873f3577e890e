# SPDX-License-Identifier: Apache-2.0
"""Lattice surgery: programs, and the blocks and faces of the decoding graphs that they unfold into.

Programs are data (:class:`Program`); :func:`check` refuses what cannot be done, :func:`unfold` executes them step by
step, :class:`Sampler` samples them. :class:`Parts` derives the static block graph and its faces from Stim circuits of
one to four patches; an :class:`Assembly` of them, all fused, is the graph of the whole circuit. :func:`cut` does the
same to circuits of other compilers.
"""

from synfab.surgery.assembly import Assembly, Block, Piece, PlacedEdge, pieces
from synfab.surgery.cells import Cells, Home, Place
from synfab.surgery.check import Branch, Summary, branches, check, output_sheets
from synfab.surgery.fragment import Detector, Mark
from synfab.surgery.imported import Cut, cut
from synfab.surgery.lattice import Lattice, Pattern, Site
from synfab.surgery.machine import Machine, Plan
from synfab.surgery.parts import BLOCK, Part, PartEdge, PartEnd, Parts, State, states
from synfab.surgery.picture import picture
from synfab.surgery.program import Program, shipped_programs
from synfab.surgery.recorder import Recorder
from synfab.surgery.sampling import BranchSamples, Sampler
from synfab.surgery.sheet import Frame, Sheet, of_kind, records
from synfab.surgery.slab import Event, Slab
from synfab.surgery.timeline import timeline
from synfab.surgery.turn import Result
from synfab.surgery.unfolding import Stage, unfold

__all__ = [
    "BLOCK",
    "Assembly",
    "Block",
    "Branch",
    "BranchSamples",
    "Cells",
    "Cut",
    "Detector",
    "Event",
    "Frame",
    "Home",
    "Lattice",
    "Machine",
    "Mark",
    "Part",
    "PartEdge",
    "PartEnd",
    "Parts",
    "Pattern",
    "Piece",
    "Place",
    "PlacedEdge",
    "Plan",
    "Program",
    "Recorder",
    "Result",
    "Sampler",
    "Sheet",
    "Site",
    "Slab",
    "Stage",
    "State",
    "Summary",
    "branches",
    "check",
    "cut",
    "of_kind",
    "output_sheets",
    "picture",
    "pieces",
    "records",
    "shipped_programs",
    "states",
    "timeline",
    "unfold",
]
