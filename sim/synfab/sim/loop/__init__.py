# SPDX-License-Identifier: Apache-2.0
"""The RTL as a compiled library: many shots a call, for long campaigns."""

from synfab.sim.loop.decoder import Played, RtlDecoder
from synfab.sim.loop.library import require_verilator
from synfab.sim.loop.sampler import CYCLES, DIFFERS, RtlSampler, RtlSweep

__all__ = ["CYCLES", "DIFFERS", "Played", "RtlDecoder", "RtlSampler", "RtlSweep", "require_verilator"]
