"""Read ratings from the files people have: MovieLens and its relatives, plain or packed (lesson
01).
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from coursekit.core.errors import RatingsFileError
from coursekit.core.events import Chunk
from coursekit.datasets.ratings_layout import DELIMITERS, BrokenLineError, Layout, split_line

__all__ = ["read_ratings"]

_WHOLE_NUMBER = re.compile("0|-?[1-9][0-9]{0,17}")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive; unpack it and name the ratings file inside",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PAR1": "a Parquet file; export it as CSV",
}


def read_ratings(path: str | Path) -> Chunk:
    r"""Read a file of ratings, in the order in which they were given.

    Understood are MovieLens' `u.data`, `ratings.csv` and `ratings.dat` and whatever looks like
    them: one rating a line, fields separated by comma, tab, semicolon or '::', gzip or plain. A
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
        where *every* id of the column is written as one; a single "0042" or "tt0110912" leaves the
        whole column as text.

    Raises
    ------
    RatingsFileError
        If there is no such file, or a line is not a rating; one sentence with the file, the line
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
    path, line = Path(path), 1
    with _reported(path), _opened(path) as text:
        try:
            start, first = _first_line(text)
            line = start
            layout = Layout.of_first_line(first)
            columns = _Columns(layout)
            if not layout.has_header:
                columns.add(split_line(first, layout.delimiter))
            for line, fields in _rows(text, layout.delimiter, before=start):  # noqa: B007 - `line` is for the message below
                columns.add(fields)
            columns.close()
        except BrokenLineError as error:
            raise RatingsFileError(f"{path}, line {error.line or line}: {error}.") from error
    return columns.in_time_order()


class _Columns:
    """Ratings read so far, column by column; every id is stored once, however often it occurs."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.users, self.items = _Ids("user"), _Ids("item")
        self.user_ids: list[str] = []
        self.item_ids: list[str] = []
        self.ratings, self.timestamps = array("d"), array("d")

    def add(self, fields: list[str]) -> None:
        """Take one line, or say what is wrong with it."""
        layout = self.layout
        if len(fields) != layout.n_fields:
            raise BrokenLineError(
                f"expected {layout.n_fields} fields separated by "
                f"{DELIMITERS[layout.delimiter]}, got {len(fields)}"
            )
        self.user_ids.append(self.users[fields[layout.user]])
        self.item_ids.append(self.items[fields[layout.item]])
        self.ratings.append(_rating(fields[layout.rating]))
        if layout.timestamp is not None:
            self.timestamps.append(_seconds(fields[layout.timestamp]))

    def close(self) -> None:
        """Insist on at least one rating."""
        if not self.ratings:
            raise BrokenLineError("expected a rating below the header, got the end of the file")

    def in_time_order(self) -> Chunk:
        """Return everything as one chunk; ratings without times stay in the order of the file."""
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
    """What a file writes -> the id it means; looks closely only at an id that is new."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def __missing__(self, text: str) -> str:
        id_ = text.strip()
        if not id_:
            raise BrokenLineError(f"expected the {self.column}'s id, got an empty field")
        if any("\ud800" <= letter <= "\udfff" for letter in id_):  # bytes that could not be decoded
            raise BrokenLineError(f"expected the {self.column}'s id as UTF-8 text, got other bytes")
        self[text] = id_
        return id_

    def as_numbers(self, ids: list[str]) -> list[Any]:
        """Return the ids as integers if all of them are written as integers are, and as they stand
        otherwise.
        """
        numbers = {id_: int(id_) for id_ in self.values() if _WHOLE_NUMBER.fullmatch(id_)}
        return [numbers[id_] for id_ in ids] if len(numbers) == len(set(self.values())) else ids


def _rating(text: str) -> float:
    try:
        rating = float(text)
    except ValueError:
        raise BrokenLineError(f"expected a number as rating, got {text!r}") from None
    if not math.isfinite(rating):
        raise BrokenLineError(f"expected a finite number as rating, got {text!r}")
    return rating


def _seconds(text: str) -> float:
    """Return seconds since 1970 from a number or an ISO date; a date without a zone is UTC."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_of_date(text)
    if not math.isfinite(seconds):
        raise BrokenLineError(f"expected a finite time, got {text!r}")
    return seconds


def _seconds_of_date(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BrokenLineError(
            f"expected a time in seconds or as an ISO date, got {text!r}"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _first_line(text: TextIO) -> tuple[int, str]:
    """Return the first line that is not empty, without its end, and its number."""
    for number, line in enumerate(text, start=1):
        if line.strip():
            return number, line.rstrip("\r\n")
    raise BrokenLineError("expected ratings, got an empty file")


def _rows(text: TextIO, delimiter: str, *, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line with its number; `before` lines were read already. Empty lines
    are passed over.
    """
    if len(delimiter) > 1:  # the csv module knows single characters only
        for number, line in enumerate(text, start=before + 1):
            if line.strip():
                yield number, line.rstrip("\r\n").split(delimiter)
        return
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if fields:
                yield before + reader.line_num, fields
    except csv.Error as error:
        raise BrokenLineError(
            f"expected fields separated by {DELIMITERS[delimiter]} ({error})",
            before + reader.line_num,
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, packed by gzip or not: the first bytes tell, not the name."""
    with path.open("rb") as file:
        magic = file.peek(4)[:4]
        for foreign, advice in _FOREIGN.items():
            if magic.startswith(foreign):
                raise RatingsFileError(f"{path}, line 1: expected ratings as text, got {advice}.")
        packed = magic.startswith(b"\x1f\x8b")
        stream = gzip.GzipFile(fileobj=file) if packed else file
        with io.TextIOWrapper(
            stream, encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as text:
            yield text


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turn what a file system and gzip can refuse into one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise RatingsFileError(f"{path} does not exist; expected a file of ratings.") from error
    except IsADirectoryError as error:
        inside = sorted(
            each.name for each in path.glob("*") if each.stem.partition(".")[0] in ("ratings", "u")
        )
        hint = f", such as {path / inside[0]}" if inside else ""
        raise RatingsFileError(f"{path} is a folder; expected a file of ratings{hint}.") from error
    except PermissionError as error:
        raise RatingsFileError(
            f"{path} must not be read by this user; expected a readable file of ratings."
        ) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RatingsFileError(
            f"{path} is cut off or damaged; expected a whole gzip file ({error})."
        ) from error
    except OSError as error:
        raise RatingsFileError(
            f"{path} cannot be read ({error.strerror or error}); expected a file of ratings."
        ) from error
