"""Counters of a manager, and the history of a stream in bounded memory (lesson 06)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

import numpy as np

from coursekit.core.arrays import Floats, Ints
from coursekit.core.stateful import Stateful
from coursekit.core.validation import Count, require
from coursekit.learning.learners.learner import OnlineLearner

__all__ = ["Counters", "History"]


class History(Stateful):
    """Mean loss, learning rate and model version along a stream, in at most `max_points` points.

    A point summarizes `block_size` events; when all points are in use, neighbours are merged and
    the block size doubles.

    Parameters
    ----------
    block_size : int, 1 or more
        Initial number of events per point.
    max_points : int, 2 or more, even

    Examples
    --------
    >>> history = History(block_size=2, max_points=4)
    >>> for loss in range(10):
    ...     history.add(loss, 1, learning_rate=0.1, model_version=1)
    >>> history.block_size, history.n_seen, history.mean_loss
    (4, array([4, 8]), array([1.5, 5.5]))
    """

    _memory_names = ("block_size", "_points", "_n_points", "_loss", "_n")

    def __init__(self, block_size: Count = 50, max_points: Count = 1000) -> None:
        require(max_points % 2 == 0, "max_points", "an even number, 2 or more", max_points)
        self.block_size, self.max_points = block_size, max_points
        self._points = np.empty((max_points, 3))  # (mean loss, rate and version at the end)
        self._n_points = 0
        self._loss = 0.0  # of the current block
        self._n = 0

    def add(self, loss: float, n: int, *, learning_rate: float, model_version: int) -> None:
        """Add `n` events, at most `room`, with the sum of their losses."""
        self._loss += loss
        self._n += n
        if self._n == self.block_size:
            self._points[self._n_points] = self._loss / self._n, learning_rate, model_version
            self._n_points += 1
            self._loss, self._n = 0.0, 0
            if self._n_points == self.max_points:
                self._merge()

    def add_many(self, losses: Floats, *, learning_rate: float, model_version: int) -> None:
        """Add the losses of any number of events."""
        start = 0
        while start < len(losses):
            part = losses[start : start + self.room]
            loss = float(part.sum())
            self.add(loss, len(part), learning_rate=learning_rate, model_version=model_version)
            start += len(part)

    @property
    def room(self) -> int:
        """Number of events until the current block is full."""
        return self.block_size - self._n

    def _merge(self) -> None:
        half, points = self.max_points // 2, self._points
        means = (points[::2, 0] + points[1::2, 0]) / 2
        points[:half, 1:] = points[1::2, 1:].copy()
        points[:half, 0] = means
        self._n_points = half
        self.block_size *= 2

    def _column(self, at: int) -> Floats:
        return self._points[: self._n_points, at].copy()

    @property
    def n_seen(self) -> Ints:
        """Events up to each point, shape (n_points,)."""
        return self.block_size * np.arange(1, self._n_points + 1)

    @property
    def mean_loss(self) -> Floats:
        """Mean squared error on arrival of the events of each point, shape (n_points,)."""
        return self._column(0)

    @property
    def learning_rate(self) -> Floats:
        """Learning rate at each point, shape (n_points,)."""
        return self._column(1)

    @property
    def model_version(self) -> Ints:
        """Version of the model at each point, shape (n_points,)."""
        return self._column(2).astype(np.int64)

    @property
    def recent_loss(self) -> float:
        """Mean loss of the last point and the events since; NaN before the first event."""
        mean, n = 0.0, 0
        if self._n_points:
            mean, n = float(self._points[self._n_points - 1, 0]), self.block_size
        return (mean * n + self._loss) / (n + self._n) if n + self._n else math.nan


@dataclass(slots=True)
class Counters(Stateful):
    """Counters of a manager; a rollback restores them."""

    base_rate: float  # the learning rate without schedule and response
    n_seen: int = 0
    n_learnt: int = 0
    n_updates: int = 0
    loss: float = 0.0
    last_time: float = 0.0
    drift_at: list[int] = field(default_factory=list)
    has_open_alarm: bool = False  # one that has not been answered yet
    history: History = field(default_factory=History)

    @property
    def _memory_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(each.name for each in fields(self))

    @property
    def mean_loss(self) -> float:
        """Mean squared error on arrival; NaN before the first event."""
        return self.loss / self.n_seen if self.n_seen else math.nan

    def count(self, errors: Floats, last_time: float, learner: OnlineLearner) -> None:
        """Count predicted events: their errors, the time of the last one, and their learner."""
        n, loss = len(errors), float(errors @ errors)
        self.n_seen += n
        self.loss += loss
        self.last_time = max(self.last_time, last_time)
        rate, version = learner.learning_rate, learner.model_version
        if n <= self.history.room:
            self.history.add(loss, n, learning_rate=rate, model_version=version)
        else:
            self.history.add_many(errors**2, learning_rate=rate, model_version=version)
