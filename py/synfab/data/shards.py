# SPDX-License-Identifier: Apache-2.0
"""WebDataset shards: a tar file of blocks of shots, each array of a block a ``.npy`` file."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from synfab.artefact import file_digest, write_bytes
from synfab.data.manifest import Manifest, Part
from synfab.errors import InputError
from synfab.predecoder.labels import Labels
from synfab.predecoder.volume import Volume

BLOCK_WORDS = 64
"""Of one WebDataset sample: 4096 shots."""
FOLDER = "shards"


def shard_path(directory: Path, name: str) -> Path:
    """Return where the shard of that name lies."""
    return directory / FOLDER / name


def write_shard(directory: Path, manifest: Manifest, index: int, labels: Labels) -> tuple[str, str]:
    """Write a part as one shard, whole or not at all.

    Every block is a WebDataset sample: key, then ``.detectors.npy``, ``.sites.npy`` and ``.observables.npy``, words
    as :class:`synfab.predecoder.labels.Labels` has them.

    Returns
    -------
    tuple of str
        File name and SHA-256.
    """
    from webdataset.writer import TarWriter

    stem = f"{manifest.stem}-{index:06d}"
    stream = io.BytesIO()
    width = labels.shots // 64
    # Owner and time of writing would make equal samples unequal files.
    with TarWriter(stream, user="", group="", mtime=0) as writer:
        for block, start in enumerate(range(0, width, BLOCK_WORDS)):
            part = labels.words(start, min(start + BLOCK_WORDS, width))
            writer.write(
                {
                    "__key__": f"{stem}-{block:06d}",
                    "detectors.npy": np.ascontiguousarray(part.detectors),
                    "sites.npy": np.ascontiguousarray(part.sites),
                    "observables.npy": np.ascontiguousarray(part.observables),
                }
            )
    path = write_bytes(shard_path(directory, f"{stem}.tar"), stream.getvalue())
    return path.name, file_digest(path)


def read_shard(directory: Path, part: Part, *, volume: Volume) -> Iterator[Labels]:
    """Yield the blocks of a shard.

    Raises
    ------
    InputError
        If the file is not there, or not the one that the manifest names.
    """
    from webdataset.compat import WebDataset

    path = shard_path(directory, part.name)
    require_shard(path, part)
    try:
        blocks: Any = WebDataset(str(path), shardshuffle=False, empty_check=False).decode()
        for sample in blocks:
            yield Labels(
                volume=volume,
                detectors=sample["detectors.npy"],
                sites=sample["sites.npy"],
                observables=sample["observables.npy"],
            )
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise InputError(f"{path} must be a shard that synfab wrote, not one without its arrays: {error}") from error


def require_shard(path: Path, part: Part) -> None:
    """Raise InputError unless the shard is whole: the bytes that the manifest names."""
    if not path.is_file():
        raise InputError(f"{path} must be there, as the manifest says, and is not: {REPAIR}")
    found = file_digest(path)
    if found != part.sha256:
        raise InputError(
            f"{path} must have the SHA-256 {part.sha256[:12]}... of the manifest, not {found[:12]}...; it is torn or "
            f"was changed: {REPAIR}"
        )


REPAIR = "take it out of the manifest's parts together with all after it, and sample again, or name another folder"
