# SPDX-License-Identifier: Apache-2.0
"""How much the benchmark of the union-find fabric measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import stim

from synfab.circuits import Memory, PhenomenologicalBlock
from synfab.decoders import UnionFindSpec
from synfab.dem import DecodingGraph
from synfab.flow.benchmarks.models import BlockName, Weights
from synfab.rtl.union_find.design import Design

OPEN: BlockName = "phenomenological, open start"
CLOSED: BlockName = "phenomenological, closed start"
CIRCUIT: BlockName = "circuit-level"
WEIGHT_BITS = 4


@dataclass(frozen=True, kw_only=True)
class Block:
    """What is decoded.

    Attributes
    ----------
    block : str
        ``phenomenological, open start`` is the block that Helios decodes: its first round has edges to the boundary.
        All hold the stabilizers of one type, those that see the observable.
    weights : {"unit", "log_likelihood"}
    distance : int
    """

    block: BlockName
    weights: Weights
    distance: int

    def dem(self, p: float) -> stim.DetectorErrorModel:
        """Return the detector error model."""
        if self.block == CIRCUIT:
            circuit = Memory(code="rotated_surface", distance=self.distance, p=p).circuit()
            return _of_one_type(circuit).detector_error_model(decompose_errors=True)
        return PhenomenologicalBlock(distance=self.distance, p=p, open_start=self.block == OPEN).dem()

    def spec(self, p: float) -> UnionFindSpec:
        """Return the spec; with unit weights it does not depend on ``p``."""
        return UnionFindSpec.compile(DecodingGraph.from_dem(self.dem(p)), weights=self.weights, weight_bits=WEIGHT_BITS)


def _of_one_type(circuit: stim.Circuit) -> stim.Circuit:
    """Return a memory circuit with the detectors of that type only that is deterministic in its first round."""
    kept = {(x, y) for x, y, t in circuit.get_detector_coordinates().values() if t == 0}
    one_type = stim.Circuit()
    for instruction in circuit.flattened():
        assert isinstance(instruction, stim.CircuitInstruction)
        if instruction.name != "DETECTOR" or tuple(instruction.gate_args_copy()[:2]) in kept:
            one_type.append(instruction)
    return one_type


@dataclass(frozen=True, kw_only=True)
class Study:
    """Some blocks, each with some designs.

    Attributes
    ----------
    block, weights, distances
        Blocks; a point for each distance.
    designs : sequence of Design
    probabilities : sequence of float
        Error rates at which cycles are counted.
    gaps : sequence of int
        Cycles between rounds.
    own_weights : bool
        Whether every block brings some weights and erasures of its own.
    area : bool
        Whether the fabrics are synthesized, too.
    loop : bool
        Whether the speed of the RTL in the loop is measured, too.
    max_shots : int or None
        Fewer shots than a point would have.
    """

    block: BlockName
    weights: Weights
    distances: Sequence[int]
    designs: Sequence[Design] = (Design(),)
    probabilities: Sequence[float] = (0.001, 0.005, 0.01)
    gaps: Sequence[int] = (0,)
    own_weights: bool = False
    area: bool = False
    loop: bool = False
    max_shots: int | None = None

    def blocks(self) -> list[Block]:
        """Return the blocks."""
        return [Block(block=self.block, weights=self.weights, distance=d) for d in self.distances]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """All studies, and the shots of a point by its error rate: as many as Helios' figures are of."""

    studies: Sequence[Study]
    shots: Callable[[float], int] = field(default=lambda p: 1_000_000 if p < 0.003 else 50_000)


def shared(*numbers: int) -> list[Design]:
    """Return shared designs with so many detectors an element."""
    return [Design(micro_architecture="shared", detectors_per_element=n) for n in numbers]


HOPS = (Design(hops=2), Design(hops=4))
WEIGHTS = Design(runtime_weights=True)
TWO_HOPS_AND_WEIGHTS = Design(hops=2, runtime_weights=True)
OPTIONS = (Design(corrections=True), WEIGHTS)
UNIT_AND_WEIGHTED: tuple[tuple[BlockName, Weights], ...] = ((OPEN, "unit"), (CIRCUIT, "log_likelihood"))
# By distance, up to a plane and the whole block.
DETECTORS_PER_ELEMENT = {
    5: (1, 2, 4, 12, 60),
    7: (1, 2, 4, 8, 24, 168),
    9: (4, 8, 40, 360),
    13: (8, 28, 84, 1092),
    17: (16, 48, 144, 2448),
    21: (32, 220, 4620),
}

FULL = Extent(
    studies=(
        Study(block=OPEN, weights="unit", distances=(3, 5, 7), area=True, loop=True),
        Study(block=CIRCUIT, weights="log_likelihood", distances=(3, 5, 7)),
        Study(block=CLOSED, weights="unit", distances=(3, 5, 7)),
        Study(block=OPEN, weights="unit", distances=(3, 5), designs=HOPS, area=True),
        Study(block=OPEN, weights="unit", distances=(7,), designs=HOPS[:1], area=True),
        Study(block=OPEN, weights="unit", distances=(7,), designs=HOPS[1:]),
        Study(block=OPEN, weights="unit", distances=(5, 7), gaps=(100,), max_shots=100_000),
        Study(block=OPEN, weights="unit", distances=(9,), loop=True),
        Study(
            block=OPEN,
            weights="unit",
            distances=(3, 5, 7),
            designs=OPTIONS,
            probabilities=(0.001,),
            area=True,
            max_shots=100_000,
        ),
        Study(
            block=CIRCUIT,
            weights="log_likelihood",
            distances=(3, 5),
            designs=(Design(), *OPTIONS),
            probabilities=(0.001,),
            area=True,
            max_shots=100_000,
        ),
        *(
            Study(
                block=block,
                weights=weights,
                distances=(3, 5),
                designs=(WEIGHTS,),
                probabilities=(0.001,),
                own_weights=True,
                max_shots=100_000,
            )
            for block, weights in UNIT_AND_WEIGHTED
        ),
        *(
            Study(
                block=OPEN,
                weights="unit",
                distances=(d,),
                designs=shared(*n),
                area=True,
                max_shots=10_000 if d < 13 else 2_000,
            )
            for d, n in DETECTORS_PER_ELEMENT.items()
        ),
        Study(block=OPEN, weights="unit", distances=(11, 13)),
        Study(block=OPEN, weights="unit", distances=(9, 11), designs=HOPS[:1]),
        Study(block=CLOSED, weights="unit", distances=(9, 11)),
        Study(block=CLOSED, weights="unit", distances=(13,), max_shots=100_000),
        Study(block=CIRCUIT, weights="unit", distances=(3, 5, 7), area=True),
        Study(block=CIRCUIT, weights="unit", distances=(9, 11, 13), max_shots=100_000),
        # One fabric for all error rates.
        *(
            Study(block=CIRCUIT, weights="log_likelihood", distances=(d,), designs=(WEIGHTS,), max_shots=shots)
            for d, shots in ((3, 100_000), (5, 100_000), (7, 100_000), (9, 100_000), (11, 100_000))
        ),
        *(
            Study(
                block=CIRCUIT,
                weights="log_likelihood",
                distances=(13,),
                designs=(WEIGHTS, TWO_HOPS_AND_WEIGHTS),
                probabilities=probabilities,
                max_shots=shots,
            )
            for probabilities, shots in (((0.005, 0.01), 10_000), ((0.001,), 100_000))
        ),
        Study(
            block=CIRCUIT,
            weights="log_likelihood",
            distances=(3, 5, 7, 9, 11),
            designs=(TWO_HOPS_AND_WEIGHTS,),
            max_shots=100_000,
        ),
        Study(block=OPEN, weights="unit", distances=(9,), area=True),
        Study(block=OPEN, weights="unit", distances=(13,), designs=HOPS[:1]),
    )
)
QUICK = Extent(
    studies=(Study(block=OPEN, weights="unit", distances=(3,), probabilities=(0.01,), area=True),),
    shots=lambda p: 2_000,
)
