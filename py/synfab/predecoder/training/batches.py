# SPDX-License-Identifier: Apache-2.0
"""The batches of a training run: the k-th one is the same whenever it is made."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from synfab.circuits import Memory
from synfab.circuits.layout import Basis
from synfab.predecoder.inputs import input_planes, plane_layout
from synfab.predecoder.labels import SHOTS_PER_WORD, CompiledLabelSampler, Schedule
from synfab.predecoder.nets.architecture import Architecture
from synfab.predecoder.training.config import Data

Batch = tuple[Tensor, Tensor, Tensor]
"""Inputs, targets, and where targets mean anything, (channels, layers, rows, cols)."""


class Batches(IterableDataset):
    """Endless batches, from the one after ``start``.

    Parameters
    ----------
    data : Data
    architecture : Architecture
        Of the net: what it is given, and which flips it is asked for.
    seed : int
    start : int
        Batches that a run before has used up.
    """

    def __init__(self, data: Data, *, architecture: Architecture, seed: int, start: int = 0) -> None:
        self.data, self.architecture, self.seed, self.start = data, architecture, seed, start

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        number = self.start + first
        while True:
            yield self.batch(number)
            number += step

    def batch(self, number: int) -> Batch:
        """Return batch ``number``."""
        data, draw = self.data, np.random.default_rng([self.seed, number])
        schedule = _schedule(
            int(draw.choice(data.distances)), data.rounds, str(draw.choice(data.bases)), float(draw.choice(data.p))
        )
        seed = int(draw.integers(1 << 62))
        sampler = CompiledLabelSampler(schedule=schedule, reach=data.reach, seed=seed)
        labels = sampler.sample(data.shots // SHOTS_PER_WORD)
        name, outputs = self.architecture.layout, self.architecture.num_outputs
        layout = plane_layout(name, labels.volume.distance)
        batch = layout.batch(labels)
        planes = input_planes(batch.events, name=name, volume=labels.volume)
        targets, mask = batch.targets[:, :outputs], layout.target_mask(labels.volume)[:outputs]
        return torch.from_numpy(planes), torch.from_numpy(targets), torch.from_numpy(mask)


@lru_cache(maxsize=256)
def _schedule(distance: int, rounds: int | None, basis: Basis, p: float) -> Schedule:
    memory = Memory(code="rotated_surface", distance=distance, rounds=rounds, basis=basis, p=p)
    return Schedule.from_circuit(memory.circuit())
