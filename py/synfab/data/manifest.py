# SPDX-License-Identifier: Apache-2.0
"""What a folder of samples says of itself: the circuit, the noise, the arrays, the parts that are there."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synfab.artefact import digest
from synfab.circuits import Memory, PauliNoise
from synfab.circuits.layout import Basis
from synfab.circuits.parameters import require_choice, require_integer
from synfab.errors import InputError
from synfab.predecoder.labels import SHOTS_PER_WORD
from synfab.predecoder.layouts import layout_by_name
from synfab.predecoder.volume import Volume

Storage = Literal["webdataset", "zarr"]

FILE = "manifest.json"

ARRAYS: dict[Storage, dict[str, str]] = {
    "webdataset": {
        "detectors": "uint64 (2, layers, checks, words): species, layer, check; shot 64 w + b is bit b of word w",
        "sites": "uint64 (sites, words): data flips (2, layers, data), then measurement flips (2, layers, checks)",
        "observables": "uint64 (1, words)",
    },
    "zarr": {
        "detectors": "bool (shots, 2, layers, checks): species (X checks, Z checks), layer, check",
        "data": "bool (shots, 2, layers, data): flips that each species sees: Z flips, X flips",
        "timelike": "bool (shots, 2, layers, checks): measurement flips",
        "observables": "bool (shots, 1)",
    },
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Record):
    """A shard, or a range of the Zarr arrays: what is written in one go."""

    name: str = Field(description="File name of the shard; of a range its first and last shot")
    seed: int = Field(ge=0, description="Of Stim's simulator")
    shots: int = Field(ge=1)
    sha256: str = Field(description="Of the shard's bytes; of a range, of its words")
    counts: Mapping[str, int] = Field(description="Ones in each array, over all shots")


class Manifest(_Record):
    """The whole file, ``manifest.json``."""

    schema_version: Literal["1.0.0"] = Field(default="1.0.0", description="Version of this schema")
    storage: Storage
    distance: int
    rounds: int
    basis: Basis
    noise: Mapping[str, float | str] = Field(description="The noise model and its probabilities")
    circuit: str = Field(description="As Stim writes it, probabilities with six digits; this is what was sampled")
    circuit_sha256: str
    layout: str = Field(description="Planes that the samples are meant for; any other of the same distance will do")
    layout_sha256: str = Field(description="Of its tables")
    reach: int = Field(ge=0, description="Of the homological equivalence; 0: labels as they happened")
    seed: int = Field(ge=0, description="From which the seeds of the parts follow")
    part_shots: int = Field(ge=1)
    arrays: Mapping[str, str]
    tools: Mapping[str, str] = Field(description="Version of each tool that took part")
    parts: tuple[Part, ...] = ()

    @property
    def shots(self) -> int:
        """Of all parts."""
        return sum(part.shots for part in self.parts)

    @property
    def volume(self) -> Volume:
        """What the places of the arrays are."""
        return Volume(distance=self.distance, rounds=self.rounds, basis=self.basis)

    @property
    def stem(self) -> str:
        """A short name of the problem, without a dot, for file names and WebDataset keys (which end at the first)."""
        noise = dict(self.noise)
        model = str(noise.pop("model"))
        strength = _without_dot(float(noise["p"])) if "p" in noise else digest(noise)[:8]
        return f"d{self.distance}-r{self.rounds}-{self.basis.lower()}-{model}-p{strength}"

    @staticmethod
    def of(memory: Memory, *, storage: Storage, layout: str, reach: int, seed: int, part_shots: int) -> "Manifest":
        """Return the manifest of samples that are yet to be written.

        Raises
        ------
        InputError
            If a choice is none of those there are, or the experiment has no volume for a pre-decoder.
        """
        require_choice("storage", storage, get_args(Storage))
        require_integer("reach", reach, 0)
        require_integer("seed", seed, 0)
        require_integer("part_shots", part_shots, SHOTS_PER_WORD)
        if part_shots % SHOTS_PER_WORD:
            raise InputError(f"part_shots must be a multiple of {SHOTS_PER_WORD}, not {part_shots!r}")
        if memory.code != "rotated_surface":
            raise InputError(f"code must be 'rotated_surface' for samples of a pre-decoder, not {memory.code!r}")
        assert memory.rounds is not None
        volume = Volume(distance=memory.distance, rounds=memory.rounds, basis=memory.basis)
        circuit = str(memory.circuit())
        packages = ("synfab", "stim", "numpy", storage)
        return Manifest(
            storage=storage,
            distance=volume.distance,
            rounds=volume.rounds,
            basis=volume.basis,
            noise=_noise(memory),
            circuit=circuit,
            circuit_sha256=_sha256(circuit),
            layout=layout,
            layout_sha256=layout_by_name(layout, volume.distance).fingerprint,
            reach=reach,
            seed=seed,
            part_shots=part_shots,
            arrays=ARRAYS[storage],
            tools={name: version(name) for name in packages},
        )


def load_manifest(directory: Path) -> Manifest:
    """Read and check the manifest of a folder of samples.

    Raises
    ------
    InputError
        If there is none, or it contradicts itself or this version's layouts.
    """
    path = directory / FILE
    try:
        manifest = Manifest.model_validate_json(path.read_text())
    except OSError as error:
        raise InputError(
            f"{directory} must be a folder of samples with a {FILE}, as 'synfab data sample' writes it: {error}"
        ) from error
    except ValidationError as error:
        raise InputError(
            f"{path} must be a manifest that synfab wrote: {error.error_count()} faults, first: "
            f"{error.errors()[0]['msg']}"
        ) from error
    if _sha256(manifest.circuit) != manifest.circuit_sha256:
        raise InputError(f"{path} must name the SHA-256 of its own circuit; one of them was changed: sample anew")
    if layout_by_name(manifest.layout, manifest.distance).fingerprint != manifest.layout_sha256:
        raise InputError(
            f"the tables of the layout {manifest.layout!r} must be those of {path}, not others: read the samples with "
            f"synfab {manifest.tools.get('synfab', '?')}, or sample anew"
        )
    return manifest


def continued(found: Manifest, wanted: Manifest, directory: Path) -> Manifest:
    """Return ``found``, to be gone on with, if it is of the samples that are ``wanted``.

    Raises
    ------
    InputError
        If not; the sentence names what differs.
    """
    there, here = found.model_dump(exclude={"parts"}), wanted.model_dump(exclude={"parts"})
    differing = [name for name in here if there[name] != here[name]]
    if differing:
        name = differing[0]
        raise InputError(
            f"{directory} must hold samples whose {name} is {here[name]!r} to be gone on with, not {there[name]!r}: "
            "name another folder, or delete it"
        )
    return found


def _noise(memory: Memory) -> dict[str, float | str]:
    if isinstance(memory.noise, PauliNoise):
        p = memory.noise.depolarizing_strength
        named: dict[str, float | str] = {"model": "pauli"} if p is None else {"model": "depolarizing", "p": p}
        return named | asdict(memory.noise)
    return {"model": memory.noise, "p": memory.p}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _without_dot(value: float) -> str:
    """Write 0.0015 as 15e-4."""
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    return f"{''.join(map(str, digits))}e{exponent}"
