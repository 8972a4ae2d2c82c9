"""Load and fetch data sets of ratings with metadata of the films (lessons 01 to 04)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coursekit.core.errors import DataUnavailableError
from coursekit.core.events import Chunk, Features
from coursekit.datasets.catalog import DatasetInfo, available, info
from coursekit.datasets.delimited import open_delimited
from coursekit.datasets.download import fetch_files, is_complete
from coursekit.datasets.ratings import read_ratings

__all__ = ["Dataset", "DatasetInfo", "Item", "available", "fetch", "info", "load"]

_SHIPPED = Path(__file__).resolve().with_name("shipped")
_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_ML_100K_GENRES = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
).split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Metadata of a film.

    Parameters
    ----------
    title : str
        Without the year.
    year : int, optional
        Year of release.
    genres : tuple of str
    """

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()

    def features(self) -> dict[str, float | str]:
        """Return genres and decade as side features; the genre values have Euclidean norm 1.

        >>> Item(title="Heat", year=1995, genres=("Crime",)).features()
        {'genre=Crime': 1.0, 'decade': '1990s'}
        """
        features: dict[str, float | str] = {
            f"genre={genre}": len(self.genres) ** -0.5 for genre in self.genres
        }
        if self.year is not None:
            features["decade"] = f"{self.year // 10 * 10}s"
        return features


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A stream of real ratings and the metadata of its items.

    Parameters
    ----------
    info : DatasetInfo
        Name, range of ratings, licence, source.
    ratings : Chunk
        In time order.
    items : mapping
        Item id -> Item.
    """

    info: DatasetInfo
    ratings: Chunk
    items: Mapping[Any, Item]

    def with_item_features(self) -> Chunk:
        """Return the ratings with genres and decade of the film as features."""
        known: dict[Any, Features] = {id_: item.features() for id_, item in self.items.items()}
        return replace(self.ratings, features=[known.get(id_) for id_ in self.ratings.item_ids])


def load(name: str = "movietweetings-50k", *, folder: str | Path = "data") -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of `available()`.
    folder : path
        Folder of fetched data sets; not used for the set that ships with the course.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    DataUnavailableError
        If it has not been fetched; the message names the command.

    Examples
    --------
    >>> tweets = load()
    >>> len(tweets.ratings), tweets.info.rating_range
    (50000, (0.0, 10.0))
    >>> tweets.items["0113277"]
    Item(title='Heat', year=1995, genres=('Action', 'Crime', 'Drama', 'Thriller'))
    """
    dataset = info(name)
    place = (_SHIPPED if dataset.ships else Path(folder)) / name
    if not (place / dataset.ratings_file).is_file():
        raise DataUnavailableError(
            f"{name} is not in {folder}; `coursekit data get {name} --to {folder}` fetches it."
        )
    ratings = read_ratings(place / dataset.ratings_file)
    kind = type(ratings.item_ids[0])  # int or str, as in the ratings
    items = {
        kind(id_): item
        for id_, item in read_items(place / dataset.items_file, dataset.encoding).items()
    }
    return Dataset(info=dataset, ratings=ratings, items=items)


def fetch(name: str, *, to: str | Path = "data", source: str | Path | None = None) -> Path:
    """Download a data set into the folder `to/name` and return that folder.

    A set that ships with the course is copied, others are downloaded from their official address,
    over https and verified by sha256. A complete set is not fetched again.

    Parameters
    ----------
    name : str
        One of `available()`.
    to : path
    source : path, optional
        A folder with the files, for machines without a network; their digests are verified.

    Raises
    ------
    UnknownNameError
        If there is no such set.
    DataUnavailableError
        If it could not be fetched; the message names the next step.
    IntegrityError
        If a digest does not match the published one; nothing is written.
    """
    dataset, folder = info(name), Path(to) / name
    if not is_complete(dataset, folder):
        origin = _SHIPPED if dataset.ships else source
        fetch_files(dataset, folder, source=None if origin is None else Path(origin))
    return folder


def read_items(path: Path, encoding: str = "utf-8") -> dict[str, Item]:
    """Read the films of any set in the catalog: `movies.csv`, `movies.dat` or `u.item`."""
    delimiter = {".item": "|", ".dat": "::"}.get(path.suffix, ",")
    with open_delimited(path, "a list of films", delimiter=delimiter, encoding=encoding) as file:
        if delimiter == ",":
            return {id_: _item(title, genres.split("|")) for id_, title, genres in file}
        rows = [file.first, *file]
    if delimiter == "::":
        return {id_: _item(title, genres.split("|")) for id_, title, genres in rows}
    return {id_: _item(title, _flagged(flags)) for id_, title, _, _, _, *flags in rows}


def _flagged(flags: list[str]) -> list[str]:
    return [genre for genre, flag in zip(_ML_100K_GENRES, flags, strict=True) if flag == "1"]


def _item(title: str, genres: list[str]) -> Item:
    year = _YEAR.search(title)
    return Item(
        title=_YEAR.sub("", title),
        year=int(year[1]) if year else None,
        genres=tuple(
            genre for genre in genres if genre not in ("", "unknown", "(no genres listed)")
        ),
    )
