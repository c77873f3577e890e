# SPDX-License-Identifier: Apache-2.0
"""Versions of everything that takes part in making an artefact."""

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable

from synfab.artefact import digest


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each package."""
    return {package: version(package) for package in packages}


@cache
def source_digest(*packages: str) -> str:
    """Return a hash of the source of some of synfab's packages: a change of code makes its products anew."""
    sources = (source for package in packages for source in _sources(files(package)))
    return digest(*(part for name, content in sources for part in (name, content)))


def _sources(folder: Traversable) -> list[tuple[str, bytes]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry)
        elif entry.is_file() and not entry.name.endswith(".pyc"):
            found.append((entry.name, entry.read_bytes()))
    return found
