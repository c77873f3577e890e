# SPDX-License-Identifier: Apache-2.0
"""A Zarr group for analysis: one bool array a quantity, shots first, parts one after the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synfab.artefact import digest
from synfab.data.manifest import Manifest, Part
from synfab.errors import InputError
from synfab.predecoder.labels import SHOTS_PER_WORD, Labels, bits_from_words, words_from_bits
from synfab.predecoder.volume import Volume

if TYPE_CHECKING:
    import zarr

FOLDER = "samples.zarr"
CHUNK_SHOTS = 4096


def write_range(directory: Path, manifest: Manifest, index: int, labels: Labels) -> tuple[str, str]:
    """Write a part behind those of the manifest; what a killed run left there is overwritten.

    The group (Zarr format 3) has the arrays of :data:`synfab.data.manifest.ARRAYS`, zstd-compressed in chunks of 4096
    shots, and the manifest without its parts among its attributes.

    Returns
    -------
    tuple of str
        First and last shot as a name, and the SHA-256 of the words.
    """
    start = manifest.shots
    group = _group(directory, manifest)
    for name, words in _quantities(labels).items():
        bits = bits_from_words(words).astype(np.bool_)
        array: Any = group[name]
        array.resize((start + labels.shots, *array.shape[1:]))
        array[start:] = bits
    return f"{start}-{start + labels.shots - 1}", _digest(labels)


def read_range(directory: Path, part: Part, *, volume: Volume) -> Iterator[Labels]:
    """Yield the shots of a part.

    Raises
    ------
    InputError
        If the group cannot be read, or its words are not those that the manifest names.
    """
    import zarr

    path = directory / FOLDER
    start, last = map(int, part.name.split("-"))
    try:
        group = zarr.open_group(path, mode="r")
        read = {name: _bits(group[name], start, last + 1) for name in ("detectors", "data", "timelike", "observables")}
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} must be a Zarr group that synfab wrote: {error}") from error
    if any(len(bits) != part.shots for bits in read.values()):
        raise InputError(f"{path} must hold the shots {part.name} of the manifest and does not: {REPAIR}")
    words = {name: words_from_bits(bits) for name, bits in read.items()}
    width = words["data"].shape[-1]
    sites = np.concatenate([words["data"].reshape(-1, width), words["timelike"].reshape(-1, width)])
    labels = Labels(volume=volume, detectors=words["detectors"], sites=sites, observables=words["observables"])
    if _digest(labels) != part.sha256:
        raise InputError(f"the shots {part.name} of {path} must be those of the manifest, not changed: {REPAIR}")
    yield labels


REPAIR = "take the part and all after it out of the manifest and sample again, or name another folder"


def _group(directory: Path, manifest: Manifest) -> "zarr.Group":
    import zarr

    group = zarr.open_group(directory / FOLDER, mode="a", zarr_format=3)
    volume = manifest.volume
    shapes = {
        "detectors": (2, volume.layers, volume.num_checks),
        "data": (2, volume.layers, volume.num_data),
        "timelike": (2, volume.layers, volume.num_checks),
        "observables": (1,),
    }
    for name, shape in shapes.items():
        if name not in group:
            group.create_array(name, shape=(0, *shape), chunks=(CHUNK_SHOTS, *shape), dtype="bool")
    group.attrs["synfab"] = json.loads(manifest.model_dump_json(exclude={"parts"}))
    return group


def _bits(array: Any, start: int, stop: int) -> np.ndarray:
    return np.asarray(array[start:stop])


def _quantities(labels: Labels) -> dict[str, np.ndarray]:
    return {
        "detectors": labels.detectors,
        "data": labels.data,
        "timelike": labels.timelike,
        "observables": labels.observables,
    }


def _digest(labels: Labels) -> str:
    arrays = (labels.detectors, labels.sites, labels.observables)
    return digest(SHOTS_PER_WORD, *(array.astype("<u8").tobytes() for array in arrays))
