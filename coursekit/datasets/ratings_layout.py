"""Which column of a ratings file is which: read off its first line."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

__all__ = ["DELIMITERS", "BrokenLineError", "Layout", "split_line"]

DELIMITERS = {"::": "'::'", "\t": "tab", ";": "semicolon", ",": "comma"}
"""Delimiter -> its name. The first of them that occurs in the first line is taken."""

_SYNONYMS = {
    "user": {"user", "userid", "uid", "users", "reviewerid", "customerid", "visitorid"},
    "item": {
        "item",
        "itemid",
        "iid",
        "items",
        "movie",
        "movieid",
        "product",
        "productid",
        "book",
        "bookid",
        "isbn",
        "asin",
    },
    "rating": {"rating", "ratings", "target", "score", "stars", "value", "overall", "bookrating"},
    "timestamp": {
        "timestamp",
        "time",
        "ts",
        "date",
        "datetime",
        "unixtime",
        "unixreviewtime",
        "createdat",
    },
}
_EXPECTED = (
    "expected a header naming user, item and rating columns, or the fields user, item, rating[, "
    "timestamp]"
)


class BrokenLineError(ValueError):
    """What is wrong with one line; whoever knows the file adds its name, and the number of the line
    where it is missing.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the fields of a rating stand in a line.

    Parameters
    ----------
    delimiter : str
        What separates fields.
    n_fields : int
        How many fields every line has.
    user, item, rating : int
        Positions, from 0.
    timestamp : int, optional
        None for a file without times.
    has_header : bool
        Whether the first line names the columns.

    Examples
    --------
    >>> layout = Layout.of_first_line("movieId,rating,userId")
    >>> layout.user, layout.item, layout.rating, layout.timestamp, layout.has_header
    (2, 0, 1, None, True)
    >>> Layout.of_first_line("196::242::3::881250949").timestamp
    3
    """

    delimiter: str
    n_fields: int
    user: int
    item: int
    rating: int
    timestamp: int | None
    has_header: bool

    @classmethod
    def of_first_line(cls, line: str) -> Layout:
        """Find out how a file is laid out.

        Raises
        ------
        BrokenLineError
            If the line is neither a header with the columns needed nor a rating.
        """
        delimiter = next((each for each in DELIMITERS if each in line), None)
        if delimiter is None:
            raise BrokenLineError(
                f"expected fields separated by comma, tab, semicolon or '::', got {_shown(line)}"
            )
        fields = split_line(line, delimiter)
        names = [re.sub(r"[^a-z0-9]", "", field.lower()) for field in fields]
        if any(name in known for name in names for known in _SYNONYMS.values()):
            return cls(
                delimiter=delimiter,
                n_fields=len(fields),
                user=_needed_position("user", names, fields),
                item=_needed_position("item", names, fields),
                rating=_needed_position("rating", names, fields),
                timestamp=_position("timestamp", names, fields),
                has_header=True,
            )
        if len(fields) not in (3, 4) or not _is_number(fields[2]):
            raise BrokenLineError(f"{_EXPECTED}, got {_shown(line)}")
        return cls(
            delimiter=delimiter,
            n_fields=len(fields),
            user=0,
            item=1,
            rating=2,
            timestamp=3 if len(fields) == 4 else None,
            has_header=False,
        )


def split_line(line: str, delimiter: str) -> list[str]:
    """Cut one line into its fields, quotes removed."""
    if (
        len(delimiter) > 1
    ):  # the csv module knows single characters only, and "::" files know no quotes
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BrokenLineError(
            f"expected fields separated by {DELIMITERS[delimiter]}: {error}"
        ) from error


def _position(column: str, names: list[str], fields: list[str]) -> int | None:
    found = [at for at, name in enumerate(names) if name in _SYNONYMS[column]]
    if len(found) > 1:
        raise BrokenLineError(
            f"expected one {column} column, got {' and '.join(fields[at] for at in found)}"
        )
    return found[0] if found else None


def _needed_position(column: str, names: list[str], fields: list[str]) -> int:
    found = _position(column, names, fields)
    if found is None:
        wanted = ", ".join(sorted(_SYNONYMS[column]))
        raise BrokenLineError(
            f"expected {'an' if column == 'item' else 'a'} {column} column (one of "
            f"{wanted}), got only {', '.join(fields)}"
        )
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")
