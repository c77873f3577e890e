# SPDX-License-Identifier: Apache-2.0
"""Models on the Hugging Face Hub, or on a server that speaks like it; each commit is fetched once."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from httpx2 import HTTPError, TransportError
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)
from huggingface_hub.utils import validate_repo_id

from synfab.errors import InputError
from synfab.zoo.contents import CARD, NAMES
from synfab.zoo.model import Model, read_model

PREFIX = "hf:"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_./-]*")


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """A model by the name of its repository and a revision.

    Attributes
    ----------
    repository : str
        ``owner/name``.
    revision : str
        A commit or a tag, which stay what they are; with ``floating`` a branch as well.
    floating : bool
        Take the commit that the revision means now.

    Raises
    ------
    InputError
        If the names are not such as the Hub has.
    """

    repository: str
    revision: str
    floating: bool = False

    def __post_init__(self) -> None:
        try:
            validate_repo_id(self.repository)
        except HFValidationError as error:
            reason = str(error).rstrip(".")
            raise InputError(f"a model on the Hub must be called {PREFIX}OWNER/NAME@REVISION: {reason}") from error
        if not _REVISION.fullmatch(self.revision):
            raise InputError(f"a revision must be a commit, a tag or a branch, not {self.revision!r}")
        if not self.floating and self.revision == constants.DEFAULT_REVISION:
            raise InputError(self._floats())

    @classmethod
    def parse(cls, text: str, *, revision: str | None = None) -> Self:
        """Read ``hf:owner/name@revision``.

        Parameters
        ----------
        revision : str or None
            In place of the pinned one: whatever names a commit now.

        Raises
        ------
        InputError
            If there is no revision, or there are two.
        """
        repository, mark, pinned = text.removeprefix(PREFIX).partition("@")
        if bool(mark) == (revision is not None):
            raise InputError(
                f"a model on the Hub must have one revision, {PREFIX}OWNER/NAME@REVISION with a commit or a tag, or "
                f"--revision, not {text!r} with {'both' if mark else 'neither'}"
            )
        return cls(repository=repository, revision=pinned if revision is None else revision, floating=not mark)

    def pinned(self) -> "HubModel":
        """Return the model at the commit that the revision means.

        Raises
        ------
        InputError
            If it is a branch and must not be, or the Hub knows none such, or is out of reach and the cache has none.
        """
        if _COMMIT.fullmatch(self.revision):
            return self
        with self._sentences():
            if not self.floating and not self._is_tag():
                raise InputError(self._floats())
            found = HfApi().resolve_revision(self.repository, revision=self.revision)
        return HubModel(repository=self.repository, revision=found.resolved)

    def read(self) -> Model:
        """Fetch the model, or take it from the cache, and see that it is whole.

        ``HF_ENDPOINT``, ``HF_HOME`` and ``HF_HUB_OFFLINE`` mean what they do for ``huggingface_hub``. A commit that is
        in the cache is not asked for again.

        Raises
        ------
        InputError
            If it cannot be had or is not whole.
        """
        pinned = self.pinned()
        with self._sentences():
            folder = snapshot_download(
                pinned.repository, revision=pinned.revision, allow_patterns=[CARD, *NAMES], library_name="synfab"
            )
        return read_model(Path(folder))

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}@{self.revision}"

    def _is_tag(self) -> bool:
        try:
            refs = HfApi().list_repo_refs(self.repository)
        except (TransportError, OfflineModeIsEnabled):
            # What a cache holds under a name does not move while the Hub is out of reach.
            return True
        return self.revision in {tag.name for tag in refs.tags}

    def _floats(self) -> str:
        return (
            f"{self} must have a revision that stays what it is, a commit or a tag, and {self.revision!r} is none; "
            f"'--revision {self.revision}' takes the commit that it means now, and says which"
        )

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except RepositoryNotFoundError as error:
            raise InputError(
                f"{self} must be a model of {constants.ENDPOINT} that you may read, and there is none; check the name"
            ) from error
        except RevisionNotFoundError as error:
            raise InputError(f"{self} must have a revision that is there, and it is not; check its name") from error
        except (HTTPError, HfHubHTTPError, RevisionResolutionError, OSError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{self} must be within reach at {constants.ENDPOINT} or in the cache {constants.HF_HUB_CACHE}, and is "
                f"not: {reason}"
            ) from error
