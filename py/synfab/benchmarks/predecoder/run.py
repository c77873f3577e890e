# SPDX-License-Identifier: Apache-2.0
"""Judges models on the same shots as the decoders alone, in pieces that are kept."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast, get_args

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from synfab.artefact import write_text
from synfab.benchmarks.begun import begun
from synfab.benchmarks.predecoder.extent import FULL, NO_NET, Extent, Point
from synfab.benchmarks.predecoder.models import Judged, PredecoderBenchmark
from synfab.circuits.layout import Basis
from synfab.predecoder.evaluation import FollowUp, GlobalDecoder, Judge, Setting, no_net
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.paired import Paired

Key = tuple[str, int, str, str, float, str, str]
MATCHING: GlobalDecoder = "pymatching"


def run(
    output: Path, models: Mapping[str, PredecoderSpec], *, extent: Extent = FULL, show_progress: bool = True
) -> PredecoderBenchmark:
    """Judge each model at each point that ``output`` does not hold with as many shots, and write it after every piece.

    A run that was killed goes on with the piece that was not done; so does one that asks for more shots. A model of
    other integers under the same name is judged anew; models that are not among ``models`` stay.

    Parameters
    ----------
    models : mapping of str to PredecoderSpec

    Raises
    ------
    InputError
        If ``output`` holds something else.
    """
    tools = {name: version(name) for name in ("synfab", "stim", "pymatching", "numba", "numpy", "torch")}
    done = begun(output, PredecoderBenchmark(tools=tools))
    hashes = {name: spec.sha256 for name, spec in models.items()}
    known = {_key(one): one for one in done.judged if hashes.get(one.model, one.spec_sha256) == one.spec_sha256}
    # Breadth first: a run that is stopped has something of every point.
    pieces = sorted(_pieces(known, models, extent), key=lambda piece: piece.first)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with (
        Progress(*columns, TimeRemainingColumn(), disable=not show_progress) as progress,
        _pool(extent.processes) as mapped,
    ):
        bar = progress.add_task("pieces", total=len(pieces))
        # In order, so that a stored count of shots says which pieces it is of.
        for piece, found in zip(pieces, mapped(_judged, pieces), strict=True):
            for one in found:
                stored = known.get(_key(one))
                # A follow-up that is there already is not counted twice.
                if piece.first == (stored.shots if stored else 0):
                    known[_key(one)] = _sum(stored, one)
            done = done.model_copy(update={"judged": tuple(known[key] for key in sorted(known))})
            write_text(output, done.model_dump_json(indent=1) + "\n")
            progress.update(bar, advance=1, description=f"{piece.model}, d={piece.setting.distance}")
    return done


@contextmanager
def _pool(processes: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Give what maps over so many processes, in order."""
    if processes == 1:
        yield map
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            yield pool.map


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """Some shots of a point; their seed is the number of shots before them."""

    model: str
    spec: PredecoderSpec | None
    setting: Setting
    follow_ups: Mapping[str, FollowUp]
    first: int
    shots: int


def _pieces(known: Mapping[Key, Judged], models: Mapping[str, PredecoderSpec], extent: Extent) -> Iterator[_Piece]:
    wanted: list[tuple[str, PredecoderSpec | None, Point]] = [
        *((NO_NET, None, point) for point in extent.rule),
        *((name, spec, point) for point in extent.points for name, spec in models.items()),
    ]
    for name, spec, point in wanted:
        for basis in get_args(Basis):
            setting = Setting(distance=point.distance, basis=basis, noise=point.noise, p=point.p)
            keys = [_key_of(name, setting, *asked) for asked in _asked(point.follow_ups)]
            first = min(known[key].shots if key in known else 0 for key in keys)
            for start in range(first, point.shots, extent.piece):
                yield _Piece(
                    model=name,
                    spec=spec,
                    setting=setting,
                    follow_ups=point.follow_ups,
                    first=start,
                    shots=min(extent.piece, point.shots - start),
                )


def _judged(piece: _Piece) -> list[Judged]:
    """Judge one piece."""
    import torch

    from synfab.predecoder.nets.integer import IntegerNet

    torch.set_num_threads(1)
    spec = piece.spec
    judge = Judge(
        setting=piece.setting,
        layout=cast(LayoutName, spec.layout) if spec else "supercell",
        seed=piece.first,
        logit_unit=2.0**-spec.logit_fraction_bits if spec else 1.0,
    )
    found = judge.judge(IntegerNet(spec) if spec else no_net, _asked(piece.follow_ups), shots=piece.shots)
    return [_record(piece, name, beside, paired) for (name, beside), paired in found.items()]


def _asked(follow_ups: Mapping[str, FollowUp]) -> dict[tuple[str, GlobalDecoder], FollowUp]:
    """Return each follow-up beside its own decoder alone, and beside matching, which is what users have."""
    return {
        (name, beside): replace(follow_up, beside=beside)
        for name, follow_up in follow_ups.items()
        for beside in dict.fromkeys((follow_up.decoder, MATCHING))
    }


def _record(piece: _Piece, name: str, beside: GlobalDecoder, paired: Paired) -> Judged:
    setting = piece.setting
    return Judged(
        model=piece.model,
        spec_sha256=piece.spec.sha256 if piece.spec else "",
        distance=setting.distance,
        rounds=setting.rounds or setting.distance,
        basis=setting.basis,
        noise=setting.noise,
        p=setting.p,
        follow_up=name,
        beside=beside,
        **asdict(paired),
    )


def _sum(stored: Judged | None, one: Judged) -> Judged:
    if stored is None:
        return one
    return one.model_copy(update=asdict(stored.paired + one.paired))


def _key(one: Judged) -> Key:
    return _key_of(one.model, one.setting, one.follow_up, one.beside)


def _key_of(model: str, setting: Setting, follow_up: str, beside: GlobalDecoder) -> Key:
    return (model, setting.distance, setting.basis, setting.noise, setting.p, follow_up, beside)
