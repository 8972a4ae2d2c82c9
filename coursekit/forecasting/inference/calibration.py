"""Conformal calibration: intervals that cover as often as they say, also after a shift."""

from __future__ import annotations

import math

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.errors import InvalidSampleError, StateFormatError
from coursekit.core.state import State
from coursekit.core.stateful import Stateful
from coursekit.core.validation import integer, number

__all__ = ["RollingConformal"]


class RollingConformal(Stateful):
    r"""Widen (or narrow) the interval between the outer quantiles by what recent errors ask for.

    Model: the conformity score of a target is $E = \max(\hat q_{low} - y,\, y - \hat q_{high})$,
    negative inside the interval. The calibrated interval is $[\hat q_{low} - c, \hat q_{high} + c]$
    with the $\lceil (n + 1)(1 - \alpha) \rceil$-th smallest of the last $n$ scores as $c$, for each
    step of the horizon by itself.

    If scores are exchangeable, it covers at least $1 - \alpha$ of the targets, whatever the model.
    After a shift they are not, until the window has passed; a short window adapts sooner and varies
    more.

    Parameters
    ----------
    horizon : int
    coverage : float, in (0, 1)
        $1 - \alpha$.
    window : int
        $n$, the scores kept for each step. An interval stays uncalibrated until there are
        $\lceil 1/\alpha \rceil - 1$.

    Examples
    --------
    >>> band = RollingConformal(horizon=1, coverage=0.8, window=100)
    >>> band.update([[[0.0, 0.0, 0.0]]] * 9, [[float(y)] for y in range(1, 10)])
    >>> band.calibrated([[[0.0, 0.0, 0.0]]]).tolist()
    [[[-8.0, 0.0, 8.0]]]

    References
    ----------
    Y. Romano, E. Patterson and E. Candès (2019), "Conformalized quantile regression",
    arXiv:1905.03222.
    """

    _memory_names = ("_scores", "_n_seen")

    def __init__(self, horizon: int, coverage: float = 0.8, window: int = 500) -> None:
        self.horizon = integer("horizon", horizon)
        self.coverage = number("coverage", coverage, above=0, below=1)
        self.window = integer("window", window)
        self._scores = np.zeros((self.window, self.horizon))  # a ring of the latest
        self._n_seen = 0

    def config(self) -> State:
        """Return the settings."""
        return {"horizon": self.horizon, "coverage": self.coverage, "window": self.window}

    @property
    def correction(self) -> Floats:
        """By how much both ends move outwards, shape (horizon,)."""
        n = min(self._n_seen, self.window)
        rank = math.ceil(round((n + 1) * self.coverage, 9))  # 10 * 0.8 is 8, not 8.000...1
        if rank > n:
            return np.zeros(self.horizon)
        return np.asarray(np.partition(self._scores[:n], rank - 1, axis=0)[rank - 1])

    def update(self, quantiles: ArrayLike, targets: ArrayLike) -> None:
        """Take in forecasts whose targets have become known.

        Parameters
        ----------
        quantiles : array, shape (n, horizon, n_quantiles)
            As forecast, not calibrated.
        targets : array, shape (n, horizon)

        Raises
        ------
        InvalidSampleError
            If shapes do not fit or a value is not finite; nothing has changed.
        """
        forecast, y = self._checked(quantiles), np.asarray(targets, dtype=np.float64)
        if y.shape != forecast.shape[:2] or not np.isfinite(y).all():
            raise InvalidSampleError(
                f"`targets` must be finite with shape {forecast.shape[:2]}, got shape {y.shape}."
            )
        scores = np.maximum(forecast[:, :, 0] - y, y - forecast[:, :, -1])[-self.window :]
        places = (self._n_seen + len(y) - len(scores) + np.arange(len(scores))) % self.window
        self._scores[places] = scores
        self._n_seen += len(y)

    def calibrated(self, quantiles: ArrayLike) -> Floats:
        """Return quantiles with the outer ones moved; inner ones stay between them.

        Parameters
        ----------
        quantiles : array, shape (n, horizon, n_quantiles)
        """
        found = self._checked(quantiles).copy()
        found[:, :, 0] -= self.correction
        found[:, :, -1] += self.correction
        crossed = found[:, :, 0] > found[:, :, -1]  # narrowed by more than its width
        middle = found[:, :, [0, -1]].mean(axis=2)
        low = np.where(crossed, middle, found[:, :, 0])[:, :, None]
        high = np.where(crossed, middle, found[:, :, -1])[:, :, None]
        found[:, :, :1], found[:, :, -1:] = low, high
        return np.asarray(np.clip(found, low, high))

    def _checked(self, quantiles: ArrayLike) -> Floats:
        found = np.asarray(quantiles, dtype=np.float64)
        if found.ndim != 3 or found.shape[1] != self.horizon or not np.isfinite(found).all():
            raise InvalidSampleError(
                f"`quantiles` must be finite with shape (n, {self.horizon}, n_quantiles), got "
                f"shape {found.shape}."
            )
        return found

    def _check_memory(self, memory: State) -> None:
        super()._check_memory(memory)
        if np.shape(memory["_scores"]) != self._scores.shape:
            raise StateFormatError(
                f"The state holds scores of shape {np.shape(memory['_scores'])}, expected "
                f"{self._scores.shape}."
            )
