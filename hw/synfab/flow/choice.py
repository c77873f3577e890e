# SPDX-License-Identifier: Apache-2.0
"""The choice of a design: the user says what must hold, measurements say which design holds it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from synfab.boards import Board, board
from synfab.errors import InputError
from synfab.flow.candidates import Area, Candidate, Cycles, Workbench
from synfab.flow.config import Config
from synfab.rtl.union_find.design import Design

STATISTICS = ("mean", "p50", "p99", "p99.9", "max")

# Up to so many detectors an element each may take fewer LUTs than shared ones; it is measured then in any case.
FEW_DETECTORS = 400


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What must hold; at least one of them.

    Attributes
    ----------
    fits : float or None
        Largest share of the board, of its LUTs as of its flip-flops and block RAMs.
    round_ns : float or None
        Time a round that decoding may take on average, so that no backlog arises: mean cycles of a block from its last
        round to its answer, over the rounds of a block, at the config's clock.
    latency_cycles : int or None
        Most cycles of a block.
    at : {"mean", "p50", "p99", "p99.9", "max"}
        Of which blocks ``latency_cycles`` must hold.

    Raises
    ------
    InputError
        If there is none, or one cannot be met by anything.
    """

    fits: float | None = None
    round_ns: float | None = None
    latency_cycles: int | None = None
    at: str = "max"

    def __post_init__(self) -> None:
        given = {"fits": self.fits, "round_ns": self.round_ns, "latency_cycles": self.latency_cycles}
        if all(value is None for value in given.values()):
            raise InputError(
                "a choice must have one of --fits, --round-ns and --latency-cycles, not none; say what must hold"
            )
        for name, value in given.items():
            if value is not None and not value > 0:
                raise InputError(f"{name} must be above 0, not {value!r}; nothing takes less")
        if self.at not in STATISTICS:
            raise InputError(f"at must be one of {', '.join(map(repr, STATISTICS))}, not {self.at!r}")

    @property
    def number(self) -> int:
        """How many demands there are."""
        return sum(value is not None for value in (self.fits, self.round_ns, self.latency_cycles))

    @property
    def are_about_time(self) -> bool:
        """Whether there is more than the size to hold."""
        return self.round_ns is not None or self.latency_cycles is not None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen, and what was measured on the way.

    Attributes
    ----------
    design : Design
    candidates : tuple of Candidate
        Those that were measured, the fastest first.
    """

    design: Design
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True)
class Chooser:
    """Finds the design of a config that holds the demands: the smallest one, or if only the size matters the fastest.

    Cycles grow with the detectors an element, and LUTs shrink up to the smallest design, so the boundary is found by
    bisection. Beyond the smallest one only cycles grow: such designs are left out.

    Parameters
    ----------
    config : Config
    demands : Demands
    workbench : Workbench
        Measures the candidates.
    """

    config: Config
    demands: Demands
    workbench: Workbench
    measured: dict[Design, Candidate] = field(default_factory=dict)

    def choose(self) -> Choice:
        """Measure until the answer stands.

        Raises
        ------
        InputError
            If no design holds the demands: how far the nearest one is.
        """
        design = self._fastest_that_fits() if not self.demands.are_about_time else self._smallest_in_time()
        if design is None:
            raise InputError(self._refusal())
        self._area(design)
        self._cycles(design)
        return Choice(design=design, candidates=tuple(self.candidates()))

    def candidates(self) -> Iterator[Candidate]:
        """Yield what was measured, the fastest design first."""
        for design in (*self._spatial(4, 2, 1), *self._shared):
            if design in self.measured:
                yield self.measured[design]

    def excess(self, candidate: Candidate) -> dict[str, float]:
        """Return by demand how many times its limit a candidate takes, as far as it was measured."""
        found: dict[str, float] = {}
        demands, area, cycles = self.demands, candidate.area, candidate.cycles
        if demands.fits is not None and area:
            found["fits"] = area.largest_share(self._board)[1] / demands.fits
        if demands.round_ns is not None and cycles:
            found["round_ns"] = self.round_ns(cycles) / demands.round_ns
        if demands.latency_cycles is not None and cycles:
            found["latency_cycles"] = cycles.at(demands.at) / demands.latency_cycles
        return found

    def round_ns(self, cycles: Cycles) -> float:
        """Return the mean time of decoding over the rounds of a block."""
        return cycles.mean / len(self.workbench.spec.rounds) * 1000 / self.config.target.clock_mhz

    @property
    def _board(self) -> Board:
        return board(self.config.target.board)

    def _fastest_that_fits(self) -> Design | None:
        (spatial,) = self._spatial(1)
        if self._is_small(spatial):
            return spatial
        number = _first(self._shared, self._is_small)
        return None if number is None else self._shared[number]

    def _smallest_in_time(self) -> Design | None:
        # The last one in time is the smallest; all others are larger.
        found = [design for design in self._shared[: self._number_in_time()][-1:] if self._is_small(design)]
        (spatial,) = self._spatial(1)
        if not found or self.workbench.spec.num_detectors <= FEW_DETECTORS:
            found += [design for design in [spatial] if self._is_quick(design) and self._is_small(design)]
        if not found and self.demands.latency_cycles is not None:
            found += [design for design in self._spatial(2, 4) if self._is_quick(design) and self._is_small(design)][:1]
        return min(found, key=lambda design: self._area(design).lut, default=None)

    def _number_in_time(self) -> int:
        """Return how many of the shared designs, from the fastest, hold the demands on time."""
        slow = _first(self._shared, lambda design: not self._is_quick(design))
        return len(self._shared) if slow is None else slow

    def _spatial(self, *hops: int) -> list[Design]:
        own = self.config.decoder
        return [Design(hops=h, corrections=own.corrections, runtime_weights=own.runtime_weights) for h in hops]

    @cached_property
    def _shared(self) -> list[Design]:
        """One, two, four ... detectors an element, up to the smallest design; none with weights at run time."""
        if self.config.decoder.runtime_weights:
            return []
        most = self.workbench.spec.num_detectors
        numbers = sorted({*(1 << k for k in range((most - 1).bit_length())), most})
        corrections = self.config.decoder.corrections
        designs = [
            Design(micro_architecture="shared", detectors_per_element=number, corrections=corrections)
            for number in numbers
        ]
        while len(designs) > 1 and self._area(designs[-2]).lut <= self._area(designs[-1]).lut:
            designs.pop()
        return designs

    def _area(self, design: Design) -> Area:
        found = self.measured.setdefault(design, Candidate(design=design))
        if found.area is None:
            found.area = self.workbench.area(design)
        return found.area

    def _cycles(self, design: Design) -> Cycles:
        found = self.measured.setdefault(design, Candidate(design=design))
        if found.cycles is None:
            found.cycles = self.workbench.cycles(design)
        return found.cycles

    def _is_small(self, design: Design) -> bool:
        self._area(design)
        return self.excess(self.measured[design]).get("fits", 0.0) <= 1

    def _is_quick(self, design: Design) -> bool:
        self._cycles(design)
        times = {key: times for key, times in self.excess(self.measured[design]).items() if key != "fits"}
        return max(times.values()) <= 1

    def _refusal(self) -> str:
        """Return the sentence that nothing holds the demands; the nearest is the one that misses least."""
        if self.demands.are_about_time and self.demands.fits is not None:
            # On both sides of the boundary.
            quick = self._number_in_time()
            for design in (*self._shared[max(0, quick - 1) : quick + 1], *self._spatial(1)):
                self._area(design)
                self._cycles(design)
        complete = [found for found in self.measured.values() if len(self.excess(found)) == self.demands.number]
        nearest = min(complete, key=lambda found: max(self.excess(found).values()))
        wanted, takes = zip(*self._phrases(nearest), strict=True)
        return (
            f"a design must take at most {' and '.join(wanted)}, but the nearest, {nearest.name}, takes "
            f"{' and '.join(takes)}; relax a demand, take a larger board or a faster clock, or a smaller code"
        )

    def _phrases(self, candidate: Candidate) -> Iterator[tuple[str, str]]:
        demands, area, cycles = self.demands, candidate.area, candidate.cycles
        if demands.fits is not None and area:
            resource, share = area.largest_share(self._board)
            yield f"{demands.fits:.4g} of {self._board.name}", f"{share:.3g} of its {resource.upper()}"
        if demands.round_ns is not None and cycles:
            yield f"{demands.round_ns:,.5g} ns a round", f"{self.round_ns(cycles):,.3g} ns a round"
        if demands.latency_cycles is not None and cycles:
            yield f"{demands.latency_cycles:,} cycles ({demands.at})", f"{cycles.at(demands.at):,.4g} cycles"


def _first(designs: Sequence[Design], holds: Callable[[Design], bool]) -> int | None:
    """Return the position of the first design for which ``holds``, if it holds for all after it, by bisection."""
    low, high = 0, len(designs)
    while low < high:
        middle = (low + high) // 2
        if holds(designs[middle]):
            high = middle
        else:
            low = middle + 1
    return low if low < len(designs) else None


def decoder_keys(design: Design) -> dict[str, Any]:
    """Return the keys of ``[decoder]`` that make a config's design this one."""
    return {
        "micro_architecture": design.micro_architecture,
        "hops": design.hops,
        "detectors_per_element": design.detectors_per_element,
    }
