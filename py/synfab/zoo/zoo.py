# SPDX-License-Identifier: Apache-2.0
"""A zoo on disk: a folder of models, each in a folder of its own name."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from synfab.artefact import write_json, write_text
from synfab.errors import InputError
from synfab.zoo.card import card_of
from synfab.zoo.contents import CARD, NAMES, REQUIRED, RESULTS, inventory
from synfab.zoo.forms import require_one_net
from synfab.zoo.model import Model, read_model
from synfab.zoo.placement import whole_folder
from synfab.zoo.results import Result


def default_zoo() -> Path:
    """Return the zoo that comes with synfab: ``models`` of the checkout, or in the installed package."""
    here = Path(__file__).resolve()
    checkout = here.parents[3]
    return (checkout if (checkout / "pyproject.toml").is_file() else here.parents[1]) / "models"


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """A folder of models.

    Every model that is read is seen to be whole; every one that is written appears whole or not at all.

    Attributes
    ----------
    directory : Path
    """

    directory: Path

    def names(self) -> list[str]:
        """Return the models' names, sorted.

        Raises
        ------
        InputError
            If there is no such folder.
        """
        if not self.directory.is_dir():
            raise InputError(
                f"a zoo must be a folder of models, not {str(self.directory)!r}, which is not there; 'synfab zoo add' "
                "begins one, --zoo names another"
            )
        return sorted(path.name for path in self.directory.iterdir() if path.is_dir() and path.name[0] != ".")

    def model(self, name: str) -> Model:
        """Return a model.

        Raises
        ------
        InputError
            If there is none of that name, or it is not whole.
        """
        if name not in (known := self.names()):
            listed = ", ".join(map(repr, known)) or "none yet"
            raise InputError(f"a model must be one of those of {self.directory} ({listed}), not {name!r}")
        return read_model(self.directory / name)

    def add(
        self, directory: Path, *, name: str | None = None, results: Path | None = None, replace: bool = False
    ) -> Model:
        """Put what training left into the zoo, with a card; return it as it is there.

        Parameters
        ----------
        directory : Path
            ``DIR/model`` of a training run; stays as it is.
        name : str or None
            That of the training's config unless given.
        results : Path or None
            Put beside it as ``results.json``.
        replace : bool
            Take the place of a model of that name.

        Raises
        ------
        InputError
            If the files are not whole or not of one net, or the zoo has such a model already.
        """
        model = Model.load(directory, results=results)
        name = model.metadata.config.name if name is None else name
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise InputError(
                f"a model's name must start with a letter or digit and go on with these, '_', '.' and '-', not {name!r}"
            )
        if (self.directory / name).exists() and not replace:
            raise InputError(
                f"{self.directory} must not have a model {name!r} yet, but it has; --replace overwrites it"
            )
        require_one_net(model)
        with whole_folder(self.directory / name, replace=replace) as folder:
            for file in REQUIRED:
                shutil.copyfile(directory / file, folder / file)
            if model.results:
                write_json(folder / RESULTS, [result.model_dump(mode="json") for result in model.results])
            write_text(folder / CARD, str(card_of(model, name=name, items=inventory(folder))))
            read_model(folder)
        return read_model(self.directory / name)

    def judged(self, name: str, results: Sequence[Result]) -> Model:
        """Put what a model was found to do on its card, in place of what stood there; return it as it is then.

        Raises
        ------
        InputError
            If there is none of that name, or the results are not of its bases.
        """
        with TemporaryDirectory() as folder:
            path = write_json(Path(folder) / RESULTS, [result.model_dump(mode="json") for result in results])
            return self.add(self.model(name).directory, name=name, results=path, replace=True)


def copy_model(model: Model, target: Path) -> Path:
    """Copy a model to a new folder, whole or not at all.

    Raises
    ------
    InputError
        If the folder is there already, or the model is not whole any more.
    """
    with whole_folder(target) as folder:
        for file in (CARD, *NAMES):
            if (model.directory / file).is_file():
                shutil.copyfile(model.directory / file, folder / file)
        read_model(folder)
    return target
