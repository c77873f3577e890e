# SPDX-License-Identifier: Apache-2.0
"""A zoo on disk: what goes in comes out, card and all; what is not whole or not of one net is refused."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard, ModelCardData
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch.nn import Conv3d, Module
from typer.testing import CliRunner

from synfab.artefact import write_json
from synfab.benchmarks.predecoder import PredecoderBenchmark
from synfab.benchmarks.predecoder import results as benchmark_results
from synfab.errors import InputError, MissingToolError
from synfab.flow.cli import app
from synfab.flow.cli.console import output
from synfab.predecoder.evaluation import FollowUp, Judge, Setting
from synfab.predecoder.integers import PredecoderSpec
from synfab.predecoder.nets.floating import FloatNet
from synfab.predecoder.nets.integer import IntegerNet
from synfab.predecoder.training.batches import Batches
from synfab.zoo import Zoo, default_zoo, load_results, read_model
from synfab.zoo.card import card_of
from synfab.zoo.contents import CARD, NAMES, REQUIRED
from synfab.zoo.model import Model
from synfab.zoo.placement import whole_folder


def invoke(*arguments: str | Path):
    return CliRunner().invoke(app, ["zoo", *map(str, arguments)])


def card_data(folder: Path) -> ModelCardData:
    data = ModelCard.load(folder / CARD).data
    assert isinstance(data, ModelCardData)
    return data


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def filled(trained: Path, results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zoo with a model that was judged."""
    folder = tmp_path_factory.mktemp("zoo") / "models"
    Zoo(directory=folder).add(trained, name="surface-tiny", results=results)
    return folder


@pytest.fixture
def zoo(filled: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return shutil.copytree(filled, tmp_path / "models")


@pytest.fixture
def source(trained: Path, tmp_path: Path) -> Path:
    """What training left, to be damaged."""
    return shutil.copytree(trained, tmp_path / "model")


class TestRoundTrip:
    def test_every_file_comes_out_as_it_went_in(self, filled, trained, results, tmp_path):
        result = invoke("get", "surface-tiny", "-o", tmp_path / "out", "--zoo", filled)
        assert result.exit_code == 0, result.output
        assert {path.name for path in (tmp_path / "out").iterdir()} == {CARD, *NAMES}
        for name in REQUIRED:
            assert (tmp_path / "out" / name).read_bytes() == (trained / name).read_bytes()
        assert read_model(tmp_path / "out").results == load_results(results)
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert not (trained / CARD).exists()

    def test_list(self, filled, results, monkeypatch):
        (row,) = json.loads(invoke("list", "--zoo", filled, "--json").stdout).values()
        assert (row["layout"], row["bits"], row["distances"], row["p"]) == (
            "supercell",
            "8-4/A4",
            [3, 5],
            [0.006, 0.01],
        )
        assert row["parameters"] == 8 * 4 * 27 + 4 + 4 * 12 + 12
        least = min(load_results(results), key=lambda one: (one.ratio or 0) + 2 * (one.ratio_error or 0))
        assert row["best"] == least.model_dump(mode="json")
        monkeypatch.setattr(output, "width", 200)
        assert "supercell" in invoke("list", "--zoo", filled).stdout

    def test_show(self, filled, results):
        shown = invoke("show", "surface-tiny", "--zoo", filled).stdout
        for title in ("Net", "Training", "Results", "Use", "Limits", "Files"):
            assert re.search(rf"^ *{title} *$", shown, re.MULTILINE)
        facts = json.loads(invoke("show", "surface-tiny", "--zoo", filled, "--json").stdout)
        assert facts["results"] == json.loads(results.read_text())


class TestCard:
    def test_metadata_are_the_hubs(self, filled, results):
        data = card_data(filled / "surface-tiny")
        assert (data.license, data.library_name, data.model_name) == ("apache-2.0", "synfab", "surface-tiny")
        assert "supercell" in (data.tags or [])
        ratios = [one for one in data.eval_results or [] if one.metric_type == "ler_ratio"]
        judged = load_results(results)
        assert [one.metric_value for one in ratios] == [result.ratio for result in judged]
        for one, result in zip(ratios, judged, strict=True):
            paired = f"{result.name}, over pymatching alone"
            assert one.metric_name == f"Logical errors, {paired} (± {result.ratio_error:.2g}, one standard error)"
            assert one.metric_args == {name: getattr(result, name) for name in ("shots", "together", "alone", "both")}

    def test_page_says_what_the_files_say(self, filled, results):
        text = ModelCard.load(filled / "surface-tiny" / CARD).text
        spec = PredecoderSpec.load(filled / "surface-tiny" / "spec.json")
        facts = {
            "weights and biases": "928",
            "bits of weights, a layer": "8, 4",
            "receptive field in rounds, rows and columns": "3",
            "look-ahead in rounds": "1",
            "SHA-256 of the spec": f"`{spec.sha256}`",
            "noise": "`circuit` of `synfab.circuits.Memory`, one strength p at all places",
            "bases": "X",
            "seed": "3",
            "float stage": "at most 70 steps, 4,480 shots; 32-true",
            "quantized stage": "40 of at most 50 steps, 2,560 shots; 32-true",
            # 7,040 shots of 4 * 4 or 6 * 9 sites; 8 * 4 * 27 + 4 * 12 weights.
            "arithmetic": "2.2e+08 multiply-accumulates, forward; gradients take about twice as many again",
            "wall time": "1.5 hours",
        }
        rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
        assert {name: rows[name] for name in facts} == facts
        for result in load_results(results):
            row = f"| 3 | 3 | X | 0.01 | {result.name} | pymatching | 2,048 | {result.together:,} | {result.alone:,} |"
            assert row in text
            assert f"{result.ratio:.4f} ± {result.ratio_error:.4f}" in text

    def test_page_says_what_is_not_known_and_where_samples_come_from(self, source, tmp_path):
        metadata = json.loads((source / "metadata.json").read_text())
        del metadata["wall_seconds"]
        metadata["config"]["data"]["stored"] = ["out/d3", "out/d5"]
        write_json(source / "metadata.json", metadata)
        text = card_of(Model.load(source), name="tiny", items=()).text
        assert "| wall time | not recorded |" in text
        assert "| noise | that of the stored samples |" in text
        assert "Samples were stored beforehand, d3, d5; a stage takes them as often as" in text

    def test_training_that_went_on_from_a_model_has_no_float_stage(self, source):
        """Two processes: each step takes a batch of each."""
        metadata = json.loads((source / "metadata.json").read_text())
        metadata["config"]["quantized"]["start"] = "out/before/model"
        write_json(source / "metadata.json", metadata | {"processes": 2})
        model = Model.load(source)
        assert (model.float_shots, model.quantized_shots) == (0, 5120)
        text = card_of(model, name="tiny", items=()).text
        assert "| float stage | none, training went on from a model |" in text
        assert "| quantized stage | 40 of at most 50 steps, 5,120 shots; 32-true |" in text

    def test_arithmetic_is_what_torch_does(self, source):
        """Products of each convolution, counted where it is made, on volumes of all distances."""
        model = Model.load(source)
        net, products = FloatNet(model.architecture), []

        def count(layer: Module, _: object, outputs: Tensor) -> None:
            assert isinstance(layer, Conv3d)
            products.append(outputs.numel() * layer.weight[0].numel())

        for convolution in (module for module in net.modules() if isinstance(module, Conv3d)):
            convolution.register_forward_hook(count)
        batches = Batches(model.metadata.config.data, architecture=model.architecture, seed=0)
        seen = {}
        for number in range(20):
            planes, *_ = batches.batch(number)
            products.clear()
            net(planes)
            seen[planes.shape[2]] = sum(products) / len(planes)
        assert sorted(seen) == [4, 6]
        assert model.training_work == (model.float_shots + model.quantized_shots) * sum(seen.values()) / 2

    @pytest.mark.parametrize(
        ("noise", "words"),
        [
            ("phenomenological", "`phenomenological` of `synfab.circuits.Memory`, data and measurements err with p |"),
            ("depolarizing", "`PauliNoise.depolarizing` of `synfab.circuits`, 25 probabilities of one strength p |"),
        ],
    )
    def test_page_names_the_noise_of_training(self, source, noise, words):
        metadata = json.loads((source / "metadata.json").read_text())
        metadata["config"]["data"]["noise"] = noise
        write_json(source / "metadata.json", metadata)
        assert f"| noise | {words}" in card_of(Model.load(source), name="tiny", items=()).text

    def test_its_snippet_runs(self, filled, tmp_path, monkeypatch):
        text = ModelCard.load(filled / "surface-tiny" / CARD).text
        (command,) = re.findall(r"```console\nsynfab zoo (.*)\n```", text)
        (snippet,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        monkeypatch.chdir(tmp_path)
        assert invoke(*command.split(), "--zoo", filled).exit_code == 0
        names: dict[str, Any] = {}
        exec(snippet, names)
        assert names["spec"].sha256 == read_model(filled / "surface-tiny").spec.sha256


class TestBenchmark:
    def test_what_it_finds_goes_on_the_card(self, zoo, tmp_path):
        options = ["-o", tmp_path / "found.json", "--page", tmp_path / "page.md", "--zoo", zoo, "--quick"]
        options += ["--cost", tmp_path / "cost.json", "--cost-page", tmp_path / "cost.md"]
        outcome = CliRunner().invoke(app, ["bench", "predecoder", *map(str, options)])
        assert outcome.exit_code == 0, outcome.output
        done = PredecoderBenchmark.model_validate_json((tmp_path / "found.json").read_text())
        found = benchmark_results(done, "surface-tiny")
        of_one_basis = [result for result in found if result.basis == "X"]
        assert {result.shots for result in of_one_basis} == {2048}
        model = Zoo(directory=zoo).judged("surface-tiny", of_one_basis)
        assert list(model.results) == of_one_basis
        assert "| surface-tiny | 5 | 0.006 | two-bit hints |" in (tmp_path / "page.md").read_text()
        assert "| surface-tiny | 5 | 1 | 9 |" in (tmp_path / "cost.md").read_text()
        with pytest.raises(InputError, match="results must be of the bases that the model was trained for, X, not Z"):
            Zoo(directory=zoo).judged("surface-tiny", found)
        assert Zoo(directory=zoo).model("surface-tiny").results == model.results


class TestNames:
    def test_unknown(self, filled, tmp_path):
        for command in (["show", "other"], ["get", "other", "-o", tmp_path / "out"]):
            result = invoke(*command, "--zoo", filled)
            assert str(result.exception) == (f"a model must be one of those of {filled} ('surface-tiny'), not 'other'")
        assert not list(tmp_path.iterdir())

    def test_no_zoo(self, tmp_path):
        result = invoke("list", "--zoo", tmp_path / "none")
        assert "must be a folder of models, not" in str(result.exception)

    @pytest.mark.parametrize("name", ["../tiny", "", ".tiny", "a/b"])
    def test_name_that_leads_elsewhere(self, source, tmp_path, name):
        with pytest.raises(InputError, match="a model's name must start with a letter or digit"):
            Zoo(directory=tmp_path / "models").add(source, name=name)
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_revision_without_the_hub(self, filled):
        result = invoke("show", "surface-tiny", "--revision", "main", "--zoo", filled)
        assert "--revision must be for a model on the Hub, hf:OWNER/NAME, not for 'surface-tiny'" in (
            str(result.exception)
        )


class TestOverwriting:
    def test_only_when_told(self, zoo, source):
        before = (zoo / "surface-tiny" / CARD).read_bytes()
        result = invoke("add", source, "--name", "surface-tiny", "--zoo", zoo)
        assert str(result.exception) == (
            f"{zoo} must not have a model 'surface-tiny' yet, but it has; --replace overwrites it"
        )
        assert (zoo / "surface-tiny" / CARD).read_bytes() == before
        assert invoke("add", source, "--name", "surface-tiny", "--zoo", zoo, "--replace").exit_code == 0
        assert not read_model(zoo / "surface-tiny").results
        assert [path.name for path in zoo.iterdir()] == ["surface-tiny"]

    def test_a_bad_model_replaces_none(self, zoo, source):
        before = (zoo / "surface-tiny" / CARD).read_bytes()
        (source / "net.onnx").write_bytes(b"torn")
        with pytest.raises(InputError):
            Zoo(directory=zoo).add(source, name="surface-tiny", replace=True)
        assert (zoo / "surface-tiny" / CARD).read_bytes() == before
        assert [path.name for path in zoo.iterdir()] == ["surface-tiny"]

    def test_get_needs_a_new_folder(self, filled, tmp_path):
        (tmp_path / "mine").write_text("")
        result = invoke("get", "surface-tiny", "-o", tmp_path, "--zoo", filled)
        assert str(result.exception) == (
            f"{tmp_path} must be a new folder, not one that is there; name another, or remove it"
        )
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("replace", [False, True])
def test_folder_that_fails_half_way_was_never_there(tmp_path, replace):
    folder = tmp_path / "folder"
    if replace:
        folder.mkdir()
        (folder / "old").write_text("old")

    def half() -> None:
        with whole_folder(folder, replace=replace) as partial:
            (partial / "new").write_text("new")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        half()
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["folder", "folder/old"] * replace


def shortened(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def moved_weights(folder: Path) -> None:
    tensors = load_file(folder / "net.safetensors")
    tensors["convolutions.0.weight"] = -tensors["convolutions.0.weight"]
    save_file(tensors, folder / "net.safetensors")


def fewer_tensors(folder: Path) -> None:
    tensors = load_file(folder / "net.safetensors")
    del tensors["convolutions.0.bias"]
    save_file(tensors, folder / "net.safetensors")


def other_integers(folder: Path) -> None:
    edited(folder / "spec.json", lambda spec: spec["layers"][1]["bias"].reverse())


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: shortened(folder / "net.safetensors"), r"net\.safetensors must be whole safetensors, not torn"),
        (lambda folder: shortened(folder / "spec.json"), r"spec\.json must hold a whole pre-decoder spec"),
        (lambda folder: shortened(folder / "net.onnx"), r"net\.onnx must be whole QONNX with one input, not torn"),
        (
            lambda folder: shortened(folder / "metadata.json"),
            r"metadata\.json must be the metadata that training writes",
        ),
        (lambda folder: (folder / "net.onnx").unlink(), r"after a quantized stage, not one without net\.onnx"),
        (moved_weights, r"spec\.json must hold the integers of net\.safetensors, not others"),
        (
            fewer_tensors,
            r"net\.safetensors must have the tensors of a net of its own with 8-4/A4: .*convolutions\.0\.bias",
        ),
        (other_integers, r"spec\.json must hold the integers of net\.safetensors, not others"),
        (
            lambda folder: edited(folder / "spec.json", lambda spec: spec.update(layout="grid")),
            r"spec\.json must have the layout of metadata\.json, 'supercell', not 'grid'; take files of one training",
        ),
        (
            lambda folder: edited(folder / "metadata.json", lambda data: data["config"].update(quantized=None)),
            "must be a quantized net, not one of the float stage",
        ),
    ],
)
def test_what_is_not_one_whole_net_is_not_added(source, tmp_path, damage, sentence):
    damage(source)
    with pytest.raises(InputError, match=sentence):
        Zoo(directory=tmp_path / "models").add(source)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_qonnx_of_another_net_is_not_added(source, tmp_path):
    import onnx

    model = onnx.load(source / "net.onnx")
    for one in model.graph.initializer:
        values = onnx.numpy_helper.to_array(one)
        if values.shape == (4, 8, 3, 3, 3):
            one.CopyFrom(onnx.numpy_helper.from_array(-values, one.name))
    onnx.save(model, source / "net.onnx")
    with pytest.raises(InputError, match=r"net\.onnx must give the logits of spec\.json, not others"):
        Zoo(directory=tmp_path / "models").add(source)


def without_metadata(folder: Path) -> None:
    (folder / CARD).write_text((folder / CARD).read_text().split("---\n")[2])


def said(folder: Path, words: str, instead: str) -> None:
    text = (folder / CARD).read_text()
    assert words in text
    (folder / CARD).write_text(text.replace(words, instead, 1))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            lambda folder: (folder / "net.safetensors").unlink(),
            r"net\.safetensors must be there, as the model card says",
        ),
        (
            lambda folder: shortened(folder / "net.safetensors"),
            r"must have the 4,188 bytes .*, not 4,088; get the model",
        ),
        (
            moved_weights,
            r"net\.safetensors must have the SHA-256 \w{12}\.\.\. that the model card",
        ),
        (lambda folder: (folder / "results.json").unlink(), r"results\.json must be there, as the model card says"),
        (lambda folder: (folder / CARD).unlink(), r"with a model card README\.md, not a folder without one"),
        (without_metadata, r"README\.md must be the card of a pre-decoder that synfab wrote"),
        (
            lambda folder: said(folder, "library_name: synfab", "library_name: timm"),
            "library_name: String should match",
        ),
        (lambda folder: said(folder, "license: apache-2.0\n", ""), "first: license: Field required"),
        (
            lambda folder: said(folder, "tags:", "tags: ["),
            r"README\.md must have metadata that the Hugging Face Hub takes",
        ),
        (
            lambda folder: said(folder, "  - task:", "  - tusk:"),
            r"README\.md must have metadata that the Hugging Face Hub",
        ),
        (lambda folder: said(folder, "name: spec.json", "name: ../spec.json"), r"files\.1\.name: Input should be"),
        (
            lambda folder: said(folder, "name: spec.json", "name: net.onnx"),
            r"must name spec\.json with its digest, once",
        ),
    ],
)
def test_what_is_not_whole_is_not_read(zoo, tmp_path, damage, sentence):
    damage(zoo / "surface-tiny")
    with pytest.raises(InputError, match=sentence):
        Zoo(directory=zoo).model("surface-tiny")
    result = invoke("get", "surface-tiny", "-o", tmp_path / "out", "--zoo", zoo)
    assert isinstance(result.exception, InputError)
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_list_shows_the_whole_ones_and_says_what_the_others_lack(zoo):
    shutil.copytree(zoo / "surface-tiny", zoo / "torn")
    (zoo / "torn" / "net.safetensors").unlink()
    result = invoke("list", "--zoo", zoo, "--json")
    assert result.exit_code == 2
    assert set(json.loads(result.stdout)) == {"surface-tiny"}
    assert "net.safetensors must be there" in result.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ratio": 0.5}, "ratio must be what the counts give"),
        ({"ratio_error": None}, "ratio_error must be what the counts give"),
        ({"both": 2049}, "together, alone and both must be counts over 2048 shots"),
        ({"name": "a | b"}, "name: String should match pattern"),
        ({"beside": "helios"}, "beside: Input should be"),
        ({"basis": "Z"}, "must be of the bases that the model was trained for, X, not Z"),
    ],
)
def test_results_that_cannot_be_are_refused(source, results, tmp_path, change, sentence):
    path = shutil.copy(results, source / "results.json")
    edited(Path(path), lambda found: found[0].update(change))
    with pytest.raises(InputError, match=sentence):
        Zoo(directory=tmp_path / "models").add(source)


def test_results_without_an_error_have_no_ratio(source, results, tmp_path):
    none = {"together": 0, "alone": 0, "both": 0, "ratio": None, "ratio_error": None, "density_reduction": None}
    path = Path(shutil.copy(results, source / "results.json"))
    edited(path, lambda found: [one.update(none) for one in found])
    model = Zoo(directory=tmp_path / "models").add(source)
    assert model.best is None
    assert "| 0 | 0 | 0 | – | – |" in ModelCard.load(model.directory / CARD).text
    assert card_data(model.directory).eval_results is None
    assert "–" in invoke("list", "--zoo", tmp_path / "models").stdout


def test_missing_package_is_named(filled, monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("synfab.zoo")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    result = invoke("list", "--zoo", filled)
    assert isinstance(result.exception, MissingToolError)
    assert "huggingface_hub is not installed; type: pip install 'synfab[predecoder]'" in str(result.exception)


class TestShipped:
    @pytest.mark.parametrize("name", Zoo(directory=default_zoo()).names())
    def test_models_are_whole_and_do_what_their_cards_say(self, name):
        """Fewer shots than the card is of, so that its rates come out but for their spread."""
        model = Zoo(directory=default_zoo()).model(name)
        judge = Judge(
            setting=Setting(distance=5, basis="X", p=0.006),
            layout="supercell",
            seed=0,
            logit_unit=2.0**-model.spec.logit_fraction_bits,
        )
        found = judge.judge(IntegerNet(model.spec), {"": FollowUp(decoder="pymatching")}, shots=8192)[""]
        (told,) = (
            one
            for one in model.results
            if (one.distance, one.basis, one.p, one.name, one.beside) == (5, "X", 0.006, "hard", "pymatching")
        )
        assert told.shots >= 1 << 19
        assert told.density_reduction == pytest.approx(found.density_reduction, rel=0.05)
        assert told.together / told.shots == pytest.approx(found.together / 8192, rel=0.3)
