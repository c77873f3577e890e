# SPDX-License-Identifier: Apache-2.0
"""Logical errors with the pre-decoder and without it, on the same shots."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import stim

from synfab.circuits.layout import Basis
from synfab.circuits.parameters import require_integer
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.predecoder.decisions import (
    EdgeHints,
    FlipEffect,
    closed_cluster_commit,
    collapsed,
    collapsed_model,
    isolated_pair_commit,
    threshold_commit,
    vertical_clean_up,
)
from synfab.predecoder.decisions.commit import Logits
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.experiment import Noise, memory_experiment
from synfab.predecoder.hinted_matching import HintedMatching, weight_unit
from synfab.predecoder.inputs import input_planes, plane_layout
from synfab.predecoder.labels import SHOTS_PER_WORD, Labels, LabelSampler, bits_from_words
from synfab.predecoder.layouts import PlaneLayout
from synfab.predecoder.nets.architecture import LayoutName
from synfab.predecoder.paired import Paired
from synfab.predecoder.volume import detector_places

if TYPE_CHECKING:
    import pymatching

GlobalDecoder = Literal["pymatching", "correlated_pymatching", "union_find"]
Name = TypeVar("Name", bound=Hashable)
Net = Callable[[npt.NDArray[np.floating]], Logits]
"""From planes, (shots, inputs, layers, rows, cols), to logits, (shots, outputs, layers, rows, cols)."""

CHUNK_WORDS = 32
# What is decided of so few shots stays in the processor's caches, which is several times as fast.
BLOCK_SHOTS = 64


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
    sheet : int
        Layers that are collapsed into one before the global decoder, which then has the graph of these sheets; the
        decoder alone keeps its own. 1 leaves all layers.
    decoder : {"pymatching", "correlated_pymatching", "union_find"}
        The global decoder. Hints are for ``union_find``, whose weights come at run time. ``pymatching`` is built anew
        for every shot with them, in the weights of the union-find; so is ``correlated_pymatching``, in its own
        weights, from a model in which one error more at each hinted edge makes that as likely as the hint says.
    beside : {"pymatching", "correlated_pymatching", "union_find"} or None
        The decoder alone that it is compared with; ``decoder`` unless given.
    weight_bits : int
        Of the union-find.

    Raises
    ------
    InputError
        If there are hints for a collapsed graph.
    """

    commit: Literal["hard", "closed", "isolated_pairs", "none"] = "hard"
    above: float = 0.0
    hints: tuple[tuple[float, float], ...] = ()
    all_of: bool = False
    clean_up: bool = False
    sheet: int = 1
    decoder: GlobalDecoder = "union_find"
    beside: GlobalDecoder | None = None
    weight_bits: int = 4

    def __post_init__(self) -> None:
        require_integer("sheet", self.sheet, 1)
        if self.hints and self.sheet > 1:
            raise InputError(
                f"hints must be for edges of the circuit's own graph, not of one of sheets of {self.sheet} layers; "
                "leave out one of the two"
            )


# Two bits a hint, as hardware gives them to the union-find behind the net. Weights below |logit| are best: clusters
# grow along doubtful edges before others, and the union-find does not weigh ways against each other. Four bits of its
# own weights cost some 3 % more logical errors at d=5, p=0.003; six are no better than five.
TWO_BIT_HINTS = FollowUp(hints=((1.5, 0.15), (3.0, 0.8), (5.0, 2.2)), all_of=True, weight_bits=5)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A memory experiment in which a pre-decoder is judged.

    Attributes
    ----------
    distance : int
    rounds : int or None
        As many as the distance unless given.
    basis : {"X", "Z"}
    noise : {"circuit", "phenomenological", "depolarizing"}
        See :data:`~synfab.predecoder.experiment.Noise`.
    p : float
        Its strength.
    """

    distance: int
    rounds: int | None = None
    basis: Basis
    noise: Noise = "circuit"
    p: float

    @cached_property
    def circuit(self) -> stim.Circuit:
        """The experiment."""
        memory = memory_experiment(
            distance=self.distance, rounds=self.rounds, basis=self.basis, noise=self.noise, p=self.p
        )
        return memory.circuit()

    @cached_property
    def model(self) -> stim.DetectorErrorModel:
        """Its errors, split into such as can be matched."""
        return self.circuit.detector_error_model(decompose_errors=True)

    @cached_property
    def graph(self) -> DecodingGraph:
        """Its decoding graph."""
        return DecodingGraph.from_dem(self.model)


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
        """Return the counts of each follow-up over the same shots, a multiple of 64.

        Raises
        ------
        InputError
            If there is no such layout, the net takes or gives planes of another, or shots are no multiple of 64.
        """
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
        words, left = divmod(shots, SHOTS_PER_WORD)
        if left or words < 1:
            raise InputError(
                f"shots must be a multiple of {SHOTS_PER_WORD}, not {shots!r}; take {SHOTS_PER_WORD * (words + 1)}"
            )
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
        return detector_places(self._schedule.detectors)

    def _site_logits(self, net: Net, labels: Labels) -> npt.NDArray[np.floating]:
        """Return the logit of every place; minus infinity, a certain no, where the net has no output."""
        layout, volume = self._planes, labels.volume
        planes = input_planes(layout.batch(labels).events, name=self.layout, volume=volume)
        sums, unit = np.asarray(net(planes)), np.float32(self.logit_unit)
        layout.require_logits(sums, planes)
        return np.concatenate(
            [
                layout.site_values(sums[block].astype(np.float32) * unit, volume=volume, missing=-np.inf)
                for block in _blocks(len(sums))
            ]
        )

    def _alone(self, number: int, follow_up: FollowUp, events: Flips) -> "_Answered":
        decoder = follow_up.beside or follow_up.decoder
        key = (number, len(events), decoder, follow_up.weight_bits)
        if key not in self._decoded:
            own = FollowUp(decoder=decoder, weight_bits=follow_up.weight_bits)
            self._decoded[key] = self._decode(own, events, None)
        return self._decoded[key]

    def _together(self, follow_up: FollowUp, logits: npt.NDArray[np.floating], events: Flips) -> "_Answered":
        blocks = _blocks(len(events))
        parts = [self._decided(follow_up, logits[block], events[block]) for block in blocks]
        left, frame = (np.concatenate(ones) for ones in zip(*parts, strict=True))
        weights = None
        if follow_up.hints:
            hints, defaults = self._hints(follow_up), self._spec(follow_up).weights
            weights = np.concatenate([hints.edge_weights(logits[block], defaults) for block in blocks])
        answered = self._decode(follow_up, left, weights)
        return replace(answered, predictions=answered.predictions ^ frame)

    def _decided(self, follow_up: FollowUp, logits: npt.NDArray[np.floating], events: Flips) -> tuple[Flips, Flips]:
        """Return the events that are left to the global decoder, and whether the observable was flipped."""
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
        if follow_up.sheet > 1:
            left = collapsed(left, volume=effect.volume, height=follow_up.sheet)
        return left, effect.frame(flips)

    def _hints(self, follow_up: FollowUp) -> EdgeHints:
        key = ("hints", follow_up.hints, follow_up.all_of, follow_up.weight_bits)
        if key not in self._decoded:
            spec = self._spec(follow_up)
            self._decoded[key] = EdgeHints(
                effect=self._effect,
                decoder=spec,
                detectors=self._schedule.detectors,
                thresholds=tuple(threshold for threshold, _ in follow_up.hints),
                weights=hint_weights(follow_up, spec, self.setting.graph),
                all_of=follow_up.all_of,
            )
        return self._decoded[key]

    def _spec(self, follow_up: FollowUp) -> UnionFindSpec:
        key = ("spec", follow_up.weight_bits, follow_up.sheet)
        if key not in self._decoded:
            model = self._model(follow_up)
            graph = self.setting.graph if follow_up.sheet == 1 else DecodingGraph.from_dem(model)
            self._decoded[key] = UnionFindSpec.compile(graph, weight_bits=follow_up.weight_bits)
        return self._decoded[key]

    def _model(self, follow_up: FollowUp) -> stim.DetectorErrorModel:
        if follow_up.sheet == 1:
            return self.setting.model
        return collapsed_model(self.setting.model, detectors=self._schedule.detectors, height=follow_up.sheet)

    def _decode(self, follow_up: FollowUp, events: Flips, weights: npt.NDArray[np.uint16] | None) -> "_Answered":
        # The graph of sheets numbers its detectors as they lie.
        shots = (events if follow_up.sheet > 1 else events[:, self._detector_places]).astype(np.uint8)
        decode = self._decoder(follow_up)
        # What is made or compiled on the way is not decoding.
        decode(shots[:1], None if weights is None else weights[:1])
        start = time.process_time()
        predictions = decode(shots, weights)
        seconds = time.process_time() - start
        return _Answered(predictions=predictions[:, 0].astype(np.bool_), seconds=seconds, num_events=int(events.sum()))

    def _decoder(self, follow_up: FollowUp) -> Callable[..., Any]:
        """Return what decodes shots with the weights of each, or with none."""
        if follow_up.decoder == "union_find":
            spec = self._spec(follow_up)
            return lambda shots, weights: spec.decode_batch(shots, weights=weights)
        if follow_up.hints:
            return self._hinted_matching(follow_up).decode_batch
        correlated = follow_up.decoder == "correlated_pymatching"
        matching = self._matching(follow_up)
        return lambda shots, _: matching.decode_batch(shots, enable_correlations=correlated)

    def _hinted_matching(self, follow_up: FollowUp) -> HintedMatching:
        key = ("hinted", follow_up.weight_bits, follow_up.decoder)
        if key not in self._decoded:
            self._decoded[key] = HintedMatching(
                model=self.setting.model,
                graph=self.setting.graph,
                spec=self._spec(follow_up),
                correlated=follow_up.decoder == "correlated_pymatching",
            )
        return self._decoded[key]

    def _matching(self, follow_up: FollowUp) -> "pymatching.Matching":
        from pymatching import Matching

        correlated = follow_up.decoder == "correlated_pymatching"
        key = ("matching", correlated, follow_up.sheet)
        if key not in self._decoded:
            model = self._model(follow_up)
            self._decoded[key] = Matching.from_detector_error_model(model, enable_correlations=correlated)
        return self._decoded[key]


def hint_weights(follow_up: FollowUp, spec: UnionFindSpec, graph: DecodingGraph) -> tuple[int, ...]:
    """Return the weights of hints in the unit of a spec's, at least 1."""
    return tuple(max(1, round(weight * weight_unit(spec, graph))) for _, weight in follow_up.hints)


def _blocks(shots: int) -> list[slice]:
    return [slice(first, first + BLOCK_SHOTS) for first in range(0, shots, BLOCK_SHOTS)]


def _bits(words: npt.NDArray[np.uint64]) -> Flips:
    bits = bits_from_words(words)
    return bits.reshape(len(bits), -1).astype(np.bool_)
