# SPDX-License-Identifier: Apache-2.0
"""Quantized nets as QONNX (arXiv:2206.07527), for hls4ml and other people's tools."""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from synfab.artefact import write_bytes
from synfab.predecoder.nets.quantized import QuantizedNet


def write_qonnx(net: QuantizedNet, path: Path, *, rounds: int, rows: int, columns: int) -> Path:
    """Write the net for one shot of a volume; its quantizers stand as ``Quant`` nodes, with their scales and widths.

    Input and output are those of the net: ``(1, inputs, rounds, rows, columns)`` from 0 to 1, and logits.
    """
    from brevitas.export import export_qonnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.util.cleanup import cleanup_model

    sample = torch.zeros(1, net.architecture.num_inputs, rounds, rows, columns)
    with tempfile.TemporaryDirectory() as folder:
        partial = Path(folder) / "net.onnx"
        export_qonnx(net.eval(), args=sample, export_path=str(partial), dynamo=False)
        model = cleanup_model(ModelWrapper(str(partial)))
        model.save(str(partial))
        return write_bytes(path, partial.read_bytes())


def execute_qonnx(path: Path, planes: npt.NDArray) -> npt.NDArray[np.float32]:
    """Return the logits of one shot, ``(1, inputs, rounds, rows, columns)``, as QONNX' own execution has them."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx

    model = ModelWrapper(str(path))
    outputs = execute_onnx(model, {model.graph.input[0].name: planes.astype(np.float32)})
    return outputs[model.graph.output[0].name]
