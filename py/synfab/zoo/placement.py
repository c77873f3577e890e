# SPDX-License-Identifier: Apache-2.0
"""Folders that exist whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synfab.errors import InputError


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a hidden folder to fill; it appears as ``path`` when all of it is on disk, and not at all after an error.

    Parameters
    ----------
    replace : bool
        Take the place of a folder that is there.

    Raises
    ------
    InputError
        If something is there already, other than an empty folder, and is not to be replaced.
    """
    path = path.absolute()
    if not replace and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path} must be a new folder, not one that is there; name another, or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield partial
        for item in partial.iterdir():
            with item.open("rb") as file:
                os.fsync(file.fileno())
        partial.chmod(0o755)
        _put(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put(folder: Path, path: Path) -> None:
    """Rename a folder; one that is there goes out of the way first, and comes back if that fails."""
    if not path.exists():
        folder.rename(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        path.rename(old / "old")
        try:
            folder.rename(path)
        except BaseException:
            (old / "old").rename(path)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
