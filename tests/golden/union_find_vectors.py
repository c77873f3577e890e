# SPDX-License-Identifier: Apache-2.0
"""Writes the stored union-find vectors: ``python tests/golden/union_find_vectors.py``.

Run once for a meaning of the spec, never to make a failing test pass. Each folder holds the problem (``model.dem`` or
``circuit.stim``), ``spec.json``, and shot by shot, bit-packed as Stim's b8: ``detections.b8``, the predicted
``observables.b8`` and the flipped ``edges.b8``; ``manifest.json`` says how many, of what, and made with what.

``accuracy_*`` holds sampled shots instead, with the observables that really flipped, compressed by xz.
"""

import hashlib
import lzma
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import stim

from synfab.artefact import write_bytes, write_json
from synfab.circuits import Memory
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph

FOLDER = Path(__file__).parent
FORMAT = "synfab.golden/1"

# Everything that makes a graph awkward: parallel edges, likely errors, a part without boundary, a detector without
# errors, errors that no detector sees, more than eight observables, rounds out of order.
AWKWARD = """
detector(0, 2) D0
detector(1, 0) D1
detector(0, 1) D2
detector(1, 1) D3
detector(0, 0) D4
detector(2, 2) D5
detector(3, 1) D6
detector(4, 1) D7
detector(5, 1) D8
error(0.1) D0 L0
error(0.02) D0 L1
error(0.1) D0 D1 L2
error(0.1) D0 D1 L3
error(0.9) D1 D2 L4
error(0.2) D2 D3 L5 L0
error(0.05) D3 D4
error(0.8) D4 L6
error(0.01) D1 D3 L7
error(0.02) D0 D2 ^ D3 D4 ^ D1
error(0.1) D5 D6 L8
error(0.2) D6 D7 L9
error(0.1) D5 D7 L10
error(0.7) L9
error(0.3) L2
"""

Files = dict[str, bytes]


def packed(bits: npt.NDArray[np.uint8]) -> bytes:
    return np.packbits(bits, axis=1, bitorder="little").tobytes()


def manifest(
    name: str,
    files: Files,
    numbers: Mapping[str, Any],
    packages: Sequence[str] = ("synfab", "stim", "numpy", "numba"),
) -> None:
    for file, data in files.items():
        write_bytes(FOLDER / name / file, data)
    content = {
        "format": FORMAT,
        **numbers,
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        "made_with": {package: version(package) for package in packages},
    }
    write_json(FOLDER / name / "manifest.json", content)


def vectors(name: str, spec: UnionFindSpec, problem: Files, detections: npt.NDArray[np.uint8]) -> None:
    files = {
        **problem,
        "spec.json": spec.to_json().encode(),
        "detections.b8": packed(detections),
        "observables.b8": packed(spec.decode_batch(detections)),
        "edges.b8": packed(spec.decode_to_edges(detections)),
    }
    numbers = {
        "spec_sha256": spec.sha256,
        "num_shots": len(detections),
        "num_detectors": spec.num_detectors,
        "num_observables": spec.num_observables,
        "num_edges": len(spec.edges),
    }
    manifest(name, files, numbers)


def every_syndrome(num_detectors: int) -> npt.NDArray[np.uint8]:
    shots = np.arange(2**num_detectors, dtype="<u4").view(np.uint8).reshape(-1, 4)
    return np.unpackbits(shots, axis=1, bitorder="little", count=num_detectors)


def sampled(memory: Memory, shots: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    sampler = memory.circuit().compile_detector_sampler(seed=1)
    detections, observables = sampler.sample(shots, separate_observables=True)
    return np.asarray(detections).astype(np.uint8), np.asarray(observables).astype(np.uint8)


def main() -> None:
    model = stim.DetectorErrorModel(AWKWARD)
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(model), weight_bits=3)
    vectors("awkward_w3", spec, {"model.dem": f"{model}\n".encode()}, every_syndrome(spec.num_detectors))

    memory = Memory(code="repetition", distance=3, noise="phenomenological", p=0.01)
    spec = UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()), weights="unit")
    circuit = {"circuit.stim": f"{memory.circuit()}\n".encode()}
    vectors("repetition_d3_unit", spec, circuit, every_syndrome(spec.num_detectors))

    for distance, shots in ((3, 1024), (5, 320)):
        memory = Memory(code="rotated_surface", distance=distance, p=0.01)
        spec = UnionFindSpec.compile(DecodingGraph.from_dem(memory.dem()), weight_bits=4)
        circuit = {"circuit.stim": f"{memory.circuit()}\n".encode()}
        vectors(f"rotated_d{distance}_w4", spec, circuit, sampled(memory, shots)[0])

    memory = Memory(code="rotated_surface", distance=5, p=0.008)
    detections, observables = sampled(memory, 12_000)
    files = {
        "circuit.stim": f"{memory.circuit()}\n".encode(),
        "detections.b8.xz": lzma.compress(packed(detections), preset=9 | lzma.PRESET_EXTREME),
        "observables.b8.xz": lzma.compress(packed(observables), preset=9 | lzma.PRESET_EXTREME),
    }
    numbers = {"num_shots": len(detections), "num_detectors": detections.shape[1], "num_observables": 1}
    manifest("accuracy_rotated_d5", files, numbers)


if __name__ == "__main__":
    main()
