"""The log of a bandit: actions, rewards and propensities; and a model of its rewards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.errors import InvalidSampleError
from coursekit.core.validation import integer
from coursekit.delivery.bandits.policy import Floats

__all__ = ["LoggedRewards", "mean_rewards", "probabilities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRewards:
    """What was done, what it earned, and how probable it was.

    Parameters
    ----------
    actions : array of int, shape (n,)
        The chosen arms, 0 or more.
    rewards : array, shape (n,)
        Finite.
    propensities : array, shape (n,)
        Probability with which the logging policy chose that arm, in (0, 1].

    Raises
    ------
    InvalidSampleError
        If lengths differ, the log is empty or a value is outside its range; the message names the
        row.
    """

    actions: npt.NDArray[np.intp]
    rewards: Floats
    propensities: Floats

    def __post_init__(self) -> None:
        """Validate and convert."""
        actions = np.asarray(self.actions)
        if actions.ndim != 1 or actions.size == 0 or actions.dtype.kind not in "iu":
            raise InvalidSampleError(
                f"`actions` must be arms 0, 1, ... of shape (n,), got {actions.dtype} of shape "
                f"{actions.shape}."
            )
        _demand(actions >= 0, actions, "actions", "0 or more")
        rewards = _column(self.rewards, "rewards", len(actions))
        propensities = _column(self.propensities, "propensities", len(actions))
        _demand((propensities > 0) & (propensities <= 1), propensities, "propensities", "in (0, 1]")
        object.__setattr__(self, "actions", actions.astype(np.intp))
        object.__setattr__(self, "rewards", rewards)
        object.__setattr__(self, "propensities", propensities)

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.actions)


def probabilities(log: LoggedRewards, evaluated: npt.ArrayLike) -> Floats:
    """Return the evaluated policy's probabilities of the logged actions, shape (n,), or of all
    actions, shape (n, n_arms), validated.
    """
    array = np.asarray(evaluated, dtype=np.float64)
    if array.ndim != 2:
        column = _column(array, "evaluated", len(log))
        _demand((column >= 0) & (column <= 1), column, "evaluated", "in [0, 1]")
        return column
    if array.shape[0] != len(log) or array.shape[1] <= log.actions.max():
        raise InvalidSampleError(
            f"`evaluated` must have a row for each of {len(log)} decisions and a column for each "
            f"of {log.actions.max() + 1} arms, got shape {array.shape}."
        )
    with np.errstate(invalid="ignore"):
        inside = (array >= 0).all(axis=1) & (np.abs(array.sum(axis=1) - 1.0) < 1e-6)
    _demand(inside, array.sum(axis=1), "evaluated", "probabilities that sum to 1")
    return array


def mean_rewards(
    log: LoggedRewards,
    n_arms: int,
    *,
    strata: npt.ArrayLike | None = None,
    n_folds: int = 5,
    prior_weight: float = 1.0,
) -> Floats:
    r"""Predict the reward of every arm at every decision by its mean, cross-fitted, shape
    (n, n_arms).

    Model: $\hat q(a) = (\sum r + m \bar r) / (n_a + m)$, where the sum runs over the logged rewards
    of arm $a$ in the other folds (and in the same stratum), $\bar r$ is their overall mean and $m$
    the prior weight.

    Parameters
    ----------
    log : LoggedRewards
    n_arms : int
    strata : array of int, shape (n,), optional
        Groups with means of their own, such as positions.
    n_folds : int, 2 or more
        Row i belongs to fold i mod n_folds; no row predicts itself, so that doubly robust estimates
        remain unbiased.
    prior_weight : float
        $m$.

    Examples
    --------
    >>> log = LoggedRewards(actions=[0, 0, 1, 1], rewards=[1, 3, 0, 1], propensities=[0.5] * 4)
    >>> mean_rewards(log, 2, n_folds=2, prior_weight=0.0)
    array([[3., 1.],
           [1., 0.],
           [3., 1.],
           [1., 0.]])
    """
    integer("n_folds", n_folds, at_least=2)
    groups = (
        np.zeros(len(log), int) if strata is None else np.unique(strata, return_inverse=True)[1]
    )
    folds = np.arange(len(log)) % n_folds
    shape = (n_folds, int(groups.max()) + 1, n_arms)
    place = (folds, groups, log.actions)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, place, log.rewards)
    np.add.at(counts, place, 1.0)
    sums, counts = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts  # of the other folds
    overall = sums.sum(axis=(1, 2)) / counts.sum(axis=(1, 2)).clip(1.0)
    prior = max(prior_weight, 1e-12)
    means: Floats = (sums + prior * overall[:, None, None]) / (counts + prior)
    predicted: Floats = means[folds, groups]
    return predicted


def _column(values: Any, name: str, n: int) -> Floats:
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidSampleError(f"`{name}` must be numbers of shape ({n},).") from None
    if column.shape != (n,):
        raise InvalidSampleError(f"`{name}` must have shape ({n},), got {column.shape}.")
    _demand(np.isfinite(column), column, name, "finite")
    return column


def _demand(
    holds: npt.NDArray[np.bool_], values: npt.NDArray[Any], name: str, expected: str
) -> None:
    if not holds.all():
        at = int(np.argmin(holds))
        raise InvalidSampleError(f"`{name}[{at}]` must be {expected}, got {values[at].item()!r}.")
