# SPDX-License-Identifier: Apache-2.0
"""Writing samples to a folder, part by part; a killed run goes on where it stopped."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import stim

from synfab.artefact import write_text
from synfab.circuits import Memory
from synfab.circuits.parameters import require_integer
from synfab.data.manifest import FILE, Manifest, Part, Storage, continued, load_manifest
from synfab.data.shards import require_shard, shard_path, write_shard
from synfab.data.zarr_group import write_range
from synfab.errors import InputError
from synfab.predecoder.labels import SHOTS_PER_WORD, CompiledLabelSampler, Labels, LabelSampler

BATCH_WORDS = 32
"""At a time from the simulator: what is fast at the distances in question."""

Listener = Callable[[int], None]
"""Told how many shots are there."""

WRITERS = {"webdataset": write_shard, "zarr": write_range}


def write_samples(
    directory: Path,
    *,
    memory: Memory,
    shots: int,
    storage: Storage = "webdataset",
    layout: str = "supercell",
    reach: int = 1,
    seed: int = 0,
    part_shots: int = 65536,
    listener: Listener = lambda shots: None,
) -> Manifest:
    """Sample ``shots`` shots, or what the folder lacks of them, and write them.

    The manifest is written after every part, so it names whole parts only. A folder with samples of the same problem
    is gone on with: parts that it has stay, each sampled from a seed of its own.

    Parameters
    ----------
    directory : Path
        Made if it is not there.
    memory : Memory
        Rotated surface code, at least two rounds, odd distance.
    shots : int
        Rounded up to whole parts.
    storage : {"webdataset", "zarr"}
        Shards for training, or a Zarr group for analysis; any source reads both.
    layout : str
        The planes that the samples are meant for; the arrays themselves do not depend on it.
    reach : int
        Of the homological equivalence; 0 leaves it out.
    seed : int
    part_shots : int
        A multiple of 64.
    listener : callable
        Told the number of shots there, before the first part and after each.

    Raises
    ------
    InputError
        If a parameter is out of range, or the folder holds other samples or a torn shard.
    """
    require_integer("shots", shots, 1)
    wanted = Manifest.of(memory, storage=storage, layout=layout, reach=reach, seed=seed, part_shots=part_shots)
    manifest = _begun(directory, wanted)
    listener(manifest.shots)
    circuit = stim.Circuit(manifest.circuit)
    for index in range(len(manifest.parts), -(-shots // part_shots)):
        part_seed = int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])
        labels = _sampled(LabelSampler(circuit=circuit, reach=reach).compile(seed=part_seed), part_shots)
        name, sha256 = WRITERS[storage](directory, manifest, index, labels)
        part = Part(name=name, seed=part_seed, shots=labels.shots, sha256=sha256, counts=_counts(labels))
        manifest = manifest.model_copy(update={"parts": (*manifest.parts, part)})
        write_text(directory / FILE, manifest.model_dump_json(indent=2) + "\n")
        listener(manifest.shots)
    return manifest


def _begun(directory: Path, wanted: Manifest) -> Manifest:
    if not (directory / FILE).exists():
        if directory.exists() and any(directory.iterdir()):
            return _resumed_without_manifest(directory, wanted)
        return wanted
    manifest = continued(load_manifest(directory), wanted, directory)
    if manifest.storage == "webdataset":
        for part in manifest.parts:
            require_shard(shard_path(directory, part.name), part)
    return manifest


def _resumed_without_manifest(directory: Path, wanted: Manifest) -> Manifest:
    """A run killed in its first part has left a folder of its own and nothing in the manifest."""
    foreign = sorted(path.name for path in directory.iterdir() if path.name not in ("shards", "samples.zarr"))
    if foreign:
        raise InputError(
            f"{directory} must be a new folder or one with samples, not one with {foreign[0]!r} and no {FILE}: name "
            "another"
        )
    return wanted


def _sampled(sampler: CompiledLabelSampler, shots: int) -> Labels:
    words = shots // SHOTS_PER_WORD
    batch = min(words, BATCH_WORDS)
    parts = [sampler.sample(batch) for _ in range(-(-words // batch))]
    return Labels.joined(parts).words(0, words)


def _counts(labels: Labels) -> dict[str, int]:
    arrays = {
        "detectors_x": labels.detectors[0],
        "detectors_z": labels.detectors[1],
        "data_z": labels.data[0],
        "data_x": labels.data[1],
        "timelike_x": labels.timelike[0],
        "timelike_z": labels.timelike[1],
        "observables": labels.observables,
    }
    return {name: int(np.bitwise_count(array).sum()) for name, array in arrays.items()}
