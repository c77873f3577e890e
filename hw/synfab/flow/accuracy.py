# SPDX-License-Identifier: Apache-2.0
"""Accuracy: logical error rates of the config's decoder and of those it is compared with."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sinter
import stim

from synfab.flow.build import Problem
from synfab.flow.config import Config
from synfab.flow.folder import Folder, Outcome
from synfab.flow.versions import source_digest, versions

if TYPE_CHECKING:
    from synfab.predecoder.pipeline import PipelineSpec

# At a time, which bounds memory.
REDUCED_SHOTS = 1024


def accuracy(config: Config, problem: Problem, folder: Folder, *, progress: Callable[[str], None]) -> Outcome:
    """Sample the decoders of the config; counts accumulate in ``samples.csv``, which sinter reads, too.

    Returns
    -------
    Outcome
        ``rows``: decoder, shots and errors of each; with a pre-decoder ``reduction``: detection events before and
        after it.
    """
    inputs = {
        "dem": str(problem.dem),
        "decoder": config.decoder.model_dump(include={"weights", "weight_bits"}),
        "predecoder": problem.pipeline and [problem.pipeline.sha256, config.verify.shots, config.verify.seed],
        "sample": config.sample.model_dump(exclude={"workers"}),
        "source": source_digest("synfab.decoders", "synfab.predecoder", "synfab.sampling", "synfab.sinter"),
        "versions": versions("stim", "sinter", "pymatching"),
    }

    def make() -> dict[str, Any]:
        rows = sample(config, problem, folder.path, progress=progress)
        return {"rows": rows} | (
            {"reduction": reduction(config, problem.pipeline, problem.dem)} if problem.pipeline else {}
        )

    return folder.step("sample", inputs, make)


def reduction(config: Config, pipeline: "PipelineSpec", dem: stim.DetectorErrorModel) -> dict[str, int]:
    """Count detection events before and after the pre-decoder, on the shots that the RTL is verified with."""
    sampler = dem.compile_sampler(seed=config.verify.seed)
    shots, _, _ = sampler.sample(config.verify.shots)
    parts = [shots[first : first + REDUCED_SHOTS] for first in range(0, len(shots), REDUCED_SHOTS)]
    after = sum(int(pipeline.decided(part).left.sum()) for part in parts)
    return {"shots": len(shots), "before": int(shots.sum()), "after": after}


def sample(
    config: Config, problem: Problem, directory: Path, *, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Collect shots up to the config's limits, resuming ``directory/samples.csv``; return a row a decoder."""
    from synfab.sampling import collect, plot_ler

    custom = pipeline_decoder(config, problem)
    rows = collect(
        tasks=[task(config, problem.dem, problem.circuit)],
        decoders=decoder_names(config, custom),
        custom_decoders=custom,
        max_shots=config.sample.shots,
        max_errors=config.sample.max_errors,
        workers=config.sample.workers,
        csv=directory / "samples.csv",
        progress_callback=lambda state: progress(state.status_message),
    )
    if config.code is not None:
        plot_ler(rows, directory / "samples.svg")
    return [{"decoder": row.decoder, "shots": row.shots - row.discards, "errors": row.errors} for row in rows]


def decoder_names(config: Config, custom: Iterable[str]) -> list[str]:
    """Return the names of a config's decoders; the union-find alone stands beside the one behind a pre-decoder."""
    names = [decoder_name(config, name) for name in config.sample.decoders]
    return [*custom, *names] if "synfab" in config.sample.decoders else names


def pipeline_decoder(config: Config, problem: Problem) -> "dict[str, sinter.Decoder]":
    """Return the decoder with the pre-decoder by its name; none without one."""
    if problem.pipeline is None or config.predecoder is None:
        return {}
    from synfab.sinter.pipeline import PipelineDecoder

    decoder = PipelineDecoder(spec=problem.pipeline, model=Path(config.predecoder.model).name)
    return {decoder.name: decoder}


def decoder_name(config: Config, name: str) -> str:
    """Return the name, with parameters, by which sinter knows a decoder of the config."""
    if name != "synfab":
        return name
    return "synfab_unit" if config.decoder.weights == "unit" else f"synfab_w{config.decoder.weight_bits}"


def task(config: Config, dem: stim.DetectorErrorModel, circuit: stim.Circuit | None) -> sinter.Task:
    """Return the sinter task of a config's problem, as :meth:`Config.dem` gives it."""
    from synfab.sampling import task_from_circuit, task_from_dem

    metadata: dict[str, Any] = {"name": config.name}
    if config.code is not None:
        metadata = config.code.model_dump(include={"code", "distance", "rounds", "basis", "p"})
    if circuit is None:
        return task_from_dem(dem, metadata=metadata)
    return task_from_circuit(circuit, dem=dem, metadata=metadata)
