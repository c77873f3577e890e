# SPDX-License-Identifier: Apache-2.0
"""What hls4ml lacks, by its extension API: a buffer of rounds, its flags, and activations that are shifts.

Importing this module imports hls4ml.
"""

from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from hls4ml.backends import get_backend
from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.converters import register_onnx_layer_handler
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer, register_layer
from onnx import NodeProto, helper

BACKEND = "Vitis"


class RoundWindow(Layer):
    """The last rounds side by side as channels, oldest first; those of other volumes are empty."""

    _expected_attributes: ClassVar = [Attribute("depth")]

    def initialize(self) -> None:
        """Declare the output: rows, columns, and the channels of all rounds."""
        rows, columns, channels = self.get_input_variable(self.inputs[0]).shape
        self.add_output_variable([rows, columns, self.get_attr("depth") * channels])


class RoundDelay(Layer):
    """The flag of the round in the middle of a window."""

    _expected_attributes: ClassVar = [Attribute("delay")]

    def initialize(self) -> None:
        """Declare the output: a flag."""
        self.add_output_variable([1])


class Requantize(Layer):
    """Activations of sums: a shift of each channel's own, then the range."""

    _expected_attributes: ClassVar = [Attribute("bits"), Attribute("shift", value_type=list)]

    def initialize(self) -> None:
        """Declare the output: of the input's shape."""
        self.add_output_variable(self.get_input_variable().shape)


CONFIGS: dict[type[Layer], str] = {
    RoundWindow: """struct config{index} : nnet::round_window_config {{
    static const unsigned depth = {depth};
    static const unsigned n_sites = {n_sites};
    static const unsigned n_chan = {n_chan};
}};\n""",
    RoundDelay: """struct config{index} : nnet::round_delay_config {{
    static const unsigned delay = {delay};
}};\n""",
    Requantize: """struct config{index} : nnet::requantize_config {{
    static const unsigned n_sites = {n_sites};
    static const unsigned n_chan = {n_chan};
    static const unsigned bits = {bits};
    static const unsigned shift[n_chan];
}};
const unsigned config{index}::shift[] = {{{shifts}}};\n""",
}

FUNCTIONS: dict[type[Layer], tuple[str, str]] = {
    RoundWindow: ("round_window", "nnet_round_window.h"),
    RoundDelay: ("round_delay", "nnet_round_window.h"),
    Requantize: ("requantize", "nnet_requantize.h"),
}
"""By layer: the function in C++, and the header that lies beside this module."""


class Config(LayerConfigTemplate):
    """A layer's constants in C++."""

    def __init__(self, layer: type[Layer]) -> None:
        super().__init__(layer)
        self._text = CONFIGS[layer]

    def format(self, node: Layer) -> str:
        """Return the text."""
        *sites, channels = node.get_input_variable(node.inputs[0]).shape
        shifts = ", ".join(map(str, node.get_attr("shift", [])))
        numbers = {"n_sites": sites[0] * sites[1] if sites else 1, "n_chan": channels, "shifts": shifts}
        return self._text.format(**self._default_config_params(node) | numbers)


class Call(FunctionCallTemplate):
    """A layer's function call in C++: all inputs, then the output."""

    def __init__(self, layer: type[Layer]) -> None:
        self._function, header = FUNCTIONS[layer]
        super().__init__(layer, include_header=[f"nnet_utils/{header}"])

    def format(self, node: Layer) -> str:
        """Return the text."""
        variables = [*(node.get_input_variable(name) for name in node.inputs), node.get_output_variable()]
        types = ", ".join(variable.type.name for variable in variables)
        names = ", ".join(variable.name for variable in variables)
        return f"nnet::{self._function}<{types}, config{node.index}>({names});"


@cache
def register() -> None:
    """Make the layers known to hls4ml and its Vitis backend, once a process."""
    backend = get_backend(BACKEND)
    for layer in CONFIGS:
        register_layer(layer.__name__, layer)
        register_onnx_layer_handler(layer.__name__, _parsed)
        backend.register_template(partial(Config, layer))
        backend.register_template(partial(Call, layer))
    for _, header in FUNCTIONS.values():
        backend.register_source(Path(str(resources.files("synfab.hw.hls") / header)).resolve())


def _parsed(node: NodeProto, input_names: list[str], input_shapes: list[list[int]], graph: Any) -> dict[str, Any]:
    """Return a node as hls4ml describes layers; its attributes keep their names."""
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    place = {"name": node.name, "class_name": node.op_type, "inputs": input_names, "outputs": list(node.output)}
    return place | attributes
