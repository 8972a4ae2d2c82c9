"""Metrics of many servers on a regular grid of time steps, in long form (lesson 17)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from coursekit.core.arrays import ArrayLike, Floats, Ints
from coursekit.core.errors import InvalidSampleError
from coursekit.core.state import State
from coursekit.core.validation import integer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MetricFrame"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricFrame:
    """Rows (server, time step, metrics), sorted by server and time, without duplicates or NaN.

    Time steps may be missing: a window of the model spans consecutive steps only.

    Parameters
    ----------
    servers : tuple of str
        Names; `server` holds indices into it.
    metrics : tuple of str
        Names of the columns of `values`; the first is the target of the forecast.
    server : array of int, shape (n,)
    time : array of int, shape (n,)
        Number of the time step: seconds since 1970-01-01 UTC divided by `step_seconds`.
    values : array, shape (n, n_metrics)
        Finite.
    step_seconds : int
        Length of a time step.
    known : tuple of str
        Metrics whose future is known in advance, such as announced events.

    Raises
    ------
    InvalidSampleError
        If shapes differ, a value is not finite, or rows are unsorted or duplicate; the message
        names the server, the time step and the metric.

    Examples
    --------
    >>> frame = MetricFrame(servers=("a",), metrics=("cpu",), server=[0, 0, 0], time=[5, 6, 7],
    ...                     values=[[10.0], [11.0], [12.0]])
    >>> len(frame), frame.between(6, 8).values[:, 0].tolist()
    (3, [11.0, 12.0])
    """

    servers: tuple[str, ...]
    metrics: tuple[str, ...]
    server: Ints
    time: Ints
    values: Floats
    step_seconds: int = 3600
    known: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in (("server", np.int64), ("time", np.int64), ("values", np.float64)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=kind))
        integer("step_seconds", self.step_seconds)
        n, width = len(self.server), len(self.metrics)
        if self.time.shape != (n,) or self.values.shape != (n, width):
            raise InvalidSampleError(
                f"`time` must have shape ({n},) and `values` ({n}, {width}), got "
                f"{self.time.shape} and {self.values.shape}."
            )
        if width == 0 or len(set(self.metrics)) != width or set(self.known) - set(self.metrics[1:]):
            raise InvalidSampleError(
                f"`metrics` must be different names, the target first, and `known` some of the "
                f"others, got {self.metrics} and {self.known}."
            )
        if n and not 0 <= self.server.min() <= self.server.max() < len(self.servers):
            raise InvalidSampleError(f"`server` must index the {len(self.servers)} servers.")
        self._require_finite()
        same = self.server[1:] == self.server[:-1]
        ordered = np.where(same, self.time[1:] > self.time[:-1], self.server[1:] > self.server[:-1])
        if not ordered.all():
            at = int(np.flatnonzero(~ordered)[0]) + 1
            raise InvalidSampleError(
                f"Rows must be sorted by server and time without duplicates; server "
                f"{self.servers[self.server[at]]!r} breaks that at step {self.time[at]}."
            )

    def _require_finite(self) -> None:
        finite = np.isfinite(self.values)
        if not finite.all():
            row, column = (int(at) for at in np.argwhere(~finite)[0])
            raise InvalidSampleError(
                f"`{self.metrics[column]}` must be a finite number, got "
                f"{self.values[row, column]} (server {self.servers[self.server[row]]!r}, step "
                f"{self.time[row]}); fill or drop missing values first, see `on_grid`."
            )

    def __len__(self) -> int:
        return len(self.time)

    @property
    def span(self) -> tuple[int, int]:
        """First time step, and the one after the last; (0, 0) for no rows."""
        return (int(self.time.min()), int(self.time.max()) + 1) if len(self) else (0, 0)

    def where(self, rows: npt.NDArray[Any]) -> MetricFrame:
        """Return rows by a mask or by increasing indices."""
        return replace(
            self, server=self.server[rows], time=self.time[rows], values=self.values[rows]
        )

    def between(self, start: float, stop: float) -> MetricFrame:
        """Return the rows of the time steps start, ..., stop - 1."""
        return self.where((self.time >= start) & (self.time < stop))

    def of_servers(self, names: Collection[str]) -> MetricFrame:
        """Return the rows of some servers; the others stay listed."""
        wanted = [at for at, name in enumerate(self.servers) if name in names]
        return self.where(np.isin(self.server, wanted))

    @classmethod
    def joined(cls, frames: Sequence[MetricFrame]) -> MetricFrame:
        """Return the rows of all frames; of duplicate rows the one of the latest frame.

        Raises
        ------
        InvalidSampleError
            If metrics or time steps differ.
        """
        first = frames[0]
        for frame in frames:
            theirs = (frame.metrics, frame.known, frame.step_seconds)
            if theirs != (first.metrics, first.known, first.step_seconds):
                raise InvalidSampleError(
                    f"The frames must have equal metrics, known metrics and step_seconds; got "
                    f"{(first.metrics, first.known, first.step_seconds)} and {theirs}."
                )
        servers = tuple(dict.fromkeys(name for frame in frames for name in frame.servers))
        at = {name: number for number, name in enumerate(servers)}
        server = np.concatenate(
            [np.array([at[s] for s in f.servers], dtype=np.int64)[f.server] for f in frames]
        )
        time = np.concatenate([frame.time for frame in frames])
        order = np.lexsort((time, server))  # stable: the latest of duplicates is last
        last = np.ones(len(order), dtype=bool)
        last[:-1] = np.diff(server[order]).astype(bool) | np.diff(time[order]).astype(bool)
        rows = order[last]
        values = np.concatenate([frame.values for frame in frames])
        return replace(
            first, servers=servers, server=server[rows], time=time[rows], values=values[rows]
        )

    def with_future(self, horizon: int, known: ArrayLike | None = None) -> MetricFrame:
        """Return each server's rows with `horizon` steps to be forecast appended.

        Metrics of the future are 0, except known ones.

        Parameters
        ----------
        horizon : int
        known : array, shape (n_servers with rows, horizon, n_known), optional
            Default: 0.
        """
        present, last = self._last_rows()
        future = np.zeros((len(present), horizon, len(self.metrics)))
        if known is not None:
            columns = [self.metrics.index(name) for name in self.known]
            future[:, :, columns] = np.asarray(known, dtype=np.float64)
        steps = self.time[last][:, None] + 1 + np.arange(horizon)
        ahead = replace(
            self,
            server=np.repeat(present, horizon),
            time=steps.ravel(),
            values=future.reshape(-1, len(self.metrics)),
        )
        return MetricFrame.joined([self, ahead])

    def tail(self, n_steps: int) -> MetricFrame:
        """Return the last `n_steps` rows of each server."""
        present, last = self._last_rows()
        from_end = last[np.searchsorted(present, self.server)] - np.arange(len(self))
        return self.where(from_end < n_steps)

    def _last_rows(self) -> tuple[Ints, Ints]:
        """Return the servers that have rows, and the index of the last row of each."""
        present, first, counts = np.unique(self.server, return_index=True, return_counts=True)
        return present, first + counts - 1

    def to_pandas(self) -> pd.DataFrame:
        """Return columns server, time and one per metric."""
        import pandas as pd

        columns = {name: self.values[:, at] for at, name in enumerate(self.metrics)}
        names = np.array(self.servers, dtype=object)[self.server]
        return pd.DataFrame({"server": names, "time": self.time, **columns})

    def to_state(self) -> State:
        """Return names and arrays for `save_state`."""
        arrays: State = {name: getattr(self, name).copy() for name in ("server", "time", "values")}
        lists = {name: list(getattr(self, name)) for name in ("servers", "metrics", "known")}
        return arrays | lists | {"step_seconds": self.step_seconds}

    @classmethod
    def from_state(cls, state: State) -> MetricFrame:
        """Return the frame that `to_state` described."""
        lists = {name: tuple(state[name]) for name in ("servers", "metrics", "known")}
        return cls(**{**state, **lists})
