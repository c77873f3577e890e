# SPDX-License-Identifier: Apache-2.0
"""The estimate: LUTs, flip-flops and the longest logic path by yosys, before any vendor tool."""

from collections.abc import Callable
from typing import Any

from synfab.artefact import file_digest
from synfab.boards import board
from synfab.errors import OversizeError
from synfab.flow.build import TOP
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions


def estimate(config: Config, folder: Folder, *, progress: Callable[[str], None]) -> Outcome:
    """Synthesize the fabric with yosys.

    Returns
    -------
    Outcome
        The fields of :class:`synfab.hw.yosys.Estimate`, and ``oversize``, a sentence or None.
    """
    target = board(config.target.board)
    inputs = {
        "verilog": file_digest(folder.path / "rtl" / f"{TOP}.v"),
        "flatten": config.estimate.flatten,
        "board": target.name,
        "source": source_digest("synfab.hw.yosys"),
        "versions": versions("pyosys"),
    }

    def make() -> dict[str, Any]:
        from synfab.hw import yosys

        found = yosys.estimate(
            [folder.path / "rtl" / f"{TOP}.v"],
            top=TOP,
            flatten=config.estimate.flatten,
            log=folder.path / "estimate" / "yosys.log",
            progress=lambda stage, share: progress(f"{stage}, {100 * share:.0f} %"),
        )
        figures = {key: value for key, value in found.as_dict().items() if key != "seconds"}
        return figures | {"oversize": yosys.oversize(found, target)}

    return folder.step("estimate", inputs, make)


def check_size(estimated: Outcome) -> None:
    """Refuse a design that is larger than its board.

    Raises
    ------
    OversizeError
        Which resource, how much is needed, how much there is.
    """
    if estimated.result["oversize"]:
        raise OversizeError(estimated.result["oversize"])
