"""Put irregular readings on a grid of equal time steps, and report what was found (lesson 17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.arrays import ArrayLike, Floats, Ints
from coursekit.core.errors import InvalidSampleError
from coursekit.core.validation import integer
from coursekit.forecasting.fleet.frame import MetricFrame

__all__ = ["GridReport", "on_grid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GridReport:
    """What `on_grid` found and did.

    Parameters
    ----------
    n_readings : int
        Rows read.
    n_merged : int
        Readings averaged with another one of the same server and time step.
    n_irregular : int
        Readings whose stamp is not a multiple of the time step.
    n_filled : int
        Values carried forward over a short gap.
    n_missing : int
        Time steps that stay missing, since a gap was longer than `max_fill`.
    n_unsorted : int
        Readings that came after a later one of the same server.
    """

    n_readings: int
    n_merged: int
    n_irregular: int
    n_filled: int
    n_missing: int
    n_unsorted: int

    def __str__(self) -> str:
        """Return one sentence."""
        return (
            f"{self.n_readings} readings: {self.n_irregular} irregular stamps rounded down, "
            f"{self.n_unsorted} out of order, {self.n_merged} merged, {self.n_filled} values "
            f"carried forward, {self.n_missing} time steps missing."
        )


def on_grid(
    servers: Sequence[str],
    seconds: ArrayLike,
    values: ArrayLike,
    *,
    metrics: Sequence[str],
    known: Sequence[str] = (),
    step_seconds: int | None = None,
    max_fill: int = 3,
) -> tuple[MetricFrame, GridReport]:
    """Return readings as a frame on a regular grid.

    A stamp is rounded down to its time step, readings of one step are averaged, and gaps of at most
    `max_fill` steps carry the last value forward: no value depends on a later reading. Longer gaps
    stay missing, and so does what precedes the first complete reading of a server.

    Parameters
    ----------
    servers : sequence of str, length n
    seconds : array, shape (n,)
        Seconds since 1970.
    values : array, shape (n, n_metrics)
        NaN where a metric was not read.
    metrics, known : sequence of str
        As in `MetricFrame`.
    step_seconds : int, optional
        Default: the median interval between different stamps of a server.
    max_fill : int, 0 or more

    Raises
    ------
    InvalidSampleError
        If there is no reading, shapes differ, or a stamp or value is infinite.

    Examples
    --------
    >>> frame, report = on_grid(["a"] * 4, [0, 61, 65, 240], [[1], [2], [4], [5]],
    ...                         metrics=["cpu"], step_seconds=60, max_fill=1)
    >>> frame.time.tolist(), frame.values[:, 0].tolist()
    ([0, 1, 2, 4], [1.0, 3.0, 3.0, 5.0])
    >>> print(report)
    4 readings: 2 irregular stamps rounded down, 0 out of order, 1 merged, 1 values carried
    forward, 1 time steps missing.
    """
    integer("max_fill", max_fill, at_least=0)
    stamps = np.asarray(seconds, dtype=np.float64)
    table = np.asarray(values, dtype=np.float64)
    n = len(servers)
    if n == 0 or stamps.shape != (n,) or table.shape != (n, len(metrics)):
        raise InvalidSampleError(
            f"Expected 1 or more readings, `seconds` of shape ({n},) and `values` of shape "
            f"({n}, {len(metrics)}), got {stamps.shape} and {table.shape}."
        )
    if not np.isfinite(stamps).all() or np.isinf(table).any():
        raise InvalidSampleError("Stamps must be finite, and values finite or NaN (missing).")
    names, server = np.unique(np.asarray(servers, dtype=str), return_inverse=True)
    step = step_seconds or _usual_interval(server, stamps)
    integer("step_seconds", step)
    time = np.floor(stamps / step).astype(np.int64)
    parts = [
        _server_on_grid(time[server == at], table[server == at], max_fill)
        for at in range(len(names))
    ]
    sizes = [len(part[0]) for part in parts]
    frame = MetricFrame(
        servers=tuple(map(str, names)),
        metrics=tuple(metrics),
        known=tuple(known),
        step_seconds=step,
        server=np.repeat(np.arange(len(names)), sizes),
        time=np.concatenate([part[0] for part in parts]),
        values=np.concatenate([part[1] for part in parts]),
    )
    n_cells = len(np.unique(np.stack([server, time]), axis=1).T)
    late = [np.diff(stamps[server == at]) < 0 for at in range(len(names))]
    report = GridReport(
        n_readings=n,
        n_merged=n - n_cells,
        n_irregular=int(np.count_nonzero(stamps % step)),
        n_filled=sum(part[2] for part in parts),
        n_missing=sum(int(np.sum(np.diff(part[0]) - 1)) for part in parts if len(part[0])),
        n_unsorted=int(sum(each.sum() for each in late)),
    )
    return frame, report


def _usual_interval(server: npt.NDArray[np.intp], stamps: Floats) -> int:
    order = np.lexsort((stamps, server))
    gaps = np.diff(stamps[order])[np.diff(server[order]) == 0]
    gaps = gaps[gaps > 0]
    if gaps.size == 0:
        raise InvalidSampleError("No server has two different stamps; name `step_seconds`.")
    return max(round(float(np.median(gaps))), 1)


def _server_on_grid(time: Ints, table: Floats, max_fill: int) -> tuple[Ints, Floats, int]:
    """Return complete time steps of one server, their values, and how many values were filled."""
    steps, row = np.unique(time, return_inverse=True)
    count = np.zeros((len(steps), table.shape[1]))
    total = np.zeros_like(count)
    present = ~np.isnan(table)
    np.add.at(count, row, present)
    np.add.at(total, row, np.where(present, table, 0.0))
    # a filled step lies at most max_fill after a step with readings: no long gap is spelled out
    reach = np.unique((steps[:, None] + np.arange(max_fill + 1)).ravel())
    reach = reach[reach <= steps[-1]]
    grid = np.full((len(reach), table.shape[1]), np.nan)
    with np.errstate(invalid="ignore"):
        grid[np.searchsorted(reach, steps)] = total / count
    read = ~np.isnan(grid)
    rows = np.arange(len(reach))[:, None]
    last = np.maximum.accumulate(np.where(read, rows, -1), axis=0)  # latest reading of each metric
    near = (last >= 0) & (reach[:, None] - reach[np.maximum(last, 0)] <= max_fill)
    filled = np.where(near, np.take_along_axis(grid, np.maximum(last, 0), axis=0), np.nan)
    complete = ~np.isnan(filled).any(axis=1)
    n_filled = int(np.count_nonzero(~read[complete]))
    return reach[complete], filled[complete], n_filled
