# SPDX-License-Identifier: Apache-2.0
"""Nets of pre-decoders: one interface, all of them fully convolutional."""

from synfab.predecoder.nets.architecture import ARCHITECTURES, Architecture

__all__ = ["ARCHITECTURES", "Architecture"]
