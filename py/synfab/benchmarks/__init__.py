# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the references: how fast they are, and how accurate, beside PyMatching on the same shots."""
