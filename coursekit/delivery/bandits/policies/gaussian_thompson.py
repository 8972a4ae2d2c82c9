"""Thompson sampling for normal rewards of known variance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import Natural, Positive, Share, number
from coursekit.delivery.bandits.chances import chances_of_being_largest
from coursekit.delivery.bandits.policy import ArmPolicy, Floats, NumberOfArms

__all__ = ["GaussianThompson"]


class GaussianThompson(ArmPolicy):
    r"""Draw a mean for each arm from its normal posterior, and pull the arm with the largest draw.

    Model: rewards $r \sim N(\theta_a, \sigma^2)$, prior $\theta_a \sim N(m, s^2)$, posterior
    $N(m_a, v_a)$ with $1/v_a = 1/s^2 + N_a/\sigma^2$ and $m_a = v_a (m/s^2 + S_a/\sigma^2)$.

    Parameters
    ----------
    n_arms : int, 2 or more
    reward_std : float, greater than 0
        $\sigma$, the standard deviation of rewards around the mean of their arm. Too small: it
        stops exploring too soon; too large: it explores for too long.
    prior_mean : float
        $m$.
    prior_std : float, greater than 0
        $s$. Choose it at least as large as means may differ.
    discount : float, in (0, 1]
        Weight of a reward after one more reward; the prior is never discounted.
    seed : int, 0 or more

    Notes
    -----
    Rewards may be any numbers. Propensities are computed on demand, as in `BernoulliThompson`.

    Examples
    --------
    >>> policy = GaussianThompson(2, reward_std=0.5)
    >>> policy.update_many([0, 0, 1], [1.0, 3.0, 0.0])
    >>> policy.posteriors()
    array([[1.778, 0.   ],
           [0.111, 0.2  ]])
    >>> policy.propensities()
    array([0.999, 0.001])

    References
    ----------
    D. Russo, B. Van Roy, A. Kazerouni, I. Osband, Z. Wen (2018), "A tutorial on Thompson
    sampling", arXiv:1707.02038.
    """

    def __init__(
        self,
        n_arms: NumberOfArms,
        reward_std: Positive = 1.0,
        prior_mean: float = 0.0,
        prior_std: Positive = 1.0,
        discount: Share = 1.0,
        seed: Natural = 0,
    ) -> None:
        super().__init__(n_arms, seed, discount)
        self.reward_std = reward_std
        self.prior_mean = number("prior_mean", prior_mean)
        self.prior_std = prior_std

    def posteriors(self) -> Floats:
        """Return mean and variance of each arm's posterior, shape (2, n_arms)."""
        sums, counts = self._memory
        prior, noise = self.prior_std**-2, self.reward_std**-2
        variances = 1.0 / (prior + counts * noise)
        return np.stack([variances * (prior * self.prior_mean + sums * noise), variances])

    def _select(self) -> Any:
        means, variances = self.posteriors()
        return (means + np.sqrt(variances) * self._rng.standard_normal(means.shape)).argmax(axis=-1)

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, by quadrature."""
        means, variances = (each[:, None] for each in self.posteriors())

        def log_density(x: Floats) -> Floats:
            density: Floats = -0.5 * (x - means) ** 2 / variances
            return density

        return chances_of_being_largest(log_density, means[:, 0], np.sqrt(variances[:, 0]))
