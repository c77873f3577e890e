# SPDX-License-Identifier: Apache-2.0
"""Collects logical errors through sinter, resumably, and returns them with confidence intervals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sinter

from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.interval import wilson_interval
from synfab.sampling.resume import mend_csv
from synfab.sinter import UnionFindDecoder, union_find_from_name

# Decoders of sinter's that need a model of pairs as ours do.
_MATCHING = ("pymatching", "pymatching-correlated", "fusion_blossom")


SinterDecoder = sinter.Decoder | sinter.Sampler


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one decoder did on one task.

    Attributes
    ----------
    decoder : str
    metadata : mapping
        The task's own, of JSON values.
    shots, errors, discards : int
        Shots sampled; those predicted wrongly in any observable; those that the decoder gave up.
    seconds : float
        Spent by the workers on sampling and decoding.
    custom_counts : mapping
        What the decoder counted besides; sinter adds it up.
    """

    decoder: str
    metadata: Mapping[str, Any]
    shots: int
    errors: int
    discards: int
    seconds: float
    custom_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def logical_error_rate(self) -> float:
        """Errors a shot that was not discarded; 0 without any."""
        return self.errors / max(1, self.shots - self.discards)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson interval of the logical error rate at 95 %."""
        return wilson_interval(self.errors, self.shots - self.discards)


def collect(
    *,
    tasks: Iterable[sinter.Task],
    decoders: Sequence[str],
    max_shots: int,
    max_errors: int | None = None,
    workers: int = 1,
    csv: Path | None = None,
    custom_decoders: Mapping[str, SinterDecoder] | None = None,
    print_progress: bool = False,
    progress_callback: Callable[[sinter.Progress], None] | None = None,
) -> list[Row]:
    """Sample every task with every decoder.

    Parameters
    ----------
    tasks : iterable of sinter.Task
        With a circuit and a detector error model, as :func:`synfab.sampling.task_from_circuit` makes them.
    decoders : sequence of str
        Names of synfab's decoders (``synfab_w4``, ``synfab_unit``, ...), of sinter's own (``pymatching``, ...), or
        of ``custom_decoders``.
    max_shots : int
        For each task and decoder, those in ``csv`` included.
    max_errors : int, optional
        Stop earlier, at about this many errors.
    workers : int
        Processes.
    csv : Path, optional
        Where sinter keeps what it collected; if it is there, collection resumes from it. A last line that a killed
        run left unfinished is dropped.
    custom_decoders : mapping, optional
        Decoders by name, besides synfab's and sinter's; they must pickle.
    print_progress : bool
        Let sinter report on stderr.
    progress_callback : callable, optional
        Called with each ``sinter.Progress``.

    Returns
    -------
    list of Row
        In the order of ``tasks``, decoders innermost.

    Raises
    ------
    InputError
        If a decoder is unknown, an error of a model cannot be matched, a number makes no sense, a task is given
        twice, or ``csv`` is not sinter's.
    """
    for name, value in (("max_shots", max_shots), ("max_errors", max_errors), ("workers", workers)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value!r}")
    known = {name: _decoder(name, custom_decoders or {}) for name in decoders}
    wanted = [_with_decoder(task, name) for task in tasks for name in known]
    _check(wanted, known)
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        mend_csv(csv)
    stats = sinter.collect(
        num_workers=workers,
        tasks=wanted,
        custom_decoders=known,
        max_shots=max_shots,
        max_errors=max_errors,
        save_resume_filepath=csv,
        print_progress=print_progress,
        progress_callback=progress_callback,
    )
    # The file may hold other tasks too.
    collected = {stat.strong_id: stat for stat in stats}
    return [_row(collected[task.strong_id()]) for task in wanted]


def _decoder(name: str, custom: Mapping[str, SinterDecoder]) -> SinterDecoder:
    if name in custom:
        return custom[name]
    if name in sinter.BUILT_IN_DECODERS:
        return sinter.BUILT_IN_DECODERS[name]
    try:
        return union_find_from_name(name)
    except InputError as error:
        raise InputError(f"{error}; or one of sinter's: {', '.join(sinter.BUILT_IN_DECODERS)}") from None


def _with_decoder(task: sinter.Task, decoder: str) -> sinter.Task:
    return sinter.Task(
        circuit=task.circuit,
        decoder=decoder,
        detector_error_model=task.detector_error_model,
        postselection_mask=task.postselection_mask,
        postselected_observables_mask=task.postselected_observables_mask,
        json_metadata=task.json_metadata,
        collection_options=task.collection_options,
    )


def _check(tasks: Sequence[sinter.Task], decoders: Mapping[str, SinterDecoder]) -> None:
    """Refuse in a sentence what would end as a worker's traceback, or in PyMatching as errors left out unsaid."""
    seen = set()
    for task in tasks:
        if task.strong_id() in seen:
            raise InputError(f"each task must be given once, not twice: {task.decoder} on {task.json_metadata}")
        seen.add(task.strong_id())
        matches = task.decoder in _MATCHING or isinstance(decoders[str(task.decoder)], UnionFindDecoder)
        if matches and task.detector_error_model is not None:
            DecodingGraph.from_dem(task.detector_error_model)


def _row(stats: sinter.TaskStats) -> Row:
    return Row(
        decoder=stats.decoder,
        metadata=stats.json_metadata,
        shots=stats.shots,
        errors=stats.errors,
        discards=stats.discards,
        seconds=stats.seconds,
        custom_counts=dict(stats.custom_counts),
    )
