# SPDX-License-Identifier: Apache-2.0
"""Which of the flips that the net proposes are committed."""

import numpy as np
import numpy.typing as npt

from synfab.predecoder.decisions.residual import FlipEffect, Flips

Logits = npt.NDArray[np.integer] | npt.NDArray[np.floating]


def threshold_commit(logits: Logits, *, above: float = 0) -> Flips:
    """Commit the flips whose logit is above a threshold; with 0 the *hard commit*, of all that are likelier than not.

    Returns
    -------
    bool, of the shape of ``logits``
    """
    return logits > above


def closed_cluster_commit(
    logits: Logits, events: Flips, *, effect: FlipEffect, above: float, most_rounds: int = 16
) -> Flips:
    """Commit groups of flips that explain all events they touch.

    The proposed flips are those with a logit above 0; those that share a detector are a group. A group is committed if
    each of its logits is above the threshold and it leaves no event at any detector that one of its flips changes.

    Groups are found by local iteration, as hardware does it: a detector is *bad* if it keeps an event or if one of its
    proposed flips is bad, and a flip is bad if its logit is not above the threshold or one of its detectors is bad.
    What is good after ``most_rounds`` rounds is committed; so a group longer than that may be committed in part, away
    from its bad end.

    Parameters
    ----------
    logits : ndarray of numbers, (shots, num_sites)
    events : bool (shots, num_detectors)
    effect : FlipEffect
    above : int or float
        At least 0, in the unit of the logits.
    most_rounds : int

    Returns
    -------
    bool (shots, num_sites)
    """
    proposed = threshold_commit(logits)
    bad_flips = proposed & ~threshold_commit(logits, above=above)
    kept = effect.residual(events, proposed)
    none = np.zeros((len(logits), 1), np.bool_)
    touched = effect.sites_of_detector.T
    for _ in range(most_rounds):
        padded = np.concatenate([bad_flips, none], axis=1)
        bad_detectors = kept.copy()
        for column in touched:
            bad_detectors |= padded[:, column]
        seen = np.concatenate([bad_detectors, none], axis=1)
        spread = proposed & (bad_flips | seen[:, effect.ends[:, 0]] | seen[:, effect.ends[:, 1]])
        if np.array_equal(spread, bad_flips):
            break
        bad_flips = spread
    return proposed & ~bad_flips


def isolated_pair_commit(events: Flips, *, effect: FlipEffect) -> Flips:
    """Commit the flip between two events that have no other event near: a rule that needs no net.

    Two detectors are near if a single flip changes both. Both events of a pair must have no event near but each other.

    Parameters
    ----------
    events : bool (shots, num_detectors)
    effect : FlipEffect

    Returns
    -------
    bool (shots, num_sites)
    """
    inner = effect.has_site & (effect.ends[:, 1] >= 0)
    one, two = np.where(inner[:, np.newaxis], effect.ends, 0).T
    pairs = events[:, one] & events[:, two] & inner
    padded = np.concatenate([pairs, np.zeros((len(events), 1), np.bool_)], axis=1)
    near = np.zeros(events.shape, np.uint8)
    for column in effect.sites_of_detector.T:
        near += padded[:, column]
    return pairs & (near[:, one] == 1) & (near[:, two] == 1)
