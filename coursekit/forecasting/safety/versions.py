"""Versions of a model on disk: a kill at any moment leaves one that loads (lesson 18)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from coursekit.core.errors import (
    DataUnavailableError,
    IntegrityError,
    StateFormatError,
    UnknownNameError,
)
from coursekit.core.files import write_atomically
from coursekit.core.validation import integer
from coursekit.forecasting.config import ModelConfig
from coursekit.forecasting.model import Forecaster

__all__ = ["StoredVersion", "VersionStore"]

_HISTORY = "history.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One accepted model.

    Parameters
    ----------
    number : int
        Counts from 1 and is never used again.
    digest : str
        The sha256 of its file's content.
    created_at : float
        Event time in seconds.
    reason : str
    """

    number: int
    digest: str
    created_at: float
    reason: str

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"v{self.number:06d}.safetensors"


class VersionStore:
    """The last `keep` versions in a folder, and the history that says which one is current.

    A save writes the model file, then replaces the history, then removes what is too old, each
    atomically. Killed in between, the history names files that are whole; one without an entry is
    overwritten by the next save.

    Parameters
    ----------
    folder : path
        Created if needed.
    keep : int

    Raises
    ------
    StateFormatError
        If the folder's history is not one that a store wrote.
    """

    def __init__(self, folder: str | Path, keep: int = 5) -> None:
        self.folder = Path(folder)
        self.keep = integer("keep", keep)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._versions = self._read()

    def _read(self) -> list[StoredVersion]:
        path = self.folder / _HISTORY
        if not path.exists():
            return []
        try:
            return [StoredVersion(**entry) for entry in json.loads(path.read_text("utf-8"))]
        except (ValueError, TypeError) as error:
            raise StateFormatError(f"{path} is no history of versions: {error}.") from error

    @property
    def versions(self) -> tuple[StoredVersion, ...]:
        """The versions kept, from the oldest to the newest, which is current."""
        return tuple(self._versions)

    def save(self, model: Forecaster, *, at: float, reason: str) -> StoredVersion:
        """Save a model as the newest version.

        Parameters
        ----------
        model : Forecaster
        at : float
            Event time in seconds.
        reason : str
        """
        number = self._versions[-1].number + 1 if self._versions else 1
        draft = StoredVersion(number=number, digest="", created_at=at, reason=reason)
        digest = model.save(self.folder / draft.file)
        version = StoredVersion(number=number, digest=digest, created_at=at, reason=reason)
        self._write([*self._versions, version][-self.keep :])
        return version

    def load(self, number: int | None = None, *, config: ModelConfig | None = None) -> Forecaster:
        """Return a version, by default the newest one that is whole.

        Raises
        ------
        DataUnavailableError
            If there is no version.
        UnknownNameError
            If there is none of this number.
        StateFormatError, IntegrityError
            If its file, or every file, is damaged or has other hyper-parameters than `config`.
        """
        known = [version.number for version in self._versions]
        if not known:
            raise DataUnavailableError(f"{self.folder} holds no version; save a model first.")
        if number is not None and number not in known:
            raise UnknownNameError(f"`number` must be one of {known}, got {number}.")
        chosen = [each for each in reversed(self._versions) if number in (None, each.number)]
        for version in chosen:
            try:
                path = self.folder / version.file
                return Forecaster.load(path, config=config, digest=version.digest)
            except (IntegrityError, StateFormatError, FileNotFoundError) as error:
                damage: Exception = error
        if isinstance(damage, FileNotFoundError):
            raise IntegrityError(f"The file of version {version.number} is missing.") from damage
        raise damage

    def roll_back(self, *, config: ModelConfig | None = None) -> Forecaster:
        """Drop the newest version and return the one before.

        Raises
        ------
        DataUnavailableError
            If there is no earlier version; nothing has changed.
        """
        if len(self._versions) < 2:
            raise DataUnavailableError(f"{self.folder} holds no earlier version to go back to.")
        model = self.load(self._versions[-2].number, config=config)
        self._write(self._versions[:-1])
        return model

    def _write(self, versions: list[StoredVersion]) -> None:
        """Replace the history; files that it does not name are removed afterwards."""
        entries = [asdict(version) for version in versions]
        write_atomically(self.folder / _HISTORY, json.dumps(entries, indent=1) + "\n")
        self._versions = versions
        named = {version.file for version in versions}
        for path in self.folder.glob("v*.safetensors"):
            if path.name not in named:
                path.unlink()
