# SPDX-License-Identifier: Apache-2.0
"""How the kernels of fusion are compiled: anew in each process.

They inline kernels of other files, also of plain union-find, and numba's cache does not notice when those change.
"""

from numba import njit

compiled = njit(error_model="numpy", nogil=True)
kernel = njit(error_model="numpy", forceinline=True)
