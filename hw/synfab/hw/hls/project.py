# SPDX-License-Identifier: Apache-2.0
"""Writes the HLS folder of a pre-decoder: hls4ml's project, with the integers of the spec."""

import contextlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from synfab.artefact import write_json, write_text
from synfab.boards import Board
from synfab.errors import InputError, MismatchError
from synfab.hw.hls.calls import Calls, Planes
from synfab.hw.hls.estimate import require_room
from synfab.hw.hls.exchanged import require_same, spec_of_qonnx
from synfab.hw.hls.reports import RESULTS, TOP
from synfab.hw.hls.settings import HLS4ML, HlsSettings, require_buildable, require_packages
from synfab.predecoder.integers import PredecoderSpec

CONFIG = "hls4ml_config.yml"
ROUND, SPEC, SETTINGS, LOG = "round.onnx", "spec.json", "settings.json", "hls4ml.log"
IO_TYPES = {"stream": "io_stream", "parallel": "io_parallel"}


def write_project(
    directory: Path,
    *,
    spec: PredecoderSpec,
    qonnx: Path,
    board: Board,
    settings: HlsSettings,
    volumes: Sequence[Planes],
    part: str | None = None,
) -> Path:
    """Write ``directory/hls``, a project that Vitis HLS builds: ``vitis-run --mode hls --tcl build_prj.tcl``.

    Its top function ``predecoder`` takes a round a call, with the flag ``planes_last`` in the last round of a volume,
    and gives the logits of the round ``spec.look_ahead`` before, integers in the spec's unit. Rounds of different
    volumes do not see each other, so the next volume's first round may follow at once. The folder may be moved.

    Parameters
    ----------
    directory : Path
        Artefact folder.
    spec : PredecoderSpec
    qonnx : Path
        The same net as ``synfab.predecoder.nets.exchange.write_qonnx`` writes it; the project is made of this.
    board : Board
        Its part is what the project is for.
    settings : HlsSettings
    volumes : sequence of ndarray, (num_inputs, rounds, rows, columns) of 0 and 1
        What the test bench plays, with the reference's logits beside: ``tb_data``, a call a line. The first
        ``spec.look_ahead`` answers belong to no volume; the reference has zeros there.
    part : str, optional
        In place of the board's.

    Returns
    -------
    Path
        ``directory/hls``.

    Raises
    ------
    InputError
        If QONNX and spec are not one net, the backend cannot build it exactly or as the settings say, or the folder
        holds what Vitis made of another project.
    MissingToolError
        If hls4ml is not installed.
    OversizeError
        If the multipliers alone exceed the board's DSP slices; of another ``part`` these are not known.
    MismatchError
        If hls4ml changed a width or a weight.
    """
    folder = directory / "hls"
    require_packages()
    require_buildable(spec, settings)
    if part is None or part == board.part:
        require_room(spec, settings, board)
    net = spec_of_qonnx(qonnx, layout=spec.layout)
    require_same(net, spec, path=qonnx)
    calls = Calls.of(volumes, net, rows=settings.rows, columns=settings.columns)
    with _placed(folder) as partial:
        spec.save(partial / SPEC)
        write_json(partial / SETTINGS, asdict(settings))
        _write_hls(partial, net, settings, part=board.part if part is None else part)
        _write_bench(partial, net, calls, volumes)
        config = partial / CONFIG
        write_text(config, config.read_text().replace(str(partial), str(folder.resolve())))
    return folder


def require_project(folder: Path) -> None:
    """Raise InputError unless a folder is a project that :func:`write_project` wrote."""
    for name in (CONFIG, SPEC, SETTINGS):
        if not (folder / name).is_file():
            raise InputError(f"an HLS project must hold {name}, but {folder} does not; 'synfab hls' writes one")


def load_settings(folder: Path) -> HlsSettings:
    """Return the settings of a project.

    Raises
    ------
    InputError
        If the folder does not hold them.
    """
    require_project(folder)
    try:
        return HlsSettings(**json.loads((folder / SETTINGS).read_text()))
    except (json.JSONDecodeError, TypeError) as error:
        raise InputError(f"{folder / SETTINGS} must hold the settings of a project, not others ({error})") from error


@contextlib.contextmanager
def _placed(folder: Path) -> Iterator[Path]:
    """Give a hidden folder to fill; it takes the place of ``folder`` when it is whole, and is gone after an error."""
    if made := [name for name in RESULTS if (folder / name).exists()]:
        raise InputError(
            f"{folder} must not hold results of Vitis, which would be those of another project, not {made[0]!r}; move "
            "the folder away, or write to another"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        partial = Path(scratch).resolve() / "new"
        partial.mkdir()
        yield partial
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        os.replace(partial, folder)


def _write_hls(folder: Path, net: PredecoderSpec, settings: HlsSettings, *, part: str) -> None:
    import hls4ml
    import onnx

    from synfab.hw.hls.extension import BACKEND, register
    from synfab.hw.hls.round_model import round_model

    model = round_model(net, rows=settings.rows, columns=settings.columns)
    onnx.save(model, str(folder / ROUND))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        register()
        config = hls4ml.utils.config_from_onnx_model(model, granularity="name", backend=BACKEND)
        _configure(config, net, settings)
        graph = hls4ml.converters.convert_from_onnx_model(
            model,
            hls_config=config,
            output_dir=str(folder),
            project_name=TOP,
            backend=BACKEND,
            io_type=IO_TYPES[settings.io],
            part=part,
            clock_period=settings.clock_period_ns,
        )
        _require_exact(graph, net)
        # A name in place of the whole model in the project's config.
        graph.config.config["OnnxModel"] = ROUND
        graph.write()
    write_text(folder / LOG, said.getvalue())


def _configure(config: dict[str, Any], net: PredecoderSpec, settings: HlsSettings) -> None:
    """Set every width as the spec proves it, rather than as hls4ml infers it."""
    config["Model"] |= {"Strategy": settings.strategy, "ReuseFactor": settings.reuse_factor}
    from synfab.hw.hls.round_model import LAST, PLANES

    layers = config["LayerName"]
    for name in (PLANES, LAST, *(f"last{number}" for number in range(len(net.layers)))):
        if name in layers:
            bits = net.input_bits if name == PLANES else 1
            layers[name]["Precision"] = {"result": f"ap_uint<{bits}>"}
    for number, layer in enumerate(net.layers):
        sums, weights = f"ap_int<{layer.accumulator_bits}>", f"ap_fixed<{layer.weight_bits},{layer.weight_bits}>"
        layers[f"conv{number}"] |= {
            "Precision": {"accum": sums, "result": sums, "weight": weights, "bias": sums},
            "Strategy": settings.strategy,
            "ReuseFactor": settings.reuse_factor,
        }
        for name, bits in ((f"window{number}", layer.input_bits), (f"activations{number}", layer.activation_bits)):
            if name in layers:
                layers[name]["Precision"] = {"result": f"ap_uint<{bits}>"}


def _require_exact(graph: Any, net: PredecoderSpec) -> None:
    """Raise MismatchError unless hls4ml's graph has the integers of the net, and its types hold them and all sums."""
    from synfab.hw.hls.round_model import plane_weights

    convolutions = [node for node in graph.get_layers() if "Conv2D" in node.class_name]
    for number, (node, layer) in enumerate(zip(convolutions, net.layers, strict=True)):
        weights = plane_weights(layer)
        if node.get_attr("strategy") != "resource":
            # As constants they have the outputs last.
            weights = np.moveaxis(weights, 0, -1)
        for part, wanted in (("weight", weights), ("bias", layer.bias)):
            if not np.array_equal(node.get_weights(part).data, wanted):
                raise MismatchError(f"hls4ml must keep the {part} of layer {number}, and has not; use {HLS4ML}")
        parts = {"weight_t": weights, "bias_t": layer.bias, "accum_t": layer.sum_range, "result_t": layer.sum_range}
        for part, numbers in parts.items():
            kind, least, most = node.get_attr(part).precision, int(np.min(numbers)), int(np.max(numbers))
            if kind.fractional or not kind.signed or not -(1 << kind.width - 1) <= least <= most < 1 << kind.width - 1:
                raise MismatchError(
                    f"hls4ml must hold {least} .. {most} in {part} of layer {number}, not take {kind}; use {HLS4ML}"
                )


def _write_bench(folder: Path, net: PredecoderSpec, calls: Calls, volumes: Sequence[Planes]) -> None:
    inputs = np.hstack([calls.planes.reshape(len(calls.planes), -1), calls.last])
    logits = [np.moveaxis(net.logits(volume[np.newaxis])[0], 0, -1) for volume in volumes]
    none = np.zeros((calls.look_ahead, *logits[0].shape[1:]), np.int32)
    answers = np.concatenate([none, *logits]).reshape(len(inputs), -1)
    for name, table in (("tb_input_features.dat", inputs), ("tb_output_predictions.dat", answers)):
        lines = (" ".join(map(str, row)) + "\n" for row in table.tolist())
        write_text(folder / "tb_data" / name, "".join(lines))
