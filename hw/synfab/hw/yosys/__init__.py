# SPDX-License-Identifier: Apache-2.0
"""Area and logic depth of Verilog by yosys' open synthesis: an estimate that stands in until Vivado has spoken.

Yosys has no Versal family, so ``xcup`` (UltraScale+) is a stated proxy for the VMK180. LUTs are not packed in
pairs, so their sum is an upper bound; delays are those of 7-series cells without wires, so they compare designs
with each other and say nothing about a clock.
"""

from synfab.hw.yosys.board import BoardResources, excess, oversize, share
from synfab.hw.yosys.estimate import Estimate, LogicPath, ModuleCount, PathStep
from synfab.hw.yosys.synthesis import FLAT_LIMIT, Progress, estimate

__all__ = [
    "FLAT_LIMIT",
    "BoardResources",
    "Estimate",
    "LogicPath",
    "ModuleCount",
    "PathStep",
    "Progress",
    "estimate",
    "excess",
    "oversize",
    "share",
]
