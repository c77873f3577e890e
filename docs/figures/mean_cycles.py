# SPDX-License-Identifier: Apache-2.0
"""Prints where the cycles of a mean block go: ``python docs/figures/mean_cycles.py DISTANCE P SHOTS HOPS WEIGHTS``.

The block is circuit-level, WEIGHTS ``unit`` or ``log_likelihood``. Shots are played in Amaranth's simulator, where what
the control does in each cycle can be seen. ``docs/union_find_limits.md`` has its output.
"""

import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
from schedule import CHANGES, KINDS, schedules

from synfab.flow.benchmarks.extent import CIRCUIT, Block
from synfab.flow.benchmarks.fabric import SAMPLER_SEED
from synfab.report.markdown import cells, table


def main(distance: int, p: float, shots: int, hops: int, weights: Any) -> None:
    """Print the table's row."""
    block = Block(block=CIRCUIT, weights=weights, distance=distance)
    events = block.dem(p).compile_sampler(seed=SAMPLER_SEED).sample(shots)[0].astype(np.uint8)
    seen = schedules(block.spec(p), events, hops=hops)
    counts = Counter(kind for shot in seen for kind in shot)
    # Growth steps after which something changes.
    settlings = sum(a == "growth" and b in CHANGES.values() for shot in seen for a, b in pairwise(shot))
    lengths = np.array([len(shot) for shot in seen])
    error = float(lengths.std(ddof=1) / len(lengths) ** 0.5)
    about = (distance, f"{p:g}", weights, hops, shots, f"{lengths.mean():.2f} ± {error:.2f}")
    heads = ["d", "p", "weights", "hops", "shots", "mean cycles", *KINDS, "settlings"]
    print(table(heads, [cells(*about, *(counts[kind] / shots for kind in KINDS), settlings / shots)]))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
