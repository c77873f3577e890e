# SPDX-License-Identifier: Apache-2.0
"""The batches of a training run: the k-th one is the same whenever it is made."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from synfab.circuits.layout import Basis
from synfab.predecoder.experiment import Noise, memory_experiment
from synfab.predecoder.inputs import input_planes, plane_layout
from synfab.predecoder.labels import SHOTS_PER_WORD, CompiledLabelSampler, Labels, Schedule
from synfab.predecoder.nets.architecture import Architecture
from synfab.predecoder.training.config import Data
from synfab.predecoder.training.stored import StoredBatches

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
        Steps that a run before has made.
    rank, ranks : int
        Which of how many processes that train together; a step takes a batch of each.

    Raises
    ------
    InputError
        If stored samples are not those that ``data`` is of.
    """

    def __init__(
        self, data: Data, *, architecture: Architecture, seed: int, start: int = 0, rank: int = 0, ranks: int = 1
    ) -> None:
        self.data, self.architecture, self.seed = data, architecture, seed
        self.start, self.rank, self.ranks = start, rank, ranks
        self._stored = StoredBatches(data, seed=seed) if data.stored else None

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        first, every = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in itertools.count(self.start + first, every):
            yield self.batch(step * self.ranks + self.rank)

    def batch(self, number: int) -> Batch:
        """Return batch ``number``."""
        labels = self._stored.labels(number) if self._stored else self._fresh(number)
        name, outputs = self.architecture.layout, self.architecture.num_outputs
        layout = plane_layout(name, labels.volume.distance)
        batch = layout.batch(labels)
        planes = input_planes(batch.events, name=name, volume=labels.volume)
        targets, mask = batch.targets[:, :outputs], layout.target_mask(labels.volume)[:outputs]
        return torch.from_numpy(planes), torch.from_numpy(targets), torch.from_numpy(mask)

    def _fresh(self, number: int) -> Labels:
        data, draw = self.data, np.random.default_rng([self.seed, number])
        schedule = _schedule(
            int(draw.choice(data.distances)),
            data.rounds,
            str(draw.choice(data.bases)),
            data.noise,
            float(draw.choice(data.p)),
        )
        seed = int(draw.integers(1 << 62))
        sampler = CompiledLabelSampler(schedule=schedule, reach=data.reach, seed=seed)
        return sampler.sample(data.shots // SHOTS_PER_WORD)


@lru_cache(maxsize=256)
def _schedule(distance: int, rounds: int | None, basis: Basis, noise: Noise, p: float) -> Schedule:
    memory = memory_experiment(distance=distance, rounds=rounds, basis=basis, noise=noise, p=p)
    return Schedule.from_circuit(memory.circuit())
