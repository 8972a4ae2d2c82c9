"""UCB1: the arm with the largest upper confidence bound on its mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from coursekit.core.validation import Natural, Positive, Share
from coursekit.delivery.bandits.policy import ArmPolicy, Floats, NumberOfArms

__all__ = ["UCB1"]


class UCB1(ArmPolicy):
    r"""Pull the arm with the largest upper confidence bound (Hoeffding).

    Model: $\arg\max_a\; S_a/N_a + \sqrt{c \ln n / N_a}$ with $n = \sum_b N_b$; arms without
    rewards come first.

    Parameters
    ----------
    n_arms : int, 2 or more
    exploration : float, greater than 0
        $c$; 2 in the paper. Smaller values explore less and have no proof below 1/2.
    discount : float, in (0, 1]
        Weight of a reward after one more reward; below 1 this is discounted UCB (Garivier,
        Moulines 2011).
    seed : int, 0 or more
        Unused: nothing is left to chance.

    Notes
    -----
    Rewards must be in [0, 1]. The bound holds for every such distribution, so for small
    probabilities it is far too wide: on the test bed of lesson 10 the regret is nine times that of
    Thompson sampling. The propensity of the chosen arm is 1: a log of UCB1 says nothing about
    other policies.

    Examples
    --------
    >>> policy = UCB1(2)
    >>> policy.update_many([0, 0, 0, 1], [1.0, 1.0, 0.0, 0.0])
    >>> policy.bounds()
    array([1.628, 1.665])

    References
    ----------
    P. Auer, N. Cesa-Bianchi, P. Fischer (2002), "Finite-time analysis of the multiarmed bandit
    problem", doi:10.1023/A:1013689704352. A. Garivier, E. Moulines (2011), "On upper-confidence
    bound policies for switching bandit problems", arXiv:0805.3415.
    """

    _reward_range = (0.0, 1.0)

    def __init__(
        self,
        n_arms: NumberOfArms,
        exploration: Positive = 2.0,
        discount: Share = 1.0,
        seed: Natural = 0,
    ) -> None:
        super().__init__(n_arms, seed, discount)
        self.exploration = exploration

    def bounds(self) -> Floats:
        """Return the upper confidence bound of each arm, infinite without rewards."""
        sums, counts = self._memory
        level = self.exploration * np.log(counts.sum(axis=-1, keepdims=True).clip(1.0))
        least = counts.clip(1e-300)
        bounds: Floats = np.where(counts > 0, sums / least + np.sqrt(level / least), np.inf)
        return bounds

    def _select(self) -> Any:
        return self.bounds().argmax(axis=-1)

    def propensities(self, context: npt.ArrayLike | None = None) -> Floats:
        """Return 1 for the arm of the next `pull` and 0 for the others."""
        return self._certain(int(self._select()))
