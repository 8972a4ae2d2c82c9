"""Simulated streams with known parameters and known drift (lessons 01, 05 and 07).

Two streams with the same seed and different drift have the same users, items and noise, so that
they differ in the drift alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np

from coursekit.core.arrays import Floats, Indices
from coursekit.core.events import Chunk
from coursekit.core.validation import Count, NonNegative, number, require, validated
from coursekit.datasets.drift_shapes import (
    AbruptDrift,
    Drift,
    GradualDrift,
    IncrementalDrift,
    RecurringDrift,
)

__all__ = [
    "AbruptDrift",
    "Drift",
    "ErrorStream",
    "GradualDrift",
    "IncrementalDrift",
    "RatingStream",
    "RecurringDrift",
    "error_stream",
    "rating_stream",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingStream(Chunk):
    """Ratings in event order, with their expected values and change points.

    Parameters
    ----------
    expected : array, shape (n,)
        Expected rating, without noise: the best possible prediction.
    magnitude : array, shape (n,)
        Expected change at each event.
    change_points : tuple of int
        The events at which a change begins.
    """

    expected: Floats
    magnitude: Floats
    change_points: tuple[int, ...]

    @property
    def best_rmse(self) -> float:
        """RMSE of the best possible prediction: that of the noise in this stream."""
        return float(np.sqrt(np.mean((self.targets - self.expected) ** 2)))


@validated
def rating_stream(
    n_samples: Count = 5000,
    n_users: Count = 100,
    n_items: Count = 200,
    *,
    seed: int,
    drift: Drift | None = AbruptDrift(),  # noqa: B008 - a frozen value
    drifting: Literal["level", "tastes"] = "level",
    n_factors: Count = 5,
    mean: float = 3.0,
    user_std: NonNegative = 0.3,
    item_std: NonNegative = 0.4,
    taste_std: NonNegative = 0.5,
    noise_std: NonNegative = 0.5,
    popularity_skew: NonNegative = 1.0,
    session_length: Annotated[float, partial(number, at_least=1)] = 8.0,
    rating_range: tuple[float, float] | None = None,
) -> RatingStream:
    r"""Simulate ratings with sessions, skewed item popularity, user factors, noise and drift.

    Model: $y_t = \mu + b_u + b_i + \langle p_u, q_i \rangle + d_t + \varepsilon_t$ with normal
    biases, factors and noise; $d_t$ is the drift. Default: 5000 ratings of 200 items by 100 users,
    with an abrupt rise by 0.5 in the middle.

    Parameters
    ----------
    n_samples, n_users, n_items : int, 1 or more
    seed : int
        The same seed gives the same stream, on every machine.
    drift : Drift, optional
        Shape of the drift; None for a stationary stream.
    drifting : {"level", "tastes"}
        What changes. "level": all ratings rise by $d_t$ points. "tastes": every user's $p_u$ is
        rotated by $d_t$ right angles: a drift of size 1 replaces all user factors, and leaves the
        mean unchanged.
    n_factors : int, 1 or more
        Dimension of the factors.
    mean : float
        $\mu$, in rating points.
    user_std, item_std, taste_std, noise_std : float, 0 or more
        Standard deviations of $b_u$, $b_i$, $\langle p_u, q_i \rangle$ and $\varepsilon_t$, in
        rating points; the last is the best possible RMSE.
    popularity_skew : float, 0 or more
        Exponent of the power law of popularity: rank r has the probability $\propto r^{-skew}$.
    session_length : float, 1 or more
        Mean number of consecutive ratings of one user; 1 draws a user for every rating.
    rating_range : (lowest, highest), optional
        Clip ratings to this range. Default: not clipped, so that some lie outside 1 to 5 and the
        noise is exactly normal.

    Raises
    ------
    InvalidParameterError
        If a setting is outside its range.

    Examples
    --------
    >>> stream, calm = rating_stream(seed=7), rating_stream(seed=7, drift=None)
    >>> len(stream), stream.change_points, round(stream.best_rmse, 1)
    (5000, (2500,), 0.5)
    >>> (stream.targets - calm.targets)[2498:2502].round(6)
    array([0. , 0. , 0.5, 0.5])
    """
    require(drifting in ("level", "tastes"), "drifting", "'level' or 'tastes'", drifting)
    is_range = rating_range is None or rating_range[0] < rating_range[1]
    require(is_range, "rating_range", "(lowest, highest)", rating_range)

    events, people, things, noise, change = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)
    )
    users, timestamps = _sessions(events, n_samples, n_users, session_length)
    items = _popular(events, n_samples, n_items, popularity_skew)
    drawn = np.zeros(n_samples) if drift is None else drift.draw(n_samples, change)

    angle = drawn * (np.pi / 2) if drifting == "tastes" else np.zeros(n_samples)
    # so that the inner product of two vectors has standard deviation taste_std
    factor_std = np.sqrt(taste_std) / n_factors**0.25
    old, new = people.normal(0.0, factor_std, (2, n_users, n_factors))
    # rotate each user's vector from old to new, (n_samples, n_factors)
    wanted = np.cos(angle)[:, None] * old[users] + np.sin(angle)[:, None] * new[users]
    offered = things.normal(0.0, factor_std, (n_items, n_factors))[items]
    level = drawn if drifting == "level" else 0.0
    biases = (
        people.normal(0.0, user_std, n_users)[users] + things.normal(0.0, item_std, n_items)[items]
    )

    expected = mean + biases + (wanted * offered).sum(axis=1) + level
    targets = expected + noise.normal(0.0, noise_std, n_samples)
    if rating_range is not None:
        expected, targets = np.clip(expected, *rating_range), np.clip(targets, *rating_range)
    return RatingStream(
        user_ids=users.tolist(),
        item_ids=items.tolist(),
        targets=targets,
        timestamps=timestamps,
        expected=expected,
        magnitude=np.zeros(n_samples) if drift is None else drift.magnitude(n_samples),
        change_points=() if drift is None else drift.change_points(n_samples),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStream:
    """Simulated errors of a model, with their expected values and change points.

    Parameters
    ----------
    values : array, shape (n,)
        Input of a detector.
    expected : array, shape (n,)
        The mean of each value: `level` plus drift.
    change_points : tuple of int
        The events at which a change begins.
    """

    values: Floats
    expected: Floats
    change_points: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.values)


@validated
def error_stream(
    n_samples: Count = 10_000,
    *,
    seed: int,
    kind: Literal["bernoulli", "gaussian"] = "bernoulli",
    level: float = 0.2,
    spread: NonNegative = 0.1,
    drift: Drift | None = None,
) -> ErrorStream:
    """Simulate the errors of a model, as input of a drift detector.

    Parameters
    ----------
    n_samples : int, 1 or more
    seed : int
    kind : {"bernoulli", "gaussian"}
        "bernoulli": 1 for a wrong answer and 0 for a right one. "gaussian": a real number, such as
        the error of a forecast.
    level : float
        Error rate (in [0, 1]) or mean error before any drift.
    spread : float, 0 or more
        Standard deviation of Gaussian errors; not used for Bernoulli errors.
    drift : Drift, optional
        How `level` changes.

    Raises
    ------
    InvalidParameterError
        If a setting is outside its range, or an error rate would leave [0, 1].

    Examples
    --------
    >>> stream = error_stream(2000, seed=7, drift=AbruptDrift(size=0.3))
    >>> stream.change_points, stream.values.reshape(2, 1000).mean(axis=1).round(1)
    ((1000,), array([0.2, 0.5]))
    """
    require(kind in ("bernoulli", "gaussian"), "kind", "'bernoulli' or 'gaussian'", kind)
    noise, change = (
        np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2)
    )
    expected = level + (np.zeros(n_samples) if drift is None else drift.draw(n_samples, change))
    if kind == "gaussian":
        values = noise.normal(expected, spread)
    else:
        is_rate = 0 <= expected.min() and expected.max() <= 1
        require(is_rate, "level", "in [0, 1] before and after the drift", level)
        values = np.where(noise.random(n_samples) < expected, 1.0, 0.0)
    return ErrorStream(
        values=values,
        expected=expected,
        change_points=() if drift is None else drift.change_points(n_samples),
    )


def _sessions(
    rng: np.random.Generator, n_samples: int, n_users: int, session_length: float
) -> tuple[Indices, Floats]:
    """Draw users and timestamps: a minute between events of a session, an hour between sessions."""
    begins = rng.random(n_samples) < 1 / session_length
    begins[0] = True
    visitors = rng.integers(n_users, size=n_samples)
    # the event at which each session began
    session = np.maximum.accumulate(np.where(begins, np.arange(n_samples), 0))
    gaps = rng.exponential(np.where(begins, 3600.0, 60.0))
    return visitors[session], np.cumsum(gaps)


def _popular(rng: np.random.Generator, n_samples: int, n_items: int, skew: float) -> Indices:
    """Draw items by a power law of their popularity rank; the ranks are a random permutation."""
    weights = np.arange(1, n_items + 1) ** -skew
    ranks = rng.choice(n_items, n_samples, p=weights / weights.sum())
    return rng.permutation(n_items)[ranks]
