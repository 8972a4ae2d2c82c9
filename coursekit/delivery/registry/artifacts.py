"""Learners on disk: arrays and JSON, found by their sha256, created from an allow-list of classes
(lesson 08).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from coursekit.core.errors import DataUnavailableError
from coursekit.core.state import load_state, save_state
from coursekit.learning.learners import learner_of_state
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Artifacts"]

_KIND = "learner"


class Artifacts:
    """A folder of saved learners, each in a file named by the sha256 of its content.

    A file holds arrays (safetensors) and JSON (see :mod:`coursekit.core.state`); nothing is ever
    unpickled, so loading executes no code but that of the class. A file is written under another
    name first and never changes; equal learners share one.

    Parameters
    ----------
    folder : path
        Created by the first `save`.
    also : iterable of classes
        Learners of your own that `load` may create, besides
        :data:`~coursekit.learning.learners.LEARNERS`.

    Examples
    --------
    >>> import tempfile
    >>> from coursekit.learning.learners.matrix_factorization import OnlineMatrixFactorization
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     artifacts = Artifacts(folder)
    ...     path, digest = artifacts.save(OnlineMatrixFactorization(n_factors=3))
    ...     artifacts.load(path, digest).config()["n_factors"]
    3
    """

    def __init__(self, folder: str | Path, *, also: Iterable[type[OnlineLearner]] = ()) -> None:
        self.folder = Path(folder)
        self._also = tuple(also)

    def save(self, learner: OnlineLearner) -> tuple[str, str]:
        """Write a learner and return its file name in the folder and its sha256.

        Raises
        ------
        StateFormatError
            If the learner cannot be saved; nothing is written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"name": type(learner).__name__, "state": learner.get_model_state()}
        new = self.folder / f".new.{secrets.token_hex(8)}"
        digest = save_state(new, state, kind=_KIND)
        name = f"{digest}.safetensors"
        os.replace(new, self.folder / name)
        return name, digest

    def load(self, path: str, digest: str) -> OnlineLearner:
        """Verify the sha256 and return the learner.

        Raises
        ------
        DataUnavailableError
            If the file is missing.
        IntegrityError
            If its content does not have this sha256.
        StateFormatError
            If it is not a saved learner.
        UnknownNameError
            If its class is not in the allow-list.
        """
        file = self.folder / path
        if not file.is_file():
            raise DataUnavailableError(f"The artifact {path} is not in {self.folder}.")
        saved = load_state(file, kind=_KIND, digest=digest)
        return learner_of_state(saved["state"], name=saved["name"], also=self._also)
