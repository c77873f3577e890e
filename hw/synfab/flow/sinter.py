# SPDX-License-Identifier: Apache-2.0
"""The RTL for sinter's own command line: a sampler that makes, compiles and plays the fabric of each task.

``sinter collect --custom_decoders_module_function synfab.flow.sinter:decoders`` finds it.
"""

from dataclasses import dataclass, field
from pathlib import Path

import sinter

from synfab.errors import InputError
from synfab.rtl.union_find import UnionFind
from synfab.sim.loop import RtlDecoder, RtlSampler
from synfab.sinter import UnionFindDecoder
from synfab.sinter import decoders as references


@dataclass(frozen=True, kw_only=True)
class RtlUnionFind(sinter.Sampler):
    """The spatial fabric, in the loop, for whatever a task's model is; its counts are those of :class:`RtlSampler`.

    Each worker makes the fabric, which takes seconds at d=3 and many minutes at d=9; ``synfab sample`` makes it once.

    Parameters
    ----------
    reference : UnionFindDecoder
        Whose answers the RTL gives.
    cache : Path
        Where libraries are kept, by what they are made of.
    """

    reference: UnionFindDecoder = field(default_factory=UnionFindDecoder)
    cache: Path = Path("out/sinter")

    def compiled_sampler_for_task(self, task: sinter.Task) -> sinter.CompiledSampler:
        """Return the sampler of a task, its RTL compiled.

        Raises
        ------
        InputError
            If the task lacks a model or a circuit, or an error of it cannot be matched.
        MissingToolError, ToolError
            If Verilator or the compiler is not installed, or fails.
        """
        if task.circuit is None or task.detector_error_model is None:
            raise InputError("the RTL must sample a task with a circuit and its model, not one without; give both")
        spec = self.reference.spec_for_dem(task.detector_error_model)
        decoder = RtlDecoder(spec=spec, verilog=UnionFind(spec, instances=True).verilog(), cache=self.cache)
        decoder.build()
        weights, weight_bits = self.reference.weights, self.reference.weight_bits
        return RtlSampler(decoder=decoder, weights=weights, weight_bits=weight_bits).compiled_sampler_for_task(task)


def decoders() -> dict[str, sinter.Decoder | sinter.Sampler]:
    """Return the RTL by name: ``rtl``, which is that of ``synfab_w4``, and one for each of :mod:`synfab.sinter`'s.

    Those are called ``rtl_unit`` and ``rtl_w2`` to ``rtl_w8``.
    """
    named = {"rtl": RtlUnionFind()}
    for name, reference in references().items():
        assert isinstance(reference, UnionFindDecoder)
        named[name.replace("synfab", "rtl")] = RtlUnionFind(reference=reference)
    return dict(named)
