# SPDX-License-Identifier: Apache-2.0
"""A small model as training leaves it, what it was found to do, and a server that speaks the Hub's protocol."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from synfab.artefact import write_json

CONFIG = {
    "name": "tiny",
    "architecture": {"layout": "supercell", "filters": [4, 12], "kernels": [3, 1]},
    "seed": 3,
    "data": {"distances": [3, 5], "shots": 64, "p": [0.006, 0.01], "bases": ["X"]},
    "float": {"steps": 70, "learning_rate": 0.002},
    "quantized": {"steps": 50, "learning_rate": 0.001, "weight_bits": [8, 4]},
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``model`` of a training run, of a net whose scales have moved from where they began."""
    import torch
    from safetensors.torch import save_file

    from synfab.predecoder.nets.conversion import spec_of_net
    from synfab.predecoder.nets.exchange import write_qonnx
    from synfab.predecoder.nets.floating import FloatNet
    from synfab.predecoder.nets.quantized import Quantization, QuantizedNet
    from synfab.predecoder.training.config import TrainingConfig

    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = TrainingConfig.model_validate(CONFIG)
    net = QuantizedNet.of_float(FloatNet(config.net), Quantization(weight_bits=(8, 4), activation_bits=4)).train()
    with torch.no_grad():
        for _ in range(8):
            net((torch.rand(16, 8, 4, 3, 3) < 0.2).float())
    folder = tmp_path_factory.mktemp("training") / "model"
    folder.mkdir()
    net.eval()
    save_file(net.state_dict(), folder / "net.safetensors")
    spec_of_net(net).save(folder / "spec.json")
    write_qonnx(net, folder / "net.onnx", rounds=4, rows=2, columns=2)
    tools = {"synfab": "0.1.0", "torch": torch.__version__}
    metadata = {"config": config.model_dump(mode="json", by_alias=True), "tools": tools, "step": 40}
    write_json(folder / "metadata.json", metadata | {"wall_seconds": 5400.0})
    return folder


@pytest.fixture(scope="session")
def results(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the net does at distance 3, judged."""
    from synfab.predecoder.evaluation import FollowUp, Judge, Setting
    from synfab.predecoder.integers import PredecoderSpec
    from synfab.zoo import Result

    spec = PredecoderSpec.load(trained / "spec.json")
    follow_ups = {
        "hard commit above 4, pymatching": FollowUp(above=4.0, decoder="pymatching"),
        "no commit, pymatching": FollowUp(commit="none", decoder="pymatching"),
    }
    setting = Setting(distance=3, basis="X", p=0.01)
    judge = Judge(setting=setting, layout="supercell", seed=1, logit_unit=2.0**-spec.logit_fraction_bits)
    judged = judge.judge(lambda planes: spec.logits(planes.astype(np.uint8)), follow_ups, shots=2048)
    found = [Result.of(one, setting=setting, name=name, beside="pymatching") for name, one in judged.items()]
    path = tmp_path_factory.mktemp("results") / "judged.json"
    return write_json(path, [result.model_dump(mode="json") for result in found])


@dataclass(kw_only=True)
class Hub:
    """What the server has, and what it was asked."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Of each commit."""
    tags: dict[str, str] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Weights end in the middle, and are not to be had again."""
    asked: list[str] = field(default_factory=list)
    repository: str = "somebody/tiny"
    port: int = 0
    stop: Any = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, folder: Path) -> str:
        """Make a commit of a folder's files, and of the branch main it; return its name."""
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.files[commit] = files
        self.branches["main"] = commit
        return commit


class Handler(BaseHTTPRequestHandler):
    """The part of https://huggingface.co/docs/hub/api that downloads need; weights lie behind a redirection."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:  # called so by http.server
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.hub.asked.append(f"{self.command} {self.path}")

    def _answer(self, *, with_body: bool) -> None:
        match unquote(urlsplit(self.path).path).strip("/").split("/"):
            case ["content", commit, name]:
                self._content(self.hub.files[commit][name], {}, with_body=with_body)
            case ["api", "models", owner, name, *rest] if f"{owner}/{name}" == self.hub.repository:
                self._about(rest)
            case [owner, name, "resolve", revision, file] if f"{owner}/{name}" == self.hub.repository:
                self._file(revision, file, with_body=with_body)
            case _:
                self._refuse(404, "RepoNotFound")

    def _about(self, question: list[str]) -> None:
        if question == ["refs"]:
            kinds = {"branches": self.hub.branches, "tags": self.hub.tags, "converts": {}}
            self._json(
                {
                    kind: [{"name": name, "ref": f"refs/{name}", "targetCommit": it} for name, it in named.items()]
                    for kind, named in kinds.items()
                }
            )
            return
        kind, revision = question
        if (commit := self._commit(revision)) is None:
            self._refuse(404, "RevisionNotFound")
        elif kind == "revision":
            self._json({"id": self.hub.repository, "sha": commit, "siblings": []})
        else:
            entries = []
            for name, data in self.hub.files[commit].items():
                entry = {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                if name == "net.safetensors":
                    entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
                entries.append(entry)
            self._json(entries)

    def _file(self, revision: str, name: str, *, with_body: bool) -> None:
        if (commit := self._commit(revision)) is None:
            self._refuse(404, "RevisionNotFound")
            return
        if (data := self.hub.files[commit].get(name)) is None:
            self._refuse(404, "EntryNotFound")
            return
        if name != "net.safetensors":
            tag = hashlib.sha1(data).hexdigest()
            self._content(data, {"X-Repo-Commit": commit, "ETag": f'"{tag}"'}, with_body=with_body)
            return
        # Another host, as the real one has: redirections on the Hub itself are followed before they are looked at.
        self._send(
            302,
            {
                "Location": f"http://localhost:{self.hub.port}/content/{commit}/{name}",
                "X-Repo-Commit": commit,
                "X-Linked-Size": str(len(data)),
                "X-Linked-ETag": f'"{hashlib.sha256(data).hexdigest()}"',
            },
        )

    def _content(self, data: bytes, headers: dict[str, str], *, with_body: bool) -> None:
        if self.hub.cut and "content" in self.path:
            if "cut" in self.hub.asked:
                self._refuse(503, "Down")
                return
            self.hub.asked.append("cut")
            self._send(200, headers, data, num_sent=len(data) // 2)
            self.close_connection = True
            return
        start, status = 0, 200
        if wanted := self.headers.get("Range"):
            start, status = int(wanted.removeprefix("bytes=").partition("-")[0]), 206
            headers |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        self._send(status, headers, data[start:], num_sent=None if with_body else 0)

    def _commit(self, revision: str) -> str | None:
        known = {commit: commit for commit in self.hub.files} | self.hub.branches | self.hub.tags
        return known.get(revision)

    def _json(self, value: Any) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, {"X-Error-Code": code})

    def _send(self, status: int, headers: dict[str, str], data: bytes = b"", *, num_sent: int | None = None) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:num_sent])


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A server of one repository, until it is stopped."""
    known = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": known}))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})

    def stop() -> None:
        if thread.is_alive():
            server.shutdown()
            thread.join()
            server.server_close()

    known.port, known.stop = server.server_address[1], stop
    thread.start()
    yield known
    stop()
