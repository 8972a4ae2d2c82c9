"""What "good" means: metrics that are updated event by event, and the same ones over whole arrays
(lessons 01 to 04).

A metric has `update` and `get`; before the first update `get` is NaN, because nothing is known yet.
Weights count as in learning: an event of weight 2 is two events. Metrics of recommended lists are
in `coursekit.evaluation.ranking`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidParameterError

__all__ = ["MAE", "RMSE", "LogLoss", "Metric", "RunningMean", "log_loss", "mae", "rmse"]

_Floats = npt.NDArray[np.float64]
_Numbers = npt.ArrayLike


class RunningMean:
    r"""The mean of everything so far, in constant memory.

    Update: $m \leftarrow m + w (x - m) / W$ with $W$ the weight so far: no sum grows without bound.

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
        """Take one more value into account."""
        if weight > 0:
            self.weight += weight
            self._mean += (value - self._mean) * (weight / self.weight)

    def update_many(self, values: _Numbers, weights: _Numbers | None = None) -> None:
        """Take many values into account at once."""
        values, weights = _columns(values, weights)
        total = float(weights.sum())
        if total > 0:
            self.update(float(np.dot(values, weights)) / total, total)

    def get(self) -> float:
        """Return the mean; NaN before the first update."""
        return self._mean if self.weight > 0 else math.nan


class Metric(ABC):
    """The mean of a loss over predictions, and what is made of that mean.

    Subclasses give `losses`, and `_finish` where the mean is not yet the metric.
    """

    def __init__(self) -> None:
        self._mean = RunningMean()

    @staticmethod
    @abstractmethod
    def losses(targets: _Floats, predictions: _Floats) -> _Floats:
        """Return the loss of each prediction, shape (n,)."""

    def update(self, target: float, prediction: float, weight: float = 1.0) -> None:
        """Judge one prediction."""
        self._mean.update(float(self.losses(np.float64(target), np.float64(prediction))), weight)  # type: ignore[arg-type]

    def update_many(
        self, targets: _Numbers, predictions: _Numbers, weights: _Numbers | None = None
    ) -> None:
        """Judge many predictions at once: the same as one by one, up to rounding."""
        targets, predictions = _columns(targets, predictions, "predictions")
        self._mean.update_many(self.losses(targets, predictions), weights)

    def get(self) -> float:
        """Return the metric over everything so far; NaN before the first update."""
        return self._finish(self._mean.get())

    @staticmethod
    def _finish(mean_loss: float) -> float:
        return mean_loss


class RMSE(Metric):
    r"""Root mean squared error, $\sqrt{\operatorname{mean} (y - \hat y)^2}$, in the unit of the
    target.

    Examples
    --------
    >>> rmse = RMSE()
    >>> rmse.update(target=4.0, prediction=3.0)
    >>> rmse.update(target=4.0, prediction=4.0)
    >>> round(rmse.get(), 4)
    0.7071
    """

    @staticmethod
    def losses(targets: _Floats, predictions: _Floats) -> _Floats:
        """Return squared errors."""
        return (targets - predictions) ** 2

    @staticmethod
    def _finish(mean_loss: float) -> float:
        return math.sqrt(mean_loss)


class MAE(Metric):
    r"""Mean absolute error, $\operatorname{mean} |y - \hat y|$, in the unit of the target."""

    @staticmethod
    def losses(targets: _Floats, predictions: _Floats) -> _Floats:
        """Return absolute errors."""
        return np.abs(targets - predictions)


class LogLoss(Metric):
    r"""Mean surprise at what happened, $-\operatorname{mean} [y \log \hat p + (1 - y) \log (1 -
    \hat p)]$, in nats.

    Probabilities are kept `1e-15` away from 0 and 1, so that one certain mistake does not make
    everything infinite.

    Examples
    --------
    >>> loss = LogLoss()
    >>> loss.update(target=1.0, prediction=0.5)
    >>> round(loss.get(), 4)
    0.6931
    """

    @staticmethod
    def losses(targets: _Floats, predictions: _Floats) -> _Floats:
        """Return the surprise at each outcome; targets lie in [0, 1]."""
        p = np.clip(predictions, 1e-15, 1 - 1e-15)
        return -(targets * np.log(p) + (1 - targets) * np.log1p(-p))


def rmse(targets: _Numbers, predictions: _Numbers, weights: _Numbers | None = None) -> float:
    """Return the root mean squared error of n predictions.

    >>> round(rmse([4.0, 4.0], [3.0, 4.0]), 4)
    0.7071
    """
    return _over(RMSE(), targets, predictions, weights)


def mae(targets: _Numbers, predictions: _Numbers, weights: _Numbers | None = None) -> float:
    """Return the mean absolute error of n predictions.

    >>> mae([4.0, 4.0], [3.0, 4.0])
    0.5
    """
    return _over(MAE(), targets, predictions, weights)


def log_loss(targets: _Numbers, predictions: _Numbers, weights: _Numbers | None = None) -> float:
    """Return the mean surprise of n predicted probabilities, in nats.

    >>> round(log_loss([1.0, 0.0], [0.9, 0.1]), 4)
    0.1054
    """
    return _over(LogLoss(), targets, predictions, weights)


def _over(
    metric: Metric, targets: _Numbers, predictions: _Numbers, weights: _Numbers | None
) -> float:
    metric.update_many(targets, predictions, weights)
    return metric.get()


def _columns(
    values: _Numbers, others: _Numbers | None, name: str = "weights"
) -> tuple[_Floats, _Floats]:
    """Return two columns of the same length; the second is all ones where it is missing."""
    first = np.asarray(values, dtype=np.float64)
    second = np.ones_like(first) if others is None else np.asarray(others, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InvalidParameterError(
            f"`{name}` must be a column as long as what it belongs to, got {second.shape} "
            f"for {first.shape}."
        )
    return first, second
