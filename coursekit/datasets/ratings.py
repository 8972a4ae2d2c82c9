"""Read files of ratings in the formats of MovieLens and similar ones (lesson 01)."""

from __future__ import annotations

import re
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.core.events import Chunk
from coursekit.datasets.delimited import LineError, number_in, open_delimited, seconds_in
from coursekit.datasets.ratings_layout import Layout

__all__ = ["read_ratings"]

_WHOLE_NUMBER = re.compile("0|-?[1-9][0-9]{0,17}")


def read_ratings(path: str | Path) -> Chunk:
    r"""Read a file of ratings and sort them by time.

    Reads `u.data`, `ratings.csv` and `ratings.dat` of MovieLens and similar files: one rating a
    line, fields separated by comma, tab, semicolon or '::', gzip or plain. A
    header may name the columns in any order (`user_id`, `userId`, `movieId`, `item`, `rating`,
    `score`, `timestamp`, ...); without one the fields are user, item, rating and, if there are
    four, the time. Times are seconds since 1970 or ISO 8601. Other columns are ignored.

    Parameters
    ----------
    path : path

    Returns
    -------
    Chunk
        Sorted by time (ratings of the same second stay in the order of the file). Ids are integers
        if *every* id of the column is an integer; a single "0042" or "tt0110912" makes all ids of
        the column strings.

    Raises
    ------
    FileFormatError
        If the file does not exist or a line is not a rating; the message names the file, the line
        and what was expected.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "ratings.csv"
    ...     _ = file.write_text("movieId,rating,userId,timestamp\n10,4.5,ada,200\n11,3.0,bob,100\n")
    ...     ratings = read_ratings(file)
    >>> ratings.user_ids, ratings.item_ids, ratings.targets
    (['bob', 'ada'], [11, 10], array([3. , 4.5]))
    """
    with open_delimited(path, "a file of ratings", errors="surrogateescape") as file:
        layout = Layout.of_first_row(file.first)
        columns = _Columns(layout)
        if not layout.has_header:
            columns.add(file.first)
        for fields in file:
            columns.add(fields)
        if not columns.ratings:
            raise LineError("expected a rating below the header, got the end of the file")
    return columns.in_time_order()


class _Columns:
    """Ratings read so far, as columns; equal ids share one string."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.users, self.items = _Ids("user"), _Ids("item")
        self.user_ids: list[str] = []
        self.item_ids: list[str] = []
        self.ratings, self.timestamps = array("d"), array("d")

    def add(self, fields: list[str]) -> None:
        """Append one row."""
        layout = self.layout
        self.user_ids.append(self.users[fields[layout.user]])
        self.item_ids.append(self.items[fields[layout.item]])
        self.ratings.append(number_in(fields[layout.rating], "rating"))
        if layout.timestamp is not None:
            self.timestamps.append(seconds_in(fields[layout.timestamp]))

    def in_time_order(self) -> Chunk:
        """Return all ratings as one chunk; without times, in the order of the file."""
        users, items = self.users.as_numbers(self.user_ids), self.items.as_numbers(self.item_ids)
        targets, times = np.array(self.ratings), np.array(self.timestamps)
        if self.layout.timestamp is None:
            return Chunk(user_ids=users, item_ids=items, targets=targets)
        order = np.argsort(times, kind="stable")
        return Chunk(
            user_ids=[users[at] for at in order.tolist()],
            item_ids=[items[at] for at in order.tolist()],
            targets=targets[order],
            timestamps=times[order],
        )


class _Ids(dict[str, str]):
    """Text of a field -> id; validates each distinct text once."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def __missing__(self, text: str) -> str:
        id_ = text.strip()
        if not id_:
            raise LineError(f"expected the {self.column}'s id, got an empty field")
        if any("\ud800" <= letter <= "\udfff" for letter in id_):  # bytes that could not be decoded
            raise LineError(f"expected the {self.column}'s id as UTF-8 text, got other bytes")
        self[text] = id_
        return id_

    def as_numbers(self, ids: list[str]) -> list[Any]:
        """Return the ids as integers if all are canonical integers, otherwise unchanged."""
        numbers = {id_: int(id_) for id_ in self.values() if _WHOLE_NUMBER.fullmatch(id_)}
        return [numbers[id_] for id_ in ids] if len(numbers) == len(set(self.values())) else ids
