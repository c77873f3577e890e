# SPDX-License-Identifier: Apache-2.0
"""A pre-decoder with the union-find behind it, as integers: what hardware of both must answer."""

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, cast

import numpy as np
import numpy.typing as npt
import stim

from synfab.artefact import digest, write_text
from synfab.decoders import UnionFindSpec
from synfab.decoders.union_find.shots import observable_bits, packed_shots
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.predecoder.decisions import EdgeHints, FlipEffect, closed_cluster_commit, threshold_commit
from synfab.predecoder.decisions.residual import Flips
from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp, hint_weights
from synfab.predecoder.inputs import integer_planes, plane_layout
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.labels import Schedule
from synfab.predecoder.layouts import PlaneLayout
from synfab.predecoder.nets.architecture import INPUT_FRACTION_BITS, LayoutName
from synfab.predecoder.volume import Volume, detector_places

FORMAT = "synfab.pipeline/1"
CHUNK_SHOTS = 1024
# Below every sum, and of a size that no threshold exceeds.
NO_FLIP = -(1 << 30)


@dataclass(frozen=True, kw_only=True, eq=False)
class Decided:
    """What the pre-decoder made of shots, before the union-find.

    Attributes
    ----------
    flips : bool (shots, num_sites)
        Committed.
    left : bool (shots, num_detectors)
        Detection events for the union-find, in its numbers.
    frame : bool (shots,)
        Whether the flips change the observable.
    weights : uint16 (shots, num_edges) or None
        Of the union-find's edges; None without hints.
    """

    flips: Flips
    left: Flips
    frame: Flips
    weights: npt.NDArray[np.uint16] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class PipelineSpec:
    """Net, decisions and union-find of one memory experiment: frozen integers that define the answer.

    Attributes
    ----------
    net : PredecoderSpec
    decoder : UnionFindSpec
    volume : Volume
        Of the experiment.
    detectors : int64 (2, layers, num_checks)
        The decoder's number of each detector, -1 for none.
    commit : {"hard", "closed"}
        See :func:`threshold_commit` and :func:`closed_cluster_commit`.
    above : int
        A logit, in the net's unit, at least 0.
    most_rounds : int
        Of the closed-cluster commit.
    thresholds, weights : tuple of int
        Of hints (:class:`EdgeHints`), in the net's unit and in the decoder's; empty for none.
    all_of : bool

    Raises
    ------
    InputError
        If the parts are not of the same experiment.
    """

    net: PredecoderSpec
    decoder: UnionFindSpec
    volume: Volume
    detectors: npt.NDArray[np.int64]
    commit: Literal["hard", "closed"] = "hard"
    above: int = 0
    most_rounds: int = 16
    thresholds: tuple[int, ...] = ()
    weights: tuple[int, ...] = ()
    all_of: bool = True

    def __post_init__(self) -> None:
        shape = (2, self.volume.layers, self.volume.num_checks)
        numbers = sorted(self.detectors[self.detectors >= 0].tolist())
        if self.detectors.shape != shape or numbers != list(range(self.decoder.num_detectors)):
            raise InputError(
                f"detectors must number the decoder's {self.decoder.num_detectors} detectors in the shape {shape}, not "
                f"{len(numbers)} in {self.detectors.shape}; take both from one circuit"
            )
        if self.decoder.num_observables != 1:
            raise InputError(f"the experiment must have one observable, not {self.decoder.num_observables}")
        if [sorted(layer[layer >= 0].tolist()) for layer in np.moveaxis(self.detectors, 1, 0)] != [
            sorted(detectors) for detectors in self.decoder.rounds
        ]:
            raise InputError("the decoder's rounds must be the layers of the volume; take both from one circuit")
        if self.commit not in ("hard", "closed"):
            raise InputError(f"commit must be 'hard' or 'closed', not {self.commit!r}")
        if self.above < 0 or self.most_rounds < 1:
            raise InputError(
                f"above must be at least 0 and most_rounds at least 1, not {self.above!r} and {self.most_rounds!r}"
            )
        layout = self.layout
        data, most = 2 * self.volume.num_data, layout.target_channels
        sites = layout.target_source[: self.net.num_outputs]
        if self.net.num_outputs > most or np.count_nonzero((sites >= 0) & (sites < data)) < data:
            raise InputError(
                f"the net must propose flips of all data qubits, in at most {most} planes, not in "
                f"{self.net.num_outputs}; take a net of this layout"
            )
        if (bits := self.net.input_bits) != (wanted := INPUT_FRACTION_BITS[self.layout_name] + 1):
            raise InputError(
                f"the net must take inputs of {wanted} bit{'s' * (wanted > 1)}, as planes of the layout "
                f"{self.net.layout!r} have, not of {bits}; take a net of this layout"
            )
        # Sees that thresholds ascend, each with its weight.
        if self.hints and max(self.weights) >= 1 << self.decoder.weight_bits:
            raise InputError(
                f"weights of hints must have the decoder's {self.decoder.weight_bits} bits, not be {self.weights!r}"
            )

    @classmethod
    def compile(
        cls,
        net: PredecoderSpec,
        circuit: stim.Circuit,
        *,
        follow_up: FollowUp = TWO_BIT_HINTS,
        graph: DecodingGraph | None = None,
    ) -> Self:
        """Return the spec for a memory experiment.

        Parameters
        ----------
        circuit : stim.Circuit
            See :class:`Schedule`.
        follow_up : FollowUp
            Thresholds in natural units become integers of the net's unit that mean the same.
        graph : DecodingGraph or None
            Of the circuit, if it is known already.

        Raises
        ------
        InputError
            If the follow-up is not a commit before a union-find, or the circuit no such experiment.
        """
        between = follow_up.clean_up or follow_up.sheet > 1
        if follow_up.decoder != "union_find" or between or follow_up.commit not in ("hard", "closed"):
            raise InputError(
                "a pipeline must commit 'hard' or 'closed' before a union-find, without clean-up or collapse, not "
                f"{follow_up.commit!r} before {follow_up.decoder!r}"
            )
        if graph is None:
            # Disjoint errors as independent ones, which is what sinter does.
            model = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
            graph = DecodingGraph.from_dem(model)
        decoder = UnionFindSpec.compile(graph, weight_bits=follow_up.weight_bits)
        schedule = Schedule.from_circuit(circuit)
        unit = 2.0**net.logit_fraction_bits
        return cls(
            net=net,
            decoder=decoder,
            volume=schedule.volume,
            detectors=schedule.detectors,
            commit=cast(Literal["hard", "closed"], follow_up.commit),
            # More than a fraction is more than what is below it; at least a fraction is at least what is above it.
            above=int(np.floor(follow_up.above * unit)),
            thresholds=tuple(int(np.ceil(threshold * unit)) for threshold, _ in follow_up.hints),
            weights=hint_weights(follow_up, decoder, graph) if follow_up.hints else (),
            all_of=follow_up.all_of,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the spec's content: names everything that is made from it."""
        return digest(self._content())

    @cached_property
    def effect(self) -> FlipEffect:
        """What flips do."""
        return FlipEffect(volume=self.volume)

    @cached_property
    def hints(self) -> EdgeHints | None:
        """From logits to weights."""
        if not self.thresholds:
            return None
        return EdgeHints(
            effect=self.effect,
            decoder=self.decoder,
            detectors=self.detectors,
            thresholds=self.thresholds,
            weights=self.weights,
            all_of=self.all_of,
        )

    @cached_property
    def layout(self) -> PlaneLayout:
        """Where the net finds detectors and flips."""
        return plane_layout(self.layout_name, self.volume.distance)

    def decode_batch(
        self,
        detections: npt.NDArray,
        *,
        bit_packed_shots: bool = False,
        bit_packed_predictions: bool = False,
    ) -> npt.NDArray[np.uint8]:
        """Predict the observable's flip in many shots; see :meth:`UnionFindSpec.decode_batch`."""
        packed = packed_shots(detections, self.decoder.num_detectors, bit_packed=bit_packed_shots)
        predictions = np.zeros(len(packed), np.uint64)
        for first in range(0, len(packed), CHUNK_SHOTS):
            part = slice(first, first + CHUNK_SHOTS)
            shots = np.unpackbits(packed[part], axis=1, count=self.decoder.num_detectors, bitorder="little")
            decided = self.decided(shots)
            found = self.decoder.decode_batch(decided.left.astype(np.uint8), weights=decided.weights)
            predictions[part] = found[:, 0] ^ decided.frame
        return observable_bits(predictions, 1, bit_packed=bit_packed_predictions)

    def decided(self, detections: npt.NDArray) -> Decided:
        """Return what is decided before the union-find.

        Parameters
        ----------
        detections : ndarray, (shots, num_detectors) of 0 and 1
            In the decoder's numbers.
        """
        events = self.events(detections)
        logits = self.site_logits(events)
        if self.commit == "closed":
            flips = closed_cluster_commit(
                logits, events, effect=self.effect, above=self.above, most_rounds=self.most_rounds
            )
        else:
            flips = threshold_commit(logits, above=self.above)
        left = self.effect.residual(events, flips)
        return Decided(
            flips=flips,
            left=left[:, self._places],
            frame=self.effect.frame(flips),
            weights=self.hints.edge_weights(logits, self.decoder.weights) if self.hints else None,
        )

    def events(self, detections: npt.NDArray) -> Flips:
        """Return the events by place, bool (shots, 2 * layers * num_checks)."""
        events = np.zeros((len(detections), self.effect.num_detectors), np.bool_)
        events[:, self._places] = detections
        return events

    def site_logits(self, events: Flips) -> npt.NDArray[np.int32]:
        """Return the logit of every flip, int32 (shots, num_sites), a certain no where there is none."""
        places = self.layout.event_places(self.volume)
        padded = np.concatenate([events, np.zeros((len(events), 1), np.bool_)], axis=1)
        planes = integer_planes(padded[:, places].astype(np.uint8), name=self.layout_name, volume=self.volume)
        return self.layout.site_values(self.net.logits(planes), volume=self.volume, missing=NO_FLIP)

    def save(self, path: Path) -> Path:
        """Write the spec as JSON, whole or not at all."""
        return write_text(path, json.dumps(self._content()) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If the file is anything else.
        """
        try:
            content = json.loads(path.read_text())
            if content.pop("format") != FORMAT:
                raise KeyError("format")
            tuples = {name: tuple(content.pop(name)) for name in ("thresholds", "weights")}
            return cls(
                net=PredecoderSpec.from_content(content.pop("net")),
                decoder=UnionFindSpec.from_json(json.dumps(content.pop("decoder"))),
                volume=Volume(**content.pop("volume")),
                detectors=np.array(content.pop("detectors"), np.int64),
                **tuples,
                **content,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} must hold a whole pipeline spec that synfab wrote: {error!r}") from error

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields only; what is derived from them is made anew."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @property
    def layout_name(self) -> LayoutName:
        """Of the net."""
        return cast(LayoutName, self.net.layout)

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """Place of each of the decoder's detectors."""
        return detector_places(self.detectors)

    def _content(self) -> dict[str, Any]:
        scalars = ("commit", "above", "most_rounds", "thresholds", "weights", "all_of")
        return {
            "format": FORMAT,
            "net": self.net.content(),
            "decoder": json.loads(self.decoder.to_json()),
            "volume": asdict(self.volume),
            "detectors": self.detectors.tolist(),
        } | {name: getattr(self, name) for name in scalars}
