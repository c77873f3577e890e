# SPDX-License-Identifier: Apache-2.0
"""Logical errors with the pre-decoder and without it, on the same shots."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits import Memory
from synfab.circuits.layout import Basis
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.predecoder.decisions import (
    EdgeHints,
    FlipEffect,
    closed_cluster_commit,
    isolated_pair_commit,
    threshold_commit,
    vertical_clean_up,
)
from synfab.predecoder.decisions.commit import Logits
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.inputs import input_planes, plane_layout
from synfab.predecoder.labels import SHOTS_PER_WORD, Labels, LabelSampler, bits_from_words
from synfab.predecoder.layouts import PlaneLayout
from synfab.predecoder.nets.architecture import LayoutName

GlobalDecoder = Literal["pymatching", "correlated_pymatching", "union_find"]
Name = TypeVar("Name", bound=Hashable)
Net = Callable[[npt.NDArray[np.floating]], Logits]
"""From planes, (shots, inputs, layers, rows, cols), to logits, (shots, outputs, layers, rows, cols)."""

CHUNK_WORDS = 32


def no_net(planes: npt.NDArray[np.floating]) -> Logits:
    """Stand for a net that proposes nothing, in the supercell layout."""
    return np.full((len(planes), 12, *planes.shape[2:]), -np.inf, np.float32)


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """What is done with the logits, and who decodes what is left.

    Attributes
    ----------
    commit : {"hard", "closed", "isolated_pairs", "none"}
        Flips with a logit above ``above``, or those of them in closed clusters, or isolated pairs of events, whatever
        the logits; with ``none`` nothing.
    above : float
        A logit; 0 is the hard commit.
    hints : tuple of (float, float)
        Thresholds on ``|logit|``, ascending, each with the weight, in the same unit, that stands for what lies below.
    all_of : bool
        See :class:`~synfab.predecoder.decisions.EdgeHints`.
    clean_up : bool
        Remove vertical pairs before the global decoder.
    decoder : {"pymatching", "correlated_pymatching", "union_find"}
        The global decoder. Hints are for ``union_find``, whose weights come at run time; ``pymatching`` is built anew
        for every shot with them, in the weights of the union-find.
    beside : {"pymatching", "correlated_pymatching", "union_find"} or None
        The decoder alone that it is compared with; ``decoder`` unless given.
    weight_bits : int
        Of the union-find.
    """

    commit: Literal["hard", "closed", "isolated_pairs", "none"] = "hard"
    above: float = 0.0
    hints: tuple[tuple[float, float], ...] = ()
    all_of: bool = False
    clean_up: bool = False
    decoder: GlobalDecoder = "union_find"
    beside: GlobalDecoder | None = None
    weight_bits: int = 4


# Two bits a hint, as hardware gives them to the union-find behind the net. Weights below |logit| are best: clusters
# grow along doubtful edges before others, and the union-find does not weigh ways against each other. Four bits of its
# own weights cost some 3 % more logical errors at d=5, p=0.003; six are no better than five.
TWO_BIT_HINTS = FollowUp(hints=((1.5, 0.15), (3.0, 0.8), (5.0, 2.2)), all_of=True, weight_bits=5)


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Counts over shots that both decoded.

    Attributes
    ----------
    shots : int
    alone, together : int
        Logical errors of the global decoder alone, and behind the pre-decoder.
    both : int
        Shots in which both failed.
    events_before, events_after : int
        Detection events of all shots, of both species.
    seconds_alone, seconds_together : float
        CPU time in the global decoder.
    """

    shots: int = 0
    alone: int = 0
    together: int = 0
    both: int = 0
    events_before: int = 0
    events_after: int = 0
    seconds_alone: float = field(default=0.0, compare=False)
    seconds_together: float = field(default=0.0, compare=False)

    def __add__(self, other: "Paired") -> "Paired":
        return Paired(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})

    @property
    def ratio(self) -> float:
        """Logical errors with the pre-decoder over those without; below 1 is better."""
        return self.together / self.alone if self.alone else float("nan")

    @property
    def ratio_error(self) -> float:
        """Standard error of the ratio, from the shots in which only one of the two failed."""
        if not self.alone:
            return float("nan")
        only_alone, only_together = self.alone - self.both, self.together - self.both
        ratio = self.ratio
        # Of (together - ratio * alone) / alone, shots being independent.
        variance = only_together + ratio**2 * only_alone + (1 - ratio) ** 2 * self.both
        return variance**0.5 / self.alone

    @property
    def density_reduction(self) -> float:
        """Detection events before over after (SDR)."""
        return self.events_before / self.events_after if self.events_after else float("inf")

    @property
    def speed_up(self) -> float:
        """CPU time of the global decoder alone over that of the one behind the pre-decoder; noisy."""
        return self.seconds_alone / self.seconds_together if self.seconds_together else float("nan")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A memory experiment in which a pre-decoder is judged.

    Attributes
    ----------
    distance : int
    rounds : int or None
        As many as the distance unless given.
    basis : {"X", "Z"}
    p : float
        Circuit-level.
    """

    distance: int
    rounds: int | None = None
    basis: Basis
    p: float

    @cached_property
    def circuit(self) -> stim.Circuit:
        """The experiment."""
        memory = Memory(code="rotated_surface", distance=self.distance, rounds=self.rounds, basis=self.basis, p=self.p)
        return memory.circuit()

    @cached_property
    def graph(self) -> DecodingGraph:
        """Its decoding graph."""
        return DecodingGraph.from_dem(self.circuit.detector_error_model(decompose_errors=True))


@dataclass(frozen=True, kw_only=True)
class _Answered:
    """What a global decoder said: of each shot, from how many events in all, and in what CPU time."""

    predictions: Flips
    num_events: int
    seconds: float


@dataclass(kw_only=True)
class Judge:
    """Judges nets in one setting.

    Parameters
    ----------
    setting : Setting
    layout : str
        Of the net.
    seed : int
        Of the shots: the same in every call.
    logit_unit : float
        What a net's logits are multiples of: 1 for float nets, ``2**-logit_fraction_bits`` for a spec.
    """

    setting: Setting
    layout: LayoutName
    seed: int
    logit_unit: float = 1.0
    _decoded: dict = field(default_factory=dict, init=False, repr=False)

    def judge(self, net: Net, follow_ups: Mapping[Name, FollowUp], *, shots: int) -> dict[Name, Paired]:
        """Return the counts of each follow-up over the same shots, a multiple of 64."""
        totals = {name: Paired() for name in follow_ups}
        for number, labels in enumerate(self._samples(shots)):
            sums = self._site_logits(net, labels)
            events = _bits(labels.detectors)
            actual = _bits(labels.observables)[:, 0]
            together: dict[FollowUp, _Answered] = {}
            for name, follow_up in follow_ups.items():
                alone = self._alone(number, follow_up, events)
                key = replace(follow_up, beside=None)
                if key not in together:
                    together[key] = self._together(follow_up, sums, events)
                behind = together[key]
                failed_alone, failed_behind = alone.predictions != actual, behind.predictions != actual
                totals[name] += Paired(
                    shots=len(events),
                    alone=int(failed_alone.sum()),
                    together=int(failed_behind.sum()),
                    both=int((failed_alone & failed_behind).sum()),
                    events_before=int(events.sum()),
                    events_after=behind.num_events,
                    seconds_alone=alone.seconds,
                    seconds_together=behind.seconds,
                )
        return totals

    @cached_property
    def _sampler(self) -> LabelSampler:
        return LabelSampler(circuit=self.setting.circuit, reach=0)

    def _samples(self, shots: int) -> Iterator[Labels]:
        sampler = self._sampler.compile(seed=self.seed)
        words = shots // SHOTS_PER_WORD
        for first in range(0, words, CHUNK_WORDS):
            yield sampler.sample(min(CHUNK_WORDS, words - first))

    @cached_property
    def _planes(self) -> PlaneLayout:
        return plane_layout(self.layout, self.setting.distance)

    @cached_property
    def _effect(self) -> FlipEffect:
        return FlipEffect(volume=self._schedule.volume)

    @cached_property
    def _schedule(self):
        return self._sampler.compile().schedule

    @cached_property
    def _detector_places(self) -> npt.NDArray[np.int64]:
        """Place of each of the circuit's detectors among the events."""
        flat = self._schedule.detectors.ravel()
        places = np.empty(int(flat.max()) + 1, np.int64)
        places[flat[flat >= 0]] = np.flatnonzero(flat >= 0)
        return places

    def _site_logits(self, net: Net, labels: Labels) -> npt.NDArray[np.floating]:
        """Return the logit of every place; minus infinity, a certain no, where the net has no output."""
        layout, volume = self._planes, labels.volume
        planes = input_planes(layout.batch(labels).events, name=self.layout, volume=volume)
        logits = np.asarray(net(planes)).astype(np.float32) * np.float32(self.logit_unit)
        return layout.site_values(logits, volume=volume, missing=-np.inf)

    def _alone(self, number: int, follow_up: FollowUp, events: Flips) -> "_Answered":
        decoder = follow_up.beside or follow_up.decoder
        key = (number, len(events), decoder, follow_up.weight_bits)
        if key not in self._decoded:
            self._decoded[key] = self._decode(replace(follow_up, decoder=decoder), events, None)
        return self._decoded[key]

    def _together(self, follow_up: FollowUp, logits: npt.NDArray[np.floating], events: Flips) -> "_Answered":
        effect = self._effect
        if follow_up.commit == "none":
            flips = np.zeros(logits.shape, np.bool_)
        elif follow_up.commit == "isolated_pairs":
            flips = isolated_pair_commit(events, effect=effect)
        elif follow_up.commit == "hard":
            flips = threshold_commit(logits, above=follow_up.above)
        else:
            flips = closed_cluster_commit(logits, events, effect=effect, above=follow_up.above)
        left = effect.residual(events, flips)
        if follow_up.clean_up:
            left = vertical_clean_up(left, volume=effect.volume)
        weights = None
        if follow_up.hints:
            weights = self._hints(follow_up).edge_weights(logits, self._spec(follow_up.weight_bits).weights)
        answered = self._decode(follow_up, left, weights)
        return replace(answered, predictions=answered.predictions ^ effect.frame(flips))

    def _hints(self, follow_up: FollowUp) -> EdgeHints:
        key = ("hints", follow_up.hints, follow_up.all_of, follow_up.weight_bits)
        if key not in self._decoded:
            spec = self._spec(follow_up.weight_bits)
            self._decoded[key] = EdgeHints(
                effect=self._effect,
                decoder=spec,
                detectors=self._schedule.detectors,
                thresholds=tuple(threshold for threshold, _ in follow_up.hints),
                weights=hint_weights(follow_up, spec, self.setting.graph),
                all_of=follow_up.all_of,
            )
        return self._decoded[key]

    def _spec(self, weight_bits: int) -> UnionFindSpec:
        key = ("spec", weight_bits)
        if key not in self._decoded:
            self._decoded[key] = UnionFindSpec.compile(self.setting.graph, weight_bits=weight_bits)
        return self._decoded[key]

    def _decode(self, follow_up: FollowUp, events: Flips, weights: npt.NDArray[np.uint16] | None) -> "_Answered":
        shots = events[:, self._detector_places].astype(np.uint8)
        decode = self._decoder(follow_up)
        # What is made or compiled on the way is not decoding.
        decode(shots[:1], None if weights is None else weights[:1])
        start = time.process_time()
        predictions = decode(shots, weights)
        seconds = time.process_time() - start
        return _Answered(predictions=predictions[:, 0].astype(np.bool_), seconds=seconds, num_events=int(events.sum()))

    def _decoder(self, follow_up: FollowUp) -> Callable[..., npt.NDArray[np.uint8]]:
        """Return what decodes shots with the weights of each, or with none."""
        if follow_up.decoder == "union_find":
            spec = self._spec(follow_up.weight_bits)
            return lambda shots, weights: spec.decode_batch(shots, weights=weights)
        if follow_up.hints:
            return self._reweighted
        correlated = follow_up.decoder == "correlated_pymatching"
        matching = self._matching(correlated)
        return lambda shots, _: matching.decode_batch(shots, enable_correlations=correlated)

    def _reweighted(
        self, shots: npt.NDArray[np.uint8], weights: npt.NDArray[np.uint16] | None
    ) -> npt.NDArray[np.uint8]:
        """Decode by PyMatching, built anew for each shot with its weights."""
        import pymatching

        if weights is None:
            return self._matching(False).decode_batch(shots)
        checks, observables = self._matrices
        predictions = np.zeros((len(shots), 1), np.uint8)
        for shot, own, prediction in zip(shots, weights.astype(float), predictions, strict=True):
            matching = pymatching.Matching.from_check_matrix(checks, weights=own, faults_matrix=observables)
            prediction[:] = matching.decode_batch(shot[np.newaxis])[0]
        return predictions

    @cached_property
    def _matrices(self):
        """The graph as sparse matrices: detectors and observables by edges."""
        from scipy.sparse import csc_matrix

        edges = self.setting.graph.edges
        ends = [(detector, number) for number, edge in enumerate(edges) for detector in edge.detectors]
        flips = [number for number, edge in enumerate(edges) if edge.observables]
        rows, columns = zip(*ends, strict=True)
        shape = (self.setting.graph.num_detectors, len(edges))
        checks = csc_matrix((np.ones(len(ends), np.uint8), (rows, columns)), shape=shape)
        parts = (np.ones(len(flips), np.uint8), (np.zeros(len(flips), int), flips))
        return checks, csc_matrix(parts, shape=(1, len(edges)))

    def _matching(self, correlated: bool):
        import pymatching

        key = ("matching", correlated)
        if key not in self._decoded:
            model = self.setting.circuit.detector_error_model(decompose_errors=True)
            self._decoded[key] = pymatching.Matching.from_detector_error_model(model, enable_correlations=correlated)
        return self._decoded[key]


def hint_weights(follow_up: FollowUp, spec: UnionFindSpec, graph: DecodingGraph) -> tuple[int, ...]:
    """Return the weights of hints in the unit of a spec's, at least 1."""
    largest = max(abs(np.log((1 - edge.probability) / edge.probability)) for edge in graph.edges)
    unit = max(spec.weights) / largest
    return tuple(max(1, round(weight * unit)) for _, weight in follow_up.hints)


def _bits(words: npt.NDArray[np.uint64]) -> Flips:
    bits = bits_from_words(words)
    return bits.reshape(len(bits), -1).astype(np.bool_)
