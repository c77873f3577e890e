# SPDX-License-Identifier: Apache-2.0
"""Memory experiments: one logical patch, kept for some rounds and read out."""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import stim

from synfab.circuits.extraction import Extraction
from synfab.circuits.layout import Basis, rotated, toric, xzzx
from synfab.circuits.parameters import require_choice, require_integer, require_probability
from synfab.circuits.pauli_extraction import PauliExtraction
from synfab.circuits.pauli_noise import PauliNoise
from synfab.circuits.strengths import NoiseModel, NoiseStrengths
from synfab.errors import InputError

Code = Literal["rotated_surface", "unrotated_surface", "repetition", "toric", "xzzx"]

_STIM_NAMES = {
    ("rotated_surface", "X"): "surface_code:rotated_memory_x",
    ("rotated_surface", "Z"): "surface_code:rotated_memory_z",
    ("unrotated_surface", "X"): "surface_code:unrotated_memory_x",
    ("unrotated_surface", "Z"): "surface_code:unrotated_memory_z",
    ("repetition", "Z"): "repetition_code:memory",
}
_LAYOUTS = {"toric": toric, "xzzx": xzzx}


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory experiment of one code under one noise model with one strength.

    Attributes
    ----------
    code : {"rotated_surface", "unrotated_surface", "repetition", "toric", "xzzx"}
        The first three are Stim's own generated circuits; toric (two observables) and xzzx (rotated) follow the
        same conventions.
    distance : int
        At least 2. The fewest graphlike errors that flip an observable unseen, under each of the noise models.
    rounds : int or None
        Rounds of syndrome extraction before the read-out; None takes ``distance``, or 1 for code_capacity, which
        has no other.
    basis : {"X", "Z"}
        The logical basis prepared and read out; the repetition code has Z alone.
    noise : {"circuit", "phenomenological", "code_capacity"} or PauliNoise
        circuit: ``p`` at each of the four places of :class:`NoiseStrengths`.
        phenomenological: DEPOLARIZE1(p) on the data before each round, and a flip with ``p`` before each
        measurement, the data's read-out included; gates and resets are perfect.
        code_capacity: DEPOLARIZE1(p) on the data once, everything else perfect. The read-out could only repeat the
        round's outcomes, so its detectors are not declared.
        A data qubit that depolarizes with ``p`` flips as one type of check sees it with 2p/3.
        A :class:`PauliNoise` has its own 25 probabilities; for the rotated surface code, whose circuit then is
        :class:`synfab.circuits.PauliExtraction`'s.
    p : float
        Above 0 and at most 0.5; with a :class:`PauliNoise` it has no meaning and stays away (0).

    Raises
    ------
    InputError
        If a parameter is out of range or two do not go together; the sentence begins with the parameter's name.
    """

    code: Code
    distance: int
    rounds: int | None = None
    basis: Basis = "Z"
    noise: NoiseModel | PauliNoise = "circuit"
    p: float = 0.0

    def __post_init__(self) -> None:
        require_choice("code", self.code, get_args(Code))
        require_integer("distance", self.distance, 2)
        if isinstance(self.noise, PauliNoise):
            self._require_room_for_pauli_noise()
        else:
            require_choice("noise", self.noise, get_args(NoiseModel))
        if self.rounds is None:
            object.__setattr__(self, "rounds", 1 if self.noise == "code_capacity" else self.distance)
        require_integer("rounds", self.rounds, 1)
        if self.noise == "code_capacity" and self.rounds != 1:
            raise InputError(
                f"rounds must be 1 with code_capacity noise, whose measurements are perfect, not {self.rounds!r}: "
                "leave it out, or choose phenomenological noise"
            )
        require_choice("basis", self.basis, get_args(Basis))
        if self.code == "repetition" and self.basis != "Z":
            raise InputError(
                f"basis must be 'Z' for the repetition code, which protects that basis alone, not {self.basis!r}: "
                "choose 'Z' or a surface code"
            )
        if not isinstance(self.noise, PauliNoise):
            require_probability("p", self.p)

    def _require_room_for_pauli_noise(self) -> None:
        if self.code != "rotated_surface":
            raise InputError(
                f"code must be 'rotated_surface' with a PauliNoise, not {self.code!r}: choose that code or a noise "
                "model by name"
            )
        if self.p:
            raise InputError(
                f"p must stay away with a PauliNoise, which has 25 probabilities of its own, not {self.p!r}: leave it "
                "out, or take PauliNoise.depolarizing(p)"
            )

    def circuit(self) -> stim.Circuit:
        """Return the noisy circuit.

        Detectors stand at (x, y, t), for the repetition code at (x, t), with t the round, non-decreasing from
        detector to detector; the read-out's have t = ``rounds``.
        """
        assert self.rounds is not None
        if isinstance(self.noise, PauliNoise):
            extraction = PauliExtraction(layout=rotated(self.distance), basis=self.basis, noise=self.noise)
            return extraction.memory(self.rounds)
        strengths = NoiseStrengths.of(self.noise, self.p)
        if self.code in _LAYOUTS:
            layout = _LAYOUTS[self.code](self.distance)
            circuit = Extraction(layout=layout, basis=self.basis, strengths=strengths).memory(self.rounds)
        else:
            circuit = stim.Circuit.generated(
                _STIM_NAMES[self.code, self.basis],
                distance=self.distance,
                rounds=self.rounds,
                **asdict(strengths),
            )
        return _without_read_out_detectors(circuit) if self.noise == "code_capacity" else circuit

    def dem(self) -> stim.DetectorErrorModel:
        """Return the circuit's detector error model, decomposed into components of one or two detectors.

        The Paulis of a :class:`PauliNoise` that exclude each other count as independent.
        """
        disjoint = isinstance(self.noise, PauliNoise)
        return self.circuit().detector_error_model(decompose_errors=True, approximate_disjoint_errors=disjoint)


def _without_read_out_detectors(circuit: stim.Circuit) -> stim.Circuit:
    """Return ``circuit`` without the detectors after its last measurement."""
    measured = max(k for k in range(len(circuit)) if circuit[k].name in ("M", "MX", "MR"))
    kept = stim.Circuit()
    for k in range(len(circuit)):
        if k < measured or circuit[k].name != "DETECTOR":
            kept.append(circuit[k])
    return kept
