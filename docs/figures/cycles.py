# SPDX-License-Identifier: Apache-2.0
"""Draws cycles.svg: mean cycles of the fabric beside Helios, from benchmarks/union_find.json.

python docs/figures/cycles.py [FOLDER]
"""

import sys
from pathlib import Path

from synfab.artefact import write_text
from synfab.flow.benchmarks.models import Cycles, FabricBenchmark

FIGURES = Path(__file__).parent
BENCHMARK = FIGURES.parents[1] / "benchmarks" / "union_find.json"
BLOCK = "phenomenological, open start"

STYLE = """
  text { font: 11px sans-serif; fill: #22282f; text-anchor: middle }
  .ours { fill: #2b6cb0 }
  .theirs { fill: #c3c9d0 }
  .axis { stroke: #5b6570 }
  .left { text-anchor: start }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8edf2 }
    .ours { fill: #5aa0e6 }
    .theirs { fill: #434c56 }
    .axis { stroke: #9aa5b1 }
  }
"""

BAR, GAP, HEIGHT, UNIT = 26, 26, 300, 7.5


def picture(benchmark: FabricBenchmark) -> str:
    """Return the SVG: a pair of bars for every distance and error rate that Helios was measured at."""
    points = [point for point in benchmark.cycles if point.block == BLOCK and point.helios and point.weights == "unit"]
    points.sort(key=lambda point: (point.distance, point.p))
    pairs = [line for k, point in enumerate(points) for line in _pair(point, GAP + k * (2 * BAR + GAP))]
    width = GAP + len(points) * (2 * BAR + GAP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">',
            "<title>Mean cycles a block, synfab beside Helios</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ours" x="{GAP}" y="12" width="12" height="12"/>',
            f'<text class="left" x="{GAP + 18}" y="22">synfab: last beat taken to answer offered</text>',
            f'<rect class="theirs" x="{GAP + 270}" y="12" width="12" height="12"/>',
            f'<text class="left" x="{GAP + 288}" y="22">Helios: its own counter, without load and read-out</text>',
            *pairs,
            f'<line class="axis" x1="0" y1="{HEIGHT - 40}" x2="{width}" y2="{HEIGHT - 40}"/>',
            "</svg>\n",
        ]
    )


def _pair(point: Cycles, left: int) -> list[str]:
    assert point.helios
    assert point.helios.mean_cycles
    middle = left + BAR
    return [
        *_bar("ours", left, point.mean, f"{point.mean:.2f}"),
        *_bar("theirs", middle, point.helios.mean_cycles, f"{point.helios.mean_cycles:g}"),
        f'<text x="{middle}" y="{HEIGHT - 24}">d={point.distance}</text>',
        f'<text x="{middle}" y="{HEIGHT - 9}">p={point.p:g}</text>',
    ]


def _bar(kind: str, left: int, cycles: float, label: str) -> list[str]:
    height = cycles * UNIT
    y = HEIGHT - 40 - height
    return [
        f'<rect class="{kind}" x="{left}" y="{y:.1f}" width="{BAR - 2}" height="{height:.1f}"/>',
        f'<text x="{left + BAR / 2 - 1:g}" y="{y - 4:.1f}">{label}</text>',
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FIGURES
    stored = FabricBenchmark.model_validate_json(BENCHMARK.read_text())
    write_text(folder / "cycles.svg", picture(stored))
