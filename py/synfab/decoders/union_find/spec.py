# SPDX-License-Identifier: Apache-2.0
"""The union-find decoder as frozen integers: everything that defines an answer, and nothing that does not."""

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt

from synfab.artefact import digest, write_text
from synfab.decoders.union_find.checks import BOUNDARY, FORMAT, check
from synfab.decoders.union_find.shots import Detections, observable_bits, packed_shots
from synfab.decoders.union_find.steps import max_growth_steps
from synfab.decoders.union_find.weights import Overrides, shot_weights, weight_array, weight_rows
from synfab.dem import DecodingGraph
from synfab.errors import InputError
from synfab.quantize import UNIT_WEIGHT, log_likelihood_weights, unit_weights

if TYPE_CHECKING:
    from synfab.decoders.union_find.tables import Graph


@dataclass(frozen=True, kw_only=True)
class UnionFindSpec:
    """Weighted union-find on one decoding graph.

    The semantics, independent of who executes them (Delfosse and Nickerson, Quantum 5, 595, in the synchronous
    form of Helios, arXiv:2406.08491, section IV):

    *Growth.* Every edge starts at growth 0 and is full when its growth equals its weight. A cluster is a connected
    component of the full edges (a lone detector is one too). It is *active* if it holds an odd number of detection
    events and no full edge to the boundary. In a step every detector of every active cluster adds one to each of
    its edges that is not full (an edge with both ends active gains two, but never passes its weight). Steps repeat
    until no active cluster has an edge to grow.

    *Forest.* In a cluster with a full boundary edge, every detector that has one is a root, and its parent edge
    is the lowest-numbered of them. In any other cluster of two or more the lowest-numbered of the
    :attr:`root_candidates` is the only root. The rest follow in breadth-first layers: a detector's parent edge is
    its lowest-numbered full edge to the layer before.

    *Correction.* From the last layer to the roots, a detector with an odd number of events in its subtree flips
    its parent edge. The prediction is the sum of the observables of the flipped edges. A cluster that stays odd
    without a boundary (no error explains such a syndrome) leaves one event, at its root if it has one.

    *Weights at run time.* A shot may bring its own weight for every edge, ``0 .. 2**weight_bits - 1``, in place of
    the spec's. Weight 0 means *erased*: the edge is full from the start, at growth 0. Everything else stays: before
    the first step the clusters are the components of the erased edges, and activity is evaluated on them. The
    weight of an edge in ``flipped_edges`` is that of its error *not* having happened, here as in the spec.

    Attributes
    ----------
    num_detectors, num_observables : int
    edges : tuple of (int, int)
        The two detectors of each edge, ascending; ``(detector, -1)`` for an edge to the boundary.
    weights : tuple of int
        One an edge, ``1 .. 2**weight_bits - 1``: the default of shots that bring none.
    edge_observables : tuple of int
        Mask of the observables that each edge flips, observable 0 in bit 0.
    flipped_edges : tuple of int
        Edges with p > 1/2, whose error is taken as given: their detectors are flipped before decoding, and
        their observables and their own corrections afterwards.
    undetectable_flips : int
        Mask of observables flipped, with probability above 1/2, by errors without detectors.
    rounds : tuple of tuple of int
        The detectors of each input beat of the hardware: a partition of the detectors.
    weight_bits : int

    Raises
    ------
    InputError
        If a weight does not fit ``weight_bits``, or the parts contradict each other.
    """

    num_detectors: int
    num_observables: int
    edges: tuple[tuple[int, int], ...]
    weights: tuple[int, ...]
    edge_observables: tuple[int, ...]
    flipped_edges: tuple[int, ...] = ()
    undetectable_flips: int = 0
    rounds: tuple[tuple[int, ...], ...]
    weight_bits: int
    format: str = field(default=FORMAT)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def compile(
        cls,
        graph: DecodingGraph,
        *,
        weights: Literal["log_likelihood", "unit"] = "log_likelihood",
        weight_bits: int = 4,
    ) -> Self:
        """Turn a decoding graph into integers.

        Parameters
        ----------
        graph : DecodingGraph
        weights : {"log_likelihood", "unit"}
            ``unit`` makes every edge full at 2.
        weight_bits : int
            Width of a log-likelihood weight (see :func:`synfab.quantize.log_likelihood_weights`).
        """
        if weights == "unit":
            integers, width = unit_weights(len(graph.edges)), UNIT_WEIGHT.bit_length()
        elif weights == "log_likelihood":
            probabilities = [edge.probability for edge in graph.edges]
            integers, width = log_likelihood_weights(probabilities, weight_bits=weight_bits), weight_bits
        else:
            raise InputError(f"weights must be 'log_likelihood' or 'unit', not {weights!r}")
        undetectable_flips = 0
        for error in graph.undetectable:
            undetectable_flips ^= error.observables if error.probability > 0.5 else 0
        return cls(
            num_detectors=graph.num_detectors,
            num_observables=graph.num_observables,
            edges=tuple((edge.detectors[0], (*edge.detectors, BOUNDARY)[1]) for edge in graph.edges),
            weights=integers,
            edge_observables=tuple(edge.observables for edge in graph.edges),
            flipped_edges=tuple(i for i, edge in enumerate(graph.edges) if edge.probability > 0.5),
            undetectable_flips=undetectable_flips,
            rounds=graph.rounds,
            weight_bits=width,
        )

    @cached_property
    def sha256(self) -> str:
        """Hash of the spec's content: names everything that is made from it."""
        return digest(asdict(self))

    @cached_property
    def detection_flips(self) -> tuple[int, ...]:
        """Detectors whose events are inverted before decoding, because of ``flipped_edges``."""
        odd: set[int] = set()
        for edge in self.flipped_edges:
            odd ^= set(self.edges[edge]) - {BOUNDARY}
        return tuple(sorted(odd))

    @cached_property
    def observable_flips(self) -> int:
        """Mask of the observables inverted after decoding."""
        mask = self.undetectable_flips
        for edge in self.flipped_edges:
            mask ^= self.edge_observables[edge]
        return mask

    @cached_property
    def root_candidates(self) -> tuple[int, ...]:
        """Detectors that may be the root of a cluster without a boundary, ascending.

        Going through the detectors in ascending order, each is left out unless one of its neighbours was left out
        before. So of two neighbours at least one is a candidate, and every cluster of two or more holds one; the
        hardware needs a tag for the candidates only, half the detectors of a bipartite lattice.
        """
        left_out: set[int] = set()
        for detector, edges in enumerate(self.ports):
            if not any(end in left_out for edge in edges for end in self.edges[edge]):
                left_out.add(detector)
        return tuple(detector for detector in range(self.num_detectors) if detector not in left_out)

    @cached_property
    def ports(self) -> tuple[tuple[int, ...], ...]:
        """Edges of each detector, ascending: port k of a detector is its k-th edge."""
        ports: list[list[int]] = [[] for _ in range(self.num_detectors)]
        for index, (u, v) in enumerate(self.edges):
            ports[u].append(index)
            if v != BOUNDARY:
                ports[v].append(index)
        return tuple(map(tuple, ports))

    @cached_property
    def reaches_boundary(self) -> tuple[bool, ...]:
        """Whether a path of edges leads from each detector to the boundary; without one it may stay odd for ever."""
        reached = [False] * self.num_detectors
        front = [u for u, v in self.edges if v == BOUNDARY]
        while front:
            detector = front.pop()
            if not reached[detector]:
                reached[detector] = True
                front += [d for edge in self.ports[detector] for d in self.edges[edge] if d != BOUNDARY]
        return tuple(reached)

    @cached_property
    def max_growth_steps(self) -> int:
        """The largest number of growth steps, whatever the shot; the proof: :func:`steps.max_growth_steps`.

        Weights that shots bring of their own are not counted.
        """
        return max_growth_steps(self)

    def decode_batch(
        self,
        detections: Detections,
        *,
        bit_packed_shots: bool = False,
        bit_packed_predictions: bool = False,
        weights: npt.ArrayLike | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Predict the observable flips of many shots.

        Parameters
        ----------
        detections : ndarray
            Detection events, ``(shots, num_detectors)`` of 0 and 1; or, with ``bit_packed_shots``, uint8
            ``(shots, ceil(num_detectors / 8))`` with detector 0 in bit 0 of byte 0 (Stim's ``b8``).
        bit_packed_predictions : bool
            Pack the answer likewise.
        weights : array_like of int, optional
            The weight of every edge, 0 for an erased one, at most ``2**weight_bits - 1``: ``(num_edges,)`` for all
            shots, or ``(shots, num_edges)``. See :meth:`shot_weights`. Each shot then costs a look at every edge.

        Returns
        -------
        ndarray of uint8
            ``(shots, num_observables)``, or ``(shots, ceil(num_observables / 8))`` if packed.
        """
        from synfab.decoders.union_find import reference

        packed = packed_shots(detections, self.num_detectors, bit_packed=bit_packed_shots)
        predictions = reference.predictions(self._compiled, packed, self._weight_rows(weights, len(packed)))
        return observable_bits(predictions, self.num_observables, bit_packed=bit_packed_predictions)

    def decode(self, detections: Detections, *, weights: npt.ArrayLike | None = None) -> npt.NDArray[np.uint8]:
        """Predict the observable flips of one shot: ``(num_detectors,)`` -> ``(num_observables,)`` of 0 and 1.

        ``weights`` are its own, ``(num_edges,)``, as in :meth:`decode_batch`.
        """
        return self.decode_batch(np.asarray(detections)[np.newaxis], weights=weights)[0]

    def decode_to_edges(
        self,
        detections: Detections,
        *,
        bit_packed_shots: bool = False,
        weights: npt.ArrayLike | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Return the edges that the correction flips: ``(shots, num_edges)`` of 0 and 1, edge order of the spec.

        Takes the shots and their weights as :meth:`decode_batch` does. Flipping these edges reproduces every
        syndrome that errors can make.
        """
        from synfab.decoders.union_find import reference

        packed = packed_shots(detections, self.num_detectors, bit_packed=bit_packed_shots)
        return reference.corrections(self._compiled, packed, self._weight_rows(weights, len(packed)))

    def clusters(
        self, detections: Detections, *, weights: npt.ArrayLike | None = None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return the clusters at the end of growth, so that other people's vectors can check them.

        Parameters
        ----------
        detections : ndarray
            ``(shots, num_detectors)`` of 0 and 1.
        weights : array_like of int, optional
            As in :meth:`decode_batch`.

        Returns
        -------
        labels : ndarray of int32, ``(shots, num_detectors)``
            The lowest detector of each detector's cluster; its own number where nothing grew or was erased.
        growth : ndarray of int32, ``(shots, num_edges)``
            Growth of each edge, at most its weight; 0 at an erased one.
        """
        from synfab.decoders.union_find import reference

        packed = packed_shots(detections, self.num_detectors, bit_packed=False)
        return reference.clusters(self._compiled, packed, self._weight_rows(weights, len(packed)))

    def with_weights(self, weights: npt.ArrayLike) -> Self:
        """Return this spec with other default weights, ``(num_edges,)``, such as those of noise that drifted.

        Raises
        ------
        InputError
            If they are not integers ``1 .. 2**weight_bits - 1``, one an edge.
        """
        array = weight_array(weights, (len(self.edges),), repair="give one an edge, quantized")
        return replace(self, weights=tuple(array.tolist()))

    def shot_weights(
        self, *, overrides: Overrides | None = None, erasures: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.uint8 | np.uint16]:
        """Return the weights of shots that differ from the spec's on a few edges.

        Parameters
        ----------
        overrides : sequence of sequences of (int, int), optional
            For each shot its own edges and their weights, 0 for an erased edge; of two weights of an edge the
            later counts.
        erasures : ndarray of bool, ``(shots, num_edges)``, optional
            Erased edges, whatever their override.

        Returns
        -------
        ndarray of uint8, or uint16 if ``weight_bits`` exceeds 8
            ``(shots, num_edges)``, for ``weights`` of :meth:`decode_batch`.

        Raises
        ------
        InputError
            If neither is given, an edge or a weight is out of range, or a shape or type is another.
        """
        return shot_weights(self.weights, weight_bits=self.weight_bits, overrides=overrides, erasures=erasures)

    def to_json(self) -> str:
        """Return the spec as one line of JSON, which :meth:`from_json` reads."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        InputError
            If ``text`` is anything else.
        """
        try:
            values = json.loads(text)
            values["edges"] = tuple((u, v) for u, v in values["edges"])
            values["rounds"] = tuple(tuple(detectors) for detectors in values["rounds"])
            values |= {key: tuple(values[key]) for key in ("weights", "edge_observables", "flipped_edges")}
            return cls(**values)
        except InputError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"a union-find spec must be JSON that synfab wrote: {error!r}") from error

    def save(self, path: Path) -> Path:
        """Write the spec as JSON, whole or not at all."""
        return write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a spec that :meth:`save` wrote."""
        return cls.from_json(path.read_text())

    def __getstate__(self) -> dict:
        """Pickle the fields only; what is derived from them is made anew."""
        return {name: self.__dict__[name] for name in self.__dataclass_fields__}

    @cached_property
    def _compiled(self) -> "Graph":
        from synfab.decoders.union_find.tables import compiled

        return compiled(self)

    def _weight_rows(self, weights: npt.ArrayLike | None, num_shots: int) -> npt.NDArray[np.uint16]:
        return weight_rows(weights, num_shots=num_shots, num_edges=len(self.edges), weight_bits=self.weight_bits)
