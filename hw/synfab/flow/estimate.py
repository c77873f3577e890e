# SPDX-License-Identifier: Apache-2.0
"""The estimate: LUTs, flip-flops and the longest logic path by yosys, before any vendor tool."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synfab.artefact import file_digest, write_text
from synfab.boards import board
from synfab.errors import OversizeError
from synfab.flow.build import TOP, Problem
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions

if TYPE_CHECKING:
    from synfab.hw.yosys import Estimate


def estimate(config: Config, problem: Problem, folder: Folder, *, progress: Callable[[str], None]) -> Outcome:
    """Synthesize the decoder with yosys; with a pre-decoder, the net and the fabric alone, too.

    Returns
    -------
    Outcome
        The fields of :class:`synfab.hw.yosys.Estimate`; ``oversize``, a sentence or None; and ``parts``, the same
        fields of each part by its name.
    """
    target = board(config.target.board)
    inputs = {
        "verilog": file_digest(folder.path / "rtl" / f"{TOP}.v"),
        "flatten": config.estimate.flatten,
        "parts": problem.pipeline is not None,
        "board": target.name,
        "source": source_digest("synfab.hw.yosys"),
        "versions": versions("pyosys"),
    }

    def make() -> dict[str, Any]:
        from synfab.hw import yosys

        def synthesized(path: Path, name: str) -> yosys.Estimate:
            return yosys.estimate(
                [path],
                top=TOP,
                flatten=config.estimate.flatten,
                log=folder.path / "estimate" / f"{name}.log",
                progress=lambda stage, share: progress(f"{name}: {stage}, {100 * share:.0f} %"),
            )

        found = synthesized(folder.path / "rtl" / f"{TOP}.v", "yosys")
        parts = {}
        for name, verilog in _parts(config, problem):
            path = write_text(folder.path / "estimate" / f"{name}.v", verilog)
            parts[name] = _figures(synthesized(path, name))
        return _figures(found) | {"oversize": yosys.oversize(found, target), "parts": parts}

    return folder.step("estimate", inputs, make)


def _figures(found: "Estimate") -> dict[str, Any]:
    return {key: value for key, value in found.as_dict().items() if key != "seconds"}


def _parts(config: Config, problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield the Verilog of the parts of a decoder with a pre-decoder, by what the report calls them."""
    if problem.pipeline is not None:
        from synfab.rtl.emission import emitted

        hardware: Any = problem.hardware(config)
        yield "net", hardware.net.verilog(TOP)
        for name, component in hardware.after_the_net().items():
            yield name, emitted(component, TOP)
        yield "fabric", hardware.fabric.verilog(TOP)


def check_size(estimated: Outcome) -> None:
    """Refuse a design that is larger than its board.

    Raises
    ------
    OversizeError
        Which resource, how much is needed, how much there is.
    """
    if estimated.result["oversize"]:
        raise OversizeError(estimated.result["oversize"])
