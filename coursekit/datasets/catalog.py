"""The catalog of data sets; addresses, licences and digests are in catalog.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coursekit.core.errors import UnknownNameError

__all__ = ["DataFile", "DatasetInfo", "available", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file of a data set, or the archive that contains its files.

    Parameters
    ----------
    name : str
    sha256 : str, optional
        None if only the digest of the archive is known.
    url : str, optional
        Its official address, if it is not part of an archive.
    """

    name: str
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """Metadata of a data set of ratings.

    Parameters
    ----------
    name : str
    title : str
        One line for a list.
    n_ratings : int
    rating_range : (lowest, highest)
    licence : str
        Permitted use, in a few words.
    homepage : str
    ratings_file, items_file : str
        Names of the two files that are read.
    files : tuple of DataFile
        All files of the set, including its licence or README.
    archive : DataFile, optional
        A zip file that holds all files in a folder named like the set.
    encoding : str
        Character encoding of the titles.
    ships : bool
        Whether it ships with the package.
    """

    name: str
    title: str
    n_ratings: int
    rating_range: tuple[float, float]
    licence: str
    homepage: str
    ratings_file: str
    items_file: str
    files: tuple[DataFile, ...]
    archive: DataFile | None = None
    encoding: str = "utf-8"
    ships: bool = False


@cache
def available() -> tuple[DatasetInfo, ...]:
    """Return the metadata of every data set, those shipped with the package first.

    >>> [each.name for each in available() if each.ships]
    ['movietweetings-50k']
    """
    text = Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8")
    return tuple(map(_dataset, tomllib.loads(text)["datasets"]))


def info(name: str) -> DatasetInfo:
    """Return the metadata of one data set.

    Raises
    ------
    UnknownNameError
        If there is no such set; the message lists the known ones.
    """
    known = {each.name: each for each in available()}
    if name not in known:
        raise UnknownNameError(f"There is no data set {name!r}; there are {', '.join(known)}.")
    return known[name]


def _dataset(entry: dict[str, Any]) -> DatasetInfo:
    entry["rating_range"] = tuple(entry["rating_range"])
    entry["files"] = tuple(DataFile(**file) for file in entry["files"])
    if "archive" in entry:
        entry["archive"] = DataFile(**entry["archive"])
    return DatasetInfo(**entry)
