"""Read metrics of servers from delimited files: any file in long form, and wide public sets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from coursekit.core.errors import FileFormatError
from coursekit.datasets.delimited import MISSING, column_at, number_in, open_delimited, seconds_in
from coursekit.forecasting.fleet.frame import MetricFrame
from coursekit.forecasting.fleet.grid import GridReport, on_grid

__all__ = ["read_metrics", "read_one_file_per_server"]


def read_metrics(
    path: str | Path,
    *,
    time: str,
    target: str,
    server: str | None = None,
    metrics: Sequence[str] = (),
    known: Sequence[str] = (),
    time_unit_seconds: float = 1.0,
    step_seconds: int | None = None,
    max_fill: int = 3,
) -> tuple[MetricFrame, GridReport]:
    r"""Read a file in long form: one row per server and time, with metrics as columns.

    Parameters
    ----------
    path : path
        Comma, semicolon or tab separated, plain or gzip, with a header.
    time : str
        Column of the times: numbers, or dates and times as in ISO 8601 (UTC without a zone).
    target : str
        Column to forecast.
    server : str, optional
        Column of the servers. Default: one server, named as the file.
    metrics, known : sequence of str
        Further columns; the future of `known` ones is known.
    time_unit_seconds : float
        What 1 means in a numeric column of times: 60 for SMD, whose rows count minutes.
    step_seconds, max_fill : int
        As in `on_grid`.

    Raises
    ------
    FileFormatError
        If the file or a column does not exist, or a value is not a number; the message names file
        and line.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "m.csv"
    ...     _ = file.write_text("at,host,cpu\n2024-01-01 00:00,b,5\n2024-01-01 01:00,b,7\n")
    ...     frame, report = read_metrics(file, time="at", server="host", target="cpu")
    >>> frame.servers, frame.step_seconds, frame.values.tolist()
    (('b',), 3600, [[5.0], [7.0]])
    """
    path = Path(path)
    names = list(dict.fromkeys([target, *metrics, *known]))
    servers: list[str] = []
    seconds: list[float] = []
    values: list[list[float]] = []
    with open_delimited(path, "a CSV file with a header and one row per server and time") as file:
        header = [name.strip() for name in file.first]
        wanted = [time, *([server] if server else []), *names]
        at = {name: column_at(path, header, name) for name in wanted}
        only = path.name.partition(".")[0]
        for fields in file:
            seconds.append(
                seconds_in(fields[at[time]]) * _unit(fields[at[time]], time_unit_seconds)
            )
            servers.append(fields[at[server]].strip() if server else only)
            values.append([_number(fields[at[name]], name) for name in names])
    if not values:
        raise FileFormatError(f"{path} has a header but no rows.")
    return on_grid(
        servers,
        seconds,
        values,
        metrics=names,
        known=known,
        step_seconds=step_seconds,
        max_fill=max_fill,
    )


def read_one_file_per_server(
    files: Mapping[str, Sequence[str | Path]],
    *,
    time: str,
    target: str,
    metrics: Sequence[str] = (),
    time_unit_seconds: float = 1.0,
    step_seconds: int | None = None,
    max_fill: int = 3,
) -> tuple[MetricFrame, tuple[GridReport, ...]]:
    """Read public sets with one file per server, such as NAB, SMD and ASD.

    Parameters
    ----------
    files : mapping
        Name of a server to its files in order of time. Where a file counts its rows from 0 again,
        as the test halves of SMD and ASD do, it continues the file before it.
    time, target, metrics, time_unit_seconds, step_seconds, max_fill
        As in `read_metrics`; `step_seconds` defaults to that of the first file.
    """
    frames: list[MetricFrame] = []
    reports: list[GridReport] = []
    step = step_seconds
    for name, paths in files.items():
        end: int | None = None
        for path in paths:
            frame, report = read_metrics(
                path,
                time=time,
                target=target,
                metrics=metrics,
                time_unit_seconds=time_unit_seconds,
                step_seconds=step,
                max_fill=max_fill,
            )
            step = frame.step_seconds
            later = 0 if end is None or frame.span[0] >= end else end - frame.span[0]
            frames.append(
                MetricFrame(
                    servers=(name,),
                    metrics=frame.metrics,
                    server=frame.server,
                    time=frame.time + later,
                    values=frame.values,
                    step_seconds=step,
                )
            )
            reports.append(report)
            end = frames[-1].span[1]
    return MetricFrame.joined(frames), tuple(reports)


def _number(text: str, name: str) -> float:
    text = text.strip()
    return math.nan if text.lower() in MISSING else number_in(text, f"`{name}`")


def _unit(text: str, time_unit_seconds: float) -> float:
    """Return the unit of a stamp: that of the file for a number, seconds for a date."""
    try:
        np.float64(text)
    except ValueError:
        return 1.0
    return time_unit_seconds
