# SPDX-License-Identifier: Apache-2.0
"""Configs: the examples, the defaults, and a sentence with file and line for everything that can be wrong."""

import pickle
import tomllib
from pathlib import Path

import jsonschema
import pytest
import stim
from pydantic import ValidationError

from synfab.boards import boards
from synfab.circuits import Memory
from synfab.errors import InputError
from synfab.flow.config import Config, config_schema, load_config, load_model
from synfab.predecoder.training.config import TrainingConfig
from synfab.rtl.union_find.design import Design

EXAMPLES = Path(__file__).parents[2] / "examples"

CODE = '[code]\ncode = "rotated_surface"\ndistance = 3\np = 0.001\n'


@pytest.fixture
def config_file(tmp_path):
    def write(text: str, name: str = "my.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_config(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_load_and_fit_the_published_schema(path):
    config = load_config(path)
    assert config.name == path.stem
    if config.program is not None:
        assert config.program.program().distance == config.program.distance
    else:
        assert config.dem()[0].num_observables == 1
    jsonschema.validate(tomllib.loads(path.read_text()), config_schema())


def test_memory_d5():
    config = load_config(EXAMPLES / "memory_d5.toml")
    assert config.code is not None
    assert config.code.memory() == Memory(
        code="rotated_surface", distance=5, rounds=5, basis="Z", noise="circuit", p=0.001
    )
    assert (config.decoder.weights, config.target.board, config.verify.shots) == ("log_likelihood", "vmk180", 10_000)
    dem, circuit = config.dem()
    assert circuit == config.code.memory().circuit()
    assert dem == config.code.memory().dem()


def test_repetition_d3():
    config = load_config(EXAMPLES / "repetition_d3.toml")
    assert (config.decoder.weights, config.decoder.corrections) == ("unit", True)
    assert config.dem()[0].num_detectors == 8


def test_from_dem():
    dem, circuit = load_config(EXAMPLES / "from_dem.toml").dem()
    assert circuit is None
    assert dem == stim.DetectorErrorModel.from_file(EXAMPLES / "from_dem.dem")


def test_defaults(config_file):
    config = load_config(config_file(CODE, "half a-config.v2.toml"))
    assert config.name == "half_a-config.v2"
    assert config.target.clock_mhz == boards()["vmk180"].default_clock_mhz
    assert config.model_dump(exclude={"name", "code", "target"}) == {
        "circuit_path": None,
        "dem_path": None,
        "decoder": {
            "weights": "log_likelihood",
            "weight_bits": 4,
            "corrections": False,
            "micro_architecture": "spatial",
            "hops": 1,
            "detectors_per_element": 1,
            "runtime_weights": False,
        },
        "program": None,
        "predecoder": None,
        "verify": {
            "shots": 10_000,
            "seed": 7,
            "simulator": "verilator",
            "backpressure": True,
            "search_shots": 0,
        },
        "estimate": {"flatten": "auto"},
        "sample": {"shots": 100_000, "max_errors": 1_000, "decoders": ("synfab", "pymatching"), "workers": 1},
        "vivado": {"pins": None},
    }


def test_design(config_file):
    assert load_config(config_file(CODE)).decoder.design() == Design()
    shared = '[decoder]\nmicro_architecture = "shared"\ndetectors_per_element = 4\ncorrections = true\n'
    assert load_config(config_file(CODE + shared)).decoder.design() == Design(
        micro_architecture="shared", detectors_per_element=4, corrections=True
    )
    spatial = load_config(config_file(f"{CODE}[decoder]\nhops = 2\nruntime_weights = true\n"))
    assert spatial.decoder.design() == Design(hops=2, runtime_weights=True)


def test_clock_is_the_boards(config_file):
    for board in boards().values():
        config = load_config(config_file(f'{CODE}[target]\nboard = "{board.name}"\n'))
        assert config.target.clock_mhz == board.default_clock_mhz


def test_frozen_and_pickles(config_file):
    config = load_config(config_file(CODE))
    assert pickle.loads(pickle.dumps(config)) == config
    with pytest.raises(ValidationError):
        config.name = "other"


@pytest.mark.parametrize(("flatten", "value"), [("true", True), ("false", False), ('"auto"', "auto")])
def test_flatten(config_file, flatten, value):
    config = load_config(config_file(f"{CODE}[estimate]\nflatten = {flatten}\n"))
    assert config.estimate.flatten is value or config.estimate.flatten == value == "auto"


@pytest.fixture
def problem(tmp_path) -> Memory:
    memory = Memory(code="xzzx", distance=3, p=0.01)
    (tmp_path / "sub").mkdir()
    memory.circuit().to_file(tmp_path / "sub" / "my.stim")
    memory.dem().to_file(tmp_path / "sub" / "my.dem")
    return memory


def test_circuit_beside_the_config(config_file, problem, monkeypatch, tmp_path):
    config_file('circuit = "sub/my.stim"\n[vivado]\npins = "my.toml"')
    monkeypatch.chdir(tmp_path)
    config = load_config("my.toml")
    assert config.circuit_path == tmp_path / "sub" / "my.stim"
    assert config.vivado.pins == tmp_path / "my.toml"
    monkeypatch.chdir("/")
    assert config.dem() == (problem.dem(), problem.circuit())


def test_dem_by_its_full_path(config_file, problem, tmp_path):
    dem, circuit = load_config(config_file(f'dem = "{tmp_path / "sub" / "my.dem"}"')).dem()
    assert dem == stim.DetectorErrorModel.from_file(tmp_path / "sub" / "my.dem")
    assert circuit is None


def test_circuit_with_disjoint_errors(config_file, tmp_path):
    """Biased noise is written with PAULI_CHANNEL, whose errors Stim takes as independent if told so, as sinter does."""
    (tmp_path / "biased.stim").write_text("PAULI_CHANNEL_1(0.1, 0, 0.2) 0\nM 0\nDETECTOR rec[-1]")
    dem, _ = load_config(config_file('circuit = "biased.stim"')).dem()
    assert dem == stim.DetectorErrorModel("error(0.1) D0")


KEYS_OF_CODE = "code, distance, rounds, basis, noise, p"
KEYS_ON_TOP = "name, code, circuit, dem, program, decoder, predecoder, target, verify, estimate, sample, vivado"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        # Not TOML.
        (
            "[code]\ndistance : 3\n",
            "2: the line must be TOML, not 'distance : 3': expected '=' after a key in a key/value pair",
        ),
        ('name = "x', "1: the line must be TOML, not 'name = \"x': unterminated string"),
        ("a = 1\na = 2\n", "2: the line must be TOML, not 'a = 2': cannot overwrite a value"),
        # No problem, or two.
        ("", "1: the config must have one of [code], circuit, dem and [program], not none; say what to decode"),
        (
            f'\ndem = "my.toml"\n{CODE}',
            "2: dem must be the only one of [code], circuit, dem and [program], not beside code; leave one of them",
        ),
        # Keys that are missing, unknown or misplaced.
        (
            '# c\n[code]\ncode = "toric"\ndistance = 3\n',
            "2: [code] must have the key 'p', a number above 0 and at most 0.5; add it",
        ),
        (
            CODE.replace("distance", "distnace"),
            "1: [code] must have the key 'distance', an integer of at least 2; add it; and "
            f"line 3: a key of [code] must be one of {KEYS_OF_CODE}, not 'distnace'; did you mean 'distance'?",
        ),
        (
            f"{CODE}[targets]\n",
            f"5: a key of the top level must be one of {KEYS_ON_TOP}, not 'targets'; did you mean 'target'?",
        ),
        (f"{CODE}zzz = 1\n", f"5: a key of [code] must be one of {KEYS_OF_CODE}, not 'zzz'; remove it"),
        (
            f'{CODE}[vivado]\ndem = "x"\n',
            "6: a key of [vivado] must be one of pins, not 'dem', which belongs above the first table",
        ),
        # Values.
        ("code = 5\n", "1: code must be a table, not 5"),
        (CODE + "[decoder]\nweights = 4", "6: decoder.weights must be one of 'log_likelihood', 'unit', not 4"),
        (CODE + "[decoder]\nweight_bits = 1", "6: decoder.weight_bits must be an integer from 2 to 16, not 1"),
        (CODE + "[decoder]\nweight_bits = true", "6: decoder.weight_bits must be an integer from 2 to 16, not true"),
        (CODE + "[decoder]\ncorrections = 1", "6: decoder.corrections must be true or false, not 1"),
        (
            CODE + '[decoder]\nmicro_architecture = "serial"',
            "6: decoder.micro_architecture must be one of 'spatial', 'shared', not 'serial'",
        ),
        (CODE + "[decoder]\nhops = 0", "6: decoder.hops must be an integer of at least 1, not 0"),
        (
            CODE + "[decoder]\ndetectors_per_element = 4",
            "6: decoder.detectors_per_element must be 1 for the spatial micro-architecture, not 4; the shared one has "
            "more",
        ),
        (
            CODE + '[decoder]\nhops = 2\nmicro_architecture = "shared"',
            "6: decoder.hops must be 1 for the shared micro-architecture, not 2",
        ),
        (
            CODE + '[decoder]\nmicro_architecture = "shared"\nruntime_weights = true',
            "7: decoder.runtime_weights must be false for the shared micro-architecture, not true; the spatial one has "
            "them",
        ),
        (
            CODE.replace("3", "3.0"),
            "3: code.distance must be an integer of at least 2, not 3.0",
        ),
        (
            CODE.replace("rotated", "round"),
            "2: code.code must be one of 'rotated_surface', 'unrotated_surface', 'repetition', 'toric', 'xzzx', not "
            "'round_surface'",
        ),
        (CODE.replace("0.001", "0.7"), "4: code.p must be a number above 0 and at most 0.5, not 0.7"),
        (CODE.replace("0.001", "nan"), "4: code.p must be a number above 0 and at most 0.5, not nan"),
        (CODE.replace("0.001", '"0.1"'), "4: code.p must be a number above 0 and at most 0.5, not '0.1'"),
        (
            CODE.replace("rotated_surface", "repetition") + 'basis = "X"',
            "5: code.basis must be 'Z' for the repetition code, which protects that basis alone, not 'X': choose 'Z' "
            "or a surface code",
        ),
        (
            CODE + 'noise = "code_capacity"\nrounds = 3',
            "6: code.rounds must be 1 with code_capacity noise, whose measurements are perfect, not 3: leave it out, "
            "or choose phenomenological noise",
        ),
        (
            CODE + '[target]\nboard = "zcu102"',
            "6: target.board must be one of 'vmk180', 'vu19p', not 'zcu102'; 'synfab boards' describes each",
        ),
        (CODE + "[target]\nclock_mhz = 0", "6: target.clock_mhz must be a number above 0, not 0"),
        (CODE + "[target]\nclock_mhz = inf", "6: target.clock_mhz must be a number above 0, not inf"),
        (CODE + "[verify]\nshots = 0", "6: verify.shots must be an integer of at least 1, not 0"),
        (CODE + "[verify]\nseed = -1", "6: verify.seed must be an integer from 0 to 9223372036854775807, not -1"),
        (
            CODE + '[verify]\nsimulator = "vcs"',
            "6: verify.simulator must be one of 'verilator', 'icarus', not 'vcs'",
        ),
        (CODE + "[estimate]\nflatten = 2", "6: estimate.flatten must be 'auto' or true or false, not 2"),
        (
            CODE + '[sample]\ndecoders = ["synfab",\n "mwpm"]',
            "7: sample.decoders[1] must be one of 'synfab', 'pymatching', not 'mwpm'",
        ),
        (
            CODE + "[sample]\ndecoders = []",
            "6: sample.decoders must be an array of at least one of 'synfab', 'pymatching', not []",
        ),
        (
            CODE + '[sample]\ndecoders = "synfab"',
            "6: sample.decoders must be an array of at least one of 'synfab', 'pymatching', not 'synfab'",
        ),
        (
            CODE + '[sample]\ndecoders = ["synfab", "synfab"]',
            "6: sample.decoders must name each of them once, not ['synfab', 'synfab']",
        ),
        ("dem = 3", "1: dem must be the path of a file, as a string, not 3"),
        (
            f'name = "a/b"\n{CODE}',
            "1: name must start with a letter or digit and go on with these, '_', '.' and '-', not 'a/b'; files are "
            "called by it",
        ),
        # However the key is written.
        (
            "code.code = 'toric'\ncode.p = 0.1\n\ncode . 'distance' = 1 # x",
            "4: code.distance must be an integer of at least 2, not 1",
        ),
        (
            "code = { code = 'toric', p = 0.1, distance = 1 }",
            "1: code.distance must be an integer of at least 2, not 1",
        ),
        # More than one mistake, in the order of their lines.
        (
            "\n[verify]\nshots = 0\n[code]\ncode = 'toric'\np = 2\ndistance = 3",
            "3: verify.shots must be an integer of at least 1, not 0; and "
            "line 6: code.p must be a number above 0 and at most 0.5, not 2",
        ),
    ],
)
def test_refused(config_file, text, sentence):
    path = config_file(text)
    assert refusal(path) == f"{path}, line {sentence}"


@pytest.mark.parametrize("key", ["circuit", "dem"])
def test_missing_problem_file(config_file, tmp_path, key):
    path = config_file(f'\n{key} = "gone.x"\n')
    assert refusal(path) == (
        f"{path}, line 2: {key} must be the path of a file that exists, not 'gone.x'; there is no {tmp_path / 'gone.x'}"
    )


def test_missing_pins(config_file, tmp_path):
    path = config_file(f'{CODE}[vivado]\npins = "p.xdc"\n')
    assert refusal(path) == (
        f"{path}, line 6: vivado.pins must be the path of a file that exists, not 'p.xdc'; there is no "
        f"{tmp_path / 'p.xdc'}"
    )


def test_missing_config(tmp_path):
    path = tmp_path / "none.toml"
    assert refusal(path) == f"a config must be a file that exists, not '{path}'; check the path"


def test_config_that_is_no_text(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    assert refusal(path).startswith(f"a config must be a text file in UTF-8, not '{path}': ")
    assert refusal(tmp_path).startswith(f"a config must be a text file in UTF-8, not '{tmp_path}': ")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("circuit", "H 0\nFOO 1\n", "must be a Stim circuit, but it cannot be read: Gate not found: 'FOO'"),
        (
            "dem",
            "error(2) D0",
            "must be a Stim detector error model, but it cannot be read: 'error' instruction argument must be a "
            "probability (0 to 1) but got 2.000000",
        ),
        (
            "dem",
            "error(0.1) D0\nfoo",
            "must be a Stim detector error model, but it cannot be read: Unrecognized instruction name: foo",
        ),
        (
            "circuit",
            "R 0\nH 0\nM 0\nDETECTOR rec[-1]",
            "must be a circuit whose errors decompose into edges of a decoding graph, but Stim says: The circuit "
            "contains non-deterministic detectors.",
        ),
        (
            "circuit",
            "X_ERROR(0.1) 0\nM 0\nDETECTOR rec[-1]\nDETECTOR rec[-1]\nDETECTOR rec[-1]",
            "must be a circuit whose errors decompose into edges of a decoding graph, but Stim says: Failed to "
            "decompose errors into graphlike components with at most two symptoms.",
        ),
    ],
)
def test_what_stim_refuses(config_file, tmp_path, name, text, sentence):
    (tmp_path / "problem").write_text(text)
    config = load_config(config_file(f'{name} = "problem"'))
    with pytest.raises(InputError) as caught:
        config.dem()
    assert str(caught.value).startswith(f"{tmp_path / 'problem'} {sentence}")
    assert "\n" not in str(caught.value)


def test_problem_file_that_vanished(config_file, tmp_path):
    (tmp_path / "x.dem").write_text("error(0.1) D0")
    config = load_config(config_file('dem = "x.dem"'))
    (tmp_path / "x.dem").unlink()
    with pytest.raises(InputError, match="must be a Stim detector error model, but it cannot be read: "):
        config.dem()


def test_schema_refuses_what_the_config_refuses():
    good = tomllib.loads(CODE)
    jsonschema.validate(good, config_schema())
    for bad in ({"zzz": 1}, {"target": {"board": "zcu102"}}, {"decoder": {"weight_bits": 17}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good | bad, config_schema())


def test_config_from_python():
    config = Config.model_validate({"code": {"code": "toric", "distance": 3, "p": 0.01}})
    assert config.name == "decoder"
    assert config.dem()[0].num_observables == 2


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("predecoder/*.toml")), ids=lambda path: path.stem)
def test_examples_of_training_load(path):
    config = load_model(path, TrainingConfig)
    assert config.name == f"surface-{path.stem}"
    assert config.quantized_stage


def test_mistakes_in_a_training_config_are_one_sentence(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('architecture = "S"\n[data]\nshots = 65\ndistance = 5\n')
    with pytest.raises(InputError) as refusal:
        load_model(path, TrainingConfig)
    assert "line 3" in str(refusal.value)
    assert "line 4" in str(refusal.value)
