# SPDX-License-Identifier: Apache-2.0
"""The search for the slowest syndrome: how many cycles the RTL can be made to take, beside what is proved."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from synfab.artefact import file_digest
from synfab.decoders import UnionFindSpec
from synfab.flow.build import TOP
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions


def search(config: Config, folder: Folder, *, max_cycles: int, progress: Callable[[str], None]) -> Outcome:
    """Search with the RTL of the artefact folder, compiled to a library; a search that was killed goes on.

    Parameters
    ----------
    max_cycles : int
        Cycles that no block exceeds, as the build says.

    Returns
    -------
    Outcome
        ``max_cycles``, ``slowest_cycles``, ``detection_events``, ``shots``, ``seed``; ``tool`` and ``version``.

    Raises
    ------
    MismatchError
        If a syndrome takes more cycles than ``max_cycles``, or is not answered as the reference does.
    MissingToolError
        If Verilator or the compiler is not installed.
    """
    inputs = {
        "verilog": file_digest(folder.path / "rtl" / f"{TOP}.v"),
        "spec": file_digest(folder.path / "spec.json"),
        "max_cycles": max_cycles,
        "shots": config.verify.search_shots,
        "seed": config.verify.seed,
        "source": source_digest("synfab.sim", "synfab.decoders"),
        "versions": versions("verilator", "pyosys", "numpy"),
    }
    return folder.step("search", inputs, lambda: _search(config, folder, max_cycles, progress))


def _search(config: Config, folder: Folder, max_cycles: int, progress: Callable[[str], None]) -> dict[str, Any]:
    from synfab.sim.loop import RtlDecoder
    from synfab.sim.slowest import Slowest, slowest

    decoder = RtlDecoder(
        spec=UnionFindSpec.load(folder.path / "spec.json"),
        verilog=(folder.path / "rtl" / f"{TOP}.v").read_text(),
        corrections=config.decoder.corrections,
        runtime_weights=config.decoder.runtime_weights,
        cache=folder.path / "sim" / "library",
    )
    progress("compiling the RTL")
    decoder.build()
    shots, seed = config.verify.search_shots, config.verify.seed

    def shown(found: Slowest) -> None:
        progress(f"{found.shots:,} of {shots:,} syndromes, the slowest takes {found.cycles:,} cycles")

    # A file of its own for each RTL and each seed, so that an older search is neither taken up nor lost.
    rtl = file_digest(folder.path / "rtl" / f"{TOP}.v")[:16]
    path = folder.path / "sim" / "search" / f"{rtl}_seed{seed}.json"
    found = slowest(decoder, shots=shots, seed=seed, bound=max_cycles, path=path, progress=shown)
    return {
        "max_cycles": found.bound,
        "slowest_cycles": found.cycles,
        "detection_events": list(found.detection_events),
        "shots": found.shots,
        "seed": found.seed,
        "tool": decoder.simulator,
        "version": version(decoder.simulator),
    }
