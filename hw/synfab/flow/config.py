# SPDX-License-Identifier: Apache-2.0
"""What a user asks for: a TOML file that names the problem, the decoder, the target and how much to check."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import stim
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from synfab.boards import boards
from synfab.circuits import Memory
from synfab.circuits.layout import Basis
from synfab.circuits.memory import Code
from synfab.circuits.strengths import NoiseModel
from synfab.errors import InputError
from synfab.flow.config_refusal import KeyRefusedError, content_refusal, syntax_refusal
from synfab.quantize import MAX_WEIGHT_BITS

if TYPE_CHECKING:
    from synfab.predecoder.evaluation import FollowUp
    from synfab.rtl.predecoder import Loaded
    from synfab.rtl.union_find.design import Design
    from synfab.surgery import Program


def _existing_file(path: Path, info: ValidationInfo) -> Path:
    """Take a relative path from the config's folder, and refuse one that leads nowhere."""
    full = (info.context or {}).get("folder", Path()) / path
    if not full.is_file():
        raise KeyRefusedError(f"must be the path of a file that exists, not {str(path)!r}; there is no {full}")
    return full


def _model(name: str, info: ValidationInfo) -> str:
    """Take a relative path from the config's folder; a name without a slash is one of the zoo."""
    if "/" not in name or name.startswith("hf:"):
        return name
    full = (info.context or {}).get("folder", Path()) / name
    if not full.is_dir():
        raise KeyRefusedError(f"must be a folder with a model, not {name!r}; there is no {full}")
    return str(full)


def _program(name: str, info: ValidationInfo) -> str:
    """Take a relative path from the config's folder; anything else is a name."""
    if "/" not in name and not name.endswith(".toml"):
        return name
    return str(_existing_file(Path(name), info))


def _known_board(name: str) -> str:
    if name not in boards():
        known = ", ".join(map(repr, boards()))
        raise KeyRefusedError(f"must be one of {known}, not {name!r}; 'synfab boards' describes each")
    return name


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise KeyRefusedError(
            f"must start with a letter or digit and go on with these, '_', '.' and '-', not {name!r}; "
            "files are called by it"
        )
    return name


def _no_duplicates(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise KeyRefusedError(f"must name each of them once, not {list(names)!r}")
    return names


def _refuse_key(make: Callable[[], object]) -> None:
    """Blame the key with whose name a constructor's sentence begins."""
    try:
        make()
    except InputError as error:
        key, sentence = str(error).split(maxsplit=1)
        raise KeyRefusedError(sentence, key) from error


ExistingFile = Annotated[Path, Field(strict=False), AfterValidator(_existing_file)]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class CodeSection(_Section):
    """A memory experiment, as :class:`synfab.circuits.Memory` has it."""

    code: Code
    """The code; toric and xzzx are synfab's own circuits, the others Stim's."""
    distance: int = Field(ge=2)
    """Code distance."""
    rounds: int | None = Field(default=None, ge=1)
    """Rounds of syndrome extraction; by default the distance, or 1 with code_capacity noise."""
    basis: Basis = "Z"
    """Logical basis that is prepared and read out."""
    noise: NoiseModel = "circuit"
    """Where errors happen: everywhere, on data and measurements, or on data alone."""
    p: float = Field(gt=0, le=0.5)
    """Strength of the noise."""

    @model_validator(mode="after")
    def _is_a_memory(self) -> "CodeSection":
        _refuse_key(self.memory)
        return self

    def memory(self) -> Memory:
        """Return the experiment."""
        return Memory(**self.model_dump())


class DecoderSection(_Section):
    """The union-find decoder."""

    weights: Literal["log_likelihood", "unit"] = "log_likelihood"
    """Edge weights: from the probabilities, or all alike."""
    weight_bits: int = Field(default=4, ge=2, le=MAX_WEIGHT_BITS)
    """Width of a log-likelihood weight."""
    corrections: bool = False
    """Whether the hardware also emits which edges it corrects."""
    micro_architecture: Literal["spatial", "shared"] = "spatial"
    """A processing element a detector, or one for several."""
    hops: int = Field(default=1, ge=1)
    """Of the spatial one: edges that clusters cross in a cycle."""
    detectors_per_element: int = Field(default=1, ge=1)
    """Of the shared one: at most so many detectors share an element."""
    runtime_weights: bool = False
    """Whether the hardware takes weights and erasures from a port; only the spatial one."""

    @model_validator(mode="after")
    def _is_a_design(self) -> "DecoderSection":
        _refuse_key(self.design)
        return self

    def design(self) -> "Design":
        """Return how the hardware is built."""
        # Only here: Amaranth is not light.
        from synfab.rtl.union_find.design import Design

        return Design(**self.model_dump(exclude={"weights", "weight_bits"}))


class PredecoderSection(_Section):
    """The pre-decoder in front of it: a net, and what is done with its logits."""

    model: Annotated[str, Field(min_length=1), AfterValidator(_model)]
    """A model of the zoo (``synfab zoo list``), hf:OWNER/NAME@REVISION, or a folder, with a slash in its path, as
    training leaves it; relative paths start at the config."""
    positions_per_cycle: int = Field(default=1, ge=1)
    """Of the net in hardware: positions of a plane that are worked on at a time; more are faster and larger."""
    weights: Literal["constant", "loaded"] = "constant"
    """The net's weights: built into the logic, or in memory, and exchanged through a port; see docs/predecoder.md."""
    multipliers: Literal["lut", "dsp"] = "dsp"
    """Of loaded weights; constant ones have no multipliers, and are logic."""
    cycles_per_beat: int = Field(default=1, ge=1)
    """With loaded weights: cycles that the positions worked on at a time take; so many times fewer multipliers."""
    commit: Literal["hard", "closed"] = "hard"
    """Flips that are more likely than not, or those of groups that explain all events they touch."""
    above: float = Field(default=0.0, ge=0)
    """A logit that a flip must exceed to be committed."""
    hints: bool = True
    """Whether the union-find is told of doubtful flips, two bits each."""

    @model_validator(mode="after")
    def _is_a_form(self) -> "PredecoderSection":
        for key in ("multipliers", "cycles_per_beat"):
            if self.weights == "constant" and key in self.model_fields_set:
                raise KeyRefusedError(
                    f'must come with weights = "loaded", not with constant ones, which have no multipliers; it is '
                    f"{getattr(self, key)!r}",
                    key,
                )
        return self

    def loaded(self) -> "Loaded | None":
        """Return how weights are held in memory, if they are."""
        from synfab.rtl.predecoder import Loaded

        if self.weights == "constant":
            return None
        return Loaded(multipliers=self.multipliers, cycles_per_beat=self.cycles_per_beat)

    def follow_up(self, weight_bits: int) -> "FollowUp":
        """Return what is done with the logits, before a union-find of such weights."""
        # Only here: few configs have a pre-decoder.
        from synfab.predecoder.evaluation import TWO_BIT_HINTS, FollowUp

        return FollowUp(
            commit=self.commit,
            above=self.above,
            hints=TWO_BIT_HINTS.hints if self.hints else (),
            all_of=True,
            weight_bits=weight_bits,
        )


class ProgramSection(_Section):
    """A lattice-surgery program, for the fusion fabric."""

    file: Annotated[str, Field(min_length=1), AfterValidator(_program)]
    """A program that comes with synfab, by its name, or the path of a TOML file, with a slash or .toml in it; relative
    paths start at the config."""
    distance: int | None = Field(default=None, ge=3)
    """In place of the program's; odd."""
    noise: Literal["phenomenological", "circuit"] = "phenomenological"
    """Where errors happen."""
    p: float = Field(gt=0, le=0.5)
    """Strength of the noise."""
    shots: int = Field(default=1_000, ge=1)
    """Shots that are played to the RTL, and compared with the reference."""
    slots: int = Field(default=2, ge=2)
    """Steps that the hardware holds: one is committed when so many less one came after it."""
    alone: Literal["block", "step"] = "block"
    """What grows before it is fused with more: every block, or all of a step together."""

    def program(self) -> "Program":
        """Return the program."""
        from synfab.surgery import Program

        loaded = Program.load(self.file)
        if self.distance is None:
            return loaded
        return Program.model_validate(loaded.model_dump(by_alias=True) | {"distance": self.distance})


class TargetSection(_Section):
    """What the hardware is for."""

    board: Annotated[str, AfterValidator(_known_board)] = Field(
        default="vmk180", json_schema_extra={"enum": list(boards())}
    )
    """Board, as ``synfab boards`` lists it."""
    clock_mhz: float = Field(default_factory=lambda target: boards()[target["board"]].default_clock_mhz, gt=0)
    """Clock of the decoder in MHz; by default the board's."""


class VerifySection(_Section):
    """How the RTL is compared with the reference."""

    shots: int = Field(default=10_000, ge=1)
    """Shots that must agree."""
    seed: int = Field(default=7, ge=0, le=2**63 - 1)
    """Seed of the sampled shots and of the random waits."""
    simulator: Literal["verilator", "icarus"] = "verilator"
    """What runs the RTL."""
    backpressure: bool = True
    """Whether both ends of the decoder wait at random."""
    search_shots: int = Field(default=0, ge=0)
    """Syndromes that a search for the slowest one tries on the RTL; 0: no search."""


class EstimateSection(_Section):
    """How yosys estimates resources."""

    flatten: Literal["auto"] | bool = "auto"
    """Whether modules are dissolved first: more exact, but slow for large designs."""


class SampleSection(_Section):
    """How logical error rates are measured."""

    shots: int = Field(default=100_000, ge=1)
    """Most shots a decoder."""
    max_errors: int = Field(default=1_000, ge=1)
    """Logical errors after which a decoder has been measured well enough."""
    decoders: Annotated[tuple[Literal["synfab", "pymatching"], ...], AfterValidator(_no_duplicates)] = Field(
        default=("synfab", "pymatching"), min_length=1, strict=False
    )
    """Who decodes: the decoder of this config, and whom to compare it with."""
    workers: int = Field(default=1, ge=1)
    """Processes that sample at the same time."""


class VivadoSection(_Section):
    """What the Vivado project needs beyond the board's own data."""

    pins: ExistingFile | None = None
    """XDC file with pin locations; relative paths start at the config."""


class Config(_Section):
    """A problem and what to do with it.

    Exactly one of ``code``, ``circuit_path`` (``circuit`` in TOML), ``dem_path`` (``dem``) and ``program`` is set.
    Frozen; paths are complete.
    """

    name: Annotated[str, AfterValidator(_file_name)] = Field(default="decoder")
    """What files and modules are called; by default the file name of the config."""
    code: CodeSection | None = None
    """A code that synfab or Stim makes a circuit of."""
    circuit_path: ExistingFile | None = Field(default=None, alias="circuit")
    """A Stim circuit; relative paths start at the config."""
    dem_path: ExistingFile | None = Field(default=None, alias="dem")
    """A Stim detector error model; relative paths start at the config."""
    program: ProgramSection | None = None
    """A lattice-surgery program."""
    decoder: DecoderSection = DecoderSection()
    """The decoder."""
    predecoder: PredecoderSection | None = None
    """The pre-decoder in front of it, if there is to be one."""
    target: TargetSection = TargetSection()
    """The board."""
    verify: VerifySection = VerifySection()
    """The comparison of RTL and reference."""
    estimate: EstimateSection = EstimateSection()
    """The resource estimate."""
    sample: SampleSection = SampleSection()
    """The logical error rates."""
    vivado: VivadoSection = VivadoSection()
    """The Vivado project."""

    @model_validator(mode="after")
    def _has_one_problem(self) -> "Config":
        sources = {"code": self.code, "circuit": self.circuit_path, "dem": self.dem_path, "program": self.program}
        given = [name for name, source in sources.items() if source is not None]
        if not given:
            raise KeyRefusedError("must have one of [code], circuit, dem and [program], not none; say what to decode")
        if len(given) > 1:
            *others, last = given
            raise KeyRefusedError(
                f"must be the only one of [code], circuit, dem and [program], not beside {' and '.join(others)}; "
                "leave one of them",
                last,
            )
        return self

    @model_validator(mode="after")
    def _program_fits(self) -> "Config":
        if self.program is None:
            return self
        wanted = DecoderSection(weights=self.decoder.weights, weight_bits=self.decoder.weight_bits)
        if self.decoder != wanted or self.predecoder is not None:
            raise KeyRefusedError(
                "must come with weights and weight_bits of the decoder alone, and without a predecoder: the fusion "
                "fabric has no more",
                "program",
            )
        return self

    @model_validator(mode="after")
    def _predecoder_fits(self) -> "Config":
        if self.predecoder is None:
            return self
        if self.dem_path is not None:
            raise KeyRefusedError(
                "must come with a [code] or a circuit, not with a dem, which does not say where checks stand",
                "predecoder",
            )
        wanted = DecoderSection(weight_bits=self.decoder.weight_bits, hops=self.decoder.hops)
        if self.decoder != wanted:
            raise KeyRefusedError(
                "must come before a spatial decoder of log-likelihood weights, without corrections or runtime_weights; "
                "only weight_bits and hops may be chosen",
                "predecoder",
            )
        if self.verify.search_shots:
            raise KeyRefusedError(
                f"must not come with verify.search_shots, which is {self.verify.search_shots}; the search is for the "
                "union-find alone",
                "predecoder",
            )
        return self

    def dem(self) -> tuple[stim.DetectorErrorModel, stim.Circuit | None]:
        """Return the detector error model, decomposed, and the circuit if there is one.

        Raises
        ------
        InputError
            If a file cannot be read as what it should be, or if the circuit has no graphlike error model; Stim's
            reason is part of the sentence.
        """
        if self.program is not None:
            raise InputError(
                "a [program] must be run as a whole, by 'synfab run', not step by step; it has no one model"
            )
        if self.dem_path is not None:
            return _stim_object(stim.DetectorErrorModel, self.dem_path, "a Stim detector error model"), None
        if self.code is not None:
            memory = self.code.memory()
            return memory.dem(), memory.circuit()
        assert self.circuit_path is not None
        circuit = _stim_object(stim.Circuit, self.circuit_path, "a Stim circuit")
        try:
            # Disjoint errors (PAULI_CHANNEL) as independent ones, which is what sinter does.
            dem = circuit.detector_error_model(decompose_errors=True, approximate_disjoint_errors=True)
        except ValueError as error:
            raise InputError(
                f"{self.circuit_path} must be a circuit whose errors decompose into edges of a decoding graph, but "
                f"Stim says: {_one_line(error)}"
            ) from error
        return dem, circuit


def _stim_object(kind: type, path: Path, noun: str) -> Any:
    try:
        return kind(path.read_text(encoding="utf-8"))
    # Stim raises IndexError for an unknown instruction or an open block of a detector error model.
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path} must be {noun}, but it cannot be read: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


Model = TypeVar("Model", bound=BaseModel)


def load_config(path: Path | str) -> Config:
    """Read a config; see :func:`load_model`."""
    return load_model(path, Config)


def load_model(path: Path | str, model: type[Model]) -> Model:
    """Read a TOML file; its ``name`` is the file's unless it has one.

    Raises
    ------
    InputError
        If it is not there, not TOML or not what ``model`` says. The one sentence names the file, and for every mistake
        the line, the key, what was expected and what came.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"a config must be a file that exists, not {str(path)!r}; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"a config must be a text file in UTF-8, not {str(path)!r}: {_one_line(error)}") from error
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        raise syntax_refusal(path, text, error) from error
    document.setdefault("name", re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem).lstrip("_.-") or "decoder")
    try:
        return model.model_validate(document, context={"folder": path.absolute().parent})
    except ValidationError as error:
        raise content_refusal(path, text, model.model_json_schema(by_alias=True), error) from error


def config_schema() -> dict[str, Any]:
    """Return the JSON schema of a config, keys as TOML has them."""
    return Config.model_json_schema(by_alias=True)
