"""Thompson sampling for rewards between 0 and 1, with beta posteriors."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import Natural, Share, number
from coursekit.delivery.bandits.chances import chances_of_being_largest
from coursekit.delivery.bandits.policy import ArmPolicy, At, Floats, NumberOfArms

__all__ = ["BernoulliThompson"]


class BernoulliThompson(ArmPolicy):
    r"""Draw a mean for each arm from its beta posterior, and pull the arm with the largest draw.

    Model: $\theta_a \sim \mathrm{Beta}(\alpha + S_a,\; \beta + N_a - S_a)$, $\arg\max_a \theta_a$.

    Parameters
    ----------
    n_arms : int, 2 or more
    prior : (alpha, beta), each 0.5 or more
        $\alpha$ and $\beta$, successes and failures that count as seen before the first reward;
        they are never discounted.
    discount : float, in (0, 1]
        Weight of a reward after one more reward; an arm that is no longer pulled returns to the
        prior, and is tried again.
    seed : int, 0 or more

    Notes
    -----
    Rewards must be in [0, 1]. A fraction r counts as r of a success and 1 - r of a failure.

    A pull needs no propensity, so none is computed: `propensities` and `decide` compute it on
    demand, by quadrature with an absolute error below 1e-9, in about a millisecond for ten arms.

    Examples
    --------
    >>> policy = BernoulliThompson(2)
    >>> policy.update_many([0, 0, 1, 1], [1.0, 1.0, 1.0, 0.0])
    >>> policy.propensities()  # Beta(3, 1) against Beta(2, 2): 4/5
    array([0.8, 0.2])

    References
    ----------
    W. R. Thompson (1933), doi:10.1093/biomet/25.3-4.285. O. Chapelle, L. Li (2011), "An empirical
    evaluation of Thompson sampling".
    """

    _reward_range = (0.0, 1.0)

    def __init__(
        self,
        n_arms: NumberOfArms,
        prior: tuple[float, float] = (1.0, 1.0),
        discount: Share = 1.0,
        seed: Natural = 0,
    ) -> None:
        super().__init__(n_arms, seed, discount)
        alpha, beta = prior
        self._prior = np.array(
            [[number("alpha", alpha, at_least=0.5)], [number("beta", beta, at_least=0.5)]]
        )

    def posteriors(self) -> Floats:
        """Return the parameters alpha and beta of each arm's posterior, shape (2, n_arms)."""
        prior = self._prior if self._memory.ndim == 2 else self._prior[:, None]
        posteriors: Floats = self._memory + prior
        return posteriors

    def _select(self) -> Any:
        # a beta draw is x / (x + y) with gamma draws x and y: its order is that of x / y
        x, y = self._rng.standard_gamma(self.posteriors())
        return (x / y).argmax(axis=-1)

    def _learn(self, at: At, reward: Any, context: Any, propensity: Any) -> None:
        if self.discount < 1.0:
            self._memory *= self.discount
        successes, failures = self._memory
        successes[at] += reward
        failures[at] += 1.0 - reward

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return the probabilities of the arms at the next `pull`, by quadrature."""
        alpha, beta = self.posteriors()
        n = alpha + beta
        centres = np.arcsin(np.sqrt(alpha / n))  # theta = sin²(u): equal spreads for all means

        def log_density(u: Floats) -> Floats:
            # the density of u is proportional to sin(u)^(2 alpha - 1) cos(u)^(2 beta - 1)
            return np.outer(2 * alpha - 1, np.log(np.sin(u))) + np.outer(
                2 * beta - 1, np.log(np.cos(u))
            )

        return chances_of_being_largest(
            log_density, centres, 0.5 / np.sqrt(n), limits=(0.0, np.pi / 2)
        )
