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


@pytest.fixture
def grid_model(tmp_path: Path) -> Path:
    """A model of the layout whose masks are halves, of chance, as training leaves it."""
    import torch

    from synfab.predecoder.nets import Architecture
    from synfab.predecoder.nets.conversion import spec_of_net
    from synfab.predecoder.nets.exchange import write_qonnx
    from synfab.predecoder.nets.quantized import Quantization, QuantizedNet

    torch.set_num_threads(1)
    torch.manual_seed(1)
    architecture = {"layout": "grid", "filters": [CHANNELS, 4], "kernels": [3, 3]}
    metadata = json.loads((SOURCE / "metadata.json").read_text())
    metadata["config"]["architecture"] = architecture
    stage = metadata["config"]["quantized"]
    quantization = Quantization(weight_bits=stage["weight_bits"], activation_bits=stage["activation_bits"])
    net = QuantizedNet(Architecture.model_validate(architecture), quantization).train()
    for _ in range(8):
        net((torch.rand(16, 4, 4, 3, 3) < 0.2).float())
    folder = tmp_path / "grid"
    folder.mkdir()
    spec_of_net(net).save(folder / "spec.json")
    write_qonnx(net, folder / "net.onnx", rounds=3, rows=3, columns=3)
    save_file({name: tensor.numpy() for name, tensor in net.state_dict().items()}, folder / "net.safetensors")
    (folder / "metadata.json").write_text(json.dumps(metadata))
    return folder
