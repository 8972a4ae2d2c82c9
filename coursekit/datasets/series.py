"""Read one column of a file as a series of numbers, or say in one sentence why it is none (lesson
05).
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import SeriesFileError

__all__ = ["Series", "read_series"]

_DELIMITERS = (",", ";", "\t")
_NOTHING = {"", "nan", "na", "n/a", "null", "none", "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Numbers in the order of their file.

    Parameters
    ----------
    column : str
        The name of the column.
    values : array, shape (n,)
        Finite, and not all the same.
    times : tuple of str, optional
        When each was taken, as it stands in the file.
    seconds : array, shape (n,), optional
        The same in seconds, never falling.
    """

    column: str
    values: npt.NDArray[np.float64]
    times: tuple[str, ...] | None = None
    seconds: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_gaps(self) -> int:
        """How often more than twice the usual time passes between two values; 0 without times."""
        if self.seconds is None:
            return 0
        steps = np.diff(self.seconds)
        return int(np.count_nonzero(steps > 2 * np.median(steps)))


def read_series(path: str | Path, column: str, time: str | None = None) -> Series:
    r"""Read a column of a file with a header, fields separated by comma, semicolon or tab, packed
    by gzip or not.

    Parameters
    ----------
    path : path
    column : str
        The name of the column with the numbers.
    time : str, optional
        The name of the column with the times: numbers, or dates and times as in ISO 8601 (UTC where
        they name no zone).

    Raises
    ------
    SeriesFileError
        If the file or the column is not there, or a value is missing, not finite or no number, or
        all are the same, or times go back; one sentence with the file, the line and what was
        expected.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "load.csv"
    ...     _ = file.write_text("at,load\n10,0.5\n20,0.7\n")
    ...     read_series(file, "load", time="at").values
    array([0.5, 0.7])
    """
    path = Path(path)
    numbers: list[float] = []
    times: list[str] = []
    seconds: list[float] = []
    missing: list[int] = []
    with _opened(path) as text:
        header, rows = _rows(text, path)
        at = _position(path, header, column)
        time_at = None if time is None else _position(path, header, time)
        for line, fields in rows:
            value = fields[at].strip()
            if value.lower() in _NOTHING:
                missing.append(line)
                continue
            numbers.append(_number(path, line, column, value))
            if time_at is not None:
                times.append(fields[time_at].strip())
                seconds.append(_seconds(path, line, str(time), times[-1], seconds))
    if missing:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise SeriesFileError(
            f"{path}, line {missing[0]}{others}: `{column}` has no value there; fill the "
            f"gaps or leave these lines out first."
        )
    if len(numbers) < 2:
        raise SeriesFileError(
            f"{path} has {len(numbers)} values of `{column}`; expected at least 2."
        )
    if min(numbers) == max(numbers):
        raise SeriesFileError(
            f"{path}: `{column}` is {numbers[0]:g} in all {len(numbers)} lines; nothing can "
            f"have changed."
        )
    return Series(
        column=column,
        values=np.array(numbers),
        times=None if time is None else tuple(times),
        seconds=None if time is None else np.array(seconds),
    )


def _rows(text: TextIO, path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Return the header and the rows below it, with the numbers of their lines."""
    first = text.readline()
    if not first.strip():
        raise SeriesFileError(f"{path} is empty; expected a header that names the columns.")
    delimiter = max(_DELIMITERS, key=first.count)
    header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    reader = csv.reader(text, delimiter=delimiter, strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for fields in reader:
                if fields and len(fields) != len(header):
                    line = reader.line_num + 1
                    raise SeriesFileError(
                        f"{path}, line {line}: expected {len(header)} fields, got {len(fields)}."
                    )
                if fields:
                    yield reader.line_num + 1, fields
        except csv.Error as error:
            raise SeriesFileError(f"{path}, line {reader.line_num + 1}: {error}.") from error

    return header, rows()


def _position(path: Path, header: list[str], name: str) -> int:
    if header.count(name) != 1:
        count = "no column" if name not in header else f"{header.count(name)} columns"
        raise SeriesFileError(f"{path} has {count} `{name}`; its header names {', '.join(header)}.")
    return header.index(name)


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise SeriesFileError(
            f"{path}, line {line}: `{column}` must be a number such as 3.14, got {text!r}."
        ) from error
    if not math.isfinite(value):
        raise SeriesFileError(f"{path}, line {line}: `{column}` must be finite, got {text!r}.")
    return value


def _seconds(path: Path, line: int, column: str, text: str, before: list[float]) -> float:
    """Return a time in seconds, if it is one and does not go back."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            expected = "a number of seconds or a date and time such as 2026-01-31 12:00"
            raise SeriesFileError(
                f"{path}, line {line}: `{column}` must be {expected}, got {text!r}."
            ) from error
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(seconds):
        raise SeriesFileError(f"{path}, line {line}: `{column}` must be finite, got {text!r}.")
    if before and seconds < before[-1]:
        raise SeriesFileError(
            f"{path}, line {line}: `{column}` goes back to {text!r}; sort the file by it first."
        )
    return seconds


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a text file, packed by gzip or not; turn what can be refused into one sentence."""
    try:
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=file) if packed else file
            with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                yield text
    except UnicodeDecodeError as error:
        raise SeriesFileError(
            f"{path} is not text in UTF-8; expected a file such as a spreadsheet exports as CSV."
        ) from error
    except FileNotFoundError as error:
        raise SeriesFileError(f"{path} does not exist.") from error
    except IsADirectoryError as error:
        raise SeriesFileError(f"{path} is a folder; expected a file.") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SeriesFileError(
            f"{path} is cut off or damaged; expected a whole gzip file ({error})."
        ) from error
    except OSError as error:
        raise SeriesFileError(f"{path} cannot be read ({error.strerror or error}).") from error
