# SPDX-License-Identifier: Apache-2.0
"""Logical error rates by Monte Carlo: sinter collects, a CSV file remembers, a plot shows."""

from synfab.sampling.collection import Row, collect
from synfab.sampling.plot import plot_ler
from synfab.sampling.task import circuit_from_dem, task_from_circuit, task_from_dem

__all__ = [
    "Row",
    "circuit_from_dem",
    "collect",
    "plot_ler",
    "task_from_circuit",
    "task_from_dem",
]
