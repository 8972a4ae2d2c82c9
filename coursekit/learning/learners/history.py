"""The course of learning in bounded memory: what a figure of a managed learner is drawn from
(lesson 06).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError
from coursekit.core.state import State

__all__ = ["History"]

_FloatArray = npt.NDArray[np.float64]
_IntArray = npt.NDArray[np.int64]


class History:
    """Mean loss, learning rate and model version along a stream, in at most `max_points` points.

    A point stands for `block_size` events; when there is no room for more, neighbours are merged
    and the block doubles. So an endless stream fits in a fixed memory.

    Parameters
    ----------
    block_size : int, 1 or more
        Events of a point at first.
    max_points : int, 2 or more, even

    Examples
    --------
    >>> history = History(block_size=2, max_points=4)
    >>> for loss in range(10):
    ...     history.add(loss, 1, learning_rate=0.1, model_version=1)
    >>> history.block_size, history.n_seen, history.mean_loss
    (4, array([4, 8]), array([1.5, 5.5]))
    """

    def __init__(self, block_size: int = 50, max_points: int = 1000) -> None:
        if block_size < 1:
            raise InvalidParameterError(f"`block_size` must be 1 or more, got {block_size!r}.")
        if max_points < 2 or max_points % 2:
            raise InvalidParameterError(
                f"`max_points` must be an even number, 2 or more, got {max_points!r}."
            )
        self.max_points = max_points
        self.block_size = block_size
        self._points: list[
            tuple[float, float, int]
        ] = []  # (mean loss, rate and version at the end) of each full block
        self._loss = 0.0  # of the block begun
        self._n = 0

    def add(self, loss: float, n: int, *, learning_rate: float, model_version: int) -> None:
        """Take in `n` events, no more than fit the block begun (`room`), with the sum of their
        losses.
        """
        self._loss += loss
        self._n += n
        if self._n == self.block_size:
            self._points.append((self._loss / self._n, learning_rate, model_version))
            self._loss, self._n = 0.0, 0
            if len(self._points) == self.max_points:
                self._merge()

    def add_many(self, losses: _FloatArray, *, learning_rate: float, model_version: int) -> None:
        """Take in the losses of any number of events."""
        start = 0
        while start < len(losses):
            part = losses[start : start + self.room]
            self.add(
                float(part.sum()),
                len(part),
                learning_rate=learning_rate,
                model_version=model_version,
            )
            start += len(part)

    @property
    def room(self) -> int:
        """How many events fit the block begun."""
        return self.block_size - self._n

    def _merge(self) -> None:
        pairs = zip(self._points[::2], self._points[1::2], strict=True)
        self._points = [
            ((first[0] + second[0]) / 2, second[1], second[2]) for first, second in pairs
        ]
        self.block_size *= 2

    @property
    def n_seen(self) -> _IntArray:
        """Events up to each point, shape (n_points,)."""
        return self.block_size * np.arange(1, len(self._points) + 1)

    @property
    def mean_loss(self) -> _FloatArray:
        """Mean squared error on arrival of the events of each point, shape (n_points,)."""
        return np.array([point[0] for point in self._points])

    @property
    def learning_rate(self) -> _FloatArray:
        """Learning rate at each point, shape (n_points,)."""
        return np.array([point[1] for point in self._points])

    @property
    def model_version(self) -> _IntArray:
        """Version of the model at each point, shape (n_points,)."""
        return np.array([point[2] for point in self._points], dtype=np.int64)

    @property
    def recent_loss(self) -> float:
        """Mean loss of the last point and the events since; NaN before the first event."""
        mean, n = (self._points[-1][0], self.block_size) if self._points else (0.0, 0)
        return (mean * n + self._loss) / (n + self._n) if n + self._n else float("nan")

    def get_state(self) -> State:
        """Return a copy of everything."""
        return {
            "block_size": self.block_size,
            "points": list(self._points),
            "loss": self._loss,
            "n": self._n,
        }

    def set_state(self, state: State) -> None:
        """Continue from a state."""
        self.block_size, self._loss, self._n = state["block_size"], state["loss"], state["n"]
        self._points = [(point[0], point[1], point[2]) for point in state["points"]]
