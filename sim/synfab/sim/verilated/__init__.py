# SPDX-License-Identifier: Apache-2.0
"""The RTL as a compiled library: many shots a call, for long campaigns."""

from synfab.sim.verilated.decoder import Played, VerilatedDecoder
from synfab.sim.verilated.library import require_verilator
from synfab.sim.verilated.sampler import CYCLES, DIFFERS, RtlSampler, RtlSweep

__all__ = ["CYCLES", "DIFFERS", "Played", "RtlSampler", "RtlSweep", "VerilatedDecoder", "require_verilator"]
