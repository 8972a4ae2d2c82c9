"""Prediction errors over arrays (RMSE, MAE) and a running mean (lessons 01 to 04).

Without events they are NaN. An event of weight 2 counts as two events. Ranking metrics are
in `coursekit.evaluation.ranking`.
"""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.errors import InvalidParameterError

__all__ = ["RunningMean", "mae", "rmse"]


class RunningMean:
    r"""The weighted mean of a stream of values, in constant memory.

    Update: $m \leftarrow m + w (x - m) / W$ with the total weight $W$ so far; no sum overflows.

    Examples
    --------
    >>> mean = RunningMean()
    >>> for value in [4.0, 5.0, 3.0]:
    ...     mean.update(value)
    >>> mean.get()
    4.0

    References
    ----------
    D. H. D. West (1979), "Updating mean and variance estimates", doi:10.1145/359146.359153.
    """

    def __init__(self) -> None:
        self.weight = 0.0
        self._mean = 0.0

    def update(self, value: float, weight: float = 1.0) -> None:
        """Update with one value."""
        if weight > 0:
            self.weight += weight
            self._mean += (value - self._mean) * (weight / self.weight)

    def update_many(self, values: ArrayLike, weights: ArrayLike | None = None) -> None:
        """Update with many values at once."""
        values, weights = _columns(values, weights)
        total = float(weights.sum())
        if total > 0:
            self.update(float(np.dot(values, weights)) / total, total)

    def get(self) -> float:
        """Return the mean; NaN before the first update."""
        return self._mean if self.weight > 0 else math.nan


def rmse(targets: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None = None) -> float:
    r"""Return the root mean squared error, $\sqrt{\operatorname{mean} (y - \hat y)^2}$.

    >>> round(rmse([4.0, 4.0], [3.0, 4.0]), 4)
    0.7071
    """
    targets, predictions = _columns(targets, predictions, "predictions")
    return math.sqrt(_mean((targets - predictions) ** 2, weights))


def mae(targets: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None = None) -> float:
    r"""Return the mean absolute error, $\operatorname{mean} |y - \hat y|$.

    >>> mae([4.0, 4.0], [3.0, 4.0])
    0.5
    """
    targets, predictions = _columns(targets, predictions, "predictions")
    return _mean(np.abs(targets - predictions), weights)


def _mean(losses: Floats, weights: ArrayLike | None) -> float:
    mean = RunningMean()
    mean.update_many(losses, weights)
    return mean.get()


def _columns(
    values: ArrayLike, others: ArrayLike | None, name: str = "weights"
) -> tuple[Floats, Floats]:
    """Return two arrays of shape (n,); the second defaults to ones."""
    first = np.asarray(values, dtype=np.float64)
    second = np.ones_like(first) if others is None else np.asarray(others, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InvalidParameterError(
            f"`{name}` must have shape {first.shape[:1]}, got {second.shape} for {first.shape}."
        )
    return first, second
