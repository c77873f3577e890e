# SPDX-License-Identifier: Apache-2.0
"""Files that exist whole or not at all, and the hashes that name what made them."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_bytes(path: Path, data: bytes) -> Path:
    """Write ``data`` to ``path`` atomically, making parent folders; a killed run leaves the old file or none.

    Returns
    -------
    Path
        ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` as UTF-8, whole or not at all."""
    return write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> Path:
    """Write ``value`` as indented JSON with a final newline, whole or not at all."""
    return write_text(path, json.dumps(value, indent=2) + "\n")


def digest(*parts: Any) -> str:
    """Return the SHA-256, in hex, of ``parts``: bytes as they are, anything else as canonical JSON.

    Two calls agree exactly if their parts are equal, so the digest of a step's inputs names its result.
    """
    hasher = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256, in hex, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
