"""Reader of delimited text files, plain or gzip; errors name the file and the line."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TextIO

from coursekit.core.errors import FileFormatError

__all__ = [
    "MISSING",
    "DelimitedFile",
    "LineError",
    "column_at",
    "number_in",
    "open_delimited",
    "seconds_in",
]

MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}
"""What stands for a missing value, in lower case."""

_DELIMITERS = {"::": "'::'", "\t": "tab", ";": "semicolon", ",": "comma", "|": "'|'"}
_DETECTED = ("::", "\t", ";", ",")
_WITH_QUOTES = ("\t", ";", ",")
_FOREIGN = {
    b"PK\x03\x04": "a zip archive; unpack it and name a file inside",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PAR1": "a Parquet file; export it as CSV",
}


class LineError(ValueError):
    """An error in the current line; `open_delimited` adds the file and the line number."""


class DelimitedFile:
    """Rows of an open file, without empty lines.

    Attributes
    ----------
    first : list of str
        Fields of the first row, often a header; iteration starts with the second.
    line : int
        Number of the latest line.
    """

    def __init__(self, delimiter: str | None) -> None:
        self.first: list[str] = []
        self.line = 1
        self._delimiter = delimiter or ""

    def _begin(self, text: TextIO) -> None:
        """Read the first row."""
        numbered = ((number, line) for number, line in enumerate(text, start=1) if line.strip())
        number, line = next(numbered, (0, ""))
        if not number:
            raise LineError("expected rows of fields, got an empty file")
        self._delimiter = self._delimiter or max(_DETECTED, key=line.count)
        self._rows = self._split(chain([line], text), n_before=number - 1)
        self.first = next(self._rows)

    def __iter__(self) -> Iterator[list[str]]:
        for fields in self._rows:
            if len(fields) != len(self.first):
                raise LineError(
                    f"expected {len(self.first)} fields separated by "
                    f"{_DELIMITERS[self._delimiter]}, got {len(fields)}"
                )
            yield fields

    def _split(self, lines: Iterator[str], n_before: int) -> Iterator[list[str]]:
        if self._delimiter not in _WITH_QUOTES:
            for self.line, line in enumerate(lines, start=n_before + 1):
                if line.strip():
                    yield line.rstrip("\r\n").split(self._delimiter)
            return
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        try:
            for fields in reader:
                self.line = n_before + reader.line_num
                if fields:
                    yield fields
        except csv.Error as error:
            self.line = n_before + reader.line_num
            name = _DELIMITERS[self._delimiter]
            raise LineError(f"expected fields separated by {name} ({error})") from error


@contextmanager
def open_delimited(
    path: str | Path,
    expected: str,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
    errors: str = "strict",
) -> Iterator[DelimitedFile]:
    """Open a file; turn every error within the block into a FileFormatError.

    Parameters
    ----------
    path : path
    expected : str
        The expected content, for error messages: "a file of ratings".
    delimiter : str, optional
        Default: the most frequent of '::', tab, semicolon and comma in the first line.
    encoding, errors : str
        As in `open`.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or the block raises `LineError`.
    """
    path, file = Path(path), DelimitedFile(delimiter)
    try:
        with _as_text(path, encoding, errors) as text:
            file._begin(text)
            yield file
    except LineError as error:
        raise FileFormatError(f"{path}, line {file.line}: {error}.") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is not text in UTF-8; expected {expected}.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileFormatError(
            f"{path} is truncated or corrupt; expected a complete gzip file ({error})."
        ) from error
    except IsADirectoryError as error:
        inside = [*path.glob("ratings*"), *path.glob("u.data*"), *path.glob("*.csv*")]
        hint = f", such as {inside[0]}" if inside else ""
        raise FileFormatError(f"{path} is a folder; expected {expected}{hint}.") from error
    except FileNotFoundError as error:
        raise FileFormatError(f"{path} does not exist; expected {expected}.") from error
    except OSError as error:
        reason = error.strerror or error
        raise FileFormatError(f"{path} cannot be read ({reason}); expected {expected}.") from error


@contextmanager
def _as_text(path: Path, encoding: str, errors: str) -> Iterator[TextIO]:
    """Open text, plain or gzip according to its first bytes, not its name."""
    with path.open("rb") as file:
        magic = file.peek(4)[:4]
        for foreign, advice in _FOREIGN.items():
            if magic.startswith(foreign):
                raise LineError(f"expected text, got {advice}")
        stream = gzip.GzipFile(fileobj=file) if magic.startswith(b"\x1f\x8b") else file
        with io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="") as text:
            yield text


def column_at(path: str | Path, header: list[str], name: str) -> int:
    """Return the position of a column in a header.

    Raises
    ------
    FileFormatError
        If there is none of this name, or several; the message lists the header.
    """
    if header.count(name) != 1:
        count = "no column" if name not in header else f"{header.count(name)} columns"
        raise FileFormatError(f"{path} has {count} `{name}`; its header names {', '.join(header)}.")
    return header.index(name)


def number_in(text: str, name: str) -> float:
    """Return a finite number.

    >>> number_in("4.5", "rating")
    4.5
    """
    try:
        number = float(text)
    except ValueError:
        raise LineError(f"expected a number as {name}, got {text!r}") from None
    if not math.isfinite(number):
        raise LineError(f"expected a finite number as {name}, got {text!r}")
    return number


def seconds_in(text: str) -> float:
    """Return seconds since 1970 from a number or an ISO date; without a zone it is UTC.

    >>> seconds_in("1970-01-01 00:01"), seconds_in("60")
    (60.0, 60.0)
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            expected = "a time in seconds or as an ISO date"
            raise LineError(f"expected {expected}, got {text!r}") from None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise LineError(f"expected a finite time, got {text!r}")
    return seconds
