# SPDX-License-Identifier: Apache-2.0
"""Prints where the cycles of the slowest blocks go: ``python docs/figures/slowest.py DISTANCE P SHOTS``.

The block is the one that Helios decodes. Shots are played to the RTL in the loop, the three slowest again in Amaranth's
simulator, where what the control does in each cycle can be seen. ``docs/verification.md`` has its output.
"""

import sys
from collections import Counter
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from synfab.decoders import UnionFindSpec
from synfab.flow.benchmarks.extent import OPEN, Block
from synfab.flow.benchmarks.fabric import SAMPLER_SEED
from synfab.report.markdown import cells, table
from synfab.rtl.simulation import block_beats
from synfab.rtl.union_find import Design, UnionFind, spatial
from synfab.sim.verilated import VerilatedDecoder

STEPS = {"grow": "growth", "relabel": "canonical flood", "peel": "canonical flood"}
CHANGES = {"flooding": "tags", "unsettled": "parities"}


def main(distance: int, p: float, shots: int) -> None:
    """Print the table."""
    block = Block(block=OPEN, weights="unit", distance=distance)
    spec = block.spec(p)
    detections = block.dem(p).compile_sampler(seed=SAMPLER_SEED).sample(shots, bit_packed=True)[0]
    with TemporaryDirectory() as cache:
        decoder = VerilatedDecoder(spec=spec, verilog=Design().fabric(spec).verilog(), cache=Path(cache))
        cycles = decoder.play(detections).cycles
    events = np.unpackbits(detections, axis=1, bitorder="little", count=spec.num_detectors)
    rows = []
    for shot in np.argsort(-cycles)[:3]:
        seen = steps(spec, events[shot])
        assert len(seen) == cycles[shot]
        counts = Counter(seen)
        longest = max(len(list(run)) for step, run in groupby(seen) if step in CHANGES.values())
        kinds = ("growth", *CHANGES.values(), "canonical flood", "start and answer")
        rows.append(cells(int(events[shot].sum()), len(seen), *(counts[kind] for kind in kinds), longest))
    heads = ["events", "cycles", "growth", *CHANGES.values(), "canonical flood", "start and answer", "longest"]
    print(table(heads, rows))


def steps(spec: UnionFindSpec, events: np.ndarray) -> list[str]:
    """Return what happens in each cycle between the last beat and the answer."""
    made: list[Any] = []

    class Seen(spatial.Control):
        """The control, where it can be found."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    kept, spatial.Control = spatial.Control, Seen
    found: list[str] = []
    fabric: Any = UnionFind(spec)

    async def testbench(context: Any) -> None:
        context.set(fabric.o.ready, 1)
        for beat in block_beats(spec, events):
            context.set(fabric.i.payload.as_value(), beat)
            context.set(fabric.i.valid, 1)
            await context.tick()
        context.set(fabric.i.valid, 0)
        found.append("start and answer")
        while not context.get(fabric.o.valid):
            doing = [name for signal, name in (STEPS | CHANGES).items() if context.get(getattr(made[-1], signal))]
            found.append(doing[0] if doing else "start and answer")
            await context.tick()

    simulator = Simulator(fabric)
    spatial.Control = kept
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
