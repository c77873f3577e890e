# SPDX-License-Identifier: Apache-2.0
"""hls4ml's C simulation of a project: g++, and the vendor's integer types in software."""

import contextlib
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synfab.artefact import write_text
from synfab.errors import MismatchError, MissingToolError, ToolError
from synfab.hw.hls.calls import Calls, Logits, Planes
from synfab.hw.hls.project import SPEC, load_settings, require_project
from synfab.predecoder.integers import PredecoderSpec

COMPILER = "g++"
LOG = "csim.log"


def require_compiler() -> None:
    """Raise MissingToolError unless there is the compiler that hls4ml calls."""
    if shutil.which(COMPILER) is None:
        raise MissingToolError(
            f"hls4ml's C simulation needs {COMPILER}, which is not on PATH; type: sudo apt install g++ (or your "
            "system's package of it)"
        )


class CSimulation:
    """The top function of a project, compiled and called round by round.

    Parameters
    ----------
    folder : Path
        As :func:`write_project` returned it; gets the library and ``csim.log``.

    Raises
    ------
    InputError
        If it is no such folder.
    MissingToolError
        If there is no compiler.
    ToolError
        If the project does not compile.
    """

    def __init__(self, folder: Path) -> None:
        require_compiler()
        require_project(folder)
        self.folder, self.spec, self.settings = folder, PredecoderSpec.load(folder / SPEC), load_settings(folder)
        self._model = self._compiled()

    def _compiled(self) -> Any:
        import hls4ml

        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                model = hls4ml.converters.link_existing_project(self.folder)
                # Where it lies now, should it have been moved.
                model.config.config["OutputDir"] = str(self.folder.resolve())
                model.compile()
        # hls4ml raises nothing narrower; the compiler's words went to standard output.
        except Exception as error:
            log = write_text(self.folder / LOG, said.getvalue())
            last = [line for line in said.getvalue().splitlines() if "error" in line][:1]
            raise ToolError(
                f"{COMPILER} must compile {self.folder}, but ended with {error}: {last}; see {log}"
            ) from error
        return model

    def logits(self, volumes: Sequence[Planes]) -> list[Logits]:
        """Return the logits of volumes that follow one another without a pause.

        Parameters
        ----------
        volumes : sequence of ndarray, (num_inputs, rounds, rows, columns)

        Returns
        -------
        list of int64 ndarray, (num_outputs, rounds, rows, columns)
            In the spec's unit.

        Raises
        ------
        InputError
            If a volume has another shape, or holds what is no input of the net.
        """
        rows, columns = self.settings.rows, self.settings.columns
        calls = Calls.of(volumes, self.spec, rows=rows, columns=columns)
        # Double precision on the way through hls4ml's bridge holds every integer of the spec.
        answers = self._model.predict([calls.planes.astype(np.float64), calls.last.astype(np.float64)])
        return calls.logits(answers.reshape(len(calls.planes), rows, columns, -1))

    def compare(self, volumes: Sequence[Planes]) -> int:
        """Compare with the reference, logit by logit; return how many logits there were.

        Raises
        ------
        MismatchError
            At the first volume whose logits are not the reference's.
        """
        count = 0
        for number, (volume, got) in enumerate(zip(volumes, self.logits(volumes), strict=True)):
            wanted = self.spec.logits(volume[np.newaxis])[0]
            if not np.array_equal(got, wanted):
                place = tuple(np.argwhere(got != wanted)[0].tolist())
                raise MismatchError(
                    f"the C simulation must give the reference's logits, but volume {number} has {got[place]} and not "
                    f"{wanted[place]} at output, round, row, column {place}; {self.folder} holds its program"
                )
            count += got.size
        return count
