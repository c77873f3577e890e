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

import numpy as np
from schedule import CHANGES, KINDS, schedules

from synfab.flow.benchmarks.extent import OPEN, Block
from synfab.flow.benchmarks.fabric import SAMPLER_SEED
from synfab.report.markdown import cells, table
from synfab.rtl.union_find import Design
from synfab.sim.loop import RtlDecoder


def main(distance: int, p: float, shots: int) -> None:
    """Print the table."""
    block = Block(block=OPEN, weights="unit", distance=distance)
    spec = block.spec(p)
    detections = block.dem(p).compile_sampler(seed=SAMPLER_SEED).sample(shots, bit_packed=True)[0]
    with TemporaryDirectory() as cache:
        decoder = RtlDecoder(spec=spec, verilog=Design().fabric(spec).verilog(), cache=Path(cache))
        cycles = decoder.play(detections).cycles
    slowest = np.argsort(-cycles)[:3]
    events = np.unpackbits(detections[slowest], axis=1, bitorder="little", count=spec.num_detectors)
    rows = []
    for shot, seen, expected in zip(events, schedules(spec, events), cycles[slowest], strict=True):
        assert len(seen) == expected
        counts = Counter(seen)
        longest = max(len(list(run)) for step, run in groupby(seen) if step in CHANGES.values())
        rows.append(cells(int(shot.sum()), len(seen), *(counts[kind] for kind in KINDS), longest))
    print(table(["events", "cycles", *KINDS, "longest"], rows))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
