# SPDX-License-Identifier: Apache-2.0
"""Decoders: frozen integer specs and the exact references that software and hardware are held to."""

from synfab.decoders.union_find.spec import UnionFindSpec

__all__ = ["UnionFindSpec"]
