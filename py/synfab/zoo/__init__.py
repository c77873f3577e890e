# SPDX-License-Identifier: Apache-2.0
"""Trained pre-decoders: folders of weights, integers and a model card, in a zoo on disk and on the Hugging Face Hub.

A *model* is a folder with ``net.safetensors``, ``spec.json``, ``net.onnx`` and ``metadata.json``, as training writes
them, ``results.json`` if it was judged, and ``README.md``, the model card, which names the digest of every other file.
"""

from synfab.zoo.card import load_card
from synfab.zoo.hub import HubModel
from synfab.zoo.model import Model, read_model
from synfab.zoo.results import Result, load_results
from synfab.zoo.zoo import Zoo, copy_model, default_zoo

__all__ = ["HubModel", "Model", "Result", "Zoo", "copy_model", "default_zoo", "load_card", "load_results", "read_model"]
