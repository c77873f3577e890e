# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of what is built: RTL in the loop and synthesis, beside the anchors."""
