# SPDX-License-Identifier: Apache-2.0
"""Writes stored vectors: shots and the reference's answers, for every lowering to play."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synfab.artefact import write_bytes, write_json
from synfab.decoders import UnionFindSpec
from synfab.sim.bench.vectors import FORMAT, Vectors


def write_vectors(
    directory: Path, spec: UnionFindSpec, detections: npt.NDArray[np.uint8], *, corrections: bool = False
) -> Vectors:
    """Decode shots with the reference and store both.

    Parameters
    ----------
    directory : Path
        Gets ``manifest.json`` last, so that a folder with a manifest is whole.
    spec : UnionFindSpec
    detections : ndarray of uint8
        Bit-packed detection events, ``(shots, ceil(num_detectors / 8))``.
    corrections : bool
        Store the flipped edges, too.
    """
    records = {
        "detections": detections,
        "observables": spec.decode_batch(detections, bit_packed_shots=True, bit_packed_predictions=True),
    }
    if corrections:
        edges = spec.decode_to_edges(detections, bit_packed_shots=True)
        records["corrections"] = np.packbits(edges, axis=1, bitorder="little")
    files = {}
    for name, array in records.items():
        content = np.ascontiguousarray(array).tobytes()
        write_bytes(directory / f"{name}.b8", content)
        files[name] = {
            "file": f"{name}.b8",
            "bytes_per_shot": array.shape[1],
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    manifest = {
        "format": FORMAT,
        "spec_sha256": spec.sha256,
        "shots": len(detections),
        "num_detectors": spec.num_detectors,
        "num_observables": spec.num_observables,
        "num_edges": len(spec.edges),
        "rounds": spec.rounds,
        "files": files,
        "tools": {tool: version(tool) for tool in ("synfab", "stim", "numpy")},
    }
    write_json(directory / "manifest.json", manifest)
    return Vectors(directory=directory)
