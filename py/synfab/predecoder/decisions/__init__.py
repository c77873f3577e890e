# SPDX-License-Identifier: Apache-2.0
"""What comes after the net: which flips are committed, what is left, and what the global decoder is told of the rest.

Everything here is a small exact function of integers or bits, shots first: *flips* are bool ``(shots, num_sites)`` by
the places of a :class:`~synfab.predecoder.volume.Volume`, *logits* the net's sums of the same shape, integers or in
another unit floats, *events*
bool ``(shots, 2 * layers * num_checks)`` by species, layer and check.
"""

from synfab.predecoder.decisions.commit import closed_cluster_commit, isolated_pair_commit, threshold_commit
from synfab.predecoder.decisions.hints import EdgeHints
from synfab.predecoder.decisions.residual import FlipEffect
from synfab.predecoder.decisions.vertical import collapsed, collapsed_model, vertical_clean_up

__all__ = [
    "EdgeHints",
    "FlipEffect",
    "closed_cluster_commit",
    "collapsed",
    "collapsed_model",
    "isolated_pair_commit",
    "threshold_commit",
    "vertical_clean_up",
]
