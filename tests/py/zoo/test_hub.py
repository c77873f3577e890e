# SPDX-License-Identifier: Apache-2.0
"""Models of the Hub: fetched from a server that speaks its protocol, by a process of its own, as a user does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synfab.errors import InputError
from synfab.zoo import HubModel, Zoo, read_model
from synfab.zoo.contents import CARD, REQUIRED

SYNFAB = Path(sys.executable).with_name("synfab")
Fetch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def model(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its card."""
    return Zoo(directory=tmp_path_factory.mktemp("zoo")).add(trained).directory


@pytest.fixture
def fetch(hub: Any, tmp_path: Path) -> Fetch:
    """Call ``synfab zoo get`` for a model and a folder, with a cache of the test's own."""

    def run(name: str, target: str, *options: str, offline: bool = False) -> "subprocess.CompletedProcess[str]":
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_HUB_OFFLINE": str(int(offline)),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        command = [SYNFAB, "zoo", "get", name, "-o", tmp_path / target, *options]
        return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)

    return run


def refused(process: "subprocess.CompletedProcess[str]", sentence: str, target: Path) -> None:
    """See that it ended with a sentence, and that nothing is there, nor anything hidden."""
    assert process.returncode == 2, process.stderr
    assert f"error: {sentence}" in process.stderr
    assert "Traceback" not in process.stderr
    assert not list(target.parent.glob(f"*{target.name}*"))


def same(one: Path, other: Path) -> bool:
    names = {path.name for path in one.iterdir()}
    return names == {path.name for path in other.iterdir()} and all(
        (one / name).read_bytes() == (other / name).read_bytes() for name in names
    )


class TestPinned:
    def test_commit_is_fetched_once(self, hub, fetch, model, tmp_path):
        commit = hub.publish(model)
        hub.files[commit]["huge.bin"] = b"not asked for"
        name = f"hf:{hub.repository}@{commit}"
        first = fetch(name, "first")
        assert first.returncode == 0, first.stderr
        assert same(tmp_path / "first", model)
        assert read_model(tmp_path / "first").spec.sha256 == read_model(model).spec.sha256
        assert any(asked.startswith("GET /content/") for asked in hub.asked)
        assert not any("huge.bin" in asked for asked in hub.asked)
        hub.stop()
        again = fetch(name, "again")
        assert again.returncode == 0, again.stderr
        assert same(tmp_path / "again", model)

    def test_tag_stays_in_the_cache(self, hub, fetch, model, tmp_path):
        commit = hub.publish(model)
        hub.tags["v1"] = commit
        name = f"hf:{hub.repository}@v1"
        first = fetch(name, "first")
        assert first.returncode == 0, first.stderr
        assert f"taken: hf:{hub.repository}@{commit}" in first.stderr
        hub.stop()
        for target, offline in {"stopped": False, "offline": True}.items():
            assert fetch(name, target, offline=offline).returncode == 0
            assert same(tmp_path / target, model)

    def test_branch_is_refused_unless_asked_for(self, hub, fetch, model, tmp_path):
        commit = hub.publish(model)
        hub.branches["next"] = commit
        for branch in ("main", "next"):
            name = f"hf:{hub.repository}@{branch}"
            refused(
                fetch(name, "out"),
                f"{name} must have a revision that stays what it is, a commit or a tag, and '{branch}' is none; "
                f"'--revision {branch}' takes the commit that it means now, and says which",
                tmp_path / "out",
            )
        asked = fetch(f"hf:{hub.repository}", "out", "--revision", "next")
        assert f"taken: hf:{hub.repository}@{commit}" in asked.stderr
        assert same(tmp_path / "out", model)


class TestFailures:
    def test_cut_download_leaves_nothing(self, hub, fetch, model, tmp_path):
        name = f"hf:{hub.repository}@{hub.publish(model)}"
        hub.cut = True
        refused(fetch(name, "out"), f"{name} must be within reach at {hub.endpoint}", tmp_path / "out")
        assert "cut" in hub.asked
        refused(fetch(name, "out", offline=True), f"{name} must be within reach", tmp_path / "out")
        hub.cut = False
        assert fetch(name, "out").returncode == 0
        assert same(tmp_path / "out", model)

    def test_what_the_hub_does_not_have(self, hub, fetch, model, tmp_path):
        hub.publish(model)
        missing, commit = "hf:somebody/else@v1", "0" * 40
        refused(
            fetch(missing, "out"), f"{missing} must be a model of {hub.endpoint} that you may read", tmp_path / "out"
        )
        name = f"hf:{hub.repository}@{commit}"
        refused(fetch(name, "out"), f"{name} must have a revision that is there, and it is not", tmp_path / "out")
        hub.stop()
        name = f"hf:{hub.repository}@v1"
        refused(fetch(name, "out"), f"{name} must be within reach at {hub.endpoint}", tmp_path / "out")

    @pytest.mark.parametrize("lost", [CARD, *REQUIRED[:1]])
    def test_card_without_weights_and_weights_without_card(self, hub, fetch, model, tmp_path, lost):
        folder = shutil.copytree(model, tmp_path / "published")
        (folder / lost).unlink()
        process = fetch(f"hf:{hub.repository}@{hub.publish(folder)}", "out")
        assert process.returncode == 2
        sentence = "must be a model of a zoo" if lost == CARD else "must be there, as the model card says, and is not"
        assert sentence in process.stderr
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "revision", "sentence"),
    [
        ("hf:a/b", None, r"must have one revision, .*, not 'hf:a/b' with neither"),
        ("hf:a/b@v1", "v2", r"must have one revision, .*, not 'hf:a/b@v1' with both"),
        ("hf:a/b/c@v1", None, r"a model on the Hub must be called hf:OWNER/NAME@REVISION: Repo id must be"),
        ("hf:a/b@../../v1", None, r"a revision must be a commit, a tag or a branch, not '\.\./\.\./v1'"),
        ("hf:a/b@v1/../../x", None, r"a revision must be a commit, a tag or a branch"),
        ("hf:a/b@", None, r"a revision must be a commit, a tag or a branch, not ''"),
    ],
)
def test_names_that_are_none(text, revision, sentence):
    with pytest.raises(InputError, match=sentence):
        HubModel.parse(text, revision=revision)
