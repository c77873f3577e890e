# SPDX-License-Identifier: Apache-2.0
"""The net in integers: its spec, and its exact reference for whole volumes and for streams of rounds."""

from synfab.predecoder.integers.convolution import Convolution
from synfab.predecoder.integers.spec import PredecoderSpec
from synfab.predecoder.integers.stream import LogitStream

__all__ = ["Convolution", "LogitStream", "PredecoderSpec"]
