# SPDX-License-Identifier: Apache-2.0
"""The training loop's parts, for Lightning: loss, optimizer, schedule, and the judgement of a net."""

import math
from collections.abc import Sequence
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from synfab.predecoder.evaluation import TWO_BIT_HINTS, Judge
from synfab.predecoder.paired import Paired
from synfab.predecoder.training.batches import Batch
from synfab.predecoder.training.config import Stage

LOSS, RATIO, DENSITY_REDUCTION = "loss", "ler_ratio", "density_reduction"


class Learner(lightning.LightningModule):
    """A net with its loss: binary cross-entropy where a correction means anything.

    Every validation decodes the same shots with the net and two-bit hints in front of the union-find, and without it;
    ``ler_ratio`` is the geometric mean of the ratios of logical errors.

    Parameters
    ----------
    net : nn.Module
    stage : Stage
    judges : sequence of Judge
    shots : int
        Of each judge.
    """

    def __init__(self, net: nn.Module, *, stage: Stage, judges: Sequence[Judge], shots: int) -> None:
        super().__init__()
        self.net, self.stage = net, stage
        self.judges, self.shots = judges, shots
        self.judged: list[Paired] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of a batch."""
        loss = masked_loss(self.net, batch)
        self.log(LOSS, loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Tensor, index: int) -> None:
        """Judge the net in one setting."""
        judge = self.judges[index]
        (paired,) = judge.judge(self.logits, {"": TWO_BIT_HINTS}, shots=self.shots).values()
        self.judged.append(paired)

    def on_validation_epoch_end(self) -> None:
        """Log what the judges said."""
        # Half an error more in each: a ratio of small counts is finite.
        logs = [math.log((paired.together + 0.5) / (paired.alone + 0.5)) for paired in self.judged]
        self.log(RATIO, math.exp(sum(logs) / len(logs)), prog_bar=True)
        before, after = (sum(getattr(p, f"events_{when}") for p in self.judged) for when in ("before", "after"))
        self.log(DENSITY_REDUCTION, before / max(1, after))
        self.judged.clear()

    def logits(self, planes: np.ndarray) -> np.ndarray:
        """Return the net's logits of numpy planes."""
        with torch.no_grad():
            return self.net(torch.from_numpy(planes).to(self.device)).float().cpu().numpy()

    def configure_optimizers(self) -> Any:
        """Adam, with the stage's schedule."""
        stage = self.stage
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=stage.learning_rate, weight_decay=stage.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(stage, step))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def learning_rate_factor(stage: Stage, step: int) -> float:
    """Return the learning rate of a step over the stage's: a linear rise, then half a cosine down to a hundredth."""
    if step < stage.warmup_steps:
        return (step + 1) / (stage.warmup_steps + 1)
    done = (step - stage.warmup_steps) / max(1, stage.steps - stage.warmup_steps)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def masked_loss(net: nn.Module, batch: Batch) -> Tensor:
    """Return the mean binary cross-entropy of the places at which a correction means anything."""
    planes, targets, mask = batch
    losses = nn.functional.binary_cross_entropy_with_logits(net(planes), targets.to(planes.dtype), reduction="none")
    return (losses * mask).sum() / (mask.sum() * len(planes))
