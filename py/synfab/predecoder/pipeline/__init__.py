# SPDX-License-Identifier: Apache-2.0
"""Pre-decoder and union-find of one memory experiment as one spec, on whole blocks and round by round."""

from synfab.predecoder.pipeline.spec import Decided, PipelineSpec
from synfab.predecoder.pipeline.stream import DecidedRound, DecisionStream

__all__ = ["Decided", "DecidedRound", "DecisionStream", "PipelineSpec"]
