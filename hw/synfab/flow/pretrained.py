# SPDX-License-Identifier: Apache-2.0
"""Trained pre-decoders by name: of a zoo, of the Hub, or in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from synfab.errors import MissingToolError

if TYPE_CHECKING:
    from synfab.zoo import Model, Zoo


def opened_zoo(directory: Path | None = None) -> "Zoo":
    """Return the zoo in a folder, or the one of synfab.

    Raises
    ------
    MissingToolError
        If what training needs is not installed.
    """
    try:
        from synfab.zoo import Zoo, default_zoo
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"the zoo needs what training needs, but {error.name} is not installed; type: pip install "
            "'synfab[predecoder]'"
        ) from error
    return Zoo(directory=default_zoo() if directory is None else directory)


def pretrained(name: str) -> "Model":
    """Return a model: in a folder if ``name`` has a slash, at a commit or tag of the Hub, or of synfab's zoo.

    Raises
    ------
    InputError
        If there is none, or it is not whole.
    """
    opened = opened_zoo()
    from synfab.zoo import HubModel, Model
    from synfab.zoo.hub import PREFIX

    if name.startswith(PREFIX):
        return HubModel.parse(name, revision=None).pinned().read()
    return Model.load(Path(name)) if "/" in name else opened.model(name)
