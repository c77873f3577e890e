# SPDX-License-Identifier: Apache-2.0
"""synfab's decoders for sinter.

``sinter collect --custom_decoders_module_function synfab.sinter:decoders`` finds them on the command line, and
``sinter.collect(custom_decoders=decoders())`` in Python. The import is light, because every worker repeats it: a
decoder compiles its kernels when it is given a detector error model.
"""

from synfab.sinter.union_find import CompiledSpec, UnionFindDecoder, decoders, union_find_from_name

__all__ = ["CompiledSpec", "UnionFindDecoder", "decoders", "union_find_from_name"]
