"""Detect the columns of a ratings file from its first line."""

from __future__ import annotations

import re
from dataclasses import dataclass

from coursekit.datasets.delimited import LineError

__all__ = ["Layout"]

_SYNONYMS = {
    column: set(names.split())
    for column, names in {
        "user": "user userid uid users reviewerid customerid visitorid",
        "item": "item itemid iid items movie movieid product productid book bookid isbn asin",
        "rating": "rating ratings target score stars value overall bookrating",
        "timestamp": "timestamp time ts date datetime unixtime unixreviewtime createdat",
    }.items()
}
_EXPECTED = (
    "expected a header naming user, item and rating columns, or the fields user, item, rating[, "
    "timestamp]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Column positions of a ratings file.

    Parameters
    ----------
    user, item, rating : int
        Positions, from 0.
    timestamp : int, optional
        None for a file without times.
    has_header : bool
        Whether the first line names the columns.

    Examples
    --------
    >>> layout = Layout.of_first_row(["movieId", "rating", "userId"])
    >>> layout.user, layout.item, layout.rating, layout.timestamp, layout.has_header
    (2, 0, 1, None, True)
    >>> Layout.of_first_row(["196", "242", "3", "881250949"]).timestamp
    3
    """

    user: int
    item: int
    rating: int
    timestamp: int | None
    has_header: bool

    @classmethod
    def of_first_row(cls, fields: list[str]) -> Layout:
        """Detect the layout from the fields of the first line.

        Raises
        ------
        LineError
            If the line is neither a header with the columns needed nor a rating.
        """
        if len(fields) == 1:
            raise LineError(
                f"expected fields separated by comma, tab, semicolon or '::', got {fields[0]!r:.60}"
            )
        names = [re.sub(r"[^a-z0-9]", "", field.lower()) for field in fields]
        if any(name in known for name in names for known in _SYNONYMS.values()):
            return cls(
                user=_needed_position("user", names, fields),
                item=_needed_position("item", names, fields),
                rating=_needed_position("rating", names, fields),
                timestamp=_position("timestamp", names, fields),
                has_header=True,
            )
        if len(fields) not in (3, 4) or not _is_number(fields[2]):
            raise LineError(f"{_EXPECTED}, got {', '.join(fields)!r:.60}")
        return cls(
            user=0, item=1, rating=2, timestamp=3 if len(fields) == 4 else None, has_header=False
        )


def _position(column: str, names: list[str], fields: list[str]) -> int | None:
    found = [at for at, name in enumerate(names) if name in _SYNONYMS[column]]
    if len(found) > 1:
        raise LineError(
            f"expected one {column} column, got {' and '.join(fields[at] for at in found)}"
        )
    return found[0] if found else None


def _needed_position(column: str, names: list[str], fields: list[str]) -> int:
    found = _position(column, names, fields)
    if found is None:
        wanted = ", ".join(sorted(_SYNONYMS[column]))
        raise LineError(
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
