"""Seeded streams whose truth is known, to learn from and to test with (lessons 01, 05 and 07).

Two streams with the same seed and different drift share everything but the drift: users, items,
noise. What differs between two runs is then the drift and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from coursekit.core.events import Chunk
from coursekit.core.validation import integer, number, require
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

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingStream(Chunk):
    """Ratings in event order, together with the truth behind them.

    Parameters
    ----------
    expected : array, shape (n,)
        The rating without its noise. Nobody can predict better than this.
    magnitude : array, shape (n,)
        How much drift there is at each event.
    change_points : tuple of int
        The events at which a change begins.
    """

    expected: _Floats
    magnitude: _Floats
    change_points: tuple[int, ...]

    @property
    def best_rmse(self) -> float:
        """The error that is left when the truth is known: the noise in this very stream."""
        return float(np.sqrt(np.mean((self.targets - self.expected) ** 2)))


def rating_stream(
    n_samples: int = 5000,
    n_users: int = 100,
    n_items: int = 200,
    *,
    seed: int,
    drift: Drift | None = AbruptDrift(),  # noqa: B008 - a frozen value
    drifting: Literal["level", "tastes"] = "level",
    n_factors: int = 5,
    mean: float = 3.0,
    user_std: float = 0.3,
    item_std: float = 0.4,
    taste_std: float = 0.5,
    noise_std: float = 0.5,
    popularity_skew: float = 1.0,
    session_length: float = 8.0,
    rating_range: tuple[float, float] | None = None,
) -> RatingStream:
    r"""Make a stream of ratings with the habits of real ones: sessions, popular items, tastes and
    noise.

    Model: $y_t = \mu + b_u + b_i + \langle p_u, q_i \rangle + d_t + \varepsilon_t$ with normal
    biases, factors and noise; $d_t$ is the drift. By default the demonstration of Part I: 100
    users, 200 items, 5000 ratings, 0.5 higher from half-way on.

    Parameters
    ----------
    n_samples, n_users, n_items : int, 1 or more
    seed : int
        The same seed gives the same stream, on every machine.
    drift : Drift, optional
        How the world changes; None for a world that stays.
    drifting : {"level", "tastes"}
        What changes. "level": all ratings rise by $d_t$ points. "tastes": every user's $p_u$ turns
        by $d_t$ right angles, so that a drift of size 1 leaves nothing of the old tastes, and the
        level as it was.
    n_factors : int, 1 or more
        Dimension of tastes.
    mean : float
        $\mu$, in rating points like the five spreads below it.
    user_std, item_std, taste_std, noise_std : float, 0 or more
        Standard deviations of $b_u$, $b_i$, $\langle p_u, q_i \rangle$ and $\varepsilon_t$; the
        last is the best possible RMSE.
    popularity_skew : float, 0 or more
        The item of rank r is rated in proportion to $r^{-skew}$; 0 makes all items alike.
    session_length : float, 1 or more
        Mean number of ratings that a user gives in a row; 1 for a new user with almost every
        rating.
    rating_range : (lowest, highest), optional
        Cut ratings off at these ends. Left out, they run a little over the usual 1 to 5, and the
        noise stays known exactly.

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
    counts = {"n_samples": n_samples, "n_users": n_users, "n_items": n_items}
    for name, count in {**counts, "n_factors": n_factors}.items():
        integer(name, count)
    stds = {"user_std": user_std, "item_std": item_std, "taste_std": taste_std}
    for name, std in {**stds, "noise_std": noise_std}.items():
        number(name, std, at_least=0)
    number("popularity_skew", popularity_skew, at_least=0)
    number("session_length", session_length, at_least=1)
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
    """The errors of a model, one number per event, together with the truth behind them.

    Parameters
    ----------
    values : array, shape (n,)
        What a detector sees.
    expected : array, shape (n,)
        The mean of each value: `level` plus drift.
    change_points : tuple of int
        The events at which a change begins.
    """

    values: _Floats
    expected: _Floats
    change_points: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.values)


def error_stream(
    n_samples: int = 10_000,
    *,
    seed: int,
    kind: Literal["bernoulli", "gaussian"] = "bernoulli",
    level: float = 0.2,
    spread: float = 0.1,
    drift: Drift | None = None,
) -> ErrorStream:
    """Make the errors of a model that is watched by a drift detector.

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
        Standard deviation of a Gaussian error; a Bernoulli error has none of its own.
    drift : Drift, optional
        How `level` changes.

    Raises
    ------
    InvalidParameterError
        If a setting is outside its range, or the drift would carry an error rate out of [0, 1].

    Examples
    --------
    >>> stream = error_stream(2000, seed=7, drift=AbruptDrift(size=0.3))
    >>> stream.change_points, stream.values.reshape(2, 1000).mean(axis=1).round(1)
    ((1000,), array([0.2, 0.5]))
    """
    integer("n_samples", n_samples)
    number("spread", spread, at_least=0)
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
) -> tuple[_Ints, _Floats]:
    """Draw who rates at each event, and when: minutes apart within a session, an hour between
    sessions.
    """
    begins = rng.random(n_samples) < 1 / session_length
    begins[0] = True
    visitors = rng.integers(n_users, size=n_samples)
    # the event at which each session began
    session = np.maximum.accumulate(np.where(begins, np.arange(n_samples), 0))
    gaps = rng.exponential(np.where(begins, 3600.0, 60.0))
    return visitors[session], np.cumsum(gaps)


def _popular(rng: np.random.Generator, n_samples: int, n_items: int, skew: float) -> _Ints:
    """Draw items in proportion to a power of their popularity rank; which item has which rank is
    drawn as well.
    """
    weights = np.arange(1, n_items + 1) ** -skew
    ranks = rng.choice(n_items, n_samples, p=weights / weights.sum())
    return rng.permutation(n_items)[ranks]
