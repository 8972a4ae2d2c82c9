"""Read one column of a delimited file as a series of numbers (lesson 05)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coursekit.core.arrays import Floats
from coursekit.core.errors import FileFormatError
from coursekit.datasets.delimited import (
    MISSING,
    LineError,
    column_at,
    number_in,
    open_delimited,
    seconds_in,
)

__all__ = ["Series", "read_series"]


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
        Time of each value, as text of the file.
    seconds : array, shape (n,), optional
        The same in seconds since 1970, non-decreasing.
    """

    column: str
    values: Floats
    times: tuple[str, ...] | None = None
    seconds: Floats | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def n_gaps(self) -> int:
        """Number of intervals longer than twice the median interval; 0 without times."""
        if self.seconds is None:
            return 0
        steps = np.diff(self.seconds)
        return int(np.count_nonzero(steps > 2 * np.median(steps)))


def read_series(path: str | Path, column: str, time: str | None = None) -> Series:
    r"""Read a column of a delimited file with a header (comma, semicolon or tab; plain or gzip).

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
    FileFormatError
        If the file or the column does not exist, a value is missing or not a finite number, all
        values are equal, or times decrease; the message names the file, the line and what was
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
    with open_delimited(path, "a CSV file, such as a spreadsheet exports") as file:
        header = [name.strip() for name in file.first]
        at = column_at(path, header, column)
        time_at = None if time is None else column_at(path, header, time)
        for fields in file:
            value = fields[at].strip()
            if value.lower() in MISSING:
                missing.append(file.line)
                continue
            numbers.append(number_in(value, f"`{column}`"))
            if time_at is not None:
                times.append(fields[time_at].strip())
                seconds.append(seconds_in(times[-1]))
                if seconds[-1] < max(seconds[-2:]):
                    raise LineError(f"`{time}` decreases to {times[-1]!r}; sort the file by it")
    if missing:
        others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise FileFormatError(
            f"{path}, line {missing[0]}{others}: `{column}` is missing; fill in the "
            f"value or remove these lines first."
        )
    if len(numbers) < 2:
        raise FileFormatError(
            f"{path} has {len(numbers)} values of `{column}`; expected at least 2."
        )
    if min(numbers) == max(numbers):
        raise FileFormatError(
            f"{path}: `{column}` is {numbers[0]:g} in all {len(numbers)} lines; a "
            f"constant has no changes."
        )
    return Series(
        column=column,
        values=np.array(numbers),
        times=None if time is None else tuple(times),
        seconds=None if time is None else np.array(seconds),
    )
