r"""Gaussian posterior of every parameter: an extended Kalman filter with a diagonal covariance
(lessons 02 and 03).

The prediction is linearized at the current means: it changes by $s_j\,\Delta\theta_j$
with $s_j = \partial\hat y/\partial\theta_j$. With $\theta_j \sim \mathcal N(m_j, v_j)$, the error
$e = y - \hat y$, the process noise $q$ and the event's weight $w$:

1. $v_j \leftarrow v_j + q$,
2. the predictive variance is $V = \sigma^2/w + \sum_j s_j^2 v_j$,
3. the gain is $K_j = v_j s_j/V$; $m_j \leftarrow m_j + K_j e$, $v_j \leftarrow v_j(1 - K_j s_j)$.

The variances determine the step sizes, so there is no learning rate to tune. This is
assumed-density filtering; AROW
(Crammer, Kulesza and Dredze 2009) is the same for classification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from coursekit.core.arrays import ArrayLike, Floats
from coursekit.core.compiled import compiled
from coursekit.core.validation import NonNegative, Positive, validated
from coursekit.learning.optim.optimizer import Optimizer

__all__ = ["BELIEF_TAG", "GaussianBelief", "belief"]

BELIEF_TAG = 4


@compiled
def belief(means, j, variances, m, slope, error, predictive_variance, process_noise):
    """Update mean j and its variance variances[m] in place."""
    variances[m] += process_noise
    gain = variances[m] * slope / predictive_variance
    variances[m] *= 1.0 - gain * slope
    means[j] += gain * error


@validated
@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianBelief(Optimizer):
    """A mean and a variance for every parameter of a factor model.

    The defaults suit targets with a standard deviation of one to a few units, such as stars.

    Parameters
    ----------
    noise : float
        Observation noise: variance of a target around its prediction, target unit squared. Smaller
        gives each event more weight.
    intercept_variance, bias_variance, factor_variance : float
        Prior variance of the intercept and a bias (target unit squared) and of a factor (target
        unit).
    bias_walk, factor_walk : float
        Process noise: variance added to the parameters of a user or an item at each of its events.
        Larger adapts to faster drift; 0 for static parameters.
    feature_walk : float
        Process noise of side features. Much smaller, because a genre occurs in thousands of events
        and changes slowly.
    """

    name: ClassVar[str] = "belief"
    tag: ClassVar[int] = BELIEF_TAG
    n_memories: ClassVar[int] = 1

    noise: Positive = 0.2
    intercept_variance: Positive = 10.0
    bias_variance: Positive = 0.067
    factor_variance: Positive = 0.044
    bias_walk: NonNegative = 2.4e-4
    factor_walk: NonNegative = 1.4e-5
    feature_walk: NonNegative = 1e-7

    @property
    def learning_rate(self) -> float:
        """Weight of each event: 1, unless a learner overrides it."""
        return 1.0

    def discounted(self, memory: Floats, start: ArrayLike, keep: float) -> Floats:
        """Return variances with the prior precision plus the share `keep` of the precision added by
        events.
        """
        prior = 1.0 / np.asarray(start, dtype=np.float64)
        return 1.0 / (prior + keep * np.maximum(1.0 / memory - prior, 0.0))
