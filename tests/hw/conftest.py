# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of the flow."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from synfab.predecoder.integers import PredecoderSpec

SOURCE = Path(__file__).parents[2] / "models" / "surface-s"
CHANNELS = 2


@pytest.fixture(scope="session")
def small_spec() -> PredecoderSpec:
    """A net that becomes hardware in seconds: two channels of `surface-s`, and what its last layer makes of them."""
    content = PredecoderSpec.load(SOURCE / "spec.json").content()
    first, last = content["layers"]
    content["layers"] = [
        first | {name: first[name][:CHANNELS] for name in ("weights", "bias", "shift")},
        last | {"weights": [list(output[:CHANNELS]) for output in last["weights"]]},
    ]
    return PredecoderSpec.from_content(content)


@pytest.fixture
def small_model(small_spec: PredecoderSpec, tmp_path: Path) -> Path:
    """The same as a model, as training leaves it."""
    folder = tmp_path / "model"
    folder.mkdir()
    small_spec.save(folder / "spec.json")
    tensors = load_file(SOURCE / "net.safetensors")
    tensors["convolutions.0.weight"] = tensors["convolutions.0.weight"][:CHANNELS].copy()
    tensors["convolutions.0.bias"] = tensors["convolutions.0.bias"][:CHANNELS].copy()
    tensors["convolutions.1.weight"] = tensors["convolutions.1.weight"][:, :CHANNELS].copy()
    save_file(tensors, folder / "net.safetensors")
    metadata = json.loads((SOURCE / "metadata.json").read_text())
    metadata["config"]["architecture"] = {"layout": "supercell", "filters": [CHANNELS, 12], "kernels": [3, 3]}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    shutil.copy(SOURCE / "net.onnx", folder)
    return folder
