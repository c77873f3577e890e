# SPDX-License-Identifier: Apache-2.0
"""Writes stored vectors: shots and the reference's answers, for every lowering to play."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synfab.artefact import write_bytes, write_json
from synfab.decoders import UnionFindSpec
from synfab.errors import InputError
from synfab.sim.bench.vectors import FORMAT, Vectors

if TYPE_CHECKING:
    from synfab.predecoder.pipeline import PipelineSpec

MOST_OVERRIDES = 8


def sampled_weights(spec: UnionFindSpec, shots: int, *, seed: int) -> npt.NDArray[np.unsignedinteger]:
    """Return weights of shots that differ from the spec's on up to eight edges, a third of them erased.

    Returns
    -------
    ndarray of uint8, or uint16 if ``weight_bits`` exceeds 8
        ``(shots, num_edges)``, the same for equal arguments.
    """
    generator = np.random.default_rng(seed)
    weights = spec.shot_weights(overrides=[()] * shots)
    shot = np.repeat(np.arange(shots), generator.integers(0, 1 + MOST_OVERRIDES * bool(spec.edges), shots))
    edge = generator.integers(0, max(1, len(spec.edges)), len(shot))
    heavy = generator.integers(1, 1 << spec.weight_bits, len(shot))
    weights[shot, edge] = np.where(generator.random(len(shot)) < 1 / 3, 0, heavy)
    return weights


def write_vectors(
    directory: Path,
    spec: UnionFindSpec,
    detections: npt.NDArray[np.uint8],
    *,
    corrections: bool = False,
    weights: npt.NDArray[np.unsignedinteger] | None = None,
    pipeline: "PipelineSpec | None" = None,
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
    weights : ndarray of unsigned integers, optional
        ``(shots, num_edges)``: decode each shot with its own, and store them; for a decoder with a weight port.
    pipeline : PipelineSpec, optional
        Who answers, if there is a pre-decoder in front; ``spec`` is its union-find.
    """
    if pipeline is not None and (corrections or weights is not None):
        raise InputError("a pipeline must be played without corrections and weights, not with them; leave them out")
    bit_packed: dict[str, Any] = {"bit_packed_shots": True} | ({} if pipeline else {"weights": weights})
    reference = pipeline or spec
    records = {
        "detections": detections,
        "observables": reference.decode_batch(detections, bit_packed_predictions=True, **bit_packed),
    }
    if corrections:
        edges = spec.decode_to_edges(detections, **bit_packed)
        records["corrections"] = np.packbits(edges, axis=1, bitorder="little")
    if weights is not None:
        kind = "<u1" if spec.weight_bits <= 8 else "<u2"
        records["weights"] = np.ascontiguousarray(weights, kind).view(np.uint8)
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
        "spec_sha256": reference.sha256,
        "shots": len(detections),
        "num_detectors": spec.num_detectors,
        "num_observables": spec.num_observables,
        "num_edges": len(spec.edges),
        "rounds": spec.rounds,
        "weights": spec.weights,
        "weight_bits": spec.weight_bits,
        "files": files,
        "tools": {tool: version(tool) for tool in ("synfab", "stim", "numpy")},
    }
    write_json(directory / "manifest.json", manifest)
    return Vectors(directory=directory)
