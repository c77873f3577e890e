# SPDX-License-Identifier: Apache-2.0
"""What the control of a spatial fabric does in each cycle of a block, seen in Amaranth's simulator."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.sim import Simulator

from synfab.decoders import UnionFindSpec
from synfab.rtl.simulation import block_beats
from synfab.rtl.union_find import UnionFind, spatial

START_AND_ANSWER = "start and answer"
STEPS = {"grow": "growth", "relabel": "canonical flood", "peel": "canonical flood"}
CHANGES = {"flooding": "tags", "unsettled": "parities"}
KINDS = ("growth", *CHANGES.values(), "canonical flood", START_AND_ANSWER)


def schedules(spec: UnionFindSpec, shots: npt.NDArray[np.uint8], *, hops: int = 1) -> list[list[str]]:
    """Return what happens in each cycle between a block's last beat and its answer, for each block by itself.

    Parameters
    ----------
    spec : UnionFindSpec
    shots : ndarray of uint8, (shots, num_detectors)
        Detection events, 0 and 1.
    hops : int
        Of the fabric.

    Returns
    -------
    list of list of str
        For each shot one of ``KINDS`` a cycle.
    """
    made: list[Any] = []

    class Seen(spatial.Control):
        """The control, where it can be found."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    kept, spatial.Control = spatial.Control, Seen
    found: list[list[str]] = []
    fabric: Any = UnionFind(spec, hops=hops)

    def doing(context: Any) -> Iterator[str]:
        return (name for signal, name in (STEPS | CHANGES).items() if context.get(getattr(made[-1], signal)))

    async def testbench(context: Any) -> None:
        context.set(fabric.o.ready, 1)
        for events in shots:
            for beat in block_beats(spec, events):
                context.set(fabric.i.payload.as_value(), beat)
                context.set(fabric.i.valid, 1)
                await context.tick()
            context.set(fabric.i.valid, 0)
            seen = [START_AND_ANSWER]
            while not context.get(fabric.o.valid):
                seen.append(next(doing(context), START_AND_ANSWER))
                await context.tick()
            found.append(seen)
            await context.tick()

    simulator = Simulator(fabric)
    spatial.Control = kept
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found
