"""Importance weights, and how much of a log they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import number
from coursekit.delivery.bandits.off_policy.logged import LoggedRewards, probabilities
from coursekit.delivery.bandits.policy import Floats

__all__ = ["WeightSummary", "importance_weights", "summarize_weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSummary:
    r"""Diagnostics of importance weights.

    Parameters
    ----------
    n : int
        Decisions in the log.
    effective_sample_size : float
        $(\sum w)^2 / \sum w^2$ (Kish): so many decisions of the evaluated policy itself would say
        as much.
    mean : float
        1 on average if the log contains every action that the evaluated policy may choose; far
        from 1, the propensities are wrong or actions are missing.
    mean_error : float
        Standard error of the mean.
    largest : float
    n_rewarded : int
        Decisions with a weight and a reward above 0: what the estimate rests on.
    n_clipped : int
        Weights that were cut to the limit.
    """

    n: int
    effective_sample_size: float
    mean: float
    mean_error: float
    largest: float
    n_rewarded: int
    n_clipped: int = 0


def importance_weights(
    log: LoggedRewards, evaluated: npt.ArrayLike, *, clip: float | None = None
) -> Floats:
    """Return evaluated probability / propensity of each logged action, at most `clip`."""
    share = probabilities(log, evaluated)
    if share.ndim == 2:
        share = share[np.arange(len(log)), log.actions]
    weights = share / log.propensities
    return weights if clip is None else np.minimum(weights, number("clip", clip, above=0))


def summarize_weights(
    log: LoggedRewards, evaluated: npt.ArrayLike, *, clip: float | None = None
) -> WeightSummary:
    """Return the diagnostics of the importance weights.

    Examples
    --------
    >>> log = LoggedRewards(actions=[0, 1, 1], rewards=[1, 0, 1], propensities=[0.5, 0.5, 0.5])
    >>> summary = summarize_weights(log, [1.0, 0.0, 0.0])
    >>> summary.effective_sample_size, summary.largest, summary.n_rewarded
    (1.0, 2.0, 1)
    """
    raw = importance_weights(log, evaluated)
    weights = importance_weights(log, evaluated, clip=clip)
    squares = float(weights @ weights)
    return WeightSummary(
        n=len(log),
        effective_sample_size=float(weights.sum()) ** 2 / squares if squares else 0.0,
        mean=float(weights.mean()),
        mean_error=float(weights.std(ddof=1) / len(log) ** 0.5) if len(log) > 1 else float("nan"),
        largest=float(weights.max()),
        n_rewarded=int(np.count_nonzero((weights > 0) & (log.rewards > 0))),
        n_clipped=int(np.count_nonzero(raw > weights)),
    )
