# SPDX-License-Identifier: Apache-2.0
"""What the pre-decoder decides, round by round: detection events in, residual events and hints out."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synfab.errors import InputError
from synfab.predecoder.decisions import threshold_commit
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.inputs import integer_planes
from synfab.predecoder.integers import LogitStream
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS
from synfab.predecoder.pipeline.spec import NO_FLIP, PipelineSpec
from synfab.predecoder.planes import require_shape
from synfab.predecoder.volume import Volume, detector_places

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class DecidedRound:
    """What is decided in a round, which is a layer of the volume.

    Attributes
    ----------
    layer : int
    data : bool (2, num_data)
        Committed flips of data qubits.
    timelike : bool (2, num_checks)
        Committed measurement flips.
    left : bool (num_detectors,)
        Detection events for the union-find, in the order of its round.
    frame : bool
        Whether the data flips change the observable.
    edges : int64 (num_edges,)
        The union-find's edges whose weights are known with this round; with those of all rounds, each that a flip
        explains.
    weights : uint16 (num_edges,)
    """

    layer: int
    data: Flips
    timelike: Flips
    left: Flips
    frame: bool
    edges: Places
    weights: npt.NDArray[np.uint16]


class DecisionStream:
    """Takes the rounds of one block after the other, and gives what :meth:`PipelineSpec.decided` does, early.

    A round is decided with the round ``spec.net.look_ahead`` later, and the last ones when the block ends. The state
    is that of the net, the measurement flips of one round, and the logits of the few rounds that explain an edge.

    Parameters
    ----------
    spec : PipelineSpec
        With the hard commit.

    Raises
    ------
    InputError
        If it has another commit.
    """

    def __init__(self, spec: PipelineSpec) -> None:
        if spec.commit != "hard":
            raise InputError(
                f"commit must be 'hard' to decide a round before its block ends, not {spec.commit!r}; decide whole "
                "blocks with PipelineSpec.decided"
            )
        self.spec = spec
        layout, volume = spec.layout, spec.volume
        none = np.zeros((1, layout.event_channels, volume.layers, layout.rows, layout.cols), np.uint8)
        self._constants = integer_planes(none, name=spec.layout_name, volume=volume)[0]
        self._net = LogitStream(spec.net, rows=layout.rows, columns=layout.cols)
        self._checks = _checks_of_rounds(spec)
        self._hints = _HintStream(spec)
        self._begin()

    def _begin(self) -> None:
        self._taken = self._given = 0
        self._waiting: deque[Flips] = deque()
        self._before = np.zeros((2, self.spec.volume.num_checks), np.bool_)

    def push(self, detections: npt.NDArray) -> DecidedRound | None:
        """Take the next round.

        Parameters
        ----------
        detections : ndarray, (num_detectors,) of 0 and 1
            In the order of ``spec.decoder.rounds``.

        Returns
        -------
        DecidedRound or None
            The round ``spec.net.look_ahead`` before; None if there is no such round.

        Raises
        ------
        InputError
            If the block has had all its rounds, or this one has another number of detectors.
        """
        layout, layer = self.spec.layout, self._taken
        if layer == self.spec.volume.layers:
            raise InputError(f"a block must have {layer} rounds, not more; finish it before the next one")
        checks = self._checks[layer]
        repair = "take the detectors of the decoder's round"
        require_shape(f"round {layer}", detections.shape, (len(checks),), repair=repair)
        # The last place is for where no check is.
        events = np.zeros(2 * self.spec.volume.num_checks + 1, np.uint8)
        events[checks] = detections
        planes = self._constants[:, layer].copy()
        planes[: layout.event_channels] = events[layout.event_source] << INPUT_FRACTION_BITS[self.spec.layout_name]
        self._taken += 1
        self._waiting.append(events[:-1].reshape(2, -1).astype(np.bool_))
        logits = self._net.push(planes)
        return None if logits is None else self._decided(logits)

    def finish(self) -> list[DecidedRound]:
        """End the block: return the rounds that are left. The next round begins another block.

        Raises
        ------
        InputError
            If rounds are missing. The block is given up, and the next round begins another one all the same.
        """
        taken, layers = self._taken, self.spec.volume.layers
        rest = self._net.finish()
        decided = [self._decided(logits) for logits in rest] if taken == layers else []
        self._begin()
        if taken != layers:
            raise InputError(f"a block must have {layers} rounds before it is finished, not {taken}; begin it anew")
        return decided

    def _decided(self, planes: npt.NDArray[np.integer]) -> DecidedRound:
        """Decide the oldest round that waits (arXiv:2604.12841, equations 50 to 53)."""
        volume, layer = self.spec.volume, self._given
        self._given += 1
        logits = self._site_logits(planes, layer)
        flips = threshold_commit(logits, above=self.spec.above)
        data, timelike = (part.reshape(2, -1) for part in np.split(flips, [2 * volume.num_data]))
        # No qubit stands where a check has only two.
        padded = np.concatenate([data, np.zeros((2, 1), np.bool_)], axis=1)
        changed = [np.bitwise_xor.reduce(padded[species][volume.supports[species]], axis=1) for species in range(2)]
        left = self._waiting.popleft() ^ changed ^ timelike ^ self._before
        self._before = timelike
        edges, weights = self._hints.push(logits, layer)
        return DecidedRound(
            layer=layer,
            data=data,
            timelike=timelike,
            left=left.ravel()[self._checks[layer]],
            frame=bool(data[volume.known, volume.logical].sum() % 2),
            edges=edges,
            weights=weights,
        )

    def _site_logits(self, planes: npt.NDArray[np.integer], layer: int) -> npt.NDArray[np.int32]:
        """Return the logit of each flip of a layer: data qubits, then measurements, each by species."""
        volume = self.spec.volume
        source = self.spec.layout.target_source[: len(planes)]
        logits = np.full(2 * (volume.num_data + volume.num_checks), NO_FLIP, np.int32)
        logits[source[source >= 0]] = planes[source >= 0]
        means = [
            np.repeat(mask[:, layer], each)
            for mask, each in ((volume.data_mask, volume.num_data), (volume.timelike_mask, volume.num_checks))
        ]
        return np.where(np.concatenate(means), logits, NO_FLIP)


class _HintStream:
    """From the logits of one layer after the other to the weights of the edges that they settle."""

    def __init__(self, spec: PipelineSpec) -> None:
        self._spec = spec
        self._edges, self._ways, reach = _explained(spec)
        self._levels: deque[npt.NDArray[np.uint8]] = deque(maxlen=reach)

    def push(self, logits: npt.NDArray[np.int32], layer: int) -> tuple[Places, npt.NDArray[np.uint16]]:
        """Return the edges whose last flip is of this layer, and their weights."""
        hints = self._spec.hints
        edges = self._edges[layer]
        if hints is None:
            return edges, np.zeros(0, np.uint16)
        # By age; those before the block's first layer are of the block before, and no edge asks for them.
        self._levels.appendleft(np.searchsorted(hints.thresholds, np.abs(logits), side="right").astype(np.uint8))
        levels = np.stack(self._levels)
        lowest = [
            min((max if hints.all_of else min)(int(levels[age, site]) for age, site in way) for way in self._ways[edge])
            for edge in edges.tolist()
        ]
        own = np.array(self._spec.decoder.weights, np.uint16)[edges]
        table = np.array([*hints.weights, np.iinfo(np.uint16).max], np.uint16)
        return edges, np.minimum(table[np.array(lowest, np.int64)], own)


def _checks_of_rounds(spec: PipelineSpec) -> list[Places]:
    """Return species * num_checks + check of the detectors of each of the decoder's rounds."""
    species, _, checks = np.unravel_index(detector_places(spec.detectors), spec.detectors.shape)
    return [(species * spec.volume.num_checks + checks)[list(detectors)] for detectors in spec.decoder.rounds]


def _explained(spec: PipelineSpec) -> tuple[list[Places], dict[int, list[list[tuple[int, int]]]], int]:
    """Return the edges that each layer settles, the flips of each edge's explanations, and how many layers they span.

    A flip is its layer, as an age that counts from the layer that settles the edge, and its place in that layer.
    """
    volume = spec.volume
    edges: list[list[int]] = [[] for _ in range(volume.layers)]
    explained: dict[int, list[list[tuple[int, int]]]] = {}
    for edge, table in enumerate(spec.hints.explanations.tolist() if spec.hints else []):
        ways = [[_place(volume, site) for site in way if site >= 0] for way in table if way[0] >= 0]
        if ways:
            last = max(layer for way in ways for layer, _ in way)
            edges[last].append(edge)
            explained[edge] = [[(last - layer, place) for layer, place in way] for way in ways]
    reach = 1 + max((age for ways in explained.values() for way in ways for age, _ in way), default=0)
    return [np.array(found, np.int64) for found in edges], explained, reach


def _place(volume: Volume, site: int) -> tuple[int, int]:
    """Return the layer of a flip of the volume, and its place in that layer."""
    first, each, before = 0, volume.num_data, 0
    if site >= (split := 2 * volume.layers * volume.num_data):
        first, each, before = split, volume.num_checks, 2 * volume.num_data
    species, layer, index = np.unravel_index(site - first, (2, volume.layers, each))
    return int(layer), before + int(species) * each + int(index)
