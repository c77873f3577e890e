# SPDX-License-Identifier: Apache-2.0
"""The Checker: compares answers with the Model's, counts, and explains a failure so that it can be replayed."""

import json
import os
from collections import Counter
from pathlib import Path

from synfab.sim.bench.model import Model
from synfab.sim.bench.vectors import Answer

SHOWN = 5
"""Mismatches that are spelt out; all are counted."""


class Checker:
    """Collects what one test saw.

    Attributes
    ----------
    shots, mismatches : int
        Answers awaited; failures among them.
    latency_cycles : Counter
        Cycles from the transfer of a block's last beat to the answer's first offer.
    interval_cycles : Counter
        Cycles between the last beats of two blocks in a row.
    """

    def __init__(self, model: Model, *, test: str) -> None:
        self._model = model
        self._test = test
        self._failures: list[str] = []
        self._last_start: int | None = None
        self.shots = 0
        self.mismatches = 0
        self.latency_cycles: Counter[int] = Counter()
        self.interval_cycles: Counter[int] = Counter()

    def check(self, shot: int, got: Answer, *, started: int, offered: int) -> None:
        """Take note of an answer: equal to the reference's or not, and when it came."""
        self.shots += 1
        self.latency_cycles[offered - started] += 1
        if self._last_start is not None:
            self.interval_cycles[started - self._last_start] += 1
        self._last_start = started
        expected = self._model.answer(shot)
        if offered <= started:
            self.fail(shot, f"answered in cycle {offered}, before its last beat passed in cycle {started}")
        elif got != expected:
            self.fail(shot, f"expected {_shown(expected)}\n       got {_shown(got)}")

    def missing(self, shot: int, what: str) -> None:
        """Take note of an answer that did not come."""
        self.shots += 1
        self.fail(shot, what)

    def fail(self, shot: int, what: str) -> None:
        """Take note of a failure at a shot."""
        self.mismatches += 1
        if len(self._failures) < SHOWN:
            self._failures.append(
                f"shot {shot} ({self._test})\n"
                f"  detection events: {self._model.describe(shot)}\n"
                f"  {what}\n"
                f"  replay with a waveform: make SHOT={shot} WAVES=1 TEST={self._test}"
            )

    def conclude(self, path: Path, **context: object) -> None:
        """Write what was seen as JSON, and raise if anything was wrong.

        Raises
        ------
        AssertionError
            With the first mismatches spelt out.
        """
        result = {
            "test": self._test,
            **context,
            "shots": self.shots,
            "mismatches": self.mismatches,
            "latency_cycles": _sorted(self.latency_cycles),
            "interval_cycles": _sorted(self.interval_cycles),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(result, indent=2) + "\n")
        os.replace(part, path)
        if self._failures:
            shown = "\n".join(self._failures)
            raise AssertionError(f"{self.mismatches} of {self.shots} answers differ from the reference\n{shown}")
        if not self.shots:
            raise AssertionError("no shot was played; the vectors are empty")


def _sorted(counts: Counter[int]) -> dict[int, int]:
    return dict(sorted(counts.items()))


def _shown(answer: Answer) -> str:
    corrections = "" if answer.corrections is None else f", corrections {answer.corrections:#x}"
    return f"observables {answer.observables:#x}{corrections}"
