# SPDX-License-Identifier: Apache-2.0
"""The flow: a list of named steps, each of which is skipped if what it made is still good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synfab import report
from synfab.flow.accuracy import accuracy
from synfab.flow.assemble import assemble
from synfab.flow.build import Problem, build, is_built
from synfab.flow.config import Config
from synfab.flow.estimate import check_size, estimate
from synfab.flow.folder import Folder, Outcome
from synfab.flow.search import search
from synfab.flow.verify import require_simulator, verify

STEPS = ("build", "verify", "estimate", "sample", "report")

Listener = Callable[[str, str], None]
"""Hears of each step, by name: that it starts, how it goes on, and how it ended."""


def _silent(step: str, message: str) -> None:
    pass


@dataclass(kw_only=True)
class Flow:
    """Runs the steps of one config in one folder.

    Parameters
    ----------
    config : Config
    directory : Path
        The artefact folder; made if it is not there.
    listener : Listener
        For progress.
    """

    config: Config
    directory: Path
    listener: Listener = _silent
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def run(self, steps: Sequence[str] = STEPS) -> report.ReportFiles | None:
        """Run the steps, with ``build`` before all others; return the report's files if ``report`` is among them.

        Raises
        ------
        synfab.errors.SynfabError
            The first step that fails says why; what the steps before it made stays. A pre-decoder's net that is
            larger than the board by its count is refused before anything is written; any other design that is
            larger, after everything has been, the report included.
        """
        if self.config.program is not None and tuple(steps) == STEPS:
            return self._run_program()
        folder = Folder(path=self.directory)
        self.listener("build", "reading the problem")
        problem = Problem.from_config(self.config)
        if "verify" in steps and not is_built(self.config, problem, folder):
            require_simulator(self.config)
        built = self._note("build", lambda: build(self.config, problem, folder))
        if "verify" in steps:
            self._note("verify", lambda: verify(self.config, folder))
            if self.config.verify.search_shots:
                hear, bound = self._hear("search"), built.result["max_cycles"]
                self._note("search", lambda: search(self.config, folder, max_cycles=bound, progress=hear))
        if "estimate" in steps:
            self._note("estimate", lambda: estimate(self.config, problem, folder, progress=self._hear("estimate")))
        if "sample" in steps:
            self._note("sample", lambda: accuracy(self.config, problem, folder, progress=self._hear("sample")))
        files = None
        if "report" in steps:
            files = report.write_report(assemble(self.config, problem, folder, self.outcomes), self.directory)
            self.listener("report", "done")
        if "estimate" in self.outcomes:
            check_size(self.outcomes["estimate"])
        return files

    def _run_program(self) -> report.ReportFiles:
        # Only here: few configs have a program.
        from synfab.flow import program_flow

        folder = Folder(path=self.directory)
        ran = self._note("program", lambda: program_flow.run(self.config, folder, progress=self.listener))
        hear = self._hear("estimate")
        self._note("estimate", lambda: program_flow.estimate(self.config, folder, ran, progress=hear))
        files = report.write_report(program_flow.assemble(self.config, self.outcomes), self.directory)
        self.listener("report", "done")
        check_size(self.outcomes["estimate"])
        return files

    def _note(self, name: str, step: Callable[[], Outcome]) -> Outcome:
        self.listener(name, "running")
        outcome = self.outcomes[name] = step()
        self.listener(name, "done" if outcome.fresh else "up to date")
        return outcome

    def _hear(self, name: str) -> Callable[[str], None]:
        return lambda message: self.listener(name, message)
